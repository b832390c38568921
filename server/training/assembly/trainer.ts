// Rollouts of one organism on a small grid, and back-propagation through them. Only cells that live and fire cost
// anything, forward and backward.
//
// Grid: [height + 2][stride][16] f32 with a border of zeros, so that no neighbour needs a check; a cell's index is
// (y + 1) * stride + x + 1. Masks are one byte per cell (0 or 255). Alpha has a plane of its own.
//
// Tape, one record per step, newest last:
//   record := previous:u32 blocks:u32 cells:u32 0:u32  live:u8[cellCount]  block{blocks}
//   block  := units:u32 0:u32[3]  index:u32[16]  perception:f32[16][48]  list:u32[hidden + 4]
//             activation:f32[units][16]
// `units` counts the hidden units that are not silent in all of the block's cells; `list` holds their indices
// (`activateBlock`).

import { fireBits4 } from '../../engines/wasm/assembly/fire';
import { transposeToCells, transposeToLanes } from '../../engines/wasm/assembly/lanes';
import { ALIVE_THRESHOLD } from '../../engines/wasm/assembly/layout';
import { BLOCK, LANE_BYTES } from '../../engines/wasm/assembly/mlp';
import { perceive } from '../../engines/wasm/assembly/perceive';
import { activateBlock, clear, scatter, unitGradients } from './blocks';
import {
  after,
  alpha,
  b1,
  b2,
  before,
  biasSums,
  cellCount,
  deltas,
  gradient,
  height,
  hidden,
  hiddenGradients,
  indices,
  lanes,
  layOut,
  occupied,
  opaque,
  open,
  perceptionGradients,
  quiescenceWeight,
  rowBytes,
  stride,
  tape,
  tapeEnd,
  threshold,
  units1,
  units2,
  w1,
  width,
  zeros,
} from './scratch';
import { accumulate, sumUnits } from './tiles';

export { denseBlock, useWideTiles } from '../../engines/wasm/assembly/mlp';
export { loss } from './loss';
export { scratchBytes, useOpen, useOverflow } from './scratch';

const INDEX_AT: usize = 16;
const PERCEPTION_AT: usize = 80;
const LIST_AT: usize = 3152;
/** A block's deltas: f32 [16][16] */
const DELTA_BYTES: usize = 1024;
const RECORD_BYTES: usize = 16;
/** `factor` of `tiles.ts` for a layer whose rows are by unit. */
const FIRST_LAYER: usize = 3;
const SECOND_LAYER: usize = 1;
/** Cells are listed by squares of 4 x 4: the cells of a block lie close together, so many units are silent in all. */
const SQUARE: i32 = 4;
let activationAt: usize = 0; // within a block
let newest: usize = 0; // address of the newest record

/** @param setup - address of a block of fields (`setup.ts`) */
export function configure(setup: usize): void {
  layOut(setup);
  activationAt = LIST_AT + ((<usize>hidden + 4) << 2);
}

/**
 * mask[cell] = 255 where alpha exceeds `ALIVE_THRESHOLD` somewhere in the cell's 3x3. The mask of border cells may hold
 * anything: they are always empty.
 */
function aliveMask(mask: usize): void {
  const limit = f32x4.splat(<f32>ALIVE_THRESHOLD);
  for (let i: usize = 0; i < cellCount; i += 16) {
    const a = alpha + (i << 2);
    const left = i16x8.narrow_i32x4_s(f32x4.gt(v128.load(a), limit), f32x4.gt(v128.load(a, 16), limit));
    const right = i16x8.narrow_i32x4_s(f32x4.gt(v128.load(a, 32), limit), f32x4.gt(v128.load(a, 48), limit));
    v128.store(opaque + i, i8x16.narrow_i16x8_s(left, right));
  }
  const row = <usize>stride;
  for (let y = 0; y < height; y++) {
    const first = <usize>((y + 1) * stride + 1);
    for (let x: usize = 0; x < <usize>width; x += 16) {
      const here = opaque + first + x;
      const above = here - row;
      const below = here + row;
      let any = v128.or(v128.load(above - 1), v128.load(above));
      any = v128.or(any, v128.load(above, 1));
      any = v128.or(any, v128.load(here - 1));
      any = v128.or(any, v128.load(here));
      any = v128.or(any, v128.load(here, 1));
      any = v128.or(any, v128.load(below - 1));
      any = v128.or(any, v128.load(below));
      any = v128.or(any, v128.load(below, 1));
      v128.store(mask + first + x, any); // the surplus falls into the border, or the next row overwrites it
    }
  }
}

