/** Opens several worlds, each of which another process owns, to clients whose sockets are in this one; with a lobby. */
import { setTimeout as pause } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { titleOf } from '../../shared/worldNames.ts';
import { AddressRanges } from '../addressRanges.ts';
import { Allowances } from '../allowances.ts';
import { type Config, MAX_RELAYED_WORLDS } from '../config.ts';
import { Addresses, Proxies } from '../http/addresses.ts';
import { Assets } from '../http/assets.ts';
import { Hosts } from '../http/hosts.ts';
import { PictureLimits } from '../http/pictures.ts';
import { descriptorLimit, maxSocketsFor } from '../http/sockets.ts';
import type { RelayTransport } from '../links/transport.ts';
import { Directory } from '../lobby/directory.ts';
import { Lobby } from '../lobby/lobby.ts';
import type { Log } from '../log/log.ts';
import { mayRead } from '../metrics/metrics.ts';
import { readVersion } from '../metrics/version.ts';
import { connectionMetrics, refusalMetrics, requestMetrics } from '../metrics/visitorMetrics.ts';
import { openMatchmaker, SEAT_SECONDS } from '../rooms/worldRoom.ts';
import { Tally } from '../tally.ts';
import { RelayedPlace } from './relayedPlace.ts';
import { openRelayedWorld } from './relayedWorld.ts';
import type { ServedWorld } from './routes.ts';
import { createServer, type Server } from './server.ts';
import { BUILT_CLIENT, HEAD_MS, type SocketOptions } from './serveWorld.ts';

/** The directory looks this often who has come and gone. */
const SWEEP_MS = 1_000;
/** Worlds that are not there do not keep a relay from listening for longer than this. */
const MAX_REACH_MS = 2_000;
/** What one world may take for newcomers; several share it, but none has less than an eighth. */
const CHAIN_BYTES = 96 * 1024 * 1024;
const MAX_CHAIN_SHARES = 8;
/** Lists and pictures for one address: a lobby asks every 4 s, a school may have a hundred. */
const MAX_LISTS = 200;
const LISTS_PER_SECOND = 50;

/** Where worlds are. */
export interface Ways {
  /** Names of the worlds that can be found at the moment. */
  found(): readonly string[];
  /** Resolves when the way is there; the world need not be. */
  connect(world: string): Promise<RelayTransport>;
  close(): Promise<void>;
}

export interface SeveralOptions extends SocketOptions {
  /** The server has been asked to stop. Default: never. */
  readonly isStopping?: () => boolean;
  /** Takes a line on a way to a world. Default: it is a warning. */
  readonly logWay?: (line: string) => void;
}

/**
 * Clients are let in when all worlds that are known at the start have been reached, or after 2 s.
 *
 * @param config - of it, only what concerns connections and which worlds are meant counts
 */
export async function serveSeveral(
  ways: Ways,
  config: Config,
  log: Log,
  options: SeveralOptions = {},
): Promise<Server> {
  const { pages = BUILT_CLIENT, headMs = HEAD_MS, maxSockets, isStopping = () => false } = options;
  const { host, port, perAddress, trustProxy, viewerBytesPerSecond, publicUrl, relayOf } = config;
  const named = relayOf.filter((name) => name !== '*');
  const isOfAll = relayOf.includes('*');
  const proxies = new Proxies(trustProxy, (line) => log.warn(line));
  const addresses = new Addresses({ perAddress, proxies, seatMs: SEAT_SECONDS * 1_000 });
  const readers = new AddressRanges(config.metricsFrom);
  const now = (): number => performance.now();
  const warn = (line: string): void => log.warn(line);
  const pictureLimits = new PictureLimits(now);
  const chainBytes = CHAIN_BYTES / Math.min(MAX_CHAIN_SHARES, isOfAll ? MAX_CHAIN_SHARES : named.length);
  await openMatchmaker();
  const directory = new Directory({
    ...{ named, now, log: warn, maxPlaces: MAX_RELAYED_WORLDS },
    found: () => (isOfAll ? ways.found() : []),
    open: (name) =>
      new RelayedPlace({
        name,
        connect: () => ways.connect(name),
        serve: (link) =>
          openRelayedWorld(link, {
            ...{
              roomId: name,
              viewerBytesPerSecond,
              addresses,
              proxies,
              readers,
              pictureLimits,
              chainBytes,
              log,
            },
          }),
        log: warn,
        logWay: options.logWay ?? warn,
      }),
  });
  const sweeping = setInterval(() => directory.sweep(), SWEEP_MS);
  directory.sweep();
  const { engine: _, ...version } = readVersion('');
  // Who comes again because another relay has died would be sent away.
  await Promise.race([
    Promise.all(directory.all.map(([, place]) => place.firstReached)),
    pause(MAX_REACH_MS, undefined, { ref: false }),
  ]);
  const tally = new Tally();
  let server: Server | null = null;
  const registry = new Registry();
  connectionMetrics(registry, () => server?.connections ?? 0);
  refusalMetrics(registry, tally);
  const lobby = new Lobby<ServedWorld>({
    directory,
    titleOf,
    allowances: new Allowances({ most: MAX_LISTS, perSecond: LISTS_PER_SECOND, now }),
    isStopping,
    version,
    answered: requestMetrics(registry),
    mayReadMetrics: (request, response) => mayRead(request, response, { readers, proxies }),
    ownMetrics: async () => ({ labels: { relay: String(process.pid) }, text: await registry.metrics() }),
  });
  server = await createServer({
    ...{ host, port, tally, log, proxies, addresses, headMs },
    worlds: { kind: 'several', lobby },
    hosts: new Hosts({ publicUrl, proxies }),
    assets: new Assets(pages),
    maxSockets: maxSockets ?? maxSocketsFor(config.maxPlayers * Math.max(1, named.length), descriptorLimit()),
  });
  const { url, close } = server;
  return {
    url,
    get connections() {
      return server.connections;
    },
    async close() {
      clearInterval(sweeping);
      // Clients are told first.
      await close();
      await directory.close();
      await ways.close();
      registry.clear();
    },
  };
}
