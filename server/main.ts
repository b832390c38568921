/** Wiring only: config → world → server. */
import { Admin } from './admin/admin.ts';
import { ConfigError, helpText, readConfig, wantsHelp } from './config.ts';
import { startWorld } from './links/threadLink.ts';
import { createServer } from './server.ts';
import { Sessions } from './sessions/sessions.ts';
import { makeProber } from './swaps/prober.ts';
import { startTuner } from './tuner/tuner.ts';

/** For saving the world and closing sockets, once a signal has come. */
const STOP_MS = 10_000;

const fail = (error: Error): never => {
  // What an operator can mend is said in a line; a bug shows where it is.
  const isBug = error instanceof TypeError || error instanceof ReferenceError;
  console.error(
    error instanceof ConfigError ? error.message : `regrow: ${isBug ? error.stack : error.message}`,
  );
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
  const sessions = await Sessions.open({
    world,
    dataDir: config.dataDir,
    emptyMs: config.sessionEndSeconds * 1_000,
    log: (message) => console.error(message),
  });
  const admin = new Admin(world, config, makeProber(config), sessions);
  const tuner = startTuner(config, world.ready.engine, admin.desk, sessions);
  admin.tuner = tuner;
  const server = await createServer(world, config, { admin, sessions });

  let stopping = false;
  const stop = async (exitCode: number): Promise<void> => {
    if (stopping) fail(new Error('stopped at once; the last save is kept'));
    stopping = true;
    setTimeout(() => fail(new Error(`not stopped within ${STOP_MS / 1_000} s`)), STOP_MS).unref();
    // The world first: it is what must not be lost.
    await world.stop();
    console.log('world saved');
    await tuner.stop();
    // What its players did is queued all the same: it is tuned after the next start.
    await sessions.close();
    await server.close();
    process.exit(exitCode);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(0).catch(fail));
  // A bug on this side of the link is no reason to lose a minute of the world.
  process.on('uncaughtException', (error) => {
    console.error(error);
    stop(1).catch(fail);
  });

  // Last: whoever reads the URL may also send a signal, and must find it handled.
  console.log(`Regrow is at ${server.url}`);
  console.log(`engine: ${world.ready.engine} (${world.ready.reason})`);
  for (const note of [...world.ready.notes, ...admin.notes]) console.log(note);
} catch (error) {
  fail(error as Error);
}
