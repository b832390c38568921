// The memory of one thread: what its rollouts were set up with (`setup.ts`), and where its states, masks and sums lie.
import { LANE_BYTES } from '../../engines/wasm/assembly/mlp';
import * as field from './setup';

const PERCEPTION_BYTES: usize = 3072;

export let width: i32 = 0;
export let height: i32 = 0;
export let stride: i32 = 0;
export let cellCount: usize = 0; // a multiple of 16
export let rowBytes: usize = 0;
export let hidden: i32 = 0;
export let threshold: u32 = 0;
export let overflowWeight: f32 = 0;
export let quiescenceWeight: f32 = 0;
export let placeWeight: f32 = 0;
export let waveWeight: f32 = 0;
export let strayWeight: f32 = 0;
export let rimWeight: f32 = 0;

// Addresses, as `setup.ts` describes them.
export let w1: usize = 0;
export let b1: usize = 0;
export let b2: usize = 0;
export let units1: usize = 0;
export let units2: usize = 0;
export let zeros: usize = 0;
export let target: usize = 0;
export let open: usize = 0; // u8 [cells]: 255 where cells may live, 0 where a wall stands

export let alpha: usize = 0;
export let before: usize = 0;
export let after: usize = 0;
export let opaque: usize = 0;
export let occupied: usize = 0;
export let indices: usize = 0;
export let deltas: usize = 0; // f32 [cells][16]: deltas forward, their gradients backward
export let gradient: usize = 0; // f32 [cells][16], of the state
export let lanes: usize = 0; // f32 [48][16]
export let perceptionGradients: usize = 0; // f32 [16][48]
export let hiddenGradients: usize = 0; // f32 [hidden + 4][16]
export let biasSums: usize = 0; // f32 [hidden + 1][4]
export let tape: usize = 0;
export let tapeEnd: usize = 0;

/** Bytes of private scratch that `layOut` divides. */
export function scratchBytes(cells: usize, hiddenUnits: i32): usize {
  const padded = cells + 16;
  return (
    padded * 4 +
    padded * 6 +
    padded * 4 +
    padded * 64 * 2 +
    2 * PERCEPTION_BYTES +
    <usize>(hiddenUnits + 4) * 80
  );
}

/** @param setup - address of a block of fields (`setup.ts`) */
export function layOut(setup: usize): void {
  width = load<i32>(setup, field.WIDTH_AT);
  height = load<i32>(setup, field.HEIGHT_AT);
  stride = load<i32>(setup, field.STRIDE_AT);
  cellCount = load<u32>(setup, field.CELL_COUNT_AT);
  rowBytes = (<usize>stride) << 6;
  hidden = load<i32>(setup, field.HIDDEN_AT);
  threshold = load<u32>(setup, field.FIRE_THRESHOLD_AT);
  quiescenceWeight = load<f32>(setup, field.QUIESCENCE_AT);
  placeWeight = load<f32>(setup, field.PLACE_AT);
  strayWeight = load<f32>(setup, field.STRAY_AT);
  rimWeight = load<f32>(setup, field.RIM_AT);
  waveWeight = load<f32>(setup, field.WAVE_AT);
  target = load<u32>(setup, field.TARGET_AT);
  w1 = load<u32>(setup, field.W1_AT);
  b1 = load<u32>(setup, field.B1_AT);
  b2 = load<u32>(setup, field.B2_AT);
  units1 = load<u32>(setup, field.UNITS1_AT);
  units2 = load<u32>(setup, field.UNITS2_AT);
  zeros = load<u32>(setup, field.ZEROS_AT);
  const padded = cellCount + 16;
  alpha = load<u32>(setup, field.SCRATCH_AT);
  before = alpha + padded * 4;
  after = before + padded;
  opaque = after + padded + <usize>stride; // neighbours are read before the first cell and after the last
  occupied = opaque + padded + <usize>stride;
  indices = occupied + padded;
  deltas = indices + padded * 4;
  gradient = deltas + padded * 64;
  lanes = gradient + padded * 64;
  perceptionGradients = lanes + PERCEPTION_BYTES;
  hiddenGradients = perceptionGradients + PERCEPTION_BYTES;
  biasSums = hiddenGradients + (<usize>hidden + 4) * LANE_BYTES;
  tape = load<u32>(setup, field.TAPE_AT);
  tapeEnd = tape + load<u32>(setup, field.TAPE_BYTES_AT);
}

/** Sets how strongly the gradient draws hidden channels back into -1..1; the loss itself stays RGBA. */
export function useOverflow(weight: f32): void {
  overflowWeight = weight;
}

/**
 * Sets where the next rollout's cells may live. A wall stands for the world's edge or another body's cells: a cell
 * there holds zeros and never comes alive.
 *
 * @param mask - u8 [cells]: 255 open, 0 a wall
 */
export function useOpen(mask: usize): void {
  open = mask;
}
