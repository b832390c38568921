/** Keeps small choices in this browser. A browser that refuses to keep them is not an error. */

import { WORLD_PATH } from './whereabouts.ts';

/** What a browser keeps for each world of a lobby; the rest is the person's, whichever of them they are in. */
const OF_WORLD: ReadonlySet<string> = new Set(['token', 'learned']);

/** Worlds under different paths of one site share its storage, and each has guests of its own. */
export function nameOf(key: string): string {
  const page = new URL('.', location.href).pathname;
  const path = OF_WORLD.has(key) ? page : page.replace(WORLD_PATH, '');
  return `regrow.${path === '/' ? '' : `${path}.`}${key}`;
}

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(nameOf(key));
  } catch {
    return null;
  }
}

/** @returns false when it is not kept: private windows refuse, and so does a storage that is full */
export function remember(key: string, value: string): boolean {
  try {
    localStorage.setItem(nameOf(key), value);
    return true;
  } catch {
    return false;
  }
}
