/**
 * From gradients to weights. Matrices move by Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers"): the
 * momentum with all its singular values set to about 1, so that rare directions count as much as the few that dominate.
 * Biases move by Adam (Kingma and Ba 2015). In both only the direction of a gradient counts, as in Mordvintsev et al.
 * 2020.
 */
import { CHANNELS, PERCEPTION } from '../rules/rule.ts';
import type { Weights } from './kernel.ts';
import type { Random } from './random.ts';

export const OPTIMIZERS = ['muon', 'adam'] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

const VARIABLES = ['w1', 'b1', 'w2', 'b2'] as const;
const FIRST_DECAY = 0.9;
const SECOND_DECAY = 0.999;
const EPSILON = 1e-7;
const MOMENTUM = 0.95;
/** Root mean square of Adam's update, in units of the rate: with it, one rate serves both (Liu et al. 2025). */
const ADAM_RMS = 0.2;
/** A quintic whose iterates bring every singular value in (0, 1] near 1, fast but not exactly (Jordan et al.). */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const ITERATES = 5;

export interface OptimizerState {
  readonly weights: Weights;
  /** Running mean of the gradients' directions. */
  readonly first: Weights;
  /** … and of their squares; for Adam only. */
  readonly second: Weights;
  readonly updates: number;
}

const like = (weights: Weights): Weights => ({
  w1: new Float32Array(weights.w1.length),
  b1: new Float32Array(weights.b1.length),
  w2: new Float32Array(weights.w2.length),
  b2: new Float32Array(weights.b2.length),
});

/** A rule that does nothing yet: its second layer is zero, so that the first steps change no cell. */
export function firstWeights(hidden: number, random: Random): Weights {
  const limit = Math.sqrt(6 / (PERCEPTION + hidden)); // Glorot and Bengio 2010
  return {
    w1: Float32Array.from({ length: hidden * PERCEPTION }, () => random.between(-limit, limit)),
    b1: new Float32Array(hidden),
    w2: new Float32Array(CHANNELS * hidden),
    b2: new Float32Array(CHANNELS),
  };
}

export const firstState = (weights: Weights): OptimizerState => ({
  weights,
  first: like(weights),
  second: like(weights),
  updates: 0,
});

/**
 * Mean of the samples' gradients; each variable of length L is first divided by L^`normalisation`. A fresh wound pulls
 * 10 to 25 times as hard as a seed or a grown body. At 0 a batch teaches mostly healing. At 1 it teaches growing and
 * persisting as much, and the picture becomes finer than the healing.
 *
 * @param normalisation - 0..1
 */
export function meanDirection(gradients: readonly Weights[], normalisation: number): Weights {
  const mean = like(gradients[0]);
  for (const gradient of gradients) {
    for (const name of VARIABLES) {
      const g = gradient[name];
      const scale = 1 / (gradients.length * (lengthOf(g) + 1e-8) ** normalisation);
      for (let i = 0; i < g.length; i++) mean[name][i] += g[i] * scale;
    }
  }
  return mean;
}

/** The weights that lie `part` of the way from one rule's to another's. */
export const between = (from: Weights, to: Weights, part: number): Weights => ({
  w1: from.w1.map((value, i) => value + part * (to.w1[i] - value)),
  b1: from.b1.map((value, i) => value + part * (to.b1[i] - value)),
  w2: from.w2.map((value, i) => value + part * (to.w2[i] - value)),
  b2: from.b2.map((value, i) => value + part * (to.b2[i] - value)),
});

const lengthOf = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return Math.sqrt(sum);
};

/** Returns a new state; the old one stays whole, so that a run can return to it. */
export function update(
  state: OptimizerState,
  gradient: Weights,
  rate: number,
  optimizer: OptimizerName = 'muon',
): OptimizerState {
  const next = {
    weights: like(state.weights),
    first: like(state.weights),
    second: like(state.weights),
    updates: state.updates + 1,
  };
  for (const name of VARIABLES) {
    const isMatrix = name === 'w1' || name === 'w2';
    if (optimizer === 'muon' && isMatrix) muon(state, next, gradient, name, rate);
    else adam(state, next, gradient, name, rate);
  }
  return next;
}

type Variable = (typeof VARIABLES)[number];

