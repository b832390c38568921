/**
 * Rollouts on TensorFlow.js: the whole batch in one tensor, gradients by its autodiff. Meant for a GPU: it is dense, so
 * without one the WASM trainer is far faster (`rollouts.ts`; figures in `engines/README.md`).
 *
 * A rollout is differentiated step by step, last step first. Only states and masks are kept on the way there
 * (checkpointing), so memory grows by 18 floats per cell and step, not by the several hundred that perceptions and
 * hidden units would take. Masks are constants to the gradient.
 */
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { cellHash, fires, fireThreshold } from '../engines/fire.ts';
import type { Backend, TensorFlow } from '../engines/tfjs/load.ts';
import { fromFilterOrder, perceptionFilter, toFilterOrder } from '../engines/tfjs/model.ts';
import { ALIVE_THRESHOLD, CHANNELS, PERCEPTION } from '../rules/rule.ts';
import { forEachRow, transpose, type Weights } from './kernel.ts';
import {
  OPEN,
  type OpenRollouts,
  type Rollout,
  type RolloutBatch,
  type RolloutOptions,
  type RolloutResult,
} from './rollouts.ts';
import { loadWithGradients } from './tfjsGradients.ts';
import { TfjsLoss } from './tfjsLoss.ts';

const THRESHOLD = Math.fround(ALIVE_THRESHOLD);

/**
 * @param among - backends to try; default: the best that is installed
 * @throws EngineError that says what to install, when none loads
 */
export async function openTfjs(
  among?: readonly Backend[],
): Promise<{ readonly open: OpenRollouts; readonly backend: Backend; readonly description: string }> {
  const { tf, backend, description } = await loadWithGradients(among);
  return { open: (options) => new TfjsRollouts(tf, options), backend, description };
}

/** w1 [48, hidden], its rows in the filter's order; b1; w2 [hidden, 16]; b2 */
type Layers = readonly [w1: Tensor2D, b1: Tensor1D, w2: Tensor2D, b2: Tensor1D];

/** One step as its gradient needs it; masks are [batch, height, width, 1] of 0 and 1. */
interface Step {
  /** Before the step. [batch, height, width, 16] */
  readonly state: Tensor4D;
  readonly fired: Tensor4D;
  readonly live: Tensor4D;
}

class TfjsRollouts implements RolloutBatch {
  readonly target: Float32Array;
  readonly #tf: TensorFlow;
  readonly #options: RolloutOptions;
  readonly #states: readonly Float32Array[];
  readonly #open: readonly Uint8Array[];
  readonly #filter: Tensor4D;
  /** Rotated by 180°, one for each output: [3, 3, 48, 1] */
  readonly #filterBack: Tensor4D;
  readonly #loss: TfjsLoss;
  #layers: Layers | undefined;
  /** For the current rollouts: 1 where cells may live, 0 in walls. [batch, height, width, 1] */
  #openNow: Tensor4D | undefined;
  #gradients: readonly Weights[] = [];

  constructor(tf: TensorFlow, options: RolloutOptions) {
    const { shape, slots } = options;
    this.#tf = tf;
    this.#options = options;
    this.target = new Float32Array(shape.cellCount * 4);
    this.#states = Array.from({ length: slots }, () => new Float32Array(shape.cellCount * CHANNELS));
    this.#open = Array.from({ length: slots }, () => new Uint8Array(shape.cellCount).fill(OPEN));
    this.#loss = new TfjsLoss(tf, options, this.target);
    this.#filter = perceptionFilter(tf);
    this.#filterBack = tf.tidy(() => tf.reshape(tf.reverse(this.#filter, [0, 1]), [3, 3, PERCEPTION, 1]));
  }

