/**
 * One instance of the trainer's WASM module, and the layout of the memory that all threads share. A *slot* is one
 * organism of the batch with its own state, loss and gradients, so its contents do not depend on which thread worked on
 * it.
 */
import { fireThreshold } from '../engines/fire.ts';
import { packLayer } from '../engines/wasm/weights.ts';
import { CHANNELS, PERCEPTION } from '../rules/rule.ts';
import * as field from './assembly/setup.ts';

export interface Weights {
  /** [hidden, 48] */
  readonly w1: Float32Array;
  readonly b1: Float32Array;
  /** [16, hidden] */
  readonly w2: Float32Array;
  readonly b2: Float32Array;
}

export interface GridShape {
  /** Cells, without the border. */
  readonly width: number;
  readonly height: number;
  /** Cells from one row to the next in memory. */
  readonly stride: number;
  /** Cells in memory, border and padding included: a state is `cellCount * 16` floats. */
  readonly cellCount: number;
}

export function gridShape(width: number, height: number): GridShape {
  // At least one cell of border on every side; rows are whole vectors of 4 cells.
  const stride = (Math.ceil(width / 4) + 1) * 4;
  return { width, height, stride, cellCount: Math.ceil((stride * (height + 2)) / 16) * 16 };
}

/** Index of a cell in a state; times 16 for its channels. */
export const cellIndex = (shape: GridShape, x: number, y: number): number => (y + 1) * shape.stride + x + 1;

/** @param visit - `first`: the row's first cell in a state with its border; `row`: in [slots, height, width] */
export function forEachRow(
  shape: GridShape,
  slots: number,
  visit: (slot: number, first: number, row: number) => void,
): void {
  for (let slot = 0; slot < slots; slot++) {
    for (let y = 0; y < shape.height; y++) {
      visit(slot, cellIndex(shape, 0, y), (slot * shape.height + y) * shape.width);
    }
  }
}

/** int32s that threads and owner share. */
export const Control = { generation: 0, next: 1, slotCount: 2, idle: 3, stop: 4, order: 16 } as const;

/** What a thread of `Rollouts` is started with. */
export interface WorkerSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly layout: Layout;
  readonly thread: number;
}

export interface LayoutOptions {
  readonly shape: GridShape;
  readonly hidden: number;
  readonly fireRate: number;
  readonly slots: number;
  readonly threads: number;
  /** Steps of the longest rollout to differentiate; 0: none is. */
  readonly maxSteps: number;
  /** Weight of the hidden channels' overflow in the gradient (`assembly/loss.ts`). */
  readonly overflowWeight: number;
  /** Weight in the gradient of the last updates, for rollouts that ask for it; default 0. */
  readonly quiescenceWeight?: number;
  /** Weight in the gradient of the place that two hidden channels are taught; default 0. */
  readonly placeWeight?: number;
  /** Weight in the gradient of the place's waves that four more hidden channels are taught; default 0. */
  readonly waveWeight?: number;
  /** Extra weight in the gradient of cells that live where the picture is empty; default 0. */
  readonly strayWeight?: number;
  /** Extra weight in the gradient of cells whose alpha is near the alive threshold; default 0. */
  readonly rimWeight?: number;
  /** Which shape of tiles computes; both give the same results (`../engines/wasm/tiles.ts`). */
  readonly wideTiles: boolean;
}

/** Byte offsets into the shared memory. */
export interface Layout extends LayoutOptions {
  readonly control: number;
  readonly setups: number;
  readonly jobs: number;
  readonly losses: number;
  readonly w1: number;
  readonly b1: number;
  readonly b2: number;
  readonly units1: number;
  readonly units2: number;
  readonly zeros: number;
  readonly target: number;
  readonly open: number;
  readonly openBytes: number;
  readonly states: number;
  readonly stateBytes: number;
  readonly gradients: number;
  readonly gradientBytes: number;
  readonly scratch: number;
  readonly scratchBytes: number;
  readonly tapes: number;
  readonly tapeBytes: number;
  readonly bytes: number;
}

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;
const MAX_MEMORY_BYTES = 65_535 * 65_536;
const BLOCK = 16;

