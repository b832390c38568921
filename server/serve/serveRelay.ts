/** Opens a world that another process owns to clients whose sockets are in this one. */
import { AddressRanges } from '../addressRanges.ts';
import type { Config } from '../config.ts';
import { Addresses, Proxies } from '../http/addresses.ts';
import { Assets } from '../http/assets.ts';
import { Hosts } from '../http/hosts.ts';
import { descriptorLimit, maxSocketsFor } from '../http/sockets.ts';
import type { RelayLink } from '../links/relayLink.ts';
import type { Log } from '../log/log.ts';
import { openMatchmaker, SEAT_SECONDS } from '../rooms/worldRoom.ts';
import { openRelayedWorld } from './relayedWorld.ts';
import { createServer, type Server } from './server.ts';
import { BUILT_CLIENT, HEAD_MS, type SocketOptions } from './serveWorld.ts';

const ROOM_ID = 'relayed';

/** @param config - of it, only what concerns connections counts; the rest is the owner's */
export async function serveRelay(
  link: RelayLink,
  config: Config,
  log: Log,
  { pages = BUILT_CLIENT, headMs = HEAD_MS, maxSockets }: SocketOptions = {},
): Promise<Server> {
  const { host, port, perAddress, trustProxy, viewerBytesPerSecond, publicUrl, relayOf, world } = config;
  const { maxPlayers } = link.welcome;
  const proxies = new Proxies(trustProxy, (line) => log.warn(line));
  const addresses = new Addresses({ perAddress, proxies, seatMs: SEAT_SECONDS * 1_000 });
  await openMatchmaker();
  let server: Server | null = null;
  const relayed = await openRelayedWorld(link, {
    roomId: ROOM_ID,
    readers: new AddressRanges(config.metricsFrom),
    connections: () => server?.connections ?? 0,
    ...{ viewerBytesPerSecond, addresses, proxies, log },
  });
  server = await createServer({
    ...{ host, port, log, proxies, addresses, headMs },
    // A relay beside its world has the world's own settings.
    worlds: { kind: 'one', name: relayOf[0] ?? world, world: relayed },
    tally: relayed.tally,
    hosts: new Hosts({ publicUrl, proxies }),
    assets: new Assets(pages),
    maxSockets: maxSockets ?? maxSocketsFor(maxPlayers, descriptorLimit()),
  });
  const { url, close } = server;
  return {
    url,
    get connections() {
      return server.connections;
    },
    close: () => {
      relayed.stop();
      return close();
    },
  };
}
