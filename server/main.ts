/** What is started, in order, and how it stops. */
import { format } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Admin } from './admin/admin.ts';
import { prepareAdmins } from './admin/firstAdmin.ts';
import { type Config, ConfigError, helpText, readConfig, wantsHelp } from './config.ts';
import { openGuests } from './guests/openGuests.ts';
import { folderFault } from './links/folder.ts';
import type { Broker } from './links/nats.ts';
import { SharedWorld } from './links/sharedWorld.ts';
import { startWorld } from './links/threadLink.ts';
import { sayWell } from './links/watch.ts';
import { READY } from './links/worldProcesses.ts';
import { ProcessLog } from './log/log.ts';
import { faultsOf, limitsNote, readMachine } from './machine.ts';
import { startNursery } from './nursery/desk/nursery.ts';
import { checkRegistry } from './rules/registry.ts';
import { type Host, openHost } from './serve/openHost.ts';
import { type Opened, serveFolder } from './serve/serveFolder.ts';
import { serveRelays } from './serve/serveRelays.ts';
import type { Server } from './serve/server.ts';
import { serveHere } from './serve/serveWorld.ts';
import { Sessions } from './sessions/sessions.ts';
import { Stopping } from './stopping.ts';
import { lockFolder } from './storage/lock.ts';
import { makeProber } from './swaps/prober.ts';
import { startTuner } from './tuner/tuner.ts';

/** A save tells each page. This is the longest that a slow disk may take to sync all of them. */
const MAX_SAVE_MS = 120_000;
/** A world's process ends by itself within this: its save, and seven other parts. */
const MAX_WORLDS_MS = 200_000;
/** For each other part of a stop. */
const MAX_STOP_MS = 10_000;

const argv = process.argv.slice(2);
if (wantsHelp(argv)) {
  console.log(helpText());
  process.exit(0);
}

const config = settings();
const log = new ProcessLog({
  level: config.logLevel,
  format: config.log,
  out: process.stdout,
  err: process.stderr,
  // One of several, whose lines stand together.
  ...(config.meet !== '' && config.role === 'world' && { world: config.world }),
  secrets: [config.adminToken, config.nats, config.store, config.s3Secret],
});
// Packages write to the console, and Node its warnings: all of it is the log's.
for (const level of ['debug', 'info', 'warn', 'error'] as const)
  console[level] = (...what: unknown[]) => log[level](format(...what));
console.log = console.info;
process.removeAllListeners('warning');
process.on('warning', ({ message }) => log.warn(message));

const machine = readMachine();
const stopping = new Stopping(process, (line) => log.warn(line));
try {
  const machineFaults = faultsOf(machine);
  if (machineFaults.length > 0) throw new ConfigError(machineFaults);
  if (config.role === 'relay') await relay();
  else if (config.role === 'worker') await work();
  else if (config.worlds.length > 0) await several();
  else await own();
} catch (error) {
  fail(error as Error);
  void stopping.stop(1);
}

/** Serves the clients of worlds that other processes own. */
async function relay(): Promise<void> {
  const { serveFar } = await import('./serve/serveFar.ts');
  const relay = await serveFar(config, log, { isStopping: () => stopping.isUnderWay });
  stopping.add({
    what: 'disconnecting players',
    ifCutShort: 'players see a broken connection',
    patienceMs: MAX_STOP_MS,
    stop: () => relay.stop(),
  });
  relay.onDeath = (error) => {
    log.error('the relay cannot go on', { error });
    void stopping.stop(1);
  };
  log.info(`Regrow is at ${relay.url}, a relay of ${config.relayOf.join(', ').replace('*', 'all worlds')}`);
}

/** Starts several worlds, each in a process of its own, and what serves their clients. */
async function several(): Promise<void> {
  const { ServedWorlds, unservedNotes } = await import('./serve/serveWorlds.ts');
  // Each world locks its own folder; a second server would start those that have ended, again and again.
  const lock = lockFolder(config.dataDir, 'the server');
  for (const note of unservedNotes(config)) log.warn(note);
  const worlds = new ServedWorlds({ config, argv, entry: new URL(import.meta.url), machine, log });
  process.once('exit', () => {
    worlds.kill();
    lock.release();
  });
  stopping.add({
    what: 'saving the worlds',
    ifCutShort: 'each world is made of its last save and its journal at the next start',
    patienceMs: MAX_WORLDS_MS,
    stop: (progress) => worlds.stop(progress),
  });
  const url = await worlds.start().catch((error: Error) => {
    // Its worlds have ended because they were told to.
    if (stopping.isUnderWay) return null;
    throw error;
  });
  if (url === null) return;
  log.info(`worlds: ${config.worlds.join(', ')}`);
  // Last, as in `own`.
  log.info(`Regrow is at ${url}`);
}

