import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../server/engines/create.ts';
import {
  type Engine,
  EngineError,
  EngineLostError,
  type EngineOptions,
} from '../../server/engines/engine.ts';
import { LastingEngine } from '../../server/engines/lasting.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import { createWebGpuEngine, type WebGpuEngine } from '../../server/engines/webgpu/engine.ts';
import { SETTLE_WORKGROUP_BYTES } from '../../server/engines/webgpu/kernels/settle.ts';
import { UPDATE, UPDATE_WORKGROUP_BYTES } from '../../server/engines/webgpu/kernels/update.ts';
import { packWeights } from '../../server/engines/webgpu/rules.ts';
import { findSwiftShader } from '../../server/engines/webgpu/swiftshader.ts';
import { MAX_WORLD_CELLS, PAGE_CELLS } from '../../shared/geometry.ts';
import { describeEngineContract } from './contract.ts';
import { changedPages, expectSameState, randomRule, randomState, setRules, stillRule } from './fixtures.ts';
import { expectSameRest, REST, SIZE } from './resting.ts';

/** What WebGPU promises on every device. */
const PROMISED_WORKGROUP_BYTES = 16_384;

const create = (options: EngineOptions, bankPages?: number): Promise<WebGpuEngine> =>
  createWebGpuEngine({ ...options, adapter: 'swiftshader', bankPages });

test('there is something to test on, where REGROW_REQUIRE_GPU asks for it', () => {
  const isRequired = (process.env.REGROW_REQUIRE_GPU ?? '') !== '';
  if (isRequired) expect(findSwiftShader()).not.toBeNull();
});

