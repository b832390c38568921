import { describe, expect, test } from 'vitest';
import { EngineError } from '../../server/engines/engine.ts';
import { ALIVE_THRESHOLD as KERNELS_ALIVE_THRESHOLD } from '../../server/engines/wasm/assembly/layout.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { hasRelaxedSimd } from '../../server/engines/wasm/modules.ts';
import { leastDeltaRecords } from '../../server/engines/wasm/waves.ts';
import { ALIVE_THRESHOLD } from '../../server/rules/rule.ts';
import { pagesAcross } from '../../shared/geometry.ts';
import { describeEngineContract } from './contract.ts';
import { expectSameState, randomRule, setRules, stillRule } from './fixtures.ts';
import { describePaging } from './paging.ts';

const FMA_TOLERANCE = 1e-5;

const SHAPES = [
  ['wide', true],
  ['narrow', false],
] as const;

/**
 * Configurations that together take every path through the kernels' code. Threads and the shape of tiles change only how
 * a step is computed, and no bit of its result, so the others answer to the rules of a step alone.
 */
const WHOLE: readonly (readonly [relaxed: boolean, shape: string, threads: number])[] = [
  [false, 'narrow', 1],
  [false, 'wide', 2],
  [true, 'wide', 1],
  [true, 'narrow', 4],
];

describe.each(SHAPES)('%s tiles', (shape, wideTiles) => {
  describe.each([1, 2, 4])('%i threads', (threads) => {
    const scopeOf = (relaxed: boolean) =>
      WHOLE.some((whole) => whole.join() === [relaxed, shape, threads].join()) ? 'whole' : 'steps';
    describeEngineContract(
      `wasm without FMA, ${shape} tiles, ${threads} threads`,
      (options) => createWasmEngine({ ...options, relaxed: false, wideTiles, threads }),
      { tolerance: 0, scope: scopeOf(false) },
    );
    describe.skipIf(!hasRelaxedSimd())('with relaxed SIMD', () => {
      describeEngineContract(
        `wasm with FMA, ${shape} tiles, ${threads} threads`,
        (options) => createWasmEngine({ ...options, relaxed: true, wideTiles, threads }),
        { tolerance: FMA_TOLERANCE, scope: scopeOf(true) },
      );
    });
  });
});

// A world of 3 x 3 pages needs at least five records.
describeEngineContract(
  'wasm without FMA, in waves',
  (options) =>
    createWasmEngine({
      ...options,
      relaxed: false,
      threads: 2,
      deltaRecords: leastDeltaRecords(pagesAcross(options.width)),
    }),
  { tolerance: 0 },
);

describePaging(createWasmEngine, { crampedSteps: 40 });

describe('the largest number of organisms', () => {
  test('at most 65,535 organisms live at once, and a removed one frees its id', async () => {
    const engine = await createWasmEngine({ width: 1024, height: 1024, randomSeed: 1 });
    engine.setRule(0, stillRule());
    for (let id = 1; id <= 65_535; id++) engine.plant(id, 0, ((id - 1) % 256) * 4, ((id - 1) >> 8) * 4);
    await engine.step(1);
    const counts = async () =>
      new Map((await engine.census()).map(({ organism, cells }) => [organism, cells]));
    const before = await counts();
    expect(before.size).toBe(65_535);
    expect(before.get(301)).toBe(9);
    expect(await engine.takeMoved!()).toHaveLength(65_535);
    await engine.step(1);
    expect(await engine.takeMoved!()).toEqual([]);
    expect(() => engine.plant(65_536, 0, 3, 3)).toThrow(EngineError);
    engine.perturb({ kind: 'ablate', x0: 0, y0: 0, x1: 1023, y1: 0, radius: 500 });
    await engine.step(1);
    const dead = (await engine.census()).filter(({ cells }) => cells === 0);
    expect(dead.length).toBeGreaterThan(30_000);
    for (const { organism } of dead) engine.remove(organism);
    for (const { organism } of dead) {
      engine.plant(organism, 0, ((organism - 1) % 256) * 4, ((organism - 1) >> 8) * 4);
    }
    await engine.step(1);
    expect(await counts()).toEqual(before);
    engine.dispose();
  });

  test('of 65,535 seeds all over the largest world, those that memory cannot hold are refused and the others live', async () => {
    const engine = await createWasmEngine({ width: 65_536, height: 65_536, randomSeed: 1, threads: 2 });
    setRules(engine);
    const refusals: unknown[] = [];
    let planted = 0;
    for (let id = 1; id <= 65_535; id++) {
      try {
        // Each in the middle of its own page.
        engine.plant(id, 2, ((id * 5) % 1024) * 64 + 32, Math.floor((id * 5) / 1024) * 64 + 32);
        planted++;
      } catch (error) {
        refusals.push(error);
      }
    }
    expect(planted).toBeGreaterThan(12_000);
    expect(refusals.every((error) => error instanceof EngineError)).toBe(true);
    expect(new Set(refusals.map((error) => (error as EngineError).message))).toEqual(
      new Set([`no room: ${planted} pages exist, no more may`]),
    );
    await engine.step(2);
    const census = await engine.census();
    expect(census).toHaveLength(planted);
    expect(census.every(({ cells }) => cells > 1)).toBe(true);
    // A removed one makes room for another.
    engine.remove(1);
    engine.plant(65_535, 2, 65_500, 65_500);
    await engine.step(1);
    expect(engine.pageCount).toBe(planted);
    engine.dispose();
  });
});