export function planLayout(options: LayoutOptions): Layout {
  const { shape, hidden, slots, threads, maxSteps, fireRate } = options;
  let end = 65_536; // the module's own data lies below
  const take = (bytes: number): number => {
    const at = end;
    end = align(end + bytes);
    return at;
  };
  const gradientBytes = align(gradientPlaces(0, hidden).end);
  const stateBytes = shape.cellCount * CHANNELS * 4;
  const padded = shape.cellCount + 16;
  // As the module's `scratchBytes` counts it, and a little more.
  const scratchBytes = align(padded * (4 + 6 + 4 + 128) + 2 * 3072 + (hidden + 4) * 80 + 1024);
  // 1.5 times the cells that fire on average when the whole grid lives.
  const blocks = Math.ceil((shape.width * shape.height * Math.min(1, fireRate * 1.5)) / BLOCK) + 2;
  const recordBytes = 16 + shape.cellCount + blocks * (3152 + (hidden + 4) * 68);
  const tapeBytes = align(Math.max(1, maxSteps) * recordBytes);
  const layout = {
    ...options,
    control: take(64 + slots * 4),
    setups: take(threads * align(field.SETUP_BYTES)),
    jobs: take(slots * JOB_INTS * 4),
    losses: take(slots * 8),
    w1: take(hidden * PERCEPTION * 4),
    b1: take(hidden * 4),
    b2: take(CHANNELS * 4),
    units1: take((hidden + 1) * PERCEPTION * 4),
    units2: take((hidden + 1) * CHANNELS * 4),
    zeros: take(PERCEPTION * 4),
    target: take(shape.cellCount * 4 * 4),
    open: take(slots * align(shape.cellCount)),
    openBytes: align(shape.cellCount),
    states: take(slots * stateBytes),
    stateBytes,
    gradients: take(slots * gradientBytes),
    gradientBytes,
    scratch: take(threads * scratchBytes),
    scratchBytes,
    tapes: take(threads * tapeBytes),
    tapeBytes,
    bytes: 0,
  };
  if (end > MAX_MEMORY_BYTES) {
    const wanted = (end / 2 ** 30).toFixed(1);
    throw new RangeError(
      `a ${shape.width}x${shape.height} grid, ${maxSteps} steps and ${threads} threads want ${wanted} GiB; 4 can be had: use a smaller picture or fewer threads`,
    );
  }
  return { ...layout, bytes: end };
}

export const createMemory = (layout: Layout): WebAssembly.Memory =>
  new WebAssembly.Memory({ initial: Math.ceil(layout.bytes / 65_536), maximum: 65_536, shared: true });

/** Addresses of the parts of a slot's gradient from `at` on: the two layers by unit, each with a spare row. */
export function gradientPlaces(at: number, hidden: number) {
  const b1 = at + (hidden + 1) * PERCEPTION * 4;
  const w2 = b1 + hidden * 4;
  const b2 = w2 + (hidden + 1) * CHANNELS * 4;
  return { w1: at, b1, w2, b2, end: b2 + CHANNELS * 4 };
}

/** Lays the weights out for both directions. Call it while no thread works. */
export function writeWeights(memory: WebAssembly.Memory, layout: Layout, weights: Weights): void {
  const { hidden } = layout;
  const write = (at: number, values: Float32Array): void =>
    new Float32Array(memory.buffer, at, values.length).set(values);
  write(layout.w1, packLayer(weights.w1, hidden, PERCEPTION));
  write(layout.b1, weights.b1);
  write(layout.b2, weights.b2);
  write(layout.units1, weights.w1);
  write(layout.units2, transpose(weights.w2, CHANNELS, hidden));
}

/** @returns the address of the block that sets this thread's kernel up */
function writeSetup(memory: WebAssembly.Memory, layout: Layout, thread: number): number {
  const { shape } = layout;
  const setup = layout.setups + thread * align(field.SETUP_BYTES);
  const block = new DataView(memory.buffer, setup, field.SETUP_BYTES);
  const whole = (offset: number, value: number): void => block.setUint32(offset, value, true);
  const real = (offset: number, value = 0): void => block.setFloat32(offset, value, true);
  whole(field.WIDTH_AT, shape.width);
  whole(field.HEIGHT_AT, shape.height);
  whole(field.STRIDE_AT, shape.stride);
  whole(field.CELL_COUNT_AT, shape.cellCount);
  whole(field.HIDDEN_AT, layout.hidden);
  whole(field.FIRE_THRESHOLD_AT, fireThreshold(layout.fireRate));
  real(field.QUIESCENCE_AT, layout.quiescenceWeight);
  real(field.PLACE_AT, layout.placeWeight);
  real(field.STRAY_AT, layout.strayWeight);
  real(field.RIM_AT, layout.rimWeight);
  real(field.WAVE_AT, layout.waveWeight);
  whole(field.TARGET_AT, layout.target);
  whole(field.SCRATCH_AT, layout.scratch + thread * layout.scratchBytes);
  whole(field.TAPE_AT, layout.tapes + thread * layout.tapeBytes);
  whole(field.TAPE_BYTES_AT, layout.tapeBytes);
  whole(field.W1_AT, layout.w1);
  whole(field.B1_AT, layout.b1);
  whole(field.B2_AT, layout.b2);
  whole(field.UNITS1_AT, layout.units1);
  whole(field.UNITS2_AT, layout.units2);
  whole(field.ZEROS_AT, layout.zeros);
  return setup;
}

