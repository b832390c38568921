/**
 * Opens a world to clients, and says who hears what: the world's frames and news go to the room, guests and their
 * strokes to the session, the operator's notices to the guests.
 */
import { join } from 'node:path';
import { AddressRanges } from './addressRanges.ts';
import type { Admin } from './admin/admin.ts';
import type { Config } from './config.ts';
import type { Guests } from './guests/guests.ts';
import { guestsInMemory } from './guests/openGuests.ts';
import { Addresses, Proxies } from './http/addresses.ts';
import { Api } from './http/api.ts';
import { Assets } from './http/assets.ts';
import { Hosts } from './http/hosts.ts';
import { descriptorLimit, maxSocketsFor } from './http/sockets.ts';
import { Status } from './http/status.ts';
import { type Log, plainLog } from './log/log.ts';
import { readMachine } from './machine.ts';
import { Metrics } from './metrics/metrics.ts';
import { readVersion } from './metrics/version.ts';
import { wiltLine } from './rooms/wiltNotice.ts';
import { openRoom, SEAT_SECONDS } from './rooms/worldRoom.ts';
import { createServer, type Server } from './server.ts';
import type { Sessions } from './sessions/sessions.ts';
import { Tally } from './tally.ts';
import type { WorldLink } from './world/messages.ts';

const BUILT_CLIENT = join(import.meta.dirname, '../build/client');
/** The world is told this often who is here; it reckons in hours. */
const PRESENCE_MS = 10_000;
const HEAD_MS = 8_000;

export interface ServeOptions {
  /** Default: those of the admin, else guests who are forgotten with the process. */
  readonly guests?: Guests;
  /** The operator's routes and the swaps of rules; without it, there are none. */
  readonly admin?: Admin | null;
  /** Gets every guest who joins or leaves, and every stroke. */
  readonly sessions?: Sessions | null;
  /** Folder of the built client. */
  readonly pages?: string;
  /** @see ServerOptions.headMs */
  readonly headMs?: number;
  /** @see ServerOptions.maxSockets */
  readonly maxSockets?: number;
  /** The server has been asked to stop. Default: never. */
  readonly isStopping?: () => boolean;
  /** Default: standard error. */
  readonly log?: Log & { readonly dropped?: number };
}

export async function serveWorld(
  world: WorldLink,
  config: Config,
  {
    admin = null,
    guests = admin?.guests ?? guestsInMemory(config),
    sessions = null,
    pages = BUILT_CLIENT,
    headMs = HEAD_MS,
    maxSockets = maxSocketsFor(config.maxPlayers, descriptorLimit()),
    isStopping = () => false,
    log = plainLog,
  }: ServeOptions = {},
): Promise<Server> {
  const { host, port, perAddress, trustProxy } = config;
  const proxies = new Proxies(trustProxy, (line) => log.warn(line));
  const addresses = new Addresses({ perAddress, proxies, seatMs: SEAT_SECONDS * 1_000 });
  const tally = new Tally();
  const room = await openRoom({
    ...config,
    world,
    tally,
    log,
    attendance: {
      join: (visit, address) => sessions?.join(visit, address),
      leave: (visit) => sessions?.leave(visit),
      stroke: (isApplied) => sessions?.stroke(isApplied),
    },
    guests,
    addressOf: (sessionId) => addresses.ofVisit(sessionId),
    report: async (message, by) => (await admin?.report(message, by)) ?? 'This world has no moderators.',
    learned: async () => (await admin?.learned.message()) ?? null,
  });
  guests.planters = async () => new Set(await world.ask({ kind: 'planters' }));
  const version = readVersion(world.ready.engine);
  const status = new Status({ world, players: () => room.players, isStopping, version });
  world.onFrame = (frame) => {
    status.heard();
    room.publish(frame);
  };
  world.onStats = (stats) => {
    status.heard(stats);
    guests.energy.scale = stats.load?.energyScale ?? 1;
    const { trouble } = world;
    room.publishStats({ ...stats, players: room.players, ...(trouble !== null && { trouble }) });
  };
  let isInTrouble = false;
  world.onTrouble = (trouble) => {
    // Only the beginning and the end of disk trouble are logged; a new reason is only shown.
    if (isInTrouble === (trouble !== null)) return;
    isInTrouble = trouble !== null;
    if (isInTrouble)
      log.error(`the world in ${config.dataDir} cannot be saved, and refuses strokes: ${trouble}`);
    else log.warn(`the world in ${config.dataDir} can be saved, and takes strokes again`);
  };
  world.onTrouble(world.trouble);
  world.onSpecies = (species) => room.publishSpecies(species);
  world.onSeeds = (seeds) => room.hearSeeds(seeds);
  const presence = setInterval(() => {
    const { ids } = guests;
    if (ids.length > 0) world.present(ids);
  }, PRESENCE_MS);
  world.onWilted = (bodies) => {
    for (const body of bodies) log.info(wiltLine(body));
    room.tellWilted(bodies);
  };
  admin?.attend({
    announce: (text) => room.announce(text),
    get visits() {
      return room.visits;
    },
    kick: (isMeant, reason) => room.kick(isMeant, reason),
    tell: (isMeant, text) => room.tell(isMeant, text),
  });
  const metrics = new Metrics(
    {
      world,
      isAlive: () => status.isAlive,
      maxPages: config.maxPages,
      version,
      dataDir: config.dataDir,
      memoryBytes: readMachine().memoryBytes,
      maxDescriptors: descriptorLimit(),
      logLinesDropped: () => log.dropped ?? 0,
      tally,
      visits: () => ({ players: room.players, hidden: room.hidden }),
      connections: () => server.connections,
      guests: () => guests.size,
      sanctions: () => guests.sanctions.all,
      tuner: () => admin?.tuner?.view ?? null,
    },
    { readers: new AddressRanges(config.metricsFrom), proxies },
  );
  const server: Server = await createServer({
    host,
    port,
    room,
    api: new Api(world, config.framesPerSecond),
    status,
    metrics,
    tally,
    log,
    proxies,
    addresses,
    guests,
    hosts: new Hosts({ publicUrl: config.publicUrl, proxies }),
    admin,
    assets: new Assets(pages),
    headMs,
    maxSockets,
  });
  return {
    url: server.url,
    get connections() {
      return server.connections;
    },
    close: () => {
      metrics.dispose();
      world.onFrame = () => {};
      world.onStats = () => {};
      world.onSpecies = () => {};
      world.onWilted = () => {};
      world.onSeeds = () => {};
      clearInterval(presence);
      world.onTrouble = () => {};
      admin?.dispose();
      return server.close();
    },
  };
}
