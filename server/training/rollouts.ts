/**
 * Rollouts over threads: write states into slots, say how many steps, and get losses and gradients back. The result
 * depends only on the input: every slot has its own gradients, and they are added in slot order, whichever thread
 * finished first.
 */
import { Worker } from 'node:worker_threads';
import { loadModule } from '../engines/wasm/modules.ts';
import { tilesAreWide } from '../engines/wasm/tiles.ts';
import { CHANNELS, PERCEPTION } from '../rules/rule.ts';
import {
  Control,
  createMemory,
  gradientPlaces,
  JOB_INTS,
  Job,
  JobKind,
  JobStatus,
  Kernel,
  type Layout,
  type LayoutOptions,
  planLayout,
  transpose,
  type Weights,
  WHOLE_OVERFLOW,
  type WorkerSetup,
  writeWeights,
} from './kernel.ts';

/** In a mask of open cells: a cell may live here. 0: a wall stands here. */
export const OPEN = 255;

/** Without `wideTiles`, the quicker shape of tiles is chosen. */
export type RolloutOptions = Omit<LayoutOptions, 'wideTiles'> & { readonly wideTiles?: boolean };

export interface Rollout {
  readonly steps: number;
  /** Seed of the hash that decides which cells fire. */
  readonly randomSeed: number;
  readonly firstStep?: number;
  /** Part of `overflowWeight` that counts, 0..1; default 1. */
  readonly overflowPart?: number;
  /** Number of last updates that are drawn to zero (`quiescenceWeight`); default 0. */
  readonly quietSteps?: number;
}

/** A slot whose cells ran over the whole grid has loss NaN. */
export interface RolloutResult {
  readonly losses: readonly number[];
}

/** A batch of rollouts on any backend. */
export interface RolloutBatch {
  /** [cellCount, 4], laid out as states are; the border is zero. Written once, by the owner. */
  readonly target: Float32Array;
  setWeights(weights: Weights): void;
  /** [cellCount, 16]: the slot itself, not a copy. */
  state(slot: number): Float32Array;
  /**
   * [cellCount]: 255 where the slot's cells may live, 0 where a wall stands (another body's cells, or the world's
   * edge). The slot itself, not a copy; all open at first. Cells in a wall die in the next rollout.
   */
  open(slot: number): Uint8Array;
  /** Advances slots 0..n-1 and measures their losses. */
  run(rollouts: readonly Rollout[]): Promise<RolloutResult>;
  /** Like `run`; also makes the gradients of every slot's loss, for `gradient`. */
  differentiate(rollouts: readonly Rollout[]): Promise<RolloutResult>;
  /** The gradients of the slot's loss, from the last `differentiate`; read only. */
  gradient(slot: number): Weights;
  dispose(): Promise<void>;
}

export type OpenRollouts = (options: RolloutOptions) => RolloutBatch;

export class Rollouts implements RolloutBatch {
  readonly layout: Layout;
  readonly #memory: WebAssembly.Memory;
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #jobs: Int32Array;
  readonly #workers: Worker[] = [];
  /** Without threads: the kernel of the calling thread. */
  readonly #own: Kernel | undefined;
  #failure: Error | undefined;
  #failed: (error: Error) => void = () => {};

  /** @param options - `threads: 0` works on the calling thread */
  constructor(options: RolloutOptions, module = loadModule('trainer')) {
    const wideTiles = options.wideTiles ?? tilesAreWide(module);
    this.layout = planLayout({ ...options, wideTiles, threads: Math.max(1, options.threads) });
    this.#memory = createMemory(this.layout);
    const shared = this.#memory.buffer as unknown as SharedArrayBuffer;
    new Uint8Array(shared, this.layout.open, options.slots * this.layout.openBytes).fill(OPEN);
    this.#control = new Int32Array(shared, this.layout.control, Control.order + options.slots);
    this.#jobs = new Int32Array(shared, this.layout.jobs, options.slots * JOB_INTS);
    if (options.threads === 0) {
      this.#own = new Kernel(module, this.#memory, this.layout, 0);
      return;
    }
    for (let thread = 0; thread < options.threads; thread++) {
      const workerData: WorkerSetup = { module, memory: this.#memory, layout: this.layout, thread };
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData });
      worker.once('error', (error) => this.#fail(error as Error));
      this.#workers.push(worker);
    }
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#failed(error);
  }

