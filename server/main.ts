/** Wiring only: config → world → server. */
import { ConfigError, helpText, readConfig, wantsHelp } from './config.ts';
import { createServer } from './http/server.ts';
import { startWorld } from './world/link.ts';

/** For saving the world and closing sockets, once a signal has come. */
const STOP_MS = 10_000;

const fail = (error: Error): never => {
  // A bad setting is the operator's, and its lines say all; so do a start's other refusals.
  console.error(error instanceof ConfigError ? error.message : `regrow: ${error.message}`);
  process.exit(1);
};

const argv = process.argv.slice(2);
if (wantsHelp(argv)) {
  console.log(helpText());
  process.exit(0);
}

try {
  const config = readConfig(argv, process.env);
  const world = await startWorld(config);
  world.onDeath = (error) => {
    console.error(error.stack);
    fail(new Error('the world has died; its last save is kept'));
  };
  const server = await createServer(world, config);

  console.log(`Regrow is at ${server.url}`);
  console.log(`engine: ${world.ready.engine} (${world.ready.reason})`);
  for (const note of world.ready.notes) console.log(note);

  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) fail(new Error('stopped at once; the last save is kept'));
    stopping = true;
    setTimeout(() => fail(new Error(`not stopped within ${STOP_MS / 1_000} s`)), STOP_MS).unref();
    // The world first: it is what must not be lost.
    await world.stop();
    await server.close();
    console.log('world saved');
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      stop().catch(fail);
    });
} catch (error) {
  fail(error as Error);
}
