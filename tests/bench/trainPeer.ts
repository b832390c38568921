/**
 * The trainer's peer: the same training iteration with tfjs and its autodiff, as fast as tfjs allows. One sample at a
 * time, because the tape of four does not fit into the memory of its WASM backend. Perception is made of slices,
 * because that backend has no gradient of a depthwise convolution (4.22).
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import type { NamedTensorMap, Scalar, Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { CHANNELS, PERCEPTION, type Rule } from '../../server/rules/rule.ts';
import { tf } from '../training/tfjs.ts';

export interface PeerTask {
  readonly rule: Rule;
  readonly width: number;
  readonly height: number;
  /** Each sample's first state: [height, width, 16] */
  readonly starts: readonly Float32Array[];
  /** [height, width, 4] */
  readonly target: Float32Array;
}

export interface TrainPeer {
  /** Rolls out the first samples, differentiates, averages, and takes one step of Adam. @returns the mean loss */
  iterate(steps: number, samples: number): number;
  dispose(): void;
}

/** @param rate - Adam's learning rate */
export async function createTrainPeer(task: PeerTask, rate: number): Promise<TrainPeer> {
  tf.env().set('IS_NODE', true); // otherwise it starts threads in a way that fails in Node
  const require = createRequire(import.meta.url);
  setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'));
  await tf.setBackend('wasm');
  await tf.ready();
  const { rule, width, height } = task;
  const { hidden } = rule;
  const transposed = (values: Float32Array, rows: number, columns: number): Tensor2D =>
    tf.tidy(() => tf.transpose(tf.tensor2d(values, [rows, columns]))) as Tensor2D;
  const w1 = tf.variable(transposed(rule.w1, hidden, PERCEPTION));
  const b1 = tf.variable(tf.tensor1d(rule.b1));
  const w2 = tf.variable(transposed(rule.w2, CHANNELS, hidden));
  const b2 = tf.variable(tf.tensor1d(rule.b2));
  const starts = task.starts.map((start) => tf.tensor3d(start, [height, width, CHANNELS]));
  const target = tf.tensor3d(task.target, [height, width, 4]);

  /** [height, width, 1]; a constant for autodiff, as masks are for the trainer. */
  const aliveMask = (state: Tensor3D): Tensor3D => {
    const alpha = tf.slice3d(state, [0, 0, 3], [height, width, 1]);
    const constant = tf.tensor4d(alpha.dataSync(), [1, height, width, 1]);
    const most = tf.maxPool(constant as Tensor4D, 3, 1, 'same');
    return tf.reshape(tf.cast(tf.greater(most, 0.1), 'float32'), [height, width, 1]) as Tensor3D;
  };
  // Sobel is separable: smooth along one axis, difference along the other.
  const perceive = (state: Tensor3D): Tensor2D => {
    const padded = tf.pad3d(state, [
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
    const rows = (from: number): Tensor3D => tf.slice3d(padded, [from, 0, 0], [height, width + 2, CHANNELS]);
    const [above, middle, below] = [rows(0), rows(1), rows(2)];
    const smooth = tf.mul(tf.add(tf.add(above, below), tf.mul(middle, 2)), 1 / 8) as Tensor3D;
    const sobelX = tf.sub(
      tf.slice3d(smooth, [0, 2, 0], [height, width, CHANNELS]),
      tf.slice3d(smooth, [0, 0, 0], [height, width, CHANNELS]),
    );
    const down = tf.mul(tf.sub(below, above), 1 / 8) as Tensor3D;
    const shifted = (from: number): Tensor3D => tf.slice3d(down, [0, from, 0], [height, width, CHANNELS]);
    const sobelY = tf.add(tf.add(shifted(0), shifted(2)), tf.mul(shifted(1), 2));
    const all = tf.concat([state, sobelX as Tensor3D, sobelY as Tensor3D], 2);
    return tf.reshape(all, [height * width, PERCEPTION]) as Tensor2D;
  };
  const step = (state: Tensor3D): Tensor3D => {
    const before = aliveMask(state);
    const units = tf.relu(tf.add(tf.matMul(perceive(state), w1 as unknown as Tensor2D), b1));
    const delta = tf.add(tf.matMul(units as Tensor2D, w2 as unknown as Tensor2D), b2);
    const fires = tf.cast(tf.less(tf.randomUniform([height, width, 1]), rule.fireRate), 'float32');
    const updated = tf.add(state, tf.mul(tf.reshape(delta, [height, width, CHANNELS]), fires)) as Tensor3D;
    return tf.mul(updated, tf.mul(before, aliveMask(updated))) as Tensor3D;
  };
  const lossOf = (start: Tensor3D, steps: number): Scalar => {
    let state = start;
    for (let t = 0; t < steps; t++) state = step(state);
    const rgba = tf.slice3d(state, [0, 0, 0], [height, width, 4]);
    return tf.mean(tf.square(tf.sub(rgba, target))) as Scalar;
  };
  const adam = tf.train.adam(rate);
  const gradientOf = (start: Tensor3D, steps: number): { value: Scalar; grads: NamedTensorMap } =>
    tf.variableGrads(() => lossOf(start, steps));
  return {
    iterate(steps, samples) {
      let mean: NamedTensorMap | undefined;
      let loss = 0;
      for (const start of starts.slice(0, samples)) {
        const { value, grads } = gradientOf(start, steps);
        loss += value.dataSync()[0] / samples;
        value.dispose();
        const before = mean;
        mean = Object.fromEntries(
          Object.entries(grads).map(([name, gradient]) => [
            name,
            tf.tidy(() => {
              const part = tf.div(gradient, samples);
              return (before ? tf.add(before[name], part) : part) as Tensor;
            }),
          ]),
        );
        tf.dispose([grads, before ?? []]);
      }
      adam.applyGradients(mean as Parameters<typeof adam.applyGradients>[0]);
      tf.dispose(mean!);
      return loss;
    },
    dispose() {
      adam.dispose();
      tf.dispose([w1, b1, w2, b2, target, ...starts]);
    },
  };
}
