/** The peer: tfjs on its WASM backend steps the same dense world, written as tfjs' users write it. */
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { loadTensorFlow } from '../../server/engines/tfjs/load.ts';
import { perceptionFilter, toFilterOrder } from '../../server/engines/tfjs/model.ts';
import { CHANNELS, PERCEPTION } from '../../server/rules/rule.ts';
import { FIRE_RATE, steadyRule } from './worlds.ts';

export interface Peer {
  /** One step. */
  step(): Promise<void>;
  dispose(): void;
}

/** @param side - every cell of the square lives */
export async function createPeer(side: number): Promise<Peer> {
  const { tf } = await loadTensorFlow(['wasm']);
  const rule = steadyRule();
  const cells = side * side;
  const filter = perceptionFilter(tf);
  const w1 = tf.tensor2d(toFilterOrder(rule.w1, rule.hidden), [PERCEPTION, rule.hidden]);
  const b1 = tf.tensor1d(rule.b1);
  const w2 = tf.transpose(tf.tensor2d(rule.w2, [CHANNELS, rule.hidden]));
  const b2 = tf.tensor1d(rule.b2);
  let state = tf.tidy(() => {
    const start = tf.randomUniform([1, side, side, CHANNELS], 0.2, 1, 'float32', 1);
    return start as Tensor4D;
  });
  const isAlive = (of: Tensor4D) => {
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
        ]) as Tensor2D;
        const hidden = tf.fused.matMul({ a: perception, b: w1, bias: b1, activation: 'relu' });
        const delta = tf.fused.matMul({ a: hidden, b: w2, bias: b2 });
        const fired = tf.cast(tf.less(tf.randomUniform([1, side, side, 1]), FIRE_RATE), 'float32');
        const updated = tf.add(
          state,
          tf.mul(tf.reshape(delta, [1, side, side, CHANNELS]), fired),
        ) as Tensor4D;
        const alive = tf.cast(tf.logicalAnd(before, isAlive(updated)), 'float32');
        return tf.mul(updated, alive) as Tensor4D;
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
