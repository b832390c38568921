/** What the contract (`sleeping.ts`) cannot ask, because the reference holds sleepers in its grid. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SleepingEngine } from '../../server/engines/sleepingEngine.ts';
import { createWasmEngine, type WasmEngine } from '../../server/engines/wasm/engine.ts';
import { randomRule, stillRule } from './fixtures.ts';

const WORLD = { width: 256, height: 64, randomSeed: 1, maxPages: 2 };

let engine: SleepingEngine<WasmEngine>;

beforeEach(async () => {
  engine = await createWasmEngine(WORLD);
  engine.setRule(0, stillRule());
  engine.setRule(1, randomRule(11, 16));
});

afterEach(() => engine.dispose());

const cellsOf = async (id: number): Promise<number | undefined> =>
  (await engine.census()).find(({ organism }) => organism === id)?.cells;

describe('the pages of sleepers', () => {
  test('cease, and others may have them', async () => {
    for (const [id, x] of [
      [1, 30],
      [2, 94],
      [3, 158],
      [4, 222],
    ]) {
      engine.plant(id, 0, x, 30);
      await engine.step(1);
      await engine.sleep(id);
      await engine.step(1);
      expect(engine.pageCount).toBe(0);
    }
    expect((await engine.census()).map(({ cells }) => cells)).toEqual([9, 9, 9, 9]);
    expect((await engine.save()).pages).toHaveLength(4);
  });

  test('cost a step nothing: a million steps of sleepers are taken at once', async () => {
    engine.plant(1, 1, 30, 30);
    await engine.step(5);
    await engine.sleep(1);
    await engine.step(1_000_000);
    expect(engine.stepNumber).toBe(1_000_005);
    expect(engine.isAsleep(1)).toBe(true);
  });
});

describe('a body that wakes where there is no room for its pages', () => {
  beforeEach(async () => {
    engine.plant(1, 0, 30, 30);
    await engine.step(1);
    await engine.sleep(1);
    await engine.step(1);
    engine.plant(2, 0, 94, 30);
    engine.plant(3, 0, 158, 30);
    engine.wake(1);
    await engine.step(5);
  });

  test('waits as it is, and is awake for all who ask', async () => {
    expect(engine.isAsleep(1)).toBe(false);
    expect(engine.takeWoken()).toEqual([1]);
    expect(await cellsOf(1)).toBe(9);
    expect((await engine.save()).organisms.find(({ id }) => id === 1)).toEqual({ id: 1, rule: 0 });
    expect(engine.pageCount).toBe(2);
  });

  test('can be hurt, and lives on when there is room', async () => {
    engine.perturb({ kind: 'ablate', x0: 29, y0: 29, x1: 29, y1: 29, radius: 0.5 });
    expect(await cellsOf(1)).toBe(8);
    engine.remove(2);
    await engine.step(1);
    expect(engine.pageCount).toBe(2);
    // The seed keeps its neighbours alive, the one that was lost, too.
    expect(await cellsOf(1)).toBe(9);
    expect((await engine.takeMoved!()).toSorted()).toContain(1);
  });

  test('may fall asleep again', async () => {
    await engine.sleep(1);
    expect(engine.isAsleep(1)).toBe(true);
    engine.remove(2);
    await engine.step(1);
    expect(engine.isAsleep(1)).toBe(true);
    expect(engine.pageCount).toBe(1);
  });
});
