/** What is started, in order, and how it stops. */
import { Admin } from './admin/admin.ts';
import { ConfigError, helpText, readConfig, wantsHelp } from './config.ts';
import { startWorld } from './links/threadLink.ts';
import { serveWorld } from './serveWorld.ts';
import { Sessions } from './sessions/sessions.ts';
import { makeProber } from './swaps/prober.ts';
import { startTuner } from './tuner/tuner.ts';

/** How long saving the world and closing sockets may take after a signal. */
const MAX_STOP_MS = 10_000;

const fail = (error: Error): never => {
  // An operator's mistake is printed in one line; a bug with its stack.
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
  const server = await serveWorld(world, config, { admin, sessions });

  let stopping = false;
  const stop = async (exitCode: number): Promise<void> => {
    if (stopping) fail(new Error('stopped at once; the last save is kept'));
    stopping = true;
    setTimeout(() => fail(new Error(`not stopped within ${MAX_STOP_MS / 1_000} s`)), MAX_STOP_MS).unref();
    // The world first, because it must not be lost.
    await world.stop();
    console.log('world saved');
    await tuner.stop();
    // The session's record is still queued: it is tuned on after the next start.
    await sessions.close();
    await server.close();
    process.exit(exitCode);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(0).catch(fail));
  // A bug on the main thread must not lose the world's last minute.
  process.on('uncaughtException', (error) => {
    console.error(error);
    stop(1).catch(fail);
  });

  // Printed last: a program that reads the URL may send a signal at once, and it must be handled.
  console.log(`Regrow is at ${server.url}`);
  console.log(`engine: ${world.ready.engine} (${world.ready.reason})`);
  for (const note of [...world.ready.notes, ...admin.notes]) console.log(note);
} catch (error) {
  fail(error as Error);
}
