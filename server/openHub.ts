/** Opens a world to relays, whatever way they come by: its people are here, their sockets are there. */
import { randomBytes } from 'node:crypto';
import type { Admin } from './admin/admin.ts';
import type { Config } from './config.ts';
import type { Guests } from './guests/guests.ts';
import { hostCrowd } from './hostCrowd.ts';
import { hostMetrics } from './hostMetrics.ts';
import { Proxies } from './http/addresses.ts';
import { Forwarding } from './http/forwarding.ts';
import { replyJson } from './http/replies.ts';
import { Status } from './http/status.ts';
import { Hub } from './links/hub.ts';
import { VisitLedger } from './links/hubPeople.ts';
import type { SharedWorld } from './links/sharedWorld.ts';
import type { HubTransport } from './links/transport.ts';
import type { Log } from './log/log.ts';
import { readVersion } from './metrics/version.ts';
import { PLAYERS_TICK_MS } from './rooms/players.ts';
import { SEAT_KEY_BYTES } from './rooms/signedSeats.ts';
import { SEAT_SECONDS } from './rooms/worldRoom.ts';
import type { Sessions } from './sessions/sessions.ts';
import { Tally } from './tally.ts';
import type { WorldLink } from './world/messages.ts';

export interface HubKeepers {
  readonly guests: Guests;
  /** Answers `/admin/api`; null: there are no such routes. */
  readonly admin: Admin | null;
  readonly sessions: Sessions | null;
  /** The process has been asked to stop. */
  readonly isStopping: () => boolean;
  readonly log: Log & { readonly dropped?: number };
}

export interface OpenHub {
  readonly hub: Hub;
  /** Tells the relays that the world has stopped, and ends the ways to them. */
  close(): Promise<void>;
}

export function openHub(
  shared: SharedWorld,
  config: Config,
  transport: HubTransport,
  { guests, admin, sessions, isStopping, log }: HubKeepers,
): OpenHub {
  const world = shared.view();
  const tally = new Tally();
  const version = readVersion(world.ready.engine);
  const status = new Status({ world, players: () => crowd.players.count, isStopping, version });
  const onStats: WorldLink['onStats'] = (stats) => status.heard(stats);
  const { crowd, close } = hostCrowd(world, config, { guests, admin, sessions, tally, log, onStats });
  world.onFrame = () => status.heard();
  const metrics = hostMetrics({
    ...{ world, config, crowd, guests, admin, tally, version, log },
    proxies: new Proxies(config.trustProxy, (line) => log.warn(line)),
    isAlive: () => status.isAlive,
    connections: () => hub.connections,
  });
  const forwarding = new Forwarding(async (request, response, url, caller) => {
    if (url.pathname === '/metrics') await metrics.reply(response);
    else if (admin !== null) await admin.handle(request, response, url, caller);
    else replyJson(response, 404, { error: 'this server has no admin' });
  });
  const hub: Hub = new Hub({
    world: shared,
    transport,
    crowd,
    visits: new VisitLedger({
      perAddress: config.perAddress,
      maxVisits: config.maxPlayers,
      seatMs: SEAT_SECONDS * 1_000,
    }),
    size: world,
    comes: (address) => guests.comes(address),
    // The second of the start: larger than that of every owner before, as long as the clock does not run back.
    term: Math.floor(Date.now() / 1_000),
    framesPerSecond: config.framesPerSecond,
    maxPlayers: config.maxPlayers,
    seatKey: randomBytes(SEAT_KEY_BYTES),
    admit: (token, address) => guests.admit(token, address),
    forward: (request) => forwarding.answer(request),
    isStopping,
    count(counts, answered) {
      tally.add(counts);
      for (const one of answered) metrics.answered(one);
    },
    log: (line) => log.warn(line),
  });
  const players = setInterval(() => crowd.players.tick(), PLAYERS_TICK_MS);
  return {
    hub,
    async close() {
      clearInterval(players);
      metrics.dispose();
      await hub.close('the world has stopped');
      close();
    },
  };
}