/** Writes the indices of cells that live and fire into `indices`, square by square; returns their number. */
function listFiring(randomSeed: u32, step: u32): i32 {
  const first = indices;
  let list = indices;
  for (let top = 0; top < height; top += SQUARE) {
    const rows = min(SQUARE, height - top);
    for (let left = 0; left < width; left += SQUARE) {
      let cell = <usize>((top + 1) * stride + 1 + left);
      const inside = left + SQUARE <= width ? 0xffffffff : 0xffffffff >> (8 * (left + SQUARE - width));
      for (let y = top; y < top + rows; y++) {
        const alive = load<u32>(before + cell) & inside;
        if (alive != 0) {
          const fires = fireBits4(randomSeed, step, left, y, threshold);
          // Each cell is stored, and overwritten by the next unless it lives and fires. A branch would often mispredict.
          store<u32>(list, <u32>cell);
          list += (<usize>(alive & fires & 1)) << 2;
          store<u32>(list, <u32>cell + 1);
          list += (<usize>((alive >> 8) & (fires >> 1) & 1)) << 2;
          store<u32>(list, <u32>cell + 2);
          list += (<usize>((alive >> 16) & (fires >> 2) & 1)) << 2;
          store<u32>(list, <u32>cell + 3);
          list += (<usize>((alive >> 24) & (fires >> 3) & 1)) << 2;
        }
        cell += stride;
      }
    }
  }
  return <i32>((list - first) >> 2);
}

/** Clears cells that are not alive both before and after; writes the live mask. */
function clearDead(state: usize, live: usize): void {
  for (let i: usize = 0; i < cellCount; i += 16) {
    const was = v128.load(before + i);
    const alive = v128.and(was, v128.load(after + i));
    const dead = v128.andnot(v128.or(was, v128.load(occupied + i)), alive);
    v128.store(live + i, alive);
    v128.store(occupied + i, alive);
    if (!v128.any_true(dead)) continue;
    let bits = i8x16.bitmask(dead);
    while (bits != 0) {
      const cell = i + ctz(bits);
      bits &= bits - 1;
      clear(state + (cell << 6), 64);
      store<f32>(alpha + (cell << 2), 0);
    }
  }
}

/**
 * Advances `state` by `steps`.
 *
 * @param state - f32 [height + 2][stride][16], changed in place
 * @param record - keeps the tape that `backward` reads
 * @returns 0, or 1 when the tape is full (the state is then at some step before the last)
 */
