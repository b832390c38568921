/** Worlds and relays on several machines, over NATS. */
import { randomBytes } from 'node:crypto';
import type { Config } from '../config.ts';
import type { Hub } from '../links/hub.ts';
import { Broker, NatsHub, NatsRelay, NatsWorlds } from '../links/nats.ts';
import type { SharedWorld } from '../links/sharedWorld.ts';
import type { Log } from '../log/log.ts';
import type { Host } from './openHost.ts';
import { openHub } from './openHub.ts';
import type { Ways } from './serveSeveral.ts';

const NAME_BYTES = 9;

const natsLog =
  (log: Log) =>
  (line: string): void =>
    log.info(`NATS: ${line}`);

/** Resolves when there is a broker. @throws Error when it refuses the connection for good */
export const connectBroker = ({ nats: url }: Config, log: Log): Promise<Broker> =>
  Broker.connect({ url, log: natsLog(log) });

/** Opens a world to relays. */
export function serveNats(host: Host, shared: SharedWorld, broker: Broker): Hub {
  const { world } = host.config;
  return openHub(host, shared, new NatsHub(broker, { world, log: natsLog(host.log) }));
}

/** The ways of a relay. Each world has a connection of its own: one that is too much for it cuts off no other. */
export async function natsWays({ nats: url, relayOf }: Config, log: Log): Promise<Ways> {
  const options = { url, log: natsLog(log) };
  const name = randomBytes(NAME_BYTES).toString('base64url');
  const worlds = relayOf.includes('*') ? await NatsWorlds.connect(options) : null;
  return {
    found: () => worlds?.names ?? [],
    connect: (world) => NatsRelay.connect(name, { ...options, world }),
    close: async () => worlds?.close(),
  };
}