/** Tunes and learns for the worlds of the store. */
async function work(): Promise<void> {
  const { startWorker } = await import('./workers/jobs.ts');
  const worker = await startWorker(config, (line) => log.info(line));
  stopping.add({
    what: 'giving back the job',
    ifCutShort: 'another worker goes on from its last checkpoint',
    patienceMs: MAX_STOP_MS,
    stop: () => worker.stop(),
  });
  log.info('waiting for jobs');
}

/** Owns a world. */
async function own(): Promise<void> {
  // A world of several does not outlive the process that has started it.
  if (config.meet !== '') process.once('disconnect', () => void stopping.stop(0));
  // It listens when the world is there, perhaps minutes later.
  const fault = config.meet === '' ? null : folderFault(config.meet, config.world);
  if (fault !== null) throw new ConfigError([fault]);
  const lock = lockFolder(config.dataDir, 'the server');
  process.once('exit', () => lock.release());
  // With a store, spares of the world may be elsewhere: whom relays cannot reach must not own it.
  const broker =
    config.nats === '' ? null : (await import('./serve/serveNats.ts')).connectBroker(config, log);
  // Told where it is waited for.
  broker?.catch(() => {});
  const store = config.store === '' ? null : await takeOwnership(await broker);
  const registryNotes = checkRegistry(config.dataDir);
  const guests = openGuests(config, (line) => log.warn(line));
  const thread = await startWorld(config, log, store?.owner);
  const hasHub = config.relays > 0 || config.nats !== '' || config.meet !== '';
  const shared = hasHub ? new SharedWorld(thread) : null;
  const world = shared?.view() ?? thread;
  // The world stops first, because it must not be lost.
  stopping.add({
    what: 'saving the world',
    ifCutShort:
      'the next start makes the world of its last save and the journal, which has all that was acknowledged',
    patienceMs: MAX_SAVE_MS,
    async stop(progress) {
      await world.stop(progress);
      log.info('world saved');
    },
  });
  thread.onDeath = (error) => {
    log.error('the world has died', { error });
    // A spare need not wait for what players would be told.
    if (store !== null) process.exit(1);
    void stopping.stop(1);
  };
  const sessions = await Sessions.open({
    world,
    dataDir: config.dataDir,
    emptyMs: config.sessionEndSeconds * 1_000,
    log: (message) => log.info(message),
  });
  const isSeen = process.stdout.isTTY || process.stderr.isTTY;
  const first = prepareAdmins({
    dataDir: config.dataDir,
    hasTokenOfSettings: config.adminToken !== '',
    isSeen,
    page: config.meet === '' ? '/admin' : `/w/${config.world}/admin`,
    // Without the URL: it has a password. The data directory of a world in a store has a copy only.
    where: config.store === '' ? undefined : `--store … --blobs ${config.blobs} --world ${config.world}`,
  });
  // From here on, players and admins change the registry.
  await store?.follow();
  const admin = new Admin(world, config, makeProber(config), sessions, first.carried, guests, log);
  const hasFarJobs = config.tunerAt === 'workers' || config.nurseryAt === 'workers';
  const farJobs = hasFarJobs
    ? await (await import('./workers/jobs.ts')).openFarJobs(config, (line) => log.warn(line))
    : null;
  const tuner = startTuner(config, world.ready.engine, admin.desk, sessions, {
    log: (text) => log.info(text),
    spawn: config.tunerAt === 'workers' ? farJobs?.spawn('tuning') : undefined,
    isFar: config.tunerAt === 'workers',
  });
  admin.tuner = tuner;
  const nursery = startNursery(config, admin, world, (text) => log.info(text), {
    spawn: config.nurseryAt === 'workers' ? farJobs?.spawn('nursery') : undefined,
  });
  // Two trainings at once are too much for a small machine, and somebody waits for the nursery's.
  if (!hasFarJobs && machine.processors <= config.nurseryThreads + config.tunerThreads)
    nursery.onBusy = (isBusy) => tuner.makeRoom(isBusy);
  admin.nursery = nursery;
  nursery.begin();
  const isStopping = (): boolean => stopping.isUnderWay;
  const host = openHost(world, config, {
    guests,
    admin,
    sessions,
    nursery,
    term: store?.owner.term,
    isStopping,
    log,
  });
  const server = await serveClients(host, shared);
  const far = shared === null ? null : await openFar(host, shared, broker);

  stopping.add({
    what: 'stopping the tuner',
    ifCutShort: 'a tuning job goes on from its last checkpoint',
    patienceMs: MAX_STOP_MS,
    stop: () => tuner.stop(),
  });
  stopping.add({
    what: 'stopping the nursery',
    ifCutShort: 'a drawing is learned on from its last checkpoint',
    patienceMs: MAX_STOP_MS,
    async stop() {
      await nursery.stop();
      await farJobs?.close();
    },
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
    async stop() {
      await far?.close('the world has stopped');
      host.close();
      await server?.close();
    },
  });
  stopping.add({
    what: 'writing the guests',
    ifCutShort: 'the names and the energy of the last seconds are forgotten',
    patienceMs: MAX_STOP_MS,
    stop: async () => guests.close(),
  });
  if (store !== null)
    stopping.add({
      what: 'giving the world back to the store',
      ifCutShort: `a spare waits for ${config.leaseSeconds} s before it takes over`,
      patienceMs: MAX_STOP_MS,
      stop: () => store.release(),
    });

  log.info(`engine: ${world.ready.engine} (${world.ready.reason})`);
  const limits = limitsNote(machine, config);
  if (limits !== '') log.info(limits);
  for (const note of [...(store?.notes ?? []), ...registryNotes, ...world.ready.notes, ...first.notes])
    log.info(note);
  // Never into a log: whoever reads one would be an admin.
  if (first.secret !== null)
    (process.stdout.isTTY ? process.stdout : process.stderr).write(`${first.secret}\n`);
  // Printed last: a program that reads the URL may send a signal at once, and it must be handled.
  // Whoever has read it has read all that the start had to say.
  if (server === null) log.info(`open to relays in ${config.meet}`);
  else log.info(`Regrow is at ${server.url}`);
  if (config.meet !== '') tellParent(host);
}

