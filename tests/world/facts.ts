/** What a recovered world is compared by: all that decides what it does next. */
import { isSameBytes } from '../../server/engines/engine.ts';
import type { WorldState } from '../../server/world/oldSave.ts';
import type { World } from '../../server/world/world.ts';
import { stateOf } from './wholeWorld.ts';

/** What a kill must not change. */
export interface Facts {
  readonly engine: unknown;
  readonly world: Omit<WorldState, 'pages' | 'aside' | 'organisms'>;
  readonly organisms: unknown;
  readonly aside: unknown;
}

export async function factsOf(world: World): Promise<Facts> {
  const engine = await world.engine.save();
  const { pages: _pages, aside = [], organisms, swaps = [], ...rest } = await stateOf(world);
  return {
    engine: {
      ...engine,
      // Slots are the engine's own.
      organisms: engine.organisms.map(({ rule: _slot, ...facts }) => facts).sort((a, b) => a.id - b.id),
      pages: [...engine.pages].sort((a, b) => a.page - b.page),
    },
    // Bodies are a set.
    world: { ...rest, swaps: swaps.map((one) => ({ ...one, bodies: one.bodies.toSorted((a, b) => a - b) })) },
    // Health is measured anew.
    organisms: organisms
      .map(({ health: _health, history: _history, historyRepeats: _repeats, ...facts }) => facts)
      .sort((a, b) => a.id - b.id),
    aside: aside.map((pages) => [...pages].sort((a, b) => a.page - b.page)),
  };
}

/** The paths at which two values differ, at most ten; cells to the bit. */
export function differences(a: unknown, b: unknown, path = ''): string[] {
  if (Object.is(a, b)) return [];
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return [`${path}: ${String(a)}, ${String(b)}`];
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b) && isSameBytes(a, b)) return [];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  const found: string[] = [];
  for (const key of keys) {
    if (found.length >= 10) break;
    found.push(...differences(a[key as never], b[key as never], `${path}/${key}`));
  }
  return found;
}