  /** The kernel of the calling thread, if there are no threads. */
  get kernel(): Kernel {
    if (!this.#own) throw new Error('the kernel is on other threads');
    return this.#own;
  }

  setWeights(weights: Weights): void {
    writeWeights(this.#memory, this.layout, weights);
  }

  get target(): Float32Array {
    return new Float32Array(this.#memory.buffer, this.layout.target, this.layout.shape.cellCount * 4);
  }

  state(slot: number): Float32Array {
    const { states, stateBytes } = this.layout;
    return new Float32Array(this.#memory.buffer, states + slot * stateBytes, stateBytes / 4);
  }

  open(slot: number): Uint8Array {
    const { open, openBytes, shape } = this.layout;
    return new Uint8Array(this.#memory.buffer, open + slot * openBytes, shape.cellCount);
  }

  run(rollouts: readonly Rollout[]): Promise<RolloutResult> {
    return this.#work(JobKind.run, rollouts);
  }

  differentiate(rollouts: readonly Rollout[]): Promise<RolloutResult> {
    return this.#work(JobKind.differentiate, rollouts);
  }

  gradient(slot: number): Weights {
    const { gradients, gradientBytes, hidden } = this.layout;
    const at = gradientPlaces(gradients + slot * gradientBytes, hidden);
    const copy = (from: number, length: number): Float32Array =>
      new Float32Array(this.#memory.buffer, from, length).slice();
    return {
      w1: copy(at.w1, hidden * PERCEPTION),
      b1: copy(at.b1, hidden),
      w2: transpose(copy(at.w2, hidden * CHANNELS), hidden, CHANNELS),
      b2: copy(at.b2, CHANNELS),
    };
  }

  async #work(kind: number, rollouts: readonly Rollout[]): Promise<RolloutResult> {
    if (this.#failure) throw this.#failure;
    const { slots, losses } = this.layout;
    if (rollouts.length > slots)
      throw new RangeError(`${rollouts.length} rollouts do not fit ${slots} slots`);
    rollouts.forEach((rollout, slot) => {
      const job = this.#jobs.subarray(slot * JOB_INTS, (slot + 1) * JOB_INTS);
      job[Job.kind] = kind;
      job[Job.steps] = rollout.steps;
      job[Job.randomSeed] = rollout.randomSeed;
      job[Job.firstStep] = rollout.firstStep ?? 0;
      job[Job.overflowPart] = Math.round(WHOLE_OVERFLOW * (rollout.overflowPart ?? 1));
      job[Job.quietSteps] = Math.min(rollout.quietSteps ?? 0, rollout.steps);
    });
    if (this.#own) for (let slot = 0; slot < rollouts.length; slot++) this.#own.work(slot);
    else await this.#dispatch(this.#longestFirst(rollouts));
    const lossOf = new Float64Array(this.#memory.buffer, losses, slots);
    return {
      losses: rollouts.map((_, slot) => {
        const full = this.#jobs[slot * JOB_INTS + Job.status] === JobStatus.tapeFull;
        return full ? Number.NaN : lossOf[slot];
      }),
    };
  }

  /** Slots in the order in which threads take them: long rollouts must not come last. */
  #longestFirst(rollouts: readonly Rollout[]): number[] {
    if (rollouts.length <= this.#workers.length) return [...rollouts.keys()];
    const costs = rollouts.map(({ steps }, slot) => steps * this.#population(slot));
    return [...rollouts.keys()].sort((a, b) => costs[b] - costs[a] || a - b);
  }

  /** Number of the slot's cells that are not transparent. */
  #population(slot: number): number {
    const state = this.state(slot);
    let cells = 0;
    for (let alpha = 3; alpha < state.length; alpha += CHANNELS) if (state[alpha] > 0) cells++;
    return cells;
  }

  async #dispatch(slots: readonly number[]): Promise<void> {
    const control = this.#control;
    control.set(slots, Control.order);
    Atomics.store(control, Control.idle, 0);
    Atomics.store(control, Control.slotCount, slots.length);
    Atomics.store(control, Control.next, 0);
    Atomics.add(control, Control.generation, 1);
    Atomics.notify(control, Control.generation);
    const failed = new Promise<never>((_, reject) => {
      this.#failed = reject;
    });
    failed.catch(() => {}); // a thread may fail while nothing waits for it; the next call throws the error
    // Every thread reports, also one that found no work: none may still look for work when the next jobs are
    // written.
    for (;;) {
      const idle = Atomics.load(control, Control.idle);
      if (idle === this.#workers.length) return;
      const wait = Atomics.waitAsync(control, Control.idle, idle);
      if (wait.async) await Promise.race([wait.value, failed]);
    }
  }

  async dispose(): Promise<void> {
    Atomics.store(this.#control, Control.stop, 1);
    Atomics.add(this.#control, Control.generation, 1);
    Atomics.notify(this.#control, Control.generation);
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
