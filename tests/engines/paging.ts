/** The contract of every engine with pages: they exist only where life is or can be, up to `maxPages`. */
import { describe, expect, test } from 'vitest';
import { type Engine, EngineError, type EngineOptions } from '../../server/engines/engine.ts';
import { MAX_WORLD_CELLS, PAGE_CELLS, pagesAcross } from '../../shared/geometry.ts';
import { changedPages, setRules, stillRule } from './fixtures.ts';

export interface PagingOptions {
  /** How many steps two seeds grow in a world that may have no more pages. */
  readonly crampedSteps: number;
}

/** @param create - a fresh engine; the suite disposes of it */
export function describePaging(
  create: (options: EngineOptions) => Promise<Engine>,
  { crampedSteps }: PagingOptions,
): void {
  describe('pages', () => {
    test('of a huge world with organisms far apart exist only where the organisms are', async () => {
      const side = MAX_WORLD_CELLS;
      const engine = await create({ width: side, height: side, randomSeed: 1, maxPages: 64 });
      const small = await create({ width: 64, height: 64, randomSeed: 1 });
      for (const made of [engine, small]) setRules(made);
      engine.plant(1, 0, 0, 0);
      engine.plant(2, 0, side - 1, side - 1);
      engine.plant(3, 0, 40_032, 3);
      small.plant(1, 0, 0, 0);
      for (const made of [engine, small]) await made.step(10);
      expect(engine.pageCount).toBe(3);
      const rect = { x: 0, y: 0, width: 64, height: 64 };
      const [a, b] = [new Float32Array(64 * 64 * 4), new Float32Array(64 * 64 * 4)];
      await engine.readOrganism(1, rect, a);
      await small.readOrganism(1, rect, b);
      expect(a).toEqual(b);
      expect(a.some((value) => value !== 0)).toBe(true);
      const last = pagesAcross(side) ** 2 - 1;
      expect((await changedPages(engine)).get(last)!.some((byte) => byte !== 0)).toBe(true);
      engine.perturb({ kind: 'ablate', x0: 0, y0: 0, x1: side, y1: side, radius: 500 });
      await engine.step(1);
      expect((await engine.census()).map(({ cells }) => cells > 0)).toEqual([false, false, true]);
      expect(engine.pageCount).toBe(1);
      for (const made of [engine, small]) made.dispose();
    });

    test('exist where life is or can be in one step, and cease when it dies', async () => {
      const engine = await create({ width: 1000, height: 1000, randomSeed: 1 });
      engine.setRule(0, stillRule());
      engine.plant(1, 0, 100, 100);
      expect(engine.pageCount).toBe(1);
      engine.plant(2, 0, 4 * PAGE_CELLS, 4 * PAGE_CELLS);
      await engine.step(1);
      // The second seed lies at a corner, so life can reach the three pages beside it.
      expect(engine.pageCount).toBe(5);
      engine.remove(2);
      await engine.step(1);
      expect(engine.pageCount).toBe(1);
      // A page that ceased and came back between two visits is still reported.
      engine.plant(2, 0, 4 * PAGE_CELLS, 4 * PAGE_CELLS);
      expect(await changedPages(engine)).toHaveProperty('size', 2);
      engine.dispose();
    });

    test('planting past maxPages is refused; growth past it is not written', async () => {
      const engine = await create({ width: 1000, height: 1000, randomSeed: 1, maxPages: 2 });
      setRules(engine);
      engine.plant(1, 2, 63, 63);
      engine.plant(2, 2, 500, 500);
      expect(() => engine.plant(3, 2, 900, 900)).toThrow(EngineError);
      expect(await engine.census()).toHaveLength(2);
      await engine.step(crampedSteps);
      expect(engine.pageCount).toBe(2);
      const owners = new Uint16Array(4);
      await engine.readOwners({ x: 63, y: 63, width: 2, height: 2 }, owners);
      expect([...owners]).toEqual([1, 0, 0, 0]);
      engine.remove(2);
      engine.remove(1);
      engine.plant(3, 2, 900, 900);
      await engine.step(1);
      expect(engine.pageCount).toBe(1);
      engine.dispose();
    });
  });
}
