/** A world and one relay of it in this process. */
import { duplexPair } from 'node:stream';
import type { Config } from '../../server/config.ts';
import { PipeHub, PipeRelay } from '../../server/links/pipe.ts';
import { linkRelay } from '../../server/links/relayLink.ts';
import { SharedWorld } from '../../server/links/sharedWorld.ts';
import { plainLog } from '../../server/log/log.ts';
import { PLAYERS_TICK_MS } from '../../server/rooms/players.ts';
import { openHost } from '../../server/serve/openHost.ts';
import { openHub } from '../../server/serve/openHub.ts';
import { serveRelay } from '../../server/serve/serveRelay.ts';
import type { Server } from '../../server/serve/server.ts';
import type { ServeOptions } from '../../server/serve/serveWorld.ts';
import type { FakeWorld } from './fakeWorld.ts';

export async function serveOverRelay(
  world: FakeWorld,
  config: Config,
  options: ServeOptions,
): Promise<Server> {
  const transport = new PipeHub();
  const shared = new SharedWorld(world);
  const host = openHost(shared.view(), config, options);
  const hub = openHub(host, shared, transport);
  const players = setInterval(() => host.crowd.players.tick(), PLAYERS_TICK_MS);
  const [here, there] = duplexPair();
  transport.add('relay', here);
  const link = await linkRelay({ transport: new PipeRelay(there), log: () => {} });
  const server = await serveRelay(link, config, plainLog, options);
  return {
    url: server.url,
    get connections() {
      return server.connections;
    },
    async close() {
      clearInterval(players);
      await hub.close('the world has stopped');
      host.close();
      await server.close();
    },
  };
}
