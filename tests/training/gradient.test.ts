import type { Scalar, Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { cellHash, fires, fireThreshold } from '../../server/engines/fire.ts';
import { CHANNELS, PERCEPTION } from '../../server/rules/rule.ts';
import { cellIndex, gridShape, type Weights } from '../../server/training/kernel.ts';
import { Random } from '../../server/training/random.ts';
import { Rollouts } from '../../server/training/rollouts.ts';
import { tf } from './tfjs.ts';

interface Case {
  width: number;
  height: number;
  hidden: number;
  steps: number;
  fireRate: number;
  randomSeed: number;
  overflowWeight?: number;
  quiescenceWeight?: number;
  quietSteps?: number;
  placeWeight?: number;
  waveWeight?: number;
}

/** 1 where the 3x3 maximum of alpha exceeds 0.1. [height, width, 1] */
function aliveMask(state: Tensor3D): Tensor3D {
  const [height, width] = state.shape;
  const values = state.dataSync();
  const mask = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          if (values[(v * width + u) * CHANNELS + 3] > Math.fround(0.1)) mask[y * width + x] = 1;
        }
      }
    }
  }
  return tf.tensor3d(mask, [height, width, 1]);
}

function perceive(state: Tensor3D): Tensor3D {
  const [height, width] = state.shape;
  const padded = tf.pad3d(state, [
    [1, 1],
    [1, 1],
    [0, 0],
  ]);
  const at = (dx: number, dy: number): Tensor3D =>
    tf.slice3d(padded, [1 + dy, 1 + dx, 0], [height, width, CHANNELS]);
  const weigh = (terms: [number, number, number][]): Tensor3D =>
    tf.addN(terms.map(([k, dx, dy]) => tf.mul(at(dx, dy), k / 8))) as Tensor3D;
  const sobelX = weigh([
    [-1, -1, -1],
    [1, 1, -1],
    [-2, -1, 0],
    [2, 1, 0],
    [-1, -1, 1],
    [1, 1, 1],
  ]);
  const sobelY = weigh([
    [-1, -1, -1],
    [-2, 0, -1],
    [-1, 1, -1],
    [1, -1, 1],
    [2, 0, 1],
    [1, 1, 1],
  ]);
  return tf.concat3d([state, sobelX, sobelY], 2);
}

/**
 * Weighted Huber's loss, where the picture is alive, of channels 4 and 5 against the cell's place, in units of 8 cells,
 * and of channels 6 to 9 against its waves, with a period of 12 cells.
 */
function misplacement(c: Case, state: Tensor3D, target: Float32Array): Tensor {
  const cells = Array.from({ length: c.width * c.height }, (_, i) => ({
    place: placeOf((i % c.width) - (c.width >> 1), Math.floor(i / c.width) - (c.height >> 1)),
    alive: target[i * 4 + 3] > 0.1 ? 1 : 0,
  }));
  const shape: [number, number, number] = [c.height, c.width, 6];
  const places = tf.tensor3d(Float32Array.from(cells.flatMap(({ place }) => place)), shape);
  const [place, wave] = [c.placeWeight ?? 0, c.waveWeight ?? 0];
  const weights = [place, place, wave, wave, wave, wave];
  const alive = tf.tensor3d(
    Float32Array.from(cells.flatMap(({ alive }) => weights.map((weight) => alive * weight))),
    shape,
  );
  const away = tf.sub(tf.slice3d(state, [0, 0, 4], [c.height, c.width, 6]), places);
  const near = tf.tensor3d(
    away.dataSync().map((value) => (Math.abs(value) < 1 ? 1 : 0)),
    shape,
  );
  const far = tf.sub(tf.mul(tf.abs(away), 2), 1);
  return tf.sum(tf.mul(alive, tf.add(tf.mul(near, tf.square(away)), tf.mul(tf.sub(1, near), far))));
}

const placeOf = (right: number, down: number): number[] => [
  right / 8,
  down / 8,
  ...[right, down].flatMap((cells) => [Math.sin((cells * Math.PI) / 6), Math.cos((cells * Math.PI) / 6)]),
];

