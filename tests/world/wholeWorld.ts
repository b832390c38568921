/** A save as one value. */
import type { PageState } from '../../server/engines/engine.ts';
import type { WorldState } from '../../server/world/oldSave.ts';
import type { World } from '../../server/world/world.ts';
import type { WorldSave } from '../../server/world/worldSave.ts';

/** The whole world; its arrays are the caller's. */
export const stateOf = async (world: World): Promise<WorldState> => wholeOf(await world.save(() => false));

/** @param save - without kept pages; it is read to its end */
export async function wholeOf({ facts, changed, aside }: WorldSave): Promise<WorldState> {
  const pages: PageState[] = [];
  for await (const page of changed) pages.push(page);
  pages.sort((a, b) => a.page - b.page);
  return { ...facts, ...(aside.length > 0 && { aside: aside.map((one) => [...one.pages()]) }), pages };
}

/** A save of a state that no world has: nothing of it is kept. */
export function saveOf({ pages, ...facts }: Omit<WorldState, 'aside'>): WorldSave {
  const changed = (async function* () {
    yield* pages;
  })();
  return {
    facts,
    changed,
    changedCount: pages.length,
    kept: [],
    aside: [],
    copied: Promise.resolve(),
    written: () => {},
  };
}
