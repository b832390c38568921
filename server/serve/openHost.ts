/**
 * What a world's own process does for its people, wherever their sockets are: who hears what, what is counted, and how
 * the server is.
 */
import { AddressRanges } from '../addressRanges.ts';
import type { Admin } from '../admin/admin.ts';
import type { Config } from '../config.ts';
import type { Guests } from '../guests/guests.ts';
import { guestsInMemory } from '../guests/openGuests.ts';
import { Proxies } from '../http/addresses.ts';
import { descriptorLimit } from '../http/sockets.ts';
import { Status } from '../http/status.ts';
import { VisitLedger } from '../links/hubPeople.ts';
import { type Log, plainLog } from '../log/log.ts';
import { readMachine } from '../machine.ts';
import { Metrics } from '../metrics/metrics.ts';
import { readVersion } from '../metrics/version.ts';
import type { Nursery } from '../nursery/desk/nursery.ts';
import { NurseryPages } from '../nursery/desk/nurseryPages.ts';
import { Crowd } from '../rooms/crowd.ts';
import { wiltLine } from '../rooms/wiltNotice.ts';
import { SEAT_SECONDS } from '../rooms/worldRoom.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { Tally } from '../tally.ts';
import type { WorldLink } from '../world/messages.ts';

/** The world is told this often who is here; it reckons in hours. */
const PRESENCE_MS = 10_000;

export interface HostOptions {
  /** Default: those of the admin, else guests who are forgotten with the process. */
  readonly guests?: Guests;
  /** The operator's routes and the swaps of rules; without it, there are none. */
  readonly admin?: Admin | null;
  /** Gets every guest who joins or leaves, and every stroke. */
  readonly sessions?: Sessions | null;
  /** Where drawings are grown; without it, none are. */
  readonly nursery?: Nursery | null;
  /** Larger than that of every owner before. Default: the second of the start, if the clock does not run back. */
  readonly term?: number;
  /** The server has been asked to stop. Default: never. */
  readonly isStopping?: () => boolean;
  /** Default: standard error. */
  readonly log?: HostLog;
}

export type HostLog = Log & { readonly dropped?: number };

export interface Host {
  readonly world: WorldLink;
  readonly config: Config;
  readonly guests: Guests;
  readonly admin: Admin | null;
  /** Answers `/api/nursery`; null: drawings are not grown. */
  readonly nursery: NurseryPages | null;
  /** Which of the world's owners this is. */
  readonly term: number;
  readonly isStopping: () => boolean;
  readonly log: HostLog;
  readonly crowd: Crowd;
  readonly tally: Tally;
  readonly proxies: Proxies;
  readonly status: Status;
  readonly metrics: Metrics;
  /** Visits whose sockets are at relays. */
  readonly visits: VisitLedger;
  /** Each tells how many TCP connections clients have with one part of the server. */
  readonly connections: Set<() => number>;
  /** Nobody hears of the world any more. */
  close(): void;
}

export function openHost(
  world: WorldLink,
  config: Config,
  {
    admin = null,
    guests = admin?.guests ?? guestsInMemory(config),
    sessions = null,
    nursery = null,
    term = Math.floor(Date.now() / 1_000),
    isStopping = () => false,
    log = plainLog,
  }: HostOptions = {},
): Host {
  const tally = new Tally();
  const crowd = new Crowd({
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
    nursery,
    report: async (message, by) => (await admin?.report(message, by)) ?? 'This world has no moderators.',
    learned: async () => (await admin?.learned.message()) ?? null,
  });
  guests.planters = async () => new Set(await world.ask({ kind: 'planters' }));
  const version = readVersion(world.ready.engine);
  const status = new Status({ world, players: () => crowd.players.count, isStopping, version });
  world.onFrame = () => status.heard();
  world.onStats = (stats) => {
    status.heard(stats);
    guests.energy.scale = stats.load?.energyScale ?? 1;
    const { trouble } = world;
    crowd.publishStats({ ...stats, players: crowd.players.count, ...(trouble !== null && { trouble }) });
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
  world.onSpecies = (species) => crowd.publishSpecies(species);
  world.onSeeds = (seeds) => crowd.hearSeeds(seeds);
  const presence = setInterval(() => {
    const { ids } = guests;
    if (ids.length > 0) world.present(ids);
  }, PRESENCE_MS);
  world.onWilted = (bodies) => {
    for (const body of bodies) log.info(wiltLine(body));
    crowd.tellWilted(bodies);
  };
  admin?.attend({
    announce: (text) => crowd.announce(text),
    get visits() {
      return crowd.visits;
    },
    kick: (isMeant, reason) => crowd.kick(isMeant, reason),
    tell: (isMeant, text) => crowd.tell(isMeant, text),
  });
  if (nursery !== null)
    nursery.audience = {
      tell: (guest, text) => crowd.tell(({ id }) => id === guest, text),
      drawingsOf: (guest) => crowd.tellDrawings(guest),
    };
  const proxies = new Proxies(config.trustProxy, (line) => log.warn(line));
  const connections = new Set<() => number>();
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
      visits: () => ({ players: crowd.players.count, hidden: crowd.hidden }),
      connections: () => [...connections].reduce((sum, count) => sum + count(), 0),
      guests: () => guests.size,
      sanctions: () => guests.sanctions.all,
      tuner: () => admin?.tuner?.view ?? null,
    },
    { readers: new AddressRanges(config.metricsFrom), proxies },
  );
  const visits = new VisitLedger({
    perAddress: config.perAddress,
    maxVisits: config.maxPlayers,
    seatMs: SEAT_SECONDS * 1_000,
  });
  return {
    visits,
    ...{
      world,
      config,
      guests,
      admin,
      term,
      isStopping,
      log,
      crowd,
      tally,
      proxies,
      status,
      metrics,
      connections,
    },
    nursery: nursery && new NurseryPages(nursery),
    close() {
      metrics.dispose();
      world.onFrame = () => {};
      world.onStats = () => {};
      world.onSpecies = () => {};
      world.onWilted = () => {};
      world.onSeeds = () => {};
      world.onTrouble = () => {};
      clearInterval(presence);
      admin?.dispose();
      crowd.dispose();
    },
  };
}