  setWeights({ w1, b1, w2, b2 }: Weights): void {
    const { hidden } = this.#options;
    this.#disposeLayers();
    const tf = this.#tf;
    this.#layers = [
      tf.tensor2d(toFilterOrder(w1, hidden), [PERCEPTION, hidden]),
      tf.tensor1d(b1),
      tf.tensor2d(transpose(w2, CHANNELS, hidden), [hidden, CHANNELS]),
      tf.tensor1d(b2),
    ];
  }

  state(slot: number): Float32Array {
    return this.#states[slot];
  }

  open(slot: number): Uint8Array {
    return this.#open[slot];
  }

  async run(rollouts: readonly Rollout[]): Promise<RolloutResult> {
    const state = this.#forward(rollouts);
    return this.#finish(state, rollouts.length);
  }

  async differentiate(rollouts: readonly Rollout[]): Promise<RolloutResult> {
    const steps: Step[] = [];
    const state = this.#forward(rollouts, steps);
    this.#backward(state, steps, rollouts);
    return this.#finish(state, rollouts.length);
  }

  gradient(slot: number): Weights {
    return this.#gradients[slot];
  }

  async dispose(): Promise<void> {
    this.#disposeLayers();
    this.#openNow?.dispose();
    this.#filter.dispose();
    this.#filterBack.dispose();
  }

  /** @param record - gets every step; its owner disposes of the tensors @returns the last state */
  #forward(rollouts: readonly Rollout[], record?: Step[]): Tensor4D {
    const { slots } = this.#options;
    if (rollouts.length > slots)
      throw new RangeError(`${rollouts.length} rollouts do not fit ${slots} slots`);
    const tf = this.#tf;
    const most = Math.max(...rollouts.map(({ steps }) => steps));
    this.#openNow?.dispose();
    this.#openNow = this.#uploadOpen(rollouts.length);
    const first = this.#upload(rollouts.length);
    let state = tf.mul(first, this.#openNow) as Tensor4D;
    first.dispose();
    for (let t = 0; t < most; t++) {
      const [next, fired, live] = tf.tidy(() => this.#step(state, rollouts, t));
      if (record) record.push({ state, fired, live });
      else tf.dispose([state, fired, live]);
      state = next;
    }
    return state;
  }

  /** The model as `engines/reference.ts` defines it. A slot whose rollout is over stays as it is. */
  #step(state: Tensor4D, rollouts: readonly Rollout[], t: number): [Tensor4D, Tensor4D, Tensor4D] {
    const tf = this.#tf;
    const before = tf.mul(this.#aliveMask(state), this.#openNow!) as Tensor4D;
    const fired = tf.mul(before, this.#firing(rollouts, t)) as Tensor4D;
    const [w1, b1, w2, b2] = this.#weights;
    const perceived = tf.reshape(this.#perceive(state), [-1, PERCEPTION]) as Tensor2D;
    const hidden = tf.fused.matMul({ a: perceived, b: w1, bias: b1, activation: 'relu' });
    const delta = tf.reshape(tf.fused.matMul({ a: hidden, b: w2, bias: b2 }), state.shape);
    const updated = tf.add(state, tf.mul(delta, fired)) as Tensor4D;
    let live = tf.mul(before, this.#aliveMask(updated)) as Tensor4D;
    if (rollouts.some(({ steps }) => t >= steps)) {
      const over = rollouts.map(({ steps }) => (t >= steps ? 1 : 0));
      live = tf.maximum(live, tf.tensor4d(over, [rollouts.length, 1, 1, 1]));
    }
    return [tf.mul(updated, live), fired, live];
  }

  /** Leaves the gradients of every slot's loss in `#gradients`; disposes of the steps. */
  #backward(state: Tensor4D, steps: Step[], rollouts: readonly Rollout[]): void {
    const tf = this.#tf;
    const { hidden } = this.#options;
    const [slots] = state.shape;
    // Each slot has its own copy of the weights, and so gets its own gradients.
    const layers = tf.tidy(() =>
      this.#weights.map((layer) => tf.tile(tf.reshape(layer, [1, -1, layer.shape.at(-1)!]), [slots, 1, 1])),
    );
    let sums: Tensor[] = layers.map((layer) => tf.zerosLike(layer));
    let stateGradient: Tensor = tf.tidy(() =>
      tf.grad((last) => this.#loss.training(last as Tensor4D, this.#openNow!))(state),
    );
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const { fired, live } = step;
      const [next, ...sumsNow] = tf.tidy(() => {
        const unrest = this.#unrestWeights(rollouts, steps.length);
        // A scalar whose gradients are those of the loss, with this step as the first.
        const lossFrom = (...[from, w1, b1, w2, b2]: Tensor[]): Scalar => {
          const perceived = tf.reshape(this.#perceive(from as Tensor4D), [slots, -1, PERCEPTION]);
          const units = tf.relu(tf.add(tf.matMul(perceived, w1), b1));
          const delta = tf.reshape(tf.add(tf.matMul(units, w2), b2), from.shape);
          const added = tf.mul(delta, fired);
          const later = tf.sum(tf.mul(tf.mul(tf.add(from, added), live), stateGradient)) as Scalar;
          return unrest ? tf.add(later, tf.sum(tf.mul(tf.square(added), unrest))) : later;
        };
        const [ofState, ...ofLayers] = tf.grads(lossFrom)([step.state, ...layers]);
        return [ofState, ...ofLayers.map((gradient, i) => tf.add(sums[i], gradient))];
      });
      tf.dispose([stateGradient, sums, step.state, fired, live]);
      stateGradient = next;
      sums = sumsNow;
    }
    const [w1, b1, w2, b2] = sums.map((sum) => sum.dataSync<'float32'>());
    tf.dispose([stateGradient, sums, layers]);
    this.#gradients = Array.from({ length: slots }, (_, slot) => ({
      w1: fromFilterOrder(part(w1, slot, hidden * PERCEPTION), hidden),
      b1: part(b1, slot, hidden).slice(),
      w2: transpose(part(w2, slot, hidden * CHANNELS), hidden, CHANNELS),
      b2: part(b2, slot, CHANNELS).slice(),
    }));
  }

  /** Reads states and losses back; disposes of the tensor. */
  async #finish(state: Tensor4D, slots: number): Promise<RolloutResult> {
    const tf = this.#tf;
    // The code above blocks this thread: signals and timers get their turn here.
    await new Promise(setImmediate);
    const losses = tf.tidy(() => this.#loss.ofPicture(state, this.#openNow!));
    const cells = state.dataSync<'float32'>();
    const { shape } = this.#options;
    forEachRow(shape, slots, (slot, first, row) => {
      this.#states[slot].set(
        cells.subarray(row * CHANNELS, (row + shape.width) * CHANNELS),
        first * CHANNELS,
      );
    });
    const result = { losses: Array.from(losses.dataSync()) };
    tf.dispose([state, losses]);
    return result;
  }

  /**
   * Weight of step t's updates for each slot, [batch, 1, 1, 1]: above 0 in the last steps of bodies that are to keep
   * still.
   */
  #unrestWeights(rollouts: readonly Rollout[], t: number): Tensor4D | undefined {
    const { shape, quiescenceWeight = 0 } = this.#options;
    const weights = rollouts.map(({ steps, quietSteps = 0 }) => {
      const quiet = Math.min(quietSteps, steps);
      const isQuiet = t < steps && t >= steps - quiet;
      return isQuiet ? quiescenceWeight / (shape.width * shape.height * 4 * quiet) : 0;
    });
    if (weights.every((weight) => weight === 0)) return undefined;
    return this.#tf.tensor4d(weights, [rollouts.length, 1, 1, 1]);
  }

  /** Its gradient is written out, because the WASM backend has no kernel for a depthwise convolution's. */
  #perceive(state: Tensor4D): Tensor4D {
    const tf = this.#tf;
    const { shape } = state;
    const perceive = tf.customGrad((cells) => ({
      value: tf.depthwiseConv2d(cells as Tensor4D, this.#filter, 1, 'same'),
      gradFunc: (dy: Tensor) => {
        const spread = tf.depthwiseConv2d(dy as Tensor4D, this.#filterBack, 1, 'same');
        return tf.reshape(tf.sum(tf.reshape(spread, [-1, PERCEPTION / CHANNELS]), 1), shape);
      },
    }));
    return perceive(state) as Tensor4D;
  }

  /** 1 where the 3x3 maximum of alpha exceeds the threshold. [batch, height, width, 1] */
  #aliveMask(state: Tensor4D): Tensor4D {
    const tf = this.#tf;
    const alpha = tf.slice(state, [0, 0, 0, 3], [-1, -1, -1, 1]);
    return tf.cast(tf.greater(tf.maxPool(alpha, 3, 1, 'same'), THRESHOLD), 'float32');
  }

  /** The cells that fire in step t of each rollout, by the hash. [batch, height, width, 1] */
  #firing(rollouts: readonly Rollout[], t: number): Tensor4D {
    const { width, height } = this.#options.shape;
    const threshold = fireThreshold(this.#options.fireRate);
    const mask = new Float32Array(rollouts.length * height * width);
    let cell = 0;
    for (const { steps, randomSeed, firstStep = 0 } of rollouts) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++, cell++) {
          if (t < steps && fires(cellHash(randomSeed, firstStep + t, x, y), threshold)) mask[cell] = 1;
        }
      }
    }
    return this.#tf.tensor4d(mask, [rollouts.length, height, width, 1]);
  }

  /** Slots 0..n-1 without their borders. */
  #upload(slots: number): Tensor4D {
    const { shape } = this.#options;
    const { width, height } = shape;
    const cells = new Float32Array(slots * height * width * CHANNELS);
    forEachRow(shape, slots, (slot, first, row) => {
      cells.set(this.#states[slot].subarray(first * CHANNELS, (first + width) * CHANNELS), row * CHANNELS);
    });
    return this.#tf.tensor4d(cells, [slots, height, width, CHANNELS]);
  }

  #uploadOpen(slots: number): Tensor4D {
    const { shape } = this.#options;
    const { width, height } = shape;
    const cells = new Float32Array(slots * height * width);
    forEachRow(shape, slots, (slot, first, row) => {
      for (let x = 0; x < width; x++) cells[row + x] = this.#open[slot][first + x] === 0 ? 0 : 1;
    });
    return this.#tf.tensor4d(cells, [slots, height, width, 1]);
  }

  get #weights(): Layers {
    if (!this.#layers) throw new Error('the weights are not set');
    return this.#layers;
  }

  #disposeLayers(): void {
    for (const layer of this.#layers ?? []) layer.dispose();
    this.#layers = undefined;
  }
}

const part = (values: Float32Array, slot: number, length: number): Float32Array =>
  values.subarray(slot * length, (slot + 1) * length);
