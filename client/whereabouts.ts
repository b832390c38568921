/** Which world of a server with several this page is of. Its address says so: `/w/meadow/`. */
import type { LobbyWorlds } from '../shared/lobby.ts';
import { isWorldName } from '../shared/worldNames.ts';

/** The end of a world's path, below that of its lobby. */
export const WORLD_PATH = /(?<=\/)w\/([^/]+)\/$/;

export interface Whereabouts {
  /** null: the page is of the only world, or of none. */
  readonly world: string | null;
  /** URL of the lobby, or of the only world. */
  readonly lobby: string;
}

/** @param href - of the page */
export function whereaboutsOf(href: string): Whereabouts {
  const page = new URL('.', href);
  const [, name] = WORLD_PATH.exec(page.pathname) ?? [];
  if (name === undefined) return { world: null, lobby: page.href };
  return { world: isWorldName(name) ? name : null, lobby: new URL('../../', page).href };
}

/** What the server tells of its worlds. @throws Error when it does not answer, or has only one */
export async function askWorlds(lobby: string): Promise<LobbyWorlds> {
  const answer = await fetch(new URL('api/worlds', lobby));
  if (!answer.ok) throw new Error(`the server answered with status ${answer.status}`);
  return (await answer.json()) as LobbyWorlds;
}
