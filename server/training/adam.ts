/** Adam (Kingma and Ba 2015) after per-variable gradient normalisation, as in Mordvintsev et al. 2020. */
import { CHANNELS, PERCEPTION } from '../rules/rule.ts';
import type { Weights } from './kernel.ts';
import type { Random } from './random.ts';

const VARIABLES = ['w1', 'b1', 'w2', 'b2'] as const;
const FIRST_DECAY = 0.9;
const SECOND_DECAY = 0.999;
const EPSILON = 1e-7;

export interface AdamState {
  readonly weights: Weights;
  readonly first: Weights;
  readonly second: Weights;
  readonly updates: number;
}

const like = (weights: Weights): Weights => ({
  w1: new Float32Array(weights.w1.length),
  b1: new Float32Array(weights.b1.length),
  w2: new Float32Array(weights.w2.length),
  b2: new Float32Array(weights.b2.length),
});

/** A rule that does nothing yet: the second layer is zero, so that the first steps change no cell. */
export function firstWeights(hidden: number, random: Random): Weights {
  const limit = Math.sqrt(6 / (PERCEPTION + hidden)); // Glorot and Bengio 2010
  return {
    w1: Float32Array.from({ length: hidden * PERCEPTION }, () => random.between(-limit, limit)),
    b1: new Float32Array(hidden),
    w2: new Float32Array(CHANNELS * hidden),
    b2: new Float32Array(CHANNELS),
  };
}

export const firstAdam = (weights: Weights): AdamState => ({
  weights,
  first: like(weights),
  second: like(weights),
  updates: 0,
});

/**
 * Mean of the samples' gradients, every variable of each normalised to length 1 first. A fresh wound pulls 10
 * to 25 times as hard as a seed or a grown body (measured): unnormalised, a batch with two of them teaches
 * little else.
 */
export function meanDirection(gradients: readonly Weights[]): Weights {
  const mean = like(gradients[0]);
  for (const gradient of gradients) {
    for (const name of VARIABLES) {
      const g = gradient[name];
      const scale = 1 / (gradients.length * (lengthOf(g) + 1e-8));
      for (let i = 0; i < g.length; i++) mean[name][i] += g[i] * scale;
    }
  }
  return mean;
}

const lengthOf = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** A new state; the old one stays whole, so that it can be returned to. */
export function adamUpdate(state: AdamState, gradient: Weights, rate: number): AdamState {
  const updates = state.updates + 1;
  const next = {
    weights: like(state.weights),
    first: like(state.weights),
    second: like(state.weights),
    updates,
  };
  const scale = (rate * Math.sqrt(1 - SECOND_DECAY ** updates)) / (1 - FIRST_DECAY ** updates);
  for (const name of VARIABLES) {
    const [w, m, v] = [state.weights[name], state.first[name], state.second[name]];
    const g = gradient[name];
    const norm = lengthOf(g) + 1e-8;
    for (let i = 0; i < w.length; i++) {
      const unit = g[i] / norm;
      next.first[name][i] = FIRST_DECAY * m[i] + (1 - FIRST_DECAY) * unit;
      next.second[name][i] = SECOND_DECAY * v[i] + (1 - SECOND_DECAY) * unit * unit;
      next.weights[name][i] =
        w[i] - (scale * next.first[name][i]) / (Math.sqrt(next.second[name][i]) + EPSILON);
    }
  }
  return next;
}