/** The model by its definition, with masks as constants; autodiff gives the gradient. */
function oracle(c: Case, start: Float32Array, target: Float32Array, weights: Weights) {
  const { width, height, hidden } = c;
  let cleared = 0;
  let pictureLoss = 0;
  const lossOf = (state0: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor): Scalar => {
    let state = state0 as Tensor3D;
    let unrest = tf.scalar(0);
    const quietSteps = Math.min(c.quietSteps ?? 0, c.steps);
    for (let t = 0; t < c.steps; t++) {
      const before = aliveMask(state);
      const fired = new Float32Array(width * height);
      for (let i = 0; i < fired.length; i++) {
        const hash = cellHash(c.randomSeed, t, i % width, Math.floor(i / width));
        fired[i] = fires(hash, fireThreshold(c.fireRate)) ? 1 : 0;
      }
      const perception = tf.reshape(perceive(state), [-1, PERCEPTION]) as Tensor2D;
      const units = tf.relu(tf.add(tf.matMul(perception, w1 as Tensor2D, false, true), b1)) as Tensor2D;
      const delta = tf.add(tf.matMul(units, w2 as Tensor2D, false, true), b2);
      const shaped = tf.reshape(delta, [height, width, CHANNELS]);
      const update = tf.mul(shaped, tf.tensor3d(fired, [height, width, 1]));
      const updated = tf.add(state, update) as Tensor3D;
      if (t >= c.steps - quietSteps) {
        unrest = tf.add(unrest, tf.sum(tf.square(tf.mul(update, before))));
      }
      const live = tf.mul(before, aliveMask(updated));
      cleared += tf.sum(tf.sub(before, live)).dataSync()[0];
      state = tf.mul(updated, live);
    }
    const hiddenChannels = tf.slice3d(state, [0, 0, 4], [height, width, 12]);
    const over = tf.sub(hiddenChannels, tf.clipByValue(hiddenChannels, -1, 1));
    const rgba = tf.slice3d(state, [0, 0, 0], [height, width, 4]);
    const picture = tf.mean(tf.square(tf.sub(rgba, tf.tensor3d(target, [height, width, 4])))) as Scalar;
    pictureLoss = picture.dataSync()[0];
    const values = height * width * 4;
    const overflow = tf.mul(tf.sum(tf.square(over)), (c.overflowWeight ?? 0) / values);
    const quiescence = tf.mul(unrest, (c.quiescenceWeight ?? 0) / (values * Math.max(1, quietSteps)));
    const places = tf.mul(misplacement(c, state, target), 1 / values);
    return tf.addN([picture, overflow, quiescence, places]) as Scalar;
  };
  const inputs = [
    tf.tensor3d(start, [height, width, CHANNELS]),
    tf.tensor2d(weights.w1, [hidden, PERCEPTION]),
    tf.tensor1d(weights.b1),
    tf.tensor2d(weights.w2, [CHANNELS, hidden]),
    tf.tensor1d(weights.b2),
  ];
  const { grads } = tf.valueAndGrads((...xs: Tensor[]) => lossOf(xs[0], xs[1], xs[2], xs[3], xs[4]))(inputs);
  const [state, w1, b1, w2, b2] = grads.map((gradient) => gradient.dataSync() as Float32Array);
  return { loss: pictureLoss, state, w1, b1, w2, b2, cleared };
}

const norm = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values));
const relativeError = (got: Float32Array, want: Float32Array): number =>
  norm(got.map((value, i) => value - want[i])) / norm(want);

const CASES: Case[] = [
  { width: 7, height: 6, hidden: 8, steps: 2, fireRate: 0.5, randomSeed: 1 },
  { width: 9, height: 8, hidden: 12, steps: 4, fireRate: 0.5, randomSeed: 2 },
  { width: 5, height: 11, hidden: 20, steps: 7, fireRate: 0.5, randomSeed: 3 },
  { width: 12, height: 9, hidden: 32, steps: 6, fireRate: 1, randomSeed: 4 },
  { width: 10, height: 10, hidden: 16, steps: 10, fireRate: 0.3, randomSeed: 5 },
  { width: 8, height: 9, hidden: 16, steps: 5, fireRate: 0.5, randomSeed: 6, overflowWeight: 0.3 },
  {
    width: 8,
    height: 9,
    hidden: 16,
    steps: 6,
    fireRate: 0.5,
    randomSeed: 7,
    quiescenceWeight: 2,
    quietSteps: 3,
  },
  {
    width: 9,
    height: 9,
    hidden: 12,
    steps: 6,
    fireRate: 0.5,
    randomSeed: 8,
    quiescenceWeight: 1,
    quietSteps: 9,
  },
  { width: 27, height: 8, hidden: 12, steps: 7, fireRate: 0.5, randomSeed: 9, placeWeight: 0.7 },
  {
    width: 8,
    height: 25,
    hidden: 12,
    steps: 8,
    fireRate: 0.5,
    randomSeed: 20,
    placeWeight: 0.3,
    overflowWeight: 0.2,
  },
  {
    width: 15,
    height: 14,
    hidden: 12,
    steps: 6,
    fireRate: 0.5,
    randomSeed: 21,
    placeWeight: 0.3,
    waveWeight: 0.6,
  },
];

