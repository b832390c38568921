/** What is started, in order, and how it stops. */
import { Admin } from './admin/admin.ts';
import { prepareAdmins } from './admin/firstAdmin.ts';
import { ConfigError, helpText, readConfig, wantsHelp } from './config.ts';
import { openGuests } from './guests/openGuests.ts';
import { SharedWorld } from './links/sharedWorld.ts';
import { startWorld } from './links/threadLink.ts';
import { faultsOf, limitsNote, readMachine } from './machine.ts';
import { checkRegistry } from './rules/registry.ts';
import { serveRelays } from './serveRelays.ts';
import { serveWorld } from './serveWorld.ts';
import { Sessions } from './sessions/sessions.ts';
import { Stopping } from './stopping.ts';
import { lockFolder } from './storage/lock.ts';
import { makeProber } from './swaps/prober.ts';
import { startTuner } from './tuner/tuner.ts';

/** A save tells each page. This is the longest that a slow disk may take to sync all of them. */
const MAX_SAVE_MS = 120_000;
/** For each other part of a stop. */
const MAX_STOP_MS = 10_000;

const argv = process.argv.slice(2);
if (wantsHelp(argv)) {
  console.log(helpText());
  process.exit(0);
}

// Whoever read the log may have gone, or its disk may be full: neither stops a server, or keeps it from stopping.
for (const out of [process.stdout, process.stderr]) out.on('error', () => {});
const stopping = new Stopping(process, (line) => console.error(line));
try {
  const config = readConfig(argv, process.env);
  const machine = readMachine();
  const machineFaults = faultsOf(machine);
  if (machineFaults.length > 0) throw new ConfigError(machineFaults);
  const lock = lockFolder(config.dataDir, 'the server');
  process.once('exit', () => lock.release());
  const registryNotes = checkRegistry(config.dataDir);
  const guests = openGuests(config, (line) => console.error(line));
  const thread = await startWorld(config);
  const shared = config.relays > 0 ? new SharedWorld(thread) : null;
  const world = shared?.view() ?? thread;
  // The world stops first, because it must not be lost.
  stopping.add({
    what: 'saving the world',
    ifCutShort:
      'the next start makes the world of its last save and the journal, which has all that was acknowledged',
    patienceMs: MAX_SAVE_MS,
    async stop(progress) {
      await world.stop(progress);
      console.log('world saved');
    },
  });
  thread.onDeath = (error) => {
    console.error('the world has died:', error.stack);
    void stopping.stop(1);
  };
  const sessions = await Sessions.open({
    world,
    dataDir: config.dataDir,
    emptyMs: config.sessionEndSeconds * 1_000,
    log: (message) => console.error(message),
  });
  const isSeen = process.stdout.isTTY || process.stderr.isTTY;
  const first = prepareAdmins({
    dataDir: config.dataDir,
    hasTokenOfSettings: config.adminToken !== '',
    isSeen,
  });
  const admin = new Admin(world, config, makeProber(config), sessions, first.carried, guests);
  const tuner = startTuner(config, world.ready.engine, admin.desk, sessions);
  admin.tuner = tuner;
  const log = (line: string): void => console.error(line);
  const isStopping = (): boolean => stopping.isUnderWay;
  const server =
    shared === null
      ? await serveWorld(world, config, { admin, sessions, isStopping })
      : await serveRelays(shared, config, { guests, admin, sessions, isStopping, argv, log });

  stopping.add({
    what: 'stopping the tuner',
    ifCutShort: 'a tuning job goes on from its last checkpoint',
    patienceMs: MAX_STOP_MS,
    stop: () => tuner.stop(),
  });
  // The session's record is still queued: it is tuned on after the next start.
  stopping.add({
    what: 'writing the session',
    ifCutShort: 'the next start makes the record of the session from its journal',
    patienceMs: MAX_STOP_MS,
    stop: () => sessions.close(),
  });
  stopping.add({
    what: 'disconnecting players',
    ifCutShort: 'players see a broken connection',
    patienceMs: MAX_STOP_MS,
    stop: () => server.close(),
  });
  stopping.add({
    what: 'writing the guests',
    ifCutShort: 'the names and the energy of the last seconds are forgotten',
    patienceMs: MAX_STOP_MS,
    stop: async () => guests.close(),
  });

  // Printed last: a program that reads the URL may send a signal at once, and it must be handled.
  console.log(`Regrow is at ${server.url}`);
  console.log(`engine: ${world.ready.engine} (${world.ready.reason})`);
  const limits = limitsNote(machine, config);
  if (limits !== '') console.log(limits);
  for (const note of [...registryNotes, ...world.ready.notes, ...first.notes]) console.log(note);
  // Never into a log: whoever reads one would be an admin.
  if (first.secret !== null)
    (process.stdout.isTTY ? process.stdout : process.stderr).write(`${first.secret}\n`);
} catch (error) {
  console.error(reasonOf(error as Error));
  void stopping.stop(1);
}

/** An operator's mistake is printed in one line; a bug with its stack. */
function reasonOf(error: Error): string {
  if (error instanceof ConfigError) return error.message;
  const isBug = error instanceof TypeError || error instanceof ReferenceError;
  return `regrow: ${isBug ? error.stack : error.message}`;
}
