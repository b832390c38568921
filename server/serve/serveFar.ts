/** `--role relay`: serves one world at the root of its port, or several with a lobby. */
import type { Config } from '../config.ts';
import { linkRelay } from '../links/relayLink.ts';
import type { Log } from '../log/log.ts';
import { folderWays } from './serveFolder.ts';
import { serveRelay } from './serveRelay.ts';
import { type SeveralOptions, serveSeveral, type Ways } from './serveSeveral.ts';

export interface FarRelay {
  readonly url: string;
  /** The only way to its worlds has ended for good. */
  onDeath: (error: Error) => void;
  /** Disconnects clients, and leaves the worlds. */
  stop(): Promise<void>;
}

/** Resolves when clients can come. @throws Error when that can never be */
export async function serveFar(config: Config, log: Log, options: SeveralOptions): Promise<FarRelay> {
  const ways = await waysOf(config, log);
  const [only, ...others] = config.relayOf;
  if (others.length > 0 || only === '*') {
    const server = await serveSeveral(ways, config, log, options);
    return { url: server.url, onDeath: () => {}, stop: () => server.close() };
  }
  log.info(`waiting for the world ${only}`);
  const link = await linkRelay({ transport: await ways.connect(only), log: (line) => log.warn(line) });
  const server = await serveRelay(link, config, log);
  const relay: FarRelay = {
    url: server.url,
    onDeath: () => {},
    async stop() {
      await server.close();
      await link.stop();
      await ways.close();
    },
  };
  link.onDeath = (error) => relay.onDeath(error);
  return relay;
}

/** Relays that meet their worlds in a folder load no client of NATS. */
async function waysOf(config: Config, log: Log): Promise<Ways> {
  if (config.meet !== '') return folderWays(config.meet);
  const { natsWays } = await import('./serveNats.ts');
  return natsWays(config, log);
}