export function forward(state: usize, steps: i32, randomSeed: u32, firstStep: u32, record: bool): i32 {
  for (let i: usize = 0; i < cellCount; i++) {
    if (load<u8>(open + i) == 0) clear(state + (i << 6), 64);
    store<f32>(alpha + (i << 2), load<f32>(state + (i << 6), 12));
  }
  memory.fill(occupied, 255, cellCount);
  clear(before, cellCount);
  clear(after, cellCount);
  let at = tape;
  newest = 0;
  for (let t = 0; t < steps; t++) {
    aliveMask(before);
    for (let i: usize = 0; i < cellCount; i += 16) {
      v128.store(before + i, v128.and(v128.load(before + i), v128.load(open + i)));
    }
    const count = listFiring(randomSeed, firstStep + t);
    const blocks = (count + BLOCK - 1) / BLOCK;
    const live = at + RECORD_BYTES;
    let next = live + cellCount;
    // A block's length is not known yet: the largest is assumed.
    const longest = activationAt + (<usize>hidden + 4) * LANE_BYTES;
    if (next + (record ? <usize>blocks : 1) * longest > tapeEnd) return 1;
    store<u32>(at, <u32>newest);
    store<u32>(at, <u32>blocks, 4);
    store<u32>(at, <u32>count, 8);
    for (let b = 0; b < blocks; b++) {
      const perceptions = next + PERCEPTION_AT;
      const activations = next + activationAt;
      const cells = min(BLOCK, count - b * BLOCK);
      const list = indices + ((<usize>b * BLOCK) << 2);
      memory.copy(next + INDEX_AT, list, BLOCK << 2);
      for (let c = 0; c < cells; c++) {
        const cell = <usize>load<u32>(list + ((<usize>c) << 2));
        perceive(state + (cell << 6), rowBytes, perceptions + <usize>c * 192);
      }
      if (cells < BLOCK) clear(perceptions + <usize>cells * 192, <usize>(BLOCK - cells) * 192);
      transposeToLanes(perceptions, lanes, 48);
      const units = activateBlock(lanes, activations, next + LIST_AT, w1, b1, hidden);
      store<u32>(next, <u32>units);
      sumUnits(activations, lanes, units2, next + LIST_AT, SECOND_LAYER, units, b2, 16);
      transposeToCells(lanes, deltas + <usize>b * DELTA_BYTES, 16);
      if (record) next = activations + <usize>units * LANE_BYTES;
    }
    for (let c = 0; c < count; c++) {
      const index = <usize>load<u32>(indices + ((<usize>c) << 2));
      const cell = state + (index << 6);
      const delta = deltas + ((<usize>c) << 6);
      v128.store(cell, f32x4.add(v128.load(cell), v128.load(delta)));
      v128.store(cell, f32x4.add(v128.load(cell, 16), v128.load(delta, 16)), 16);
      v128.store(cell, f32x4.add(v128.load(cell, 32), v128.load(delta, 32)), 32);
      v128.store(cell, f32x4.add(v128.load(cell, 48), v128.load(delta, 48)), 48);
      store<f32>(alpha + (index << 2), load<f32>(cell, 12));
    }
    aliveMask(after);
    clearDead(state, live);
    if (record) {
      newest = at;
      at = next;
    }
  }
  return 0;
}

/** Address of the state's gradient: after `loss` the last state's, after `backward` the first state's. */
export function stateGradient(): usize {
  return gradient;
}

/**
 * Adds the gradients of the recorded rollout, from the state gradient that `loss` began.
 *
 * @param gw1 - f32 [hidden + 1][48]; the last row is scratch
 * @param gb1 - f32 [hidden]
 * @param gw2 - f32 [hidden + 1][16]: by unit; the last row is scratch
 * @param gb2 - f32 [16]
 * @param quietSteps - number of last updates that are drawn to zero
 */
