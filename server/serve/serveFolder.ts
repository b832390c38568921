/** Worlds and relays of one machine that meet in a folder. */
import { FolderHub, FolderRelay, worldsIn } from '../links/folder.ts';
import type { SharedWorld } from '../links/sharedWorld.ts';
import { PLAYERS_TICK_MS } from '../rooms/players.ts';
import type { Host } from './openHost.ts';
import { openHub } from './openHub.ts';
import type { Ways } from './serveSeveral.ts';

/** What opens a world to relays, until it is closed. */
export interface Opened {
  close(reason: string): Promise<void>;
}

/** Opens a world to relays. @throws Error when another process is that world */
export async function serveFolder(host: Host, shared: SharedWorld): Promise<Opened> {
  const { meet: folder, world } = host.config;
  const hub = openHub(host, shared, await FolderHub.listen({ folder, world }));
  const players = setInterval(() => host.crowd.players.tick(), PLAYERS_TICK_MS);
  return {
    close(reason) {
      clearInterval(players);
      return hub.close(reason);
    },
  };
}

/** The ways of a relay. */
export const folderWays = (folder: string): Ways => ({
  found: () => worldsIn(folder),
  connect: async (world) => new FolderRelay({ folder, world }),
  close: async () => {},
});
