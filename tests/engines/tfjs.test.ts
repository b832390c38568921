import { describe, expect, test } from 'vitest';
import { createEngine } from '../../server/engines/create.ts';
import { EngineError } from '../../server/engines/engine.ts';
import { createTfjsEngine } from '../../server/engines/tfjs/engine.ts';
import { loadTensorFlow } from '../../server/engines/tfjs/load.ts';
import type { Rule } from '../../server/rules/rule.ts';
import { describeEngineContract } from './contract.ts';
import { isInstalled, randomRule } from './fixtures.ts';

/** TensorFlow's sums have another order than the reference's. */
const TOLERANCE = 1e-5;
const WORLD = { width: 24, height: 20, randomSeed: 1 };

/** A rule that spreads, and then changes for ever within bounds. */
const driftingRule = (seed: number): Rule => ({ ...randomRule(seed, 16), w2: new Float32Array(16 * 16) });

describeEngineContract('tfjs on WASM', (options) => createTfjsEngine({ ...options, backend: 'wasm' }), {
  tolerance: TOLERANCE,
});

describe('without the WASM backend', () => {
  describeEngineContract(
    'tfjs in plain JavaScript, two threads of kernels',
    (options) => createTfjsEngine({ ...options, backend: 'cpu', threads: 2 }),
    // Another backend changes only how deltas are computed.
    { tolerance: TOLERANCE, scope: 'steps' },
  );
});

test('10,000 steps and a hundred swapped rules leave no memory behind in TensorFlow', async () => {
  const { tf } = await loadTensorFlow(['wasm']);
  const before = tf.memory();
  const engine = await createTfjsEngine({ width: 12, height: 10, randomSeed: 1, backend: 'wasm' });
  for (const slot of [0, 1]) engine.setRule(slot, driftingRule(slot));
  engine.plant(1, 0, 3, 3);
  engine.plant(2, 1, 9, 6);
  await engine.step(50); // the world is full of both
  const { numTensors, numBytes, numDataBuffers } = tf.memory();
  for (let round = 0; round < 100; round++) {
    await engine.step(100);
    engine.setRule(0, driftingRule(round));
    expect(tf.memory()).toMatchObject({ numTensors, numBytes, numDataBuffers });
  }
  expect(engine.stepNumber).toBe(10_050);
  // All organisms lived and fired to the end.
  const census = await engine.census();
  expect(census.reduce((sum, { cells }) => sum + cells, 0)).toBe(120);
  expect(census.every(({ cells }) => cells > 20)).toBe(true);
  engine.dispose();
  engine.dispose();
  expect(tf.memory()).toEqual(before);
});

test('a world whose cells fire in more than one batch equals one that does not', async () => {
  const size = { width: 192, height: 128, randomSeed: 4 };
  const [tfjs, wasm] = [
    await createTfjsEngine({ ...size, backend: 'wasm' }),
    (await createEngine('wasm', size)).engine,
  ];
  const rule = randomRule(7, 8, 1, 0.2);
  const owners = new Uint16Array(64 * 64).fill(1);
  const cells = new Float32Array(64 * 64 * 16).fill(0.3);
  const pages = [0, 1, 2, 3, 4, 5].map((page) => ({ page, cells, owners }));
  for (const engine of [tfjs, wasm]) {
    engine.setRule(0, rule);
    await engine.restore({ stepNumber: 0, randomSeed: 4, organisms: [{ id: 1, rule: 0 }], pages });
    await engine.step(2);
  }
  const [got, want] = [await tfjs.save(), await wasm.save()];
  const worst = got.pages.map(({ cells: values }, p) =>
    values.reduce((most, value, i) => Math.max(most, Math.abs(value - want.pages[p].cells[i])), 0),
  );
  expect(Math.max(...worst)).toBeLessThan(TOLERANCE);
  expect(got.pages.every(({ cells: values }) => values.every((value) => value !== 0.3))).toBe(true);
  for (const engine of [tfjs, wasm]) engine.dispose();
});

describe('the choice of backend', () => {
  test('the description names the backend', async () => {
    const { engine, reason } = await createEngine('tfjs', WORLD);
    expect(engine.name).toBe('tfjs');
    expect(engine.description).toMatch(/^tfjs, TensorFlow.* on .*; masks: wasm, .*1 thread$/);
    expect(reason).toBe('asked for');
    engine.dispose();
  });

  test('a better backend that is not installed is skipped', async () => {
    const { backend } = await loadTensorFlow(['node-gpu', 'cpu']);
    expect(backend).toBe(isInstalled('@tensorflow/tfjs-node-gpu') ? 'node-gpu' : 'cpu');
  });

  test.skipIf(isInstalled('@tensorflow/tfjs-node-gpu'))('none: what to install is said', async () => {
    const creating = createTfjsEngine({ ...WORLD, backend: 'node-gpu' });
    await expect(creating).rejects.toThrow(EngineError);
    await expect(creating).rejects.toThrow(
      'npm install --no-save --save-optional @tensorflow/tfjs-node-gpu@4.22.0',
    );
  });
});

test('invalid options are refused, and no thread is left running', async () => {
  for (const wrong of [{ threads: 0 }, { width: 0 }, { rest: 1 }]) {
    await expect(createTfjsEngine({ ...WORLD, ...wrong, backend: 'wasm' })).rejects.toThrow(EngineError);
  }
});
