import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../server/engines/create.ts';
import { type Engine, EngineLostError, type EngineOptions } from '../../server/engines/engine.ts';
import { LastingEngine } from '../../server/engines/lasting.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import type { SleepingEngine } from '../../server/engines/sleepingEngine.ts';
import { KERNEL_CHOICES, type KernelChoice } from '../../server/engines/webgpu/device.ts';
import { createWebGpuEngine, type WebGpuEngine } from '../../server/engines/webgpu/engine.ts';
import { kernelTexts } from '../../server/engines/webgpu/kernels/compile.ts';
import { SETTLE_WORKGROUP_BYTES } from '../../server/engines/webgpu/kernels/settle.ts';
import { UPDATE_WORKGROUP_BYTES, update } from '../../server/engines/webgpu/kernels/update.ts';
import { packWeights } from '../../server/engines/webgpu/rules.ts';
import type { Rule } from '../../server/rules/rule.ts';
import { describeOnSwiftShader } from '../swiftshader.ts';
import { describeEngineContract } from './contract.ts';
import { changedPages, expectSameState, randomRule, randomState, setRules, stillRule } from './fixtures.ts';
import { describePaging } from './paging.ts';
import { expectSameRest, expectSameTerritories, REST, SIZE } from './resting.ts';

const TOLERANCE = 1e-5;
/** The workgroup memory that WebGPU guarantees on every device. */
const PROMISED_WORKGROUP_BYTES = 16_384;

const create = (
  options: EngineOptions,
  bankPages?: number,
  kernels: KernelChoice = 'auto',
): Promise<SleepingEngine<WebGpuEngine>> =>
  createWebGpuEngine({ ...options, adapter: 'swiftshader', bankPages, kernels });

/** The reference, with weights rounded to float16. */
async function createHalfReference(options: EngineOptions): Promise<Engine> {
  const reference = await createReferenceEngine(options);
  const { setRule } = reference;
  reference.setRule = (slot, rule) => setRule.call(reference, slot, roundRule(rule));
  return reference;
}

const roundRule = (rule: Rule): Rule => {
  const round = (values: Float32Array) => values.map(Math.f16round);
  const { w1, b1, w2, b2 } = rule;
  return { ...rule, w1: round(w1), b1: round(b1), w2: round(w2), b2: round(b2) };
};

