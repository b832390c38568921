/** Cells at rest are not computed; this must never change the state. */
import { expect, test } from 'vitest';
import { EngineError } from '../../server/engines/engine.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import type { Crew } from '../../server/engines/wasm/crew.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { expectSameState } from './fixtures.ts';
import { expectSameRest, expectSameTerritories, REST, SIZE, settlingRule } from './resting.ts';

test.each([
  { threads: 1, seed: 1 },
  { threads: 1, seed: 2 },
  { threads: 3, seed: 3 },
])('a world at rest, disturbed again and again, equals the reference ($threads threads)', async (options) => {
  const create = { ...SIZE, randomSeed: options.seed, rest: REST };
  const wasm = await createWasmEngine({ ...create, relaxed: false, threads: options.threads });
  await expectSameRest([await createReferenceEngine(create), wasm], options.seed, 16);
  wasm.dispose();
});

test('no page of a body at rest is stepped, and it wakes where it is touched', async () => {
  const engine = await createWasmEngine({ ...SIZE, randomSeed: 1, rest: REST });
  engine.setRule(0, settlingRule(1));
  engine.plant(1, 0, 60, 60);
  await engine.step(200);
  const before = await engine.save();
  await engine.step(50);
  expectSameState(await engine.save(), { ...before, stepNumber: 250 }, SIZE, 0);
  const circle = { x0: 60, y0: 60, x1: 60, y1: 60, radius: 1 };
  engine.perturb({ kind: 'noise', capsules: [circle], amplitude: 0.5, salt: 1 });
  const touched = await engine.save();
  await engine.step(1);
  await engine.step(1);
  expect(touched.pages[0].cells).not.toEqual((await engine.save()).pages[0].cells);
  engine.dispose();
});

test('a body at rest wakes when its territory widens, and grows into it', async () => {
  const creates = [createReferenceEngine, createWasmEngine] as const;
  const states = [];
  for (const create of creates) {
    const engine = await create({ ...SIZE, randomSeed: 1, rest: REST });
    engine.setRule(0, settlingRule(1));
    engine.plant(1, 0, 60, 60, { x: 60, y: 60, width: 1, height: 1 });
    await engine.step(200);
    expect(await engine.census()).toEqual([{ organism: 1, cells: 1 }]);
    engine.setTerritory(1, { x: 60, y: 59, width: 2, height: 2 });
    await engine.step(1);
    expect(await engine.census()).toEqual([{ organism: 1, cells: 4 }]);
    states.push(await engine.save());
    engine.dispose();
  }
  expectSameState(states[1], states[0], SIZE, 0);
});

test.each([1, 3])(
  'territories set among bodies at rest change what the reference changes (%i threads)',
  async (threads) => {
    const options = { ...SIZE, randomSeed: 4, rest: REST };
    const wasm = await createWasmEngine({ ...options, relaxed: false, threads });
    await expectSameTerritories([await createReferenceEngine(options), wasm], 10 + threads, 20);
    wasm.dispose();
  },
);

test('setting a territory wakes the pages of its organism and those beside them, and no others', async () => {
  const engine = await createWasmEngine({ width: 640, height: 64, randomSeed: 1, rest: REST });
  engine.setRule(0, settlingRule(1));
  const places = [30, 64, 350, 600];
  for (const [i, x] of places.entries()) engine.plant(i + 1, 0, x, 30, { x, y: 30, width: 1, height: 1 });
  await engine.step(200);
  const { crew } = engine.awake as unknown as { crew: Crew };
  const awakePages = () => crew.muster(engine.awake.pageCount, 64);
  expect(engine.awake.pageCount).toBe(4);
  expect(awakePages()).toBe(0);
  engine.setTerritory(4, { x: 599, y: 30, width: 2, height: 1 });
  expect(awakePages()).toBe(1);
  engine.setTerritory(2, undefined);
  expect(awakePages()).toBe(3); // its own and, beside it, the first one's
  engine.dispose();
});

test('a rest threshold outside 0..0.01 is refused', async () => {
  for (const rest of [-1, 0.02, Number.NaN]) {
    await expect(createWasmEngine({ ...SIZE, randomSeed: 1, rest })).rejects.toThrow(EngineError);
    await expect(createReferenceEngine({ ...SIZE, randomSeed: 1, rest })).rejects.toThrow(
      /rest .* 0\.\.0\.01/,
    );
  }
});