function inputsOf(c: Case) {
  const random = new Random(c.randomSeed);
  const uniform = (length: number, scale: number): Float32Array =>
    Float32Array.from({ length }, () => random.between(-scale, scale));
  const weights: Weights = {
    w1: uniform(c.hidden * PERCEPTION, 0.3),
    b1: uniform(c.hidden, 0.2),
    w2: uniform(CHANNELS * c.hidden, 0.15),
    b2: uniform(CHANNELS, 0.05),
  };
  // Living cells up to the edges, holes, and alphas on both sides of the threshold.
  const start = new Float32Array(c.width * c.height * CHANNELS);
  for (let i = 0; i < start.length; i += CHANNELS) {
    if (random.unit() < 0.45) continue;
    start.set(uniform(CHANNELS, 1), i);
    start[i + 3] = random.between(-0.2, 0.6);
  }
  // Units that are silent in every cell: the trainer leaves them out.
  for (const unit of [1, 5, 6]) weights.b1[unit] = -99;
  const target = Float32Array.from({ length: c.width * c.height * 4 }, () => random.unit());
  return { weights, start, target };
}

/** The trainer's gradient. */
async function differentiate(
  c: Case,
  { weights, start, target }: ReturnType<typeof inputsOf>,
  wide: boolean,
) {
  const shape = gridShape(c.width, c.height);
  const rollouts = new Rollouts({
    shape,
    hidden: c.hidden,
    fireRate: c.fireRate,
    overflowWeight: c.overflowWeight ?? 0,
    quiescenceWeight: c.quiescenceWeight,
    placeWeight: c.placeWeight,
    waveWeight: c.waveWeight,
    slots: 1,
    threads: 0,
    maxSteps: c.steps,
    wideTiles: wide,
  });
  rollouts.setWeights(weights);
  for (let i = 0; i < c.width * c.height; i++) {
    const cell = cellIndex(shape, i % c.width, Math.floor(i / c.width));
    rollouts.state(0).set(start.subarray(i * CHANNELS, (i + 1) * CHANNELS), cell * CHANNELS);
    rollouts.target.set(target.subarray(i * 4, (i + 1) * 4), cell * 4);
  }
  const { losses } = await rollouts.differentiate([
    { steps: c.steps, randomSeed: c.randomSeed, quietSteps: c.quietSteps },
  ]);
  const padded = rollouts.kernel.stateGradient();
  const stateGradient = new Float32Array(start.length);
  for (let i = 0; i < c.width * c.height; i++) {
    const cell = cellIndex(shape, i % c.width, Math.floor(i / c.width)) * CHANNELS;
    stateGradient.set(padded.subarray(cell, cell + CHANNELS), i * CHANNELS);
  }
  await rollouts.dispose();
  return { losses, gradient: rollouts.gradient(0), stateGradient };
}

describe('the hand-derived gradient equals autodiff', () => {
  test.each(CASES)('on $width x $height, $hidden hidden units, $steps steps at rate $fireRate', async (c) => {
    const inputs = inputsOf(c);
    const narrow = await differentiate(c, inputs, false);
    const { losses, gradient: got, stateGradient } = narrow;

    const want = tf.tidy(() => oracle(c, inputs.start, inputs.target, inputs.weights));

    if (c.steps > 2) expect(want.cleared).toBeGreaterThan(0);
    expect(Math.abs(losses[0] - want.loss) / want.loss).toBeLessThan(1e-4);
    expect(relativeError(got.w1, want.w1)).toBeLessThan(1e-3);
    expect(relativeError(got.b1, want.b1)).toBeLessThan(1e-3);
    expect(relativeError(got.w2, want.w2)).toBeLessThan(1e-3);
    expect(relativeError(got.b2, want.b2)).toBeLessThan(1e-3);
    expect(relativeError(stateGradient, want.state)).toBeLessThan(1e-3);
    expect(await differentiate(c, inputs, true), 'wide tiles').toEqual(narrow);
  });
});
