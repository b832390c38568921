/** A save as one value. */
import type { PageState } from '../../server/engines/engine.ts';
import type { WorldState } from '../../server/world/oldSave.ts';
import { stillWorld } from '../../server/world/saving.ts';
import type { World } from '../../server/world/world.ts';
import type { WorldSave } from '../../server/world/worldSave.ts';

/** The whole world; its arrays are the caller's. */
export const stateOf = async (world: World): Promise<WorldState> =>
  wholeOf(world.save(stillWorld({ segment: 1, isAfterGap: false })));

/** @param save - without kept pages; it is read to its end */
export async function wholeOf(save: WorldSave): Promise<WorldState> {
  const pages: PageState[] = [];
  for await (const page of save.changed) pages.push(page);
  pages.sort((a, b) => a.page - b.page);
  const { facts, aside } = save.moment();
  return { ...facts, ...(aside.length > 0 && { aside: aside.map((one) => [...one.pages()]) }), pages };
}

/**
 * A save of a state that no world has: nothing of it is kept.
 *
 * @param segment - the first one to replay on top of it
 */
export function saveOf(
  { pages, ...facts }: Omit<WorldState, 'aside'>,
  segment: number,
  isAfterGap = false,
): WorldSave {
  const changed = (async function* () {
    yield* pages;
  })();
  return {
    changed,
    changedCount: () => pages.length,
    moment: () => ({ facts, segment, isAfterGap, kept: [], gone: [], aside: [] }),
    written: () => {},
  };
}