/** The process that has started this one waits for it, and starts it again where it hangs. */
function tellParent({ status }: Host): void {
  if (process.connected) process.send?.(READY);
  sayWell(() => !status.isDead);
}

/** @returns null: clients come to relays that meet the world in a folder, and it needs no port */
async function serveClients(host: Host, shared: SharedWorld | null): Promise<Server | null> {
  if (config.meet !== '') return null;
  const isForRelays = config.role === 'world';
  if (shared === null || config.relays === 0 || isForRelays) return serveHere(host, { isForRelays });
  return serveRelays(host, shared, argv);
}

/** Opens the world to relays that are not started here; null: there are none. */
async function openFar(
  host: Host,
  shared: SharedWorld,
  broker: Promise<Broker> | null,
): Promise<Opened | null> {
  if (config.meet !== '') return serveFolder(host, shared);
  if (broker === null) return null;
  const { serveNats } = await import('./serve/serveNats.ts');
  return serveNats(host, shared, await broker);
}

/** Waits until this process owns the world of the store. Nothing of it is loaded without one. */
async function takeOwnership(broker: Broker | null) {
  const { Ownership } = await import('./store/ownership.ts');
  const { weightsDir, dataDir } = config;
  const warmUp = config.spare
    ? new Worker(new URL('./world/warmUp.ts', import.meta.url), { workerData: { weightsDir, dataDir } })
    : null;
  // What it could not do, the start does, and says why.
  warmUp?.on('error', () => {});
  const store = await Ownership.take(config, {
    dataDir: config.dataDir,
    framesPerSecond: config.framesPerSecond,
    log: (line) => log.info(`store: ${line}`),
    // Another owner may serve the same world already: nothing is finished first.
    onLost(reason) {
      log.error(`regrow: ${reason}`);
      process.exit(1);
    },
    broker: broker && {
      view: broker,
      onSurrender(reason) {
        log.error(`regrow: ${reason}`);
        void stopping.stop(1);
      },
    },
  });
  await warmUp?.terminate();
  return store;
}

/** An operator's mistake is printed in one line; a bug with its stack. */
function fail(error: Error): void {
  const isBug = error instanceof TypeError || error instanceof ReferenceError;
  const isSetting = error instanceof ConfigError;
  log.error(isSetting ? error.message : `regrow: ${error.message}`, isBug ? { error } : {});
}

/** The settings say how to log; what is wrong with them is printed plainly. */
function settings(): Config {
  try {
    return readConfig(argv, process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
