/** A world and one relay of it in this process. */
import { duplexPair } from 'node:stream';
import type { Config } from '../../server/config.ts';
import { guestsInMemory } from '../../server/guests/openGuests.ts';
import { PipeHub, PipeRelay } from '../../server/links/pipe.ts';
import { linkRelay } from '../../server/links/relayLink.ts';
import { SharedWorld } from '../../server/links/sharedWorld.ts';
import { plainLog } from '../../server/log/log.ts';
import { openHub } from '../../server/openHub.ts';
import { serveRelay } from '../../server/serveRelay.ts';
import type { Server } from '../../server/server.ts';
import type { ServeOptions } from '../../server/serveWorld.ts';
import type { FakeWorld } from './fakeWorld.ts';

export async function serveOverRelay(
  world: FakeWorld,
  config: Config,
  {
    admin = null,
    guests = admin?.guests ?? guestsInMemory(config),
    sessions = null,
    ...options
  }: ServeOptions,
): Promise<Server> {
  const transport = new PipeHub();
  const hub = openHub(new SharedWorld(world), config, transport, {
    ...{ guests, admin, sessions, log: plainLog },
    isStopping: () => false,
  });
  const [here, there] = duplexPair();
  transport.add('relay', here);
  const link = await linkRelay({ transport: new PipeRelay(there), log: (line) => plainLog.warn(line) });
  const server = await serveRelay(link, config, plainLog, options);
  return {
    url: server.url,
    get connections() {
      return server.connections;
    },
    async close() {
      await hub.close();
      await server.close();
    },
  };
}