function adam(
  state: OptimizerState,
  next: OptimizerState,
  gradient: Weights,
  name: Variable,
  rate: number,
): void {
  const { updates } = next;
  const scale = (rate * Math.sqrt(1 - SECOND_DECAY ** updates)) / (1 - FIRST_DECAY ** updates);
  const [w, m, v, g] = [state.weights[name], state.first[name], state.second[name], gradient[name]];
  const norm = lengthOf(g) + 1e-8;
  for (let i = 0; i < w.length; i++) {
    const unit = g[i] / norm;
    next.first[name][i] = FIRST_DECAY * m[i] + (1 - FIRST_DECAY) * unit;
    next.second[name][i] = SECOND_DECAY * v[i] + (1 - SECOND_DECAY) * unit * unit;
    next.weights[name][i] =
      w[i] - (scale * next.first[name][i]) / (Math.sqrt(next.second[name][i]) + EPSILON);
  }
}

function muon(
  state: OptimizerState,
  next: OptimizerState,
  gradient: Weights,
  name: 'w1' | 'w2',
  rate: number,
): void {
  const [w, m, g] = [state.weights[name], state.first[name], gradient[name]];
  const rows = name === 'w1' ? w.length / PERCEPTION : CHANNELS;
  const norm = lengthOf(g) + 1e-8;
  const ahead = new Float64Array(w.length); // Nesterov's look ahead
  for (let i = 0; i < w.length; i++) {
    const unit = ((1 - MOMENTUM) * g[i]) / norm;
    next.first[name][i] = MOMENTUM * m[i] + unit;
    ahead[i] = MOMENTUM * next.first[name][i] + unit;
  }
  const direction = orthogonal(ahead, rows, w.length / rows);
  // Its entries have a root mean square of 1 / √(the longer side).
  const scale = rate * ADAM_RMS * Math.sqrt(Math.max(rows, w.length / rows));
  for (let i = 0; i < w.length; i++) next.weights[name][i] = w[i] - scale * direction[i];
}

/**
 * The matrix with all its singular values brought to about 1 (0.7 to 1.2), by Newton and Schulz's iteration.
 *
 * @param matrix - [rows, columns]
 * @returns [rows, columns]; zeros for zeros
 */
export function orthogonal(matrix: Float64Array, rows: number, columns: number): Float64Array {
  // X Xᵀ is smaller when X is wide.
  const stands = rows > columns;
  const [r, c] = stands ? [columns, rows] : [rows, columns];
  const scale = 1 / (lengthOf(matrix) + 1e-12);
  let x = new Float64Array(r * c);
  for (let i = 0; i < r; i++) {
    for (let j = 0; j < c; j++) x[i * c + j] = (stands ? matrix[j * r + i] : matrix[i * c + j]) * scale;
  }
  const square = new Float64Array(r * r);
  const factor = new Float64Array(r * r);
  let y = new Float64Array(r * c);
  for (let iterate = 0; iterate < ITERATES; iterate++) {
    // x ← a x + (b S + c S²) x with S = x xᵀ
    multiplyTransposed(x, x, r, c, square);
    multiplyTransposed(square, square, r, r, factor); // S is symmetric
    for (let i = 0; i < factor.length; i++) factor[i] = B * square[i] + C * factor[i];
    for (let i = 0; i < r; i++) {
      const row = i * c;
      for (let j = 0; j < c; j++) y[row + j] = A * x[row + j];
      for (let k = 0; k < r; k++) {
        const f = factor[i * r + k];
        const from = k * c;
        for (let j = 0; j < c; j++) y[row + j] += f * x[from + j];
      }
    }
    [x, y] = [y, x];
  }
  if (!stands) return x;
  const result = new Float64Array(matrix.length);
  for (let i = 0; i < r; i++) for (let j = 0; j < c; j++) result[j * r + i] = x[i * c + j];
  return result;
}

/** into = a bᵀ, which must be symmetric. @param a - [r, c] @param b - [r, c] @param into - [r, r] */
function multiplyTransposed(
  a: Float64Array,
  b: Float64Array,
  r: number,
  c: number,
  into: Float64Array,
): void {
  for (let i = 0; i < r; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < c; k++) sum += a[i * c + k] * b[j * c + k];
      into[i * r + j] = sum;
      into[j * r + i] = sum;
    }
  }
}
