/** A world and relays on other machines, over NATS. */
import { randomBytes } from 'node:crypto';
import type { Config } from './config.ts';
import type { Hub } from './links/hub.ts';
import { NatsHub, NatsRelay } from './links/nats.ts';
import { linkRelay, type RelayLink } from './links/relayLink.ts';
import type { SharedWorld } from './links/sharedWorld.ts';
import type { Log } from './log/log.ts';
import type { Host } from './openHost.ts';
import { openHub } from './openHub.ts';
import { serveRelay } from './serveRelay.ts';
import type { Server } from './server.ts';

const NAME_BYTES = 9;

/** Opens a world to relays. Resolves when there is a broker. */
export async function serveNats(host: Host, shared: SharedWorld): Promise<Hub> {
  const { nats: url, world } = host.config;
  const log = (line: string): void => host.log.info(`NATS: ${line}`);
  return openHub(host, shared, await NatsHub.connect({ url, world, log }));
}

/** Serves the clients of a world. Resolves when there is one. @throws Error when it cannot be served from here */
export async function relayOverNats(config: Config, log: Log): Promise<{ link: RelayLink; server: Server }> {
  const { nats: url, relayOf: world } = config;
  const say = (line: string): void => log.info(`NATS: ${line}`);
  const name = randomBytes(NAME_BYTES).toString('base64url');
  const transport = await NatsRelay.connect(name, { url, world, log: say });
  log.info(`waiting for the world ${world}`);
  const link = await linkRelay({ transport, log: (line) => log.warn(line) });
  return { link, server: await serveRelay(link, config, log) };
}
