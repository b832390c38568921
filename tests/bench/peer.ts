/** The peer: the same dense world stepped by tfjs on its WASM backend, as its users write it. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { CHANNELS, PERCEPTION, type Rule } from '../../server/rules/rule.ts';
import { FIRE_RATE, steadyRule } from './worlds.ts';

export interface Peer {
  /** One step. */
  step(): Promise<void>;
  dispose(): void;
}

/** [3, 3, 16, 3]: identity, Sobel-x/8 and Sobel-y/8 for every channel; its outputs are `channel * 3 + filter`. */
function perceptionFilter(): tf.Tensor4D {
  const sobel = [-1, 0, 1, -2, 0, 2, -1, 0, 1];
  const values = new Float32Array(9 * CHANNELS * 3);
  for (let tap = 0; tap < 9; tap++) {
    for (let c = 0; c < CHANNELS; c++) {
      const at = (tap * CHANNELS + c) * 3;
      values[at] = tap === 4 ? 1 : 0;
      values[at + 1] = sobel[tap] / 8;
      values[at + 2] = sobel[(tap % 3) * 3 + Math.floor(tap / 3)] / 8;
    }
  }
  return tf.tensor4d(values, [3, 3, CHANNELS, 3]);
}

/** [48, hidden], rows in the filter's order. */
function firstLayer(rule: Rule): tf.Tensor2D {
  const values = new Float32Array(PERCEPTION * rule.hidden);
  for (let u = 0; u < rule.hidden; u++) {
    for (let i = 0; i < PERCEPTION; i++) {
      const row = (i % CHANNELS) * 3 + Math.floor(i / CHANNELS);
      values[row * rule.hidden + u] = rule.w1[u * PERCEPTION + i];
    }
  }
  return tf.tensor2d(values, [PERCEPTION, rule.hidden]);
}

/** @param side - every cell of the square lives */
export async function createPeer(side: number): Promise<Peer> {
  const require = createRequire(import.meta.url);
  setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'));
  await tf.setBackend('wasm');
  await tf.ready();
  const rule = steadyRule();
  const cells = side * side;
  const filter = perceptionFilter();
  const w1 = firstLayer(rule);
  const b1 = tf.tensor1d(rule.b1);
  const w2 = tf.transpose(tf.tensor2d(rule.w2, [CHANNELS, rule.hidden]));
  const b2 = tf.tensor1d(rule.b2);
  let state = tf.tidy(() => {
    const start = tf.randomUniform([1, side, side, CHANNELS], 0.2, 1, 'float32', 1);
    return start as tf.Tensor4D;
  });
  const isAlive = (of: tf.Tensor4D) => {
    const alpha = tf.slice(of, [0, 0, 0, 3], [1, side, side, 1]);
    return tf.greater(tf.maxPool(alpha, 3, 1, 'same'), 0.1);
  };
  return {
    // The backend computes at once: when this returns, the step is done.
    async step() {
      const next = tf.tidy(() => {
        const before = isAlive(state);
        const perception = tf.reshape(tf.depthwiseConv2d(state, filter, 1, 'same'), [
          cells,
          PERCEPTION,
        ]) as tf.Tensor2D;
        const hidden = tf.fused.matMul({ a: perception, b: w1, bias: b1, activation: 'relu' });
        const delta = tf.fused.matMul({ a: hidden, b: w2, bias: b2 });
        const fired = tf.cast(tf.less(tf.randomUniform([1, side, side, 1]), FIRE_RATE), 'float32');
        const updated = tf.add(
          state,
          tf.mul(tf.reshape(delta, [1, side, side, CHANNELS]), fired),
        ) as tf.Tensor4D;
        const alive = tf.cast(tf.logicalAnd(before, isAlive(updated)), 'float32');
        return tf.mul(updated, alive) as tf.Tensor4D;
      });
      state.dispose();
      state = next;
    },
    dispose() {
      tf.disposeVariables();
      state.dispose();
    },
  };
}
