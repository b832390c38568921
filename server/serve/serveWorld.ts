/** Opens a world to clients whose sockets are in its own process. */
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { Addresses } from '../http/addresses.ts';
import { Api } from '../http/api.ts';
import { Assets } from '../http/assets.ts';
import { Hosts } from '../http/hosts.ts';
import { descriptorLimit, maxSocketsFor } from '../http/sockets.ts';
import { LocalSeats } from '../rooms/localSeats.ts';
import { openMatchmaker, openRoom, SEAT_SECONDS } from '../rooms/worldRoom.ts';
import type { WorldLink } from '../world/messages.ts';
import { type Host, type HostOptions, openHost } from './openHost.ts';
import type { ServedWorld } from './routes.ts';
import { createServer, type Server } from './server.ts';

export const BUILT_CLIENT = join(import.meta.dirname, '../../build/client');
/** @see ServerOptions.headMs */
export const HEAD_MS = 8_000;

const ELSEWHERE = { ok: false, status: 503, reason: 'players join this world at its relays' } as const;

export interface SocketOptions {
  /** Folder of the built client. */
  readonly pages?: string;
  /** @see ServerOptions.headMs */
  readonly headMs?: number;
  /** @see ServerOptions.maxSockets */
  readonly maxSockets?: number;
  /** Nobody can join here: clients come to relays. */
  readonly isForRelays?: boolean;
}

export interface ServeOptions extends HostOptions, SocketOptions {}

export async function serveWorld(
  world: WorldLink,
  config: Config,
  options: ServeOptions = {},
): Promise<Server> {
  const host = openHost(world, config, options);
  const server = await serveHere(host, options);
  return {
    url: server.url,
    get connections() {
      return server.connections;
    },
    close: () => {
      host.close();
      return server.close();
    },
  };
}

export async function serveHere(
  { world, config, guests, admin, nursery, log, crowd, tally, proxies, status, metrics, connections }: Host,
  {
    pages = BUILT_CLIENT,
    headMs = HEAD_MS,
    maxSockets = maxSocketsFor(config.maxPlayers, descriptorLimit()),
    isForRelays = false,
  }: SocketOptions = {},
): Promise<Server> {
  const { host, port, perAddress, publicUrl } = config;
  const addresses = new Addresses({ perAddress, proxies, seatMs: SEAT_SECONDS * 1_000 });
  await openMatchmaker();
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
  const served: ServedWorld = {
    ...{ room, status, metrics, tally, admin, nursery },
    api: new Api(world, config.framesPerSecond),
    door: {
      admit: (token, address) => (isForRelays ? ELSEWHERE : guests.admit(token, address)),
      bansAddress: (address) => guests.sanctions.bansAddress(address),
      comes: (address) => guests.comes(address),
    },
    seats: new LocalSeats(room),
  };
  const server = await createServer({
    ...{ host, port, tally, log, proxies, addresses, headMs, maxSockets },
    worlds: { kind: 'one', name: config.world, world: served },
    hosts: new Hosts({ publicUrl, proxies }),
    assets: new Assets(pages),
  });
  connections.add(() => server.connections);
  return server;
}
