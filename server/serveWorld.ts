/** Opens a world to clients whose sockets are in this process. */
import { join } from 'node:path';
import type { Admin } from './admin/admin.ts';
import type { Config } from './config.ts';
import type { Guests } from './guests/guests.ts';
import { guestsInMemory } from './guests/openGuests.ts';
import { hostCrowd } from './hostCrowd.ts';
import { hostMetrics } from './hostMetrics.ts';
import { Addresses, Proxies } from './http/addresses.ts';
import { Api } from './http/api.ts';
import { Assets } from './http/assets.ts';
import { Hosts } from './http/hosts.ts';
import { descriptorLimit, maxSocketsFor } from './http/sockets.ts';
import { Status } from './http/status.ts';
import { type Log, plainLog } from './log/log.ts';
import { readVersion } from './metrics/version.ts';
import { LocalSeats } from './rooms/localSeats.ts';
import { openRoom, SEAT_SECONDS } from './rooms/worldRoom.ts';
import { createServer, type Server } from './server.ts';
import type { Sessions } from './sessions/sessions.ts';
import { Tally } from './tally.ts';
import type { WorldLink } from './world/messages.ts';

export const BUILT_CLIENT = join(import.meta.dirname, '../build/client');
/** @see ServerOptions.headMs */
export const HEAD_MS = 8_000;

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
  const { crowd, close } = hostCrowd(world, config, {
    guests,
    admin,
    sessions,
    tally,
    log,
    onStats: (stats) => status.heard(stats),
  });
  const version = readVersion(world.ready.engine);
  const status = new Status({ world, players: () => crowd.players.count, isStopping, version });
  const room = await openRoom({
    ...config,
    world,
    tally,
    log,
    people: crowd,
    tellPlayers: () => crowd.players.tick(),
    addressOf: (sessionId) => addresses.ofVisit(sessionId),
  });
  crowd.attend(room);
  world.onFrame = (frame) => {
    status.heard();
    room.publish(frame);
  };
  const metrics = hostMetrics({
    ...{ world, config, crowd, guests, admin, tally, proxies, version, log },
    isAlive: () => status.isAlive,
    connections: () => server.connections,
  });
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
    door: {
      admit: (token, address) => guests.admit(token, address),
      bansAddress: (address) => guests.sanctions.bansAddress(address),
      comes: (address) => guests.comes(address),
    },
    seats: new LocalSeats(room),
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
      close();
      return server.close();
    },
  };
}
