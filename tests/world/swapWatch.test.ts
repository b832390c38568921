import { describe, expect, test } from 'vitest';
import type { Engine } from '../../server/engines/engine.ts';
import type { MatureForm } from '../../server/world/mature.ts';
import type { Organism } from '../../server/world/organism.ts';
import { type Before, SwapWatch } from '../../server/world/swapWatch.ts';

/** A form of 8 x 8 opaque cells, which owns 100 with its rim. */
const mature: MatureForm = { x: -4, y: -4, width: 8, height: 8, rgba: new Float32Array(256).fill(1) };
const engine = { stepNumber: 0 } as unknown as Engine;

const watchOf = (...before: [id: number, cells: number][]): SwapWatch =>
  new SwapWatch(
    engine,
    mature,
    new Map(before.map(([id, cells]): [number, Before] => [id, { cells, health: 1, isSteady: true }])),
  );

describe('a rule', () => {
  test('dies when fewer than a quarter of the cells of its bodies are left', async () => {
    const watch = watchOf([1, 100], [2, 100]);
    const left = (cells: number) => watch.judge([], new Map([[1, cells]]));
    expect(await left(50)).toBeNull();
    expect(await left(49)).toBe('it dies: 49 of 200 cells are left');
  });

  test('does not die because old bodies were larger than its form', async () => {
    expect(await watchOf([1, 400]).judge([], new Map([[1, 25]]))).toBeNull();
  });

  test('does not die because of bodies that a player has hurt', async () => {
    const watch = watchOf([1, 100]);
    watch.strike([1]);
    expect(await watch.judge([], new Map([[1, 0]]))).toBeNull();
  });
});

test('a rule runs away when a body has over one and a half times its cells, and 32 more', async () => {
  const planted = { id: 7 } as Organism;
  const has = (cells: number) => watchOf().judge([planted], new Map([[7, cells]]));
  expect(await has(182)).toBeNull();
  expect(await has(183)).toBe('it runs away: organism 7 has 183 cells, its mature form 100');
});

test('a large body that goes over to a smaller form does not run away, also when a player strikes it meanwhile', async () => {
  const watch = watchOf([1, 400], [2, 400]);
  const has = (cells: number) => watch.judge([{ id: 1 } as Organism], new Map([[1, cells]]));
  watch.strike([1, 2]);
  expect(await has(632)).toBeNull();
  expect(await has(633)).toBe('it runs away: organism 1 has 633 cells, its mature form 100');
});
