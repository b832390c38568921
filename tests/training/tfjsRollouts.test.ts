/** The tfjs trainer against the WASM trainer: same masks, same steps, gradients by autodiff. */
import { describe, expect, test } from 'vitest';
import { loadTensorFlow } from '../../server/engines/tfjs/load.ts';
import { CHANNELS, PERCEPTION } from '../../server/rules/rule.ts';
import { gridShape, type Weights } from '../../server/training/kernel.ts';
import { firstState, firstWeights, meanDirection, update } from '../../server/training/optimizer.ts';
import { Random } from '../../server/training/random.ts';
import { type RolloutBatch, type RolloutOptions, Rollouts } from '../../server/training/rollouts.ts';
import { forEachCell, plantSeed } from '../../server/training/states.ts';
import { openTfjs } from '../../server/training/tfjs.ts';

const { tf } = await loadTensorFlow(['wasm']);
const { open } = await openTfjs(['wasm']);

const norm = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values));
const relativeError = (got: Float32Array, want: Float32Array): number =>
  norm(got.map((value, i) => value - want[i])) / norm(want);

function randomWeights(hidden: number, random: Random): Weights {
  const uniform = (length: number, scale: number): Float32Array =>
    Float32Array.from({ length }, () => random.between(-scale, scale));
  return {
    w1: uniform(hidden * PERCEPTION, 0.3),
    b1: uniform(hidden, 0.2),
    w2: uniform(CHANNELS * hidden, 0.15),
    b2: uniform(CHANNELS, 0.05),
  };
}

/** Living cells up to the edges, holes, and alphas on both sides of the threshold. */
function fill(batches: readonly RolloutBatch[], { shape, slots }: RolloutOptions, random: Random): void {
  for (let slot = 0; slot < slots; slot++) {
    forEachCell(shape, (_x, _y, cell) => {
      if (random.unit() < 0.45) return;
      const channels = Float32Array.from({ length: CHANNELS }, () => random.between(-1, 1));
      channels[3] = random.between(-0.2, 0.6);
      for (const batch of batches) batch.state(slot).set(channels, cell * CHANNELS);
    });
  }
  forEachCell(shape, (_x, _y, cell) => {
    const rgba = Float32Array.from({ length: 4 }, () => random.unit());
    if (random.unit() < 0.2) rgba.fill(0);
    for (const batch of batches) batch.target.set(rgba, cell * 4);
  });
}

interface Case {
  readonly width: number;
  readonly height: number;
  readonly hidden: number;
  /** By slot. */
  readonly steps: readonly number[];
  readonly fireRate: number;
  readonly overflowWeight: number;
  readonly quietSteps?: readonly number[];
  readonly placeWeight?: number;
  readonly waveWeight?: number;
  readonly strayWeight?: number;
  readonly rimWeight?: number;
  /** Part of the cells that stand in walls; default none. */
  readonly walls?: number;
}

const CASES: readonly Case[] = [
  { width: 7, height: 6, hidden: 8, steps: [2, 2, 2], fireRate: 0.5, overflowWeight: 0 },
  { width: 9, height: 8, hidden: 12, steps: [5, 1, 0], fireRate: 0.5, overflowWeight: 0 },
  { width: 12, height: 9, hidden: 32, steps: [6, 6], fireRate: 1, overflowWeight: 0.3 },
  { width: 5, height: 11, hidden: 20, steps: [8], fireRate: 0.3, overflowWeight: 0.3 },
  {
    width: 8,
    height: 9,
    hidden: 16,
    steps: [6, 3, 5],
    fireRate: 0.5,
    overflowWeight: 0.3,
    quietSteps: [3, 9, 0],
  },
  { width: 25, height: 9, hidden: 12, steps: [4, 6], fireRate: 0.5, overflowWeight: 0, placeWeight: 0.7 },
  {
    width: 26,
    height: 14,
    hidden: 12,
    steps: [4, 5],
    fireRate: 0.5,
    overflowWeight: 0.1,
    placeWeight: 0.2,
    waveWeight: 0.7,
  },
  {
    width: 21,
    height: 9,
    hidden: 12,
    steps: [5, 5],
    fireRate: 0.5,
    overflowWeight: 0,
    placeWeight: 0.7,
    strayWeight: 2,
    rimWeight: 6,
    walls: 0.3,
  },
];