/** [rows, columns] → [columns, rows] */
export function transpose(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(matrix.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) turned[c * rows + r] = matrix[r * columns + c];
  }
  return turned;
}

/** A slot's job, as int32s in shared memory. */
export const JOB_INTS = 8;
export const Job = {
  kind: 0,
  steps: 1,
  randomSeed: 2,
  firstStep: 3,
  status: 4,
  quietSteps: 5,
  overflowPart: 6,
} as const;
/** `Job.overflowPart` that stands for the whole weight. */
export const WHOLE_OVERFLOW = 65_536;
export const JobKind = { run: 0, differentiate: 1 } as const;
export const JobStatus = { done: 0, tapeFull: 1 } as const;

interface Exports {
  scratchBytes(cells: number, hidden: number): number;
  configure(setup: number): void;
  useOverflow(weight: number): void;
  useOpen(mask: number): void;
  useWideTiles(use: number): void;
  forward(state: number, steps: number, randomSeed: number, firstStep: number, record: number): number;
  loss(state: number, withGradient: number): number;
  stateGradient(): number;
  backward(gw1: number, gb1: number, gw2: number, gb2: number, quietSteps: number): void;
}

export class Kernel {
  readonly #exports: Exports;
  readonly #layout: Layout;
  readonly #jobs: Int32Array;
  readonly #losses: Float64Array;
  readonly #memory: WebAssembly.Memory;

  /** @param thread - selects this kernel's scratch and tape */
  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory, layout: Layout, thread: number) {
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    this.#exports = instance.exports as unknown as Exports;
    this.#layout = layout;
    this.#memory = memory;
    this.#jobs = new Int32Array(memory.buffer, layout.jobs, layout.slots * JOB_INTS);
    this.#losses = new Float64Array(memory.buffer, layout.losses, layout.slots);
    const { shape, hidden } = layout;
    if (this.#exports.scratchBytes(shape.cellCount, hidden) > layout.scratchBytes) {
      throw new Error('planLayout gives the trainer less scratch than it needs');
    }
    this.#exports.configure(writeSetup(memory, layout, thread));
    this.#exports.useWideTiles(layout.wideTiles ? 1 : 0);
  }

  /** Does the slot's job: advances its state, writes its loss, and its gradients if asked. */
  work(slot: number): void {
    const layout = this.#layout;
    const job = this.#jobs.subarray(slot * JOB_INTS, (slot + 1) * JOB_INTS);
    const state = layout.states + slot * layout.stateBytes;
    const record = job[Job.kind] === JobKind.differentiate;
    this.#exports.useOpen(layout.open + slot * layout.openBytes);
    const status = this.#exports.forward(
      state,
      job[Job.steps],
      job[Job.randomSeed],
      job[Job.firstStep],
      record ? 1 : 0,
    );
    job[Job.status] = status;
    if (status !== JobStatus.done) return;
    this.#exports.useOverflow((layout.overflowWeight * job[Job.overflowPart]) / WHOLE_OVERFLOW);
    this.#losses[slot] = this.#exports.loss(state, record ? 1 : 0);
    if (!record) return;
    const gw1 = layout.gradients + slot * layout.gradientBytes;
    new Uint8Array(this.#memory.buffer, gw1, layout.gradientBytes).fill(0);
    const { b1, w2, b2 } = gradientPlaces(gw1, layout.hidden);
    this.#exports.backward(gw1, b1, w2, b2, job[Job.quietSteps]);
  }

  /** The loss gradient of the first state of the slot differentiated last. [cellCount, 16] */
  stateGradient(): Float32Array {
    const at = this.#exports.stateGradient();
    return new Float32Array(this.#memory.buffer, at, this.#layout.shape.cellCount * CHANNELS).slice();
  }
}
