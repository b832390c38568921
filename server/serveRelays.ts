/** Opens a world to clients whose sockets are in other processes of this machine. */
import type { Config } from './config.ts';
import { PipeHub } from './links/pipe.ts';
import { RelayProcesses } from './links/relayProcesses.ts';
import type { SharedWorld } from './links/sharedWorld.ts';
import { type HubKeepers, openHub } from './openHub.ts';
import { type Server, urlAt } from './server.ts';

export interface RelaysOptions extends HubKeepers {
  /** The command line that relays read. */
  readonly argv: readonly string[];
}

/** Resolves when all relays accept connections. */
export async function serveRelays(
  shared: SharedWorld,
  config: Config,
  options: RelaysOptions,
): Promise<Server> {
  const { argv, log } = options;
  const transport = new PipeHub();
  const { hub, close } = openHub(shared, config, transport, options);
  const entry = new URL('./relay.ts', import.meta.url);
  const relays = new RelayProcesses({
    count: config.relays,
    entry,
    transport,
    argv,
    log: (line) => log.warn(line),
  });
  hub.onLost = (name) => relays.kill(name);
  const end = async (): Promise<void> => {
    const ended = relays.stop();
    await close();
    await ended;
  };
  try {
    const url = urlAt(config.host, await relays.start());
    return {
      url,
      get connections() {
        return hub.connections;
      },
      close: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}
