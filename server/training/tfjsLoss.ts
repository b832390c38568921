/** The losses of rollouts on TensorFlow.js, by the definitions of `assembly/loss.ts`. */
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../engines/tfjs/load.ts';
import { ALIVE_THRESHOLD, CHANNELS } from '../rules/rule.ts';
import { CLEAR_ALPHA, FAINT_ALPHA, PLACE_CELLS, WAVE_CELLS } from './assembly/setup.ts';
import { cellIndex, forEachRow } from './kernel.ts';
import type { RolloutOptions } from './rollouts.ts';

const THRESHOLD = Math.fround(ALIVE_THRESHOLD);

/** In its methods, `state` is [batch, height, width, 16] and `open` [batch, height, width, 1]: 1 where cells may live. */
export class TfjsLoss {
  readonly #tf: TensorFlow;
  readonly #options: RolloutOptions;
  readonly #target: Float32Array;

  /** @param target - with its border, [cells, 4]; read at each call */
  constructor(tf: TensorFlow, options: RolloutOptions, target: Float32Array) {
    this.#tf = tf;
    this.#options = options;
    this.#target = target;
  }

  /** [batch]: mean square error of RGBA; cells in walls have none. */
  ofPicture(state: Tensor4D, open: Tensor4D): Tensor1D {
    const tf = this.#tf;
    const rgba = tf.slice(state, [0, 0, 0, 0], [-1, -1, -1, 4]);
    return tf.mean(tf.mul(tf.square(tf.sub(rgba, this.#targetNow())), open), [1, 2, 3]);
  }

  /** [1, height, width, 4] */
  #targetNow(): Tensor4D {
    const { width, height } = this.#options.shape;
    const values = new Float32Array(width * height * 4);
    forEachRow(this.#options.shape, 1, (_slot, first, row) => {
      values.set(this.#target.subarray(first * 4, (first + width) * 4), row * 4);
    });
    return this.#tf.tensor4d(values, [1, height, width, 4]);
  }

  /** What is differentiated: all slots' losses, overflow, cells astray and on the rim, and places. */
  training(state: Tensor4D, open: Tensor4D): Tensor {
    const tf = this.#tf;
    const {
      shape,
      overflowWeight,
      placeWeight = 0,
      waveWeight = 0,
      strayWeight = 0,
      rimWeight = 0,
    } = this.#options;
    const hidden = tf.slice(state, [0, 0, 0, 4], [-1, -1, -1, CHANNELS - 4]);
    const over = tf.sub(hidden, tf.clipByValue(hidden, -1, 1));
    const weight = overflowWeight / (shape.width * shape.height * 4);
    let loss = tf.add(tf.sum(this.ofPicture(state, open)), tf.mul(tf.sum(tf.square(over)), weight));
    if (strayWeight > 0) {
      const stray = tf.mul(this.#strayError(state, open), strayWeight / (shape.width * shape.height * 4));
      loss = tf.add(loss, stray);
    }
    if (rimWeight > 0) {
      const rim = tf.mul(this.#rimError(state, open), rimWeight / (shape.width * shape.height * 4));
      loss = tf.add(loss, rim);
    }
    if (placeWeight === 0 && waveWeight === 0) return loss;
    const misplaced = tf.mul(this.#misplacement(state, open), 1 / (shape.width * shape.height * 4));
    return tf.add(loss, misplaced);
  }

  /** Square error of RGBA, summed where alpha is near the alive threshold. */
  #rimError(state: Tensor4D, open: Tensor4D): Tensor {
    const tf = this.#tf;
    const alpha = tf.slice(state, [0, 0, 0, 3], [-1, -1, -1, 1]);
    // A constant: no gradient passes through which cells these are.
    const near = alpha.dataSync<'float32'>().map((a) => (a > FAINT_ALPHA && a < CLEAR_ALPHA ? 1 : 0));
    const counted = tf.mul(tf.tensor(near, alpha.shape), open);
    const difference = tf.sub(tf.slice(state, [0, 0, 0, 0], [-1, -1, -1, 4]), this.#targetNow());
    return tf.sum(tf.mul(tf.square(difference), counted));
  }

  /** Square error of RGBA, summed where the picture is empty. */
  #strayError(state: Tensor4D, open: Tensor4D): Tensor {
    const tf = this.#tf;
    const { width, height } = this.#options.shape;
    const empty = new Float32Array(width * height);
    forEachRow(this.#options.shape, 1, (_slot, first, row) => {
      for (let x = 0; x < width; x++) empty[row + x] = this.#target[(first + x) * 4 + 3] === 0 ? 1 : 0;
    });
    const counted = tf.mul(tf.tensor4d(empty, [1, height, width, 1]), open);
    return tf.sum(tf.mul(tf.square(tf.slice(state, [0, 0, 0, 0], [-1, -1, -1, 4])), counted));
  }

  /**
   * Huber's loss of channels 4 to 9 against the cells' places and the waves of these, weighted, and summed where the
   * picture is alive.
   */
  #misplacement(state: Tensor4D, open: Tensor4D): Tensor {
    const tf = this.#tf;
    const { placeWeight = 0, waveWeight = 0 } = this.#options;
    const { width, height } = this.#options.shape;
    const places = new Float32Array(width * height * 6);
    const alive = new Float32Array(width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [right, down] = [x - Math.floor(width / 2), y - Math.floor(height / 2)];
        const waves = [right, down].flatMap((cells) => {
          const angle = (2 * Math.PI * cells) / WAVE_CELLS;
          return [Math.sin(angle), Math.cos(angle)];
        });
        places.set([right / PLACE_CELLS, down / PLACE_CELLS, ...waves], (y * width + x) * 6);
        const alpha = this.#target[cellIndex(this.#options.shape, x, y) * 4 + 3];
        alive[y * width + x] = alpha > THRESHOLD ? 1 : 0;
      }
    }
    const away = tf.sub(
      tf.slice(state, [0, 0, 0, 4], [-1, -1, -1, 6]),
      tf.tensor4d(places, [1, height, width, 6]),
    );
    const near = tf.clipByValue(away, -1, 1);
    const huber = tf.add(tf.square(near), tf.mul(tf.sub(tf.abs(away), tf.abs(near)), 2));
    const counted = tf.mul(tf.tensor4d(alive, [1, height, width, 1]), open);
    const weights = tf.tensor1d([placeWeight, placeWeight, waveWeight, waveWeight, waveWeight, waveWeight]);
    return tf.sum(tf.mul(tf.mul(huber, weights), counted));
  }
}