describe('the same as the WASM trainer', () => {
  test.each(CASES)(
    '$steps steps on $width x $height, rate $fireRate, overflow $overflowWeight',
    async (c) => {
      const random = new Random(c.width);
      const options: RolloutOptions = {
        shape: gridShape(c.width, c.height),
        hidden: c.hidden,
        fireRate: c.fireRate,
        overflowWeight: c.overflowWeight,
        quiescenceWeight: 2,
        placeWeight: c.placeWeight,
        waveWeight: c.waveWeight,
        strayWeight: c.strayWeight,
        rimWeight: c.rimWeight,
        slots: c.steps.length,
        threads: 0,
        maxSteps: 8,
      };
      const before = tf.memory();
      const [wasm, tfjs] = [new Rollouts(options), open(options)];
      fill([wasm, tfjs], options, random);
      for (const slot of c.steps.keys()) {
        forEachCell(options.shape, (_x, _y, cell) => {
          if (random.unit() >= (c.walls ?? 0)) return;
          for (const batch of [wasm, tfjs]) batch.open(slot)[cell] = 0;
        });
      }
      const weights = randomWeights(c.hidden, random);
      const rollouts = c.steps.map((steps, slot) => ({
        steps,
        randomSeed: random.uint32() | 0,
        firstStep: slot * 1000,
        quietSteps: c.quietSteps?.[slot],
      }));
      wasm.setWeights(weights);
      tfjs.setWeights(weights);
      const [want, got] = [await wasm.differentiate(rollouts), await tfjs.differentiate(rollouts)];
      for (const slot of c.steps.keys()) {
        expect(got.losses[slot] / want.losses[slot]).toBeCloseTo(1, 4);
        expect(relativeError(tfjs.state(slot), wasm.state(slot))).toBeLessThan(1e-4);
        forEachCell(options.shape, (_x, _y, cell) => {
          if (wasm.open(slot)[cell] !== 0 || c.steps[slot] === 0) return;
          for (let i = cell * CHANNELS; i < (cell + 1) * CHANNELS; i++) expect(wasm.state(slot)[i]).toBe(0);
        });
        // Without steps, no gradient depends on the weights.
        const [g, w] = [tfjs.gradient(slot), wasm.gradient(slot)];
        for (const name of ['w1', 'b1', 'w2', 'b2'] as const) {
          expect(norm(w[name]) > 0).toBe(c.steps[slot] > 0);
          if (c.steps[slot] > 0) expect(relativeError(g[name], w[name])).toBeLessThan(1e-3);
          else expect(norm(g[name])).toBe(0);
        }
      }
      const [further, furtherTfjs] = [await wasm.run(rollouts), await tfjs.run(rollouts)];
      for (const slot of c.steps.keys()) {
        expect(furtherTfjs.losses[slot] / further.losses[slot]).toBeCloseTo(1, 3);
      }
      await wasm.dispose();
      await tfjs.dispose();
      expect(tf.memory()).toEqual(before);
    },
  );
});

test('forty updates on one batch more than halve its loss, and leave no tensors behind', async () => {
  const shape = gridShape(13, 13);
  const batch = open({
    shape,
    hidden: 16,
    fireRate: 0.5,
    overflowWeight: 0.005,
    slots: 2,
    threads: 0,
    maxSteps: 10,
  });
  forEachCell(shape, (x, y, cell) => {
    if (Math.hypot(x - 6, y - 6) < 3.5) batch.target.set([0.8, 0.2, 0.4, 1], cell * 4);
  });
  let state = firstState(firstWeights(16, new Random(1)));
  const losses: number[] = [];
  const tensors: number[] = [];
  for (let i = 0; i < 40; i++) {
    for (const slot of [0, 1]) plantSeed(batch.state(slot), shape);
    batch.setWeights(state.weights);
    const result = await batch.differentiate([1, 2].map((randomSeed) => ({ steps: 10, randomSeed })));
    losses.push(result.losses[0] + result.losses[1]);
    state = update(state, meanDirection([batch.gradient(0), batch.gradient(1)], 1), 3e-2);
    tensors.push(tf.memory().numTensors);
  }
  await batch.dispose();
  expect(losses[39]).toBeLessThan(losses[0] / 2);
  expect(new Set(tensors).size).toBe(1);
});

test('more rollouts than slots, or a rollout without weights, is refused', async () => {
  const shape = gridShape(8, 8);
  const options = { shape, hidden: 4, fireRate: 0.5, overflowWeight: 0, slots: 1, threads: 0, maxSteps: 1 };
  const batch = open(options);
  const one = { steps: 1, randomSeed: 1 };
  await expect(batch.run([one, one])).rejects.toThrow('2 rollouts do not fit 1 slots');
  await expect(batch.run([one])).rejects.toThrow('the weights are not set');
  await batch.dispose();
});