test('results are the same for any number of threads and both shapes of tiles', async () => {
  for (const relaxed of [false, true]) {
    const states = [];
    for (const [threads, wideTiles] of [
      [1, false],
      [1, true],
      [2, true],
      [3, true],
      [3, false],
    ] as const) {
      const options = { width: 200, height: 200, randomSeed: 5, relaxed, threads, wideTiles };
      const engine = await createWasmEngine(options);
      expect(engine.description).toContain(wideTiles ? 'wide' : 'narrow');
      setRules(engine);
      for (let id = 1; id <= 6; id++) engine.plant(id, [0, 2, 3][id % 3], 30 * id, 64);
      await engine.step(40);
      states.push(await engine.save());
      engine.dispose();
    }
    for (const state of states) expectSameState(state, states[0], { width: 200, height: 200 }, 0);
  }
});

test('the kernels hold a cell opaque above the same alpha as everything else', () => {
  expect(KERNELS_ALIVE_THRESHOLD).toBe(ALIVE_THRESHOLD);
});

test('a number of threads outside 1..32 is refused', async () => {
  for (const threads of [0, 1.5, 33]) {
    const options = { width: 8, height: 8, randomSeed: 1, threads };
    await expect(createWasmEngine(options)).rejects.toThrow(EngineError);
  }
});

test('30 steps give the same state in one call and in two, with and without FMA', async () => {
  for (const relaxed of [false, true]) {
    const states = [];
    for (let run = 0; run < 2; run++) {
      const engine = await createWasmEngine({ width: 200, height: 200, randomSeed: 5, relaxed });
      engine.setRule(0, randomRule(3, 32, 0.5, 0.08));
      for (let id = 1; id <= 6; id++) engine.plant(id, 0, 30 * id, 64);
      await engine.step(run === 0 ? 30 : 10);
      if (run === 1) await engine.step(20);
      states.push(await engine.save());
      engine.dispose();
    }
    expectSameState(states[0], states[1], { width: 200, height: 200 }, 0);
  }
});

test('a restore of the same cells, except in one page, changes only that page', async () => {
  const engine = await createWasmEngine({ width: 192, height: 64, randomSeed: 1 });
  engine.setRule(0, stillRule());
  for (const [i, x] of [30, 96, 160].entries()) engine.plant(i + 1, 0, x, 30);
  await engine.step(2);
  await engine.takeChanges();
  const state = await engine.save();
  engine.perturb({ kind: 'ablate', x0: 30, y0: 30, x1: 30, y1: 30, radius: 0 });
  const [, second] = state.pages;
  second.cells[second.owners.findIndex((owner) => owner !== 0) * 16 + 9] = 0.5;
  await engine.restore(state);
  // The first is as it was saved, but the engine does not know that.
  expect(await engine.takeChanges()).toMatchObject({ changed: [0, 1], kept: [2] });
  engine.dispose();
});
