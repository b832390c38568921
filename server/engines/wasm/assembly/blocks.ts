// Runs the update rule over blocks of 16 cells: perceptions in, deltas out. Each rule has its own block, so several
// species in one page cost nothing extra.

import { transposeToLanes } from './lanes';
import {
  B1_AT,
  B2_AT,
  BLOCK_BYTES,
  BLOCK_COUNTS_AT,
  BLOCK_PERCEPTIONS_AT,
  BLOCK_TARGETS_AT,
  DELTA_LANES_AT,
  HIDDEN_AT,
  HIDDEN_LANES_AT,
  LANES_AT,
  NOWHERE_AT,
  RULE_RECORD_BYTES,
  RULES_AT,
  W1_AT,
  W2_AT,
} from './layout';
import { BLOCK, denseBlock } from './mlp';
import { perceive } from './perceive';

/** [16][16 cells] → 64 bytes at each of `targets` (u32 [16]) */
function toTargets(from: usize, targets: usize): void {
  for (let c: usize = 0; c < 4; c++) {
    const target0 = <usize>load<u32>(targets + c * 16);
    const target1 = <usize>load<u32>(targets + c * 16, 4);
    const target2 = <usize>load<u32>(targets + c * 16, 8);
    const target3 = <usize>load<u32>(targets + c * 16, 12);
    let read = from + c * 16;
    for (let k: usize = 0; k < 64; k += 16) {
      const a = v128.load(read);
      const b = v128.load(read, 64);
      const d = v128.load(read, 128);
      const e = v128.load(read, 192);
      const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const de0 = v128.shuffle<f32>(d, e, 0, 4, 1, 5);
      const de1 = v128.shuffle<f32>(d, e, 2, 6, 3, 7);
      v128.store(target0 + k, v128.shuffle<f64>(ab0, de0, 0, 2));
      v128.store(target1 + k, v128.shuffle<f64>(ab0, de0, 1, 3));
      v128.store(target2 + k, v128.shuffle<f64>(ab1, de1, 0, 2));
      v128.store(target3 + k, v128.shuffle<f64>(ab1, de1, 1, 3));
      read += 256;
    }
  }
}

/** Runs the rule on its open block and empties it. */
function runBlock(scratch: usize, slot: u32): void {
  const rule = <usize>RULES_AT + <usize>slot * RULE_RECORD_BYTES;
  const block = scratch + <usize>slot * BLOCK_BYTES;
  const hidden = load<i32>(rule, HIDDEN_AT);
  transposeToLanes(block + BLOCK_PERCEPTIONS_AT, scratch + LANES_AT, 48);
  denseBlock(scratch + LANES_AT, scratch + HIDDEN_LANES_AT, rule + W1_AT, rule + B1_AT, 48, hidden, true);
  denseBlock(
    scratch + HIDDEN_LANES_AT,
    scratch + DELTA_LANES_AT,
    rule + W2_AT,
    rule + B2_AT,
    hidden,
    16,
    false,
  );
  toTargets(scratch + DELTA_LANES_AT, block + BLOCK_TARGETS_AT);
}

/** Adds a cell to its rule's block, and runs the block when it is full. @param target - address for the delta */
// @inline
export function gather(scratch: usize, slot: u32, cell: usize, rowBytes: usize, target: usize): void {
  const count = scratch + ((<usize>slot) << 2);
  const n = load<i32>(count, BLOCK_COUNTS_AT);
  const block = scratch + <usize>slot * BLOCK_BYTES;
  store<u32>(block + ((<usize>n) << 2), <u32>target, BLOCK_TARGETS_AT);
  perceive(cell, rowBytes, block + BLOCK_PERCEPTIONS_AT + <usize>n * 192);
  if (n == BLOCK - 1) {
    runBlock(scratch, slot);
    store<i32>(count, 0, BLOCK_COUNTS_AT);
  } else {
    store<i32>(count, n + 1, BLOCK_COUNTS_AT);
  }
}

/** Runs the blocks that did not fill. */
export function flushBlocks(scratch: usize): void {
  for (let slot: u32 = 0; slot < 256; slot++) {
    const count = scratch + ((<usize>slot) << 2);
    const n = load<i32>(count, BLOCK_COUNTS_AT);
    if (n == 0) continue;
    const block = scratch + <usize>slot * BLOCK_BYTES;
    for (let i = n; i < BLOCK; i++) {
      store<u32>(block + ((<usize>i) << 2), <u32>(scratch + NOWHERE_AT), BLOCK_TARGETS_AT);
    }
    runBlock(scratch, slot);
    store<i32>(count, 0, BLOCK_COUNTS_AT);
  }
}