describeOnSwiftShader('on SwiftShader', () => {
  // These keep devices open, because their kernels take seconds to compile.
  const keepers: SleepingEngine<WebGpuEngine>[] = [];
  beforeAll(async () => {
    for (const kernels of KERNEL_CHOICES) {
      keepers.push(await create({ width: 1, height: 1, randomSeed: 1 }, undefined, kernels));
    }
  }, 180_000);
  afterAll(() => {
    for (const keeper of keepers) keeper.dispose();
  });

  test('each choice of kernels compiles them with its own subgroups and weights', () => {
    expect(keepers.map(({ awake }) => awake.opened.form)).toEqual([
      { subgroups: true, halfWeights: false }, // SwiftShader has them
      { subgroups: false, halfWeights: false },
      { subgroups: true, halfWeights: true },
    ]);
  });

  test('no kernel gets a warning: subgroup operations are in uniform control flow', async () => {
    for (const { opened } of keepers.map(({ awake }) => awake)) {
      for (const [name, code] of Object.entries(kernelTexts(opened.form))) {
        const { messages } = await opened.device.createShaderModule({ code }).getCompilationInfo();
        expect(messages.map(({ message }) => `${name}: ${message}`)).toEqual([]);
      }
    }
    // The compiler does check: it refuses a kernel that is not uniform.
    const { device } = keepers[0].awake.opened;
    device.pushErrorScope('validation');
    const parting = device.createShaderModule({
      code: `enable subgroups;
        @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) lane: u32) {
          if (lane > 3u) { _ = subgroupAdd(lane); }
        }`,
    });
    const [fault] = (await parting.getCompilationInfo()).messages;
    expect(fault).toMatchObject({ type: 'error', message: expect.stringMatching(/uniform control flow/) });
    expect(await device.popErrorScope()).not.toBeNull();
  });

  // A step must not depend on how pages lie in banks; three pages per bank are the hard case.
  describeEngineContract('webgpu, plain kernels', (options) => create(options, 3, 'plain'), {
    explosiveSteps: 100,
    sleepRounds: 15,
    tolerance: TOLERANCE,
  });
  // Subgroups and float16 change only the kernels of a step.
  describeEngineContract('webgpu, subgroups, weights in float16', (options) => create(options, 3, 'f16'), {
    scope: 'steps',
    tolerance: TOLERANCE,
    createReference: createHalfReference,
    maxWeight: 65_504,
    explosiveSteps: 100,
  });

  test('subgroups change no bit of the result', async () => {
    const world = { width: 200, height: 130, randomSeed: 6 };
    const states = [];
    const counts = [];
    for (const kernels of ['plain', 'auto'] as const) {
      const engine = await create(world, undefined, kernels);
      setRules(engine);
      await engine.restore(randomState(9, world, 8));
      await engine.step(8);
      states.push(await engine.save());
      counts.push(await engine.census());
      engine.dispose();
    }
    expectSameState(states[1], states[0], world, 0);
    expect(counts[1]).toEqual(counts[0]);
  });

  test('a weight that float16 cannot hold is refused where weights are float16, and the rule stays', async () => {
    const world = { width: 64, height: 64, randomSeed: 1 };
    const engine = await create(world, undefined, 'f16');
    const reference = await createHalfReference(world);
    for (const made of [engine, reference]) {
      made.setRule(0, randomRule(3, 8));
      made.plant(1, 0, 30, 30);
      await made.step(3);
    }
    const large = randomRule(4, 8);
    large.w2[5] = 65_520; // the smallest number that rounds to infinity
    expect(() => engine.setRule(0, large)).toThrow(/w2 holds 65520, float16 at most 65504/);
    for (const made of [engine, reference]) await made.step(1);
    expectSameState(await engine.save(), await reference.save(), world, TOLERANCE);
    engine.dispose();
  });

  test('a world that comes to rest and is disturbed repeatedly equals the reference', async () => {
    const options = { ...SIZE, randomSeed: 1, rest: REST };
    const webgpu = await create(options);
    await expectSameRest([await createReferenceEngine(options), webgpu], 1, 9);
    webgpu.dispose();
  });

  test('territories set among bodies at rest change what the reference changes', async () => {
    const options = { ...SIZE, randomSeed: 4, rest: REST };
    const webgpu = await create(options);
    await expectSameTerritories([await createReferenceEngine(options), webgpu], 10, 5);
    webgpu.dispose();
  });

  test('steps are the same to the bit in one submission or many, and in one bank or several', async () => {
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

  describePaging((options) => create(options), { crampedSteps: 20 });

  test('memory grows for more pages than its first size, and no cell is lost', async () => {
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

  test('a named software adapter is described as software, and its engine survives a loss', async () => {
    const { engine, reason } = await createEngine('webgpu', {
      ...SIZE,
      randomSeed: 1,
      adapter: 'swiftshader',
    });
    expect(engine).toBeInstanceOf(LastingEngine);
    expect(engine.description).toMatch(/^webgpu on .*swiftshader.*\(software\), subgroups$/i);
    expect(reason).toBe('asked for');
    engine.dispose();
  });

  // Last, because it destroys the device that all tests here share.
  test('a lost device gives an EngineLostError, and a new engine goes on from the save', async () => {
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
    lost.awake.opened.device.destroy();
    await expect(stepping).rejects.toThrow(EngineLostError);
    for (const call of [
      () => lost.step(1),
      () => lost.save(),
      () => lost.census(),
      () => lost.visitChanged(() => {}),
    ]) {
      await expect(call()).rejects.toThrow(/the GPU was lost/);
    }
    // An edit does not throw, because it is not awaited; the next step does.
    lost.perturb({ kind: 'ablate', x0: 9, y0: 9, x1: 9, y1: 9, radius: 3 });
    lost.dispose();

    // In a LastingEngine the device is lost again, and the next step is still taken.
    let current = await createWebGpuEngine(options);
    const notes: string[] = [];
    const next = new LastingEngine(current, world.randomSeed, {
      again: async () => {
        current = await createWebGpuEngine(options);
        return current;
      },
      spare: () => createReferenceEngine(world),
      log: (line) => notes.push(line),
    });
    setRules(next);
    await next.restore(saved);
    await next.step(1);
    current.awake.opened.device.destroy();
    await next.step(1);
    expect(next.name).toBe('webgpu');
    expect(notes).toEqual([
      expect.stringMatching(/^the GPU was lost .*: 5 organisms as they were last saved, 0 from their seeds$/),
    ]);
    // These are the saved cells: the count has advanced two steps, but only one was computed.
    await reference.restore({ ...saved, stepNumber: saved.stepNumber + 1 });
    await reference.step(1);
    expectSameState(await next.save(), await reference.save(), world, TOLERANCE);
    next.dispose();
  });
});

describe('budgets', () => {
  test('a workgroup needs no more memory than WebGPU guarantees', () => {
    expect(UPDATE_WORKGROUP_BYTES).toBeLessThanOrEqual(PROMISED_WORKGROUP_BYTES);
    expect(SETTLE_WORKGROUP_BYTES).toBeLessThanOrEqual(PROMISED_WORKGROUP_BYTES);
  });

  test('the stated workgroup memory is what the kernel declares', () => {
    const sizes: Readonly<Record<string, number>> = { vec4f: 16, u32: 4 };
    let bytes = 0;
    for (const [, type] of update({ subgroups: false, halfWeights: false }).matchAll(
      /var<workgroup> \w+: (.+);/g,
    )) {
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