export function backward(gw1: usize, gb1: usize, gw2: usize, gb2: usize, quietSteps: i32): void {
  clear(biasSums, (<usize>hidden + 1) << 4);
  const quietScale = <f32>((2.0 * quiescenceWeight) / <f64>(width * height * 4 * max(1, quietSteps)));
  let quiet = quietSteps;
  for (let at = newest; at != 0; at = <usize>load<u32>(at)) {
    const blocks = load<i32>(at, 4);
    const count = load<i32>(at, 8);
    const live = at + RECORD_BYTES;
    maskGradient(live);
    let block = live + cellCount;
    gatherDeltas(block, blocks, count, gb2);
    for (let b = 0; b < blocks; b++) {
      const units = load<i32>(block);
      const list = block + LIST_AT;
      const perceptions = block + PERCEPTION_AT;
      const activations = block + activationAt;
      const delta = deltas + <usize>b * DELTA_BYTES;
      const cells = min(BLOCK, count - b * BLOCK);
      if (quiet > 0) {
        // The tape does not hold the updates: the second layer is computed again.
        sumUnits(activations, lanes, units2, list, SECOND_LAYER, units, b2, 16);
        transposeToCells(lanes, perceptionGradients, 16);
        calm(perceptionGradients, cells, quietScale, delta, gb2);
      }
      transposeToLanes(delta, lanes, 16);
      unitGradients(lanes, activations, list, units, units2, biasSums, hiddenGradients);
      accumulate(activations, delta, 64, list, SECOND_LAYER, units, gw2);
      accumulate(hiddenGradients, perceptions, 192, list, FIRST_LAYER, units, gw1);
      sumUnits(hiddenGradients, lanes, units1, list, FIRST_LAYER, units, zeros, 48);
      transposeToCells(lanes, perceptionGradients, 48);
      for (let i = 0; i < cells; i++) {
        const cell = <usize>load<u32>(block + INDEX_AT + ((<usize>i) << 2));
        scatter(perceptionGradients + <usize>i * 192, gradient + (cell << 6), rowBytes);
      }
      block = activations + <usize>units * LANE_BYTES;
    }
    quiet--;
  }
  for (let u: usize = 0; u < <usize>hidden; u++) {
    const sums = v128.load(biasSums + (u << 4));
    const pairs = f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1);
    const others = f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3);
    store<f32>(gb1 + (u << 2), load<f32>(gb1 + (u << 2)) + pairs + others);
  }
}

/** Adds scale · update to the gradient of each cell's update, and to its sum. @param updates - f32 [16][16] */
function calm(updates: usize, cells: i32, scale: f32, delta: usize, gb2: usize): void {
  const factor = f32x4.splat(scale);
  for (let c = 0; c < cells; c++) {
    for (let k: usize = 0; k < 64; k += 16) {
      const pull = f32x4.mul(v128.load(updates + k), factor);
      v128.store(delta + k, f32x4.add(v128.load(delta + k), pull));
      v128.store(gb2 + k, f32x4.add(v128.load(gb2 + k), pull));
    }
    updates += 64;
    delta += 64;
  }
}

/** A cell that was cleared passes no gradient back. */
function maskGradient(live: usize): void {
  for (let i: usize = 0; i < cellCount; i += 16) {
    const alive = v128.load(live + i);
    if (i8x16.all_true(alive)) continue;
    let bits = i8x16.bitmask(alive) ^ 0xffff;
    while (bits != 0) {
      clear(gradient + ((i + ctz(bits)) << 6), 64);
      bits &= bits - 1;
    }
  }
}

/** deltas[c] = gradient of the c-th firing cell, zero-padded to whole blocks; gb2 gets their sum. */
function gatherDeltas(block: usize, blocks: i32, count: i32, gb2: usize): void {
  let s0 = v128.load(gb2);
  let s1 = v128.load(gb2, 16);
  let s2 = v128.load(gb2, 32);
  let s3 = v128.load(gb2, 48);
  let delta = deltas;
  for (let b = 0; b < blocks; b++) {
    const end = block + INDEX_AT + ((<usize>min(BLOCK, count - b * BLOCK)) << 2);
    for (let index = block + INDEX_AT; index < end; index += 4) {
      const cell = gradient + ((<usize>load<u32>(index)) << 6);
      const g0 = v128.load(cell);
      const g1 = v128.load(cell, 16);
      const g2 = v128.load(cell, 32);
      const g3 = v128.load(cell, 48);
      v128.store(delta, g0);
      v128.store(delta, g1, 16);
      v128.store(delta, g2, 32);
      v128.store(delta, g3, 48);
      s0 = f32x4.add(s0, g0);
      s1 = f32x4.add(s1, g1);
      s2 = f32x4.add(s2, g2);
      s3 = f32x4.add(s3, g3);
      delta += 64;
    }
    block += activationAt + <usize>load<u32>(block) * LANE_BYTES;
  }
  clear(delta, <usize>blocks * DELTA_BYTES - (delta - deltas));
  v128.store(gb2, s0);
  v128.store(gb2, s1, 16);
  v128.store(gb2, s2, 32);
  v128.store(gb2, s3, 48);
}