describe.skipIf(findSwiftShader() === null)('on SwiftShader (Debian: apt-get install chromium)', () => {
  let keeper: Engine; // of the device and its kernels, which take seconds to compile
  beforeAll(async () => {
    keeper = await create({ width: 1, height: 1, randomSeed: 1 });
  });
  afterAll(() => keeper.dispose());

  // A step must not depend on how pages lie in banks: three pages a bank are the hard case.
  describeEngineContract('webgpu', (options) => create(options, 3), { tolerance: 1e-5 });

  test('a world at rest, disturbed again and again, equals the reference', async () => {
    const options = { ...SIZE, randomSeed: 1, rest: REST };
    const webgpu = await create(options);
    await expectSameRest([await createReferenceEngine(options), webgpu], 1, 9);
    webgpu.dispose();
  });

  test('steps of one submission and of many, in one bank and in several, are the same to the bit', async () => {
    const world = { width: 300, height: 200, randomSeed: 5 };
    const states = [];
    for (const [bankPages, batch] of [
      [undefined, 12],
      [2, 1],
    ] as const) {
      const engine = await create(world, bankPages);
      setRules(engine);
      for (let id = 1; id <= 4; id++) engine.plant(id, [0, 2, 3][id % 3], 62 * id, 62);
      for (let step = 0; step < 12; step += batch) await engine.step(batch);
      states.push(await engine.save());
      engine.dispose();
    }
    expectSameState(states[1], states[0], world, 0);
    expect(states[0].pages.length).toBeGreaterThan(4);
  });

  describe('pages', () => {
    test('a huge world with organisms far apart costs the pages they touch', async () => {
      const side = MAX_WORLD_CELLS;
      const engine = await create({ width: side, height: side, randomSeed: 1, maxPages: 64 });
      setRules(engine);
      engine.plant(1, 0, 0, 0);
      engine.plant(2, 0, side - 1, side - 1);
      engine.plant(3, 0, 40_032, 3);
      await engine.step(10);
      expect(engine.pageCount).toBe(3);
      expect((await changedPages(engine)).get(1024 * 1024 - 1)!.some((byte) => byte !== 0)).toBe(true);
      engine.perturb({ kind: 'ablate', x0: 0, y0: 0, x1: side, y1: side, radius: 500 });
      await engine.step(1);
      expect((await engine.census()).map(({ cells }) => cells > 0)).toEqual([false, false, true]);
      expect(engine.pageCount).toBe(1);
      engine.dispose();
    });

    test('exist where life is, and go when it goes', async () => {
      const engine = await create({ width: 1000, height: 1000, randomSeed: 1 });
      engine.setRule(0, stillRule());
      engine.plant(1, 0, 100, 100);
      expect(engine.pageCount).toBe(1);
      engine.plant(2, 0, 4 * PAGE_CELLS, 4 * PAGE_CELLS);
      await engine.step(1);
      // The second seed's ring crosses a corner: it needs the three pages beside it.
      expect(engine.pageCount).toBe(5);
      engine.remove(2);
      await engine.step(1);
      expect(engine.pageCount).toBe(1);
      // A page that comes back before anyone looked is still reported.
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
      await engine.step(20);
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

    test('more pages than memory was made for at first: it grows, and nothing is lost', async () => {
      const world = { width: 72 * 64, height: 64, randomSeed: 1 };
      const engine = await create(world);
      engine.setRule(0, stillRule());
      for (let id = 1; id <= 72; id++) {
        engine.plant(id, 0, (id - 1) * 64 + 30, 30);
        if (id === 40) await engine.step(1);
      }
      await engine.step(2);
      expect(engine.pageCount).toBe(72);
      expect((await engine.census()).every(({ cells }) => cells === 9)).toBe(true);
      expect((await changedPages(engine)).size).toBe(72);
      engine.dispose();
    });
  });

  test('asked for by name, it says that it is software, and is made to outlast a loss', async () => {
    const { engine, reason } = await createEngine('webgpu', {
      ...SIZE,
      randomSeed: 1,
      adapter: 'swiftshader',
    });
    expect(engine).toBeInstanceOf(LastingEngine);
    expect(engine.description).toMatch(/^webgpu on .*swiftshader.*\(software\)$/i);
    expect(reason).toBe('asked for');
    engine.dispose();
  });

  // Last: it takes the device from everybody.
  test('a lost device is an exact error, and a new engine goes on from the save', async () => {
    const world = { width: 200, height: 200, randomSeed: 3 };
    const options = { ...world, adapter: 'swiftshader' };
    const reference = await createReferenceEngine(world);
    const lost = await createWebGpuEngine(options);
    for (const engine of [reference, lost]) setRules(engine);
    const state = randomState(7, world, 5);
    await lost.restore(state);
    await lost.step(2);
    const saved = await lost.save();
    const stepping = lost.step(1);
    lost.opened.device.destroy();
    await expect(stepping).rejects.toThrow(EngineLostError);
    for (const call of [
      () => lost.step(1),
      () => lost.save(),
      () => lost.census(),
      () => lost.visitChanged(() => {}),
    ]) {
      await expect(call()).rejects.toThrow(/the GPU was lost/);
    }
    // What is not awaited does not throw: the next step says it.
    lost.perturb({ kind: 'ablate', x0: 9, y0: 9, x1: 9, y1: 9, radius: 3 });
    lost.dispose();

    // With somebody who remembers: the device is lost again, and the next step is taken all the same.
    let current = await createWebGpuEngine(options);
    const notes: string[] = [];
    const next = new LastingEngine(current, world.randomSeed, {
      again: async () => {
        current = await createWebGpuEngine(options);
        return current;
      },
      spare: () => createReferenceEngine(world),
      onLoss: (message) => notes.push(message),
    });
    setRules(next);
    await next.restore(saved);
    await next.step(1);
    current.opened.device.destroy();
    await next.step(1);
    expect(next.name).toBe('webgpu');
    expect(notes).toEqual([
      expect.stringMatching(/^the GPU was lost .*: 5 organisms as they were last saved, 0 from their seeds$/),
    ]);
    // The saved cells, two steps on by the count and one by what was computed.
    await reference.restore({ ...saved, stepNumber: saved.stepNumber + 1 });
    await reference.step(1);
    expectSameState(await next.save(), await reference.save(), world, 1e-5);
    next.dispose();
  });
});

describe('budgets', () => {
  test('a workgroup needs no more memory than WebGPU promises', () => {
    expect(UPDATE_WORKGROUP_BYTES).toBeLessThanOrEqual(PROMISED_WORKGROUP_BYTES);
    expect(SETTLE_WORKGROUP_BYTES).toBeLessThanOrEqual(PROMISED_WORKGROUP_BYTES);
  });

  test('the stated workgroup memory is what the kernel declares', () => {
    const sizes: Readonly<Record<string, number>> = { vec4f: 16, u32: 4 };
    let bytes = 0;
    for (const [, type] of UPDATE.matchAll(/var<workgroup> \w+: (.+);/g)) {
      const [, element = '', count = '1'] = /^(?:array|atomic)?<?(\w+)(?:, (\d+))?>?$/.exec(type) ?? [];
      bytes += sizes[element] * Number(count);
    }
    expect(bytes).toBe(UPDATE_WORKGROUP_BYTES);
  });
});

test('weights are packed as the kernel reads them', () => {
  const rule = randomRule(1, 8);
  const packed = packWeights(rule);
  expect(packed.length).toBe(16 + 2 * 65 * 4);
  expect([...packed.subarray(0, 16)]).toEqual([...rule.b2]);
  const group = 16 + 65 * 4; // units 4..7
  expect(packed[group + 2]).toBe(rule.b1[6]);
  expect(packed[group + 4 + 47 * 4 + 3]).toBe(rule.w1[7 * 48 + 47]);
  expect(packed[group + 4 + 48 * 4 + 1 * 16 + 5]).toBe(rule.w2[5 * 8 + 5]);
});
