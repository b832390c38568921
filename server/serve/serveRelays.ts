/** Opens a world to clients whose sockets are in other processes of this machine. */
import { PipeHub } from '../links/pipe.ts';
import { RelayProcesses } from '../links/relayProcesses.ts';
import type { SharedWorld } from '../links/sharedWorld.ts';
import { PLAYERS_TICK_MS } from '../rooms/players.ts';
import type { Host } from './openHost.ts';
import { openHub } from './openHub.ts';
import { type Server, urlAt } from './server.ts';

/**
 * Resolves when all relays accept connections.
 *
 * @param argv - the command line that relays read
 */
export async function serveRelays(host: Host, shared: SharedWorld, argv: readonly string[]): Promise<Server> {
  const { config, crowd } = host;
  const transport = new PipeHub();
  const hub = openHub(host, shared, transport);
  const entry = new URL('./relay.ts', import.meta.url);
  const log = (line: string): void => host.log.warn(line);
  const relays = new RelayProcesses({ count: config.relays, entry, transport, argv, log });
  hub.onLost = (name) => relays.kill(name);
  const players = setInterval(() => crowd.players.tick(), PLAYERS_TICK_MS);
  const close = async (): Promise<void> => {
    clearInterval(players);
    const ended = relays.stop();
    await hub.close('the world has stopped');
    await ended;
  };
  try {
    const url = urlAt(config.host, await relays.start());
    return {
      url,
      get connections() {
        return hub.connections;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
