/** Who hears what of a world and its people: news go to the crowd, guests and their strokes to the session. */
import type { Admin } from './admin/admin.ts';
import type { Config } from './config.ts';
import type { Guests } from './guests/guests.ts';
import type { Log } from './log/log.ts';
import { Crowd } from './rooms/crowd.ts';
import { wiltLine } from './rooms/wiltNotice.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { Tally } from './tally.ts';
import type { WorldLink } from './world/messages.ts';

/** The world is told this often who is here; it reckons in hours. */
const PRESENCE_MS = 10_000;

export interface CrowdKeepers {
  readonly guests: Guests;
  readonly admin: Admin | null;
  /** Gets every guest who joins or leaves, and every stroke. */
  readonly sessions: Sessions | null;
  readonly tally: Tally;
  readonly log: Log;
  readonly onStats: WorldLink['onStats'];
}

export interface HostedCrowd {
  readonly crowd: Crowd;
  /** Nobody hears of the world any more. */
  close(): void;
}

export function hostCrowd(
  world: WorldLink,
  config: Config,
  { guests, admin, sessions, tally, log, onStats }: CrowdKeepers,
): HostedCrowd {
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
    report: async (message, by) => (await admin?.report(message, by)) ?? 'This world has no moderators.',
    learned: async () => (await admin?.learned.message()) ?? null,
  });
  guests.planters = async () => new Set(await world.ask({ kind: 'planters' }));
  world.onStats = (stats) => {
    onStats(stats);
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
  return {
    crowd,
    close() {
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
