/** The parts of the model as tensors, for the engine, the gradient oracle and the benchmark's peer. */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { CHANNELS, PERCEPTION } from '../../rules/rule.ts';
import type { TensorFlow } from './load.ts';

const FILTERS = PERCEPTION / CHANNELS;
const SOBEL = [-1, 0, 1, -2, 0, 2, -1, 0, 1];

/**
 * [3, 3, 16, 3]: identity, Sobel-x/8 and Sobel-y/8 for every channel, for `depthwiseConv2d`, whose outputs
 * are interleaved: `channel * 3 + filter`.
 */
export function perceptionFilter(tf: TensorFlow): Tensor4D {
  const values = new Float32Array(9 * CHANNELS * FILTERS);
  for (let tap = 0; tap < 9; tap++) {
    for (let c = 0; c < CHANNELS; c++) {
      const at = (tap * CHANNELS + c) * FILTERS;
      values[at] = tap === 4 ? 1 : 0;
      values[at + 1] = SOBEL[tap] / 8;
      values[at + 2] = SOBEL[(tap % 3) * 3 + Math.floor(tap / 3)] / 8;
    }
  }
  return tf.tensor4d(values, [3, 3, CHANNELS, FILTERS]);
}

/** A rule's w1 [hidden, 48] → [48, hidden], with rows in the filter's order. */
export function toFilterOrder(w1: Float32Array, hidden: number): Float32Array {
  const turned = new Float32Array(PERCEPTION * hidden);
  for (let u = 0; u < hidden; u++) {
    for (let i = 0; i < PERCEPTION; i++) turned[filterRow(i) * hidden + u] = w1[u * PERCEPTION + i];
  }
  return turned;
}

/** The inverse of `toFilterOrder`: [48, hidden] in the filter's order → [hidden, 48]. */
export function fromFilterOrder(turned: Float32Array, hidden: number): Float32Array {
  const w1 = new Float32Array(hidden * PERCEPTION);
  for (let u = 0; u < hidden; u++) {
    for (let i = 0; i < PERCEPTION; i++) w1[u * PERCEPTION + i] = turned[filterRow(i) * hidden + u];
  }
  return w1;
}

/** The filter's row for input i of a rule (identity 16 | Sobel-x 16 | Sobel-y 16). */
const filterRow = (i: number): number => (i % CHANNELS) * FILTERS + Math.floor(i / CHANNELS);
