/**
 * The engine on TensorFlow.js. The WASM engine (`../wasm/engine.ts`) decides which cells live, fire and change, and
 * keeps pages, owners, perturbations and pixels. Only the costly part, perceive and the update rule, runs in
 * TensorFlow: firing cells and their eight neighbours are gathered into batches, rule by rule.
 */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { CHANNELS, PERCEPTION, type Rule } from '../../rules/rule.ts';
import { type Engine, MAX_RULES, type RuleSlot } from '../engine.ts';
import { createPagedEngine, type UpdateRules, type WasmEngineOptions } from '../wasm/engine.ts';
import type { EngineMemory } from '../wasm/memory.ts';
import { type Backend, type LoadedTensorFlow, loadTensorFlow, type TensorFlow } from './load.ts';
import { perceptionFilter, toFilterOrder } from './model.ts';
import { FiringCells, PATCH_FLOATS } from './patches.ts';

export interface TfjsEngineOptions extends WasmEngineOptions {
  /** Default: the best that is installed. */
  readonly backend?: Backend;
}

/** @throws EngineError for options that do not fit, and when TensorFlow.js is missing: it then says what to install */
export async function createTfjsEngine(options: TfjsEngineOptions): Promise<Engine> {
  const loaded = await loadTensorFlow(options.backend && [options.backend]);
  return createPagedEngine(options, (memory) => new TensorRules(loaded, memory));
}

/** Cells in a batch. Larger batches gain nothing on a CPU, and this many keep a GPU busy. */
const BATCH = 8192;

interface RuleTensors {
  /** [48, hidden], rows in the filter's order */
  readonly w1: Tensor2D;
  readonly b1: Tensor1D;
  /** [hidden, 16] */
  readonly w2: Tensor2D;
  readonly b2: Tensor1D;
}

class TensorRules implements UpdateRules {
  readonly name = 'tfjs';
  readonly description: string;
  readonly #tf: TensorFlow;
  readonly #memory: EngineMemory;
  readonly #firing: FiringCells;
  readonly #filter: Tensor4D;
  readonly #rules = new Map<RuleSlot, RuleTensors>();
  /** How many cells of each rule fire in this step. */
  readonly #counts = new Uint32Array(MAX_RULES);
  /** [BATCH, 3, 3, 16] */
  readonly #patches = new Float32Array(BATCH * PATCH_FLOATS);
  /** For each cell of the batch, the index into `memory.floats` where its delta goes. */
  readonly #targets = new Uint32Array(BATCH);
  #filled = 0;

  constructor({ tf, description }: LoadedTensorFlow, memory: EngineMemory) {
    this.#tf = tf;
    this.#memory = memory;
    this.description = `tfjs, ${description}`;
    this.#firing = new FiringCells(memory);
    this.#filter = perceptionFilter(tf);
  }

  setRule(slot: RuleSlot, rule: Rule): void {
    const tf = this.#tf;
    const { hidden } = rule;
    this.#disposeRule(slot);
    this.#rules.set(slot, {
      w1: tf.tensor2d(toFilterOrder(rule.w1, hidden), [PERCEPTION, hidden]),
      b1: tf.tensor1d(rule.b1),
      w2: tf.tidy(() => tf.transpose(tf.tensor2d(rule.w2, [CHANNELS, hidden]))),
      b2: tf.tensor1d(rule.b2),
    });
  }

  writeDeltas(first: number, end: number): void {
    this.#counts.fill(0);
    this.#firing.visit(first, end, this.#count);
    for (const [slot, rule] of this.#rules) {
      if (this.#counts[slot] === 0) continue;
      this.#firing.visit(first, end, (page, cell, organism, delta) => {
        if (this.#firing.slotOf(organism) !== slot) return;
        this.#firing.copyPatch(page, cell, organism, this.#patches, this.#filled * PATCH_FLOATS);
        this.#targets[this.#filled++] = delta;
        if (this.#filled === BATCH) this.#flush(rule);
      });
      this.#flush(rule);
    }
  }

  dispose(): void {
    this.#filter.dispose();
    for (const slot of this.#rules.keys()) this.#disposeRule(slot);
  }

  readonly #count = (_page: number, _cell: number, organism: number): void => {
    this.#counts[this.#firing.slotOf(organism)]++;
  };

  /** Computes the batch's deltas and writes them to their targets. */
  #flush(rule: RuleTensors): void {
    const count = this.#filled;
    this.#filled = 0;
    if (count === 0) return;
    const deltas = this.#deltasOf(rule, this.#patches.subarray(0, count * PATCH_FLOATS), count);
    const { floats } = this.#memory;
    for (let k = 0; k < count; k++) {
      const target = this.#targets[k];
      for (let c = 0; c < CHANNELS; c++) floats[target + c] = deltas[k * CHANNELS + c];
    }
  }

  /** @param patches - [count, 3, 3, 16] @returns [count, 16] */
  #deltasOf({ w1, b1, w2, b2 }: RuleTensors, patches: Float32Array, count: number): Float32Array {
    const tf = this.#tf;
    // `tidy` must not return the array: it would search it for tensors, value by value.
    const deltas = tf.tidy(() => {
      const cells = tf.tensor4d(patches, [count, 3, 3, CHANNELS]);
      const perceived = tf.reshape(tf.depthwiseConv2d(cells, this.#filter, 1, 'valid'), [count, PERCEPTION]);
      const hidden = tf.fused.matMul({ a: perceived as Tensor2D, b: w1, bias: b1, activation: 'relu' });
      return tf.fused.matMul({ a: hidden, b: w2, bias: b2 });
    });
    const values = deltas.dataSync<'float32'>();
    deltas.dispose();
    return values;
  }

  #disposeRule(slot: RuleSlot): void {
    const rule = this.#rules.get(slot);
    if (rule === undefined) return;
    for (const tensor of Object.values(rule)) tensor.dispose();
    this.#rules.delete(slot);
  }
}
