// The page codec: codes the difference between a page's pixels and those that the reader holds (zeros for a keyframe).

import { codeCell, resetMoves, sizeClass } from './cell';
import {
  finishEncoding,
  hasOverflown,
  isAtEnd,
  isBeyondEnd,
  isReading,
  Reading,
  startDecoding,
  startEncoding,
  Writing,
  writtenBytes,
} from './coder';
import * as at from './contexts';
import { RATES } from './contexts';
import {
  CHECK_BYTES,
  LIVING_AT,
  MOVING_AT,
  PAGE_AT,
  PAGE_BYTES,
  PAYLOAD_AT,
  PAYLOAD_BYTES,
  TRUTH_AT,
} from './layout';
import { decide } from './model';

export { PAGE_AT, PAYLOAD_AT, TRUTH_AT } from './layout';

/** Sets a bit in LIVING_AT for each cell that is not all zero. @returns how many there are */
function findLiving(): i32 {
  let living = 0;
  const zero = i32x4.splat(0);
  for (let y = 0; y < 64; y++) {
    let row: u64 = 0;
    const from = PAGE_AT + ((<usize>y) << 8);
    for (let x = 0; x < 64; x += 4)
      row |= (<u64>i32x4.bitmask(i32x4.ne(v128.load(from + ((<usize>x) << 2)), zero))) << x;
    store<u64>(LIVING_AT + ((<usize>y) << 3), row);
    living += <i32>popcnt(row);
  }
  return living;
}

/** Sets a bit in MOVING_AT for each cell with a channel more than `epsilon` from the truth. @returns how many there are */
function findMoving(epsilon: i32): i32 {
  let moving = 0;
  const zero = i32x4.splat(0);
  const within = i8x16.splat(<i8>epsilon);
  for (let y = 0; y < 64; y++) {
    let row: u64 = 0;
    const from = (<usize>y) << 8;
    for (let x = 0; x < 64; x += 4) {
      const held = v128.load(PAGE_AT + from + ((<usize>x) << 2));
      const truth = v128.load(TRUTH_AT + from + ((<usize>x) << 2));
      const apart = v128.or(i8x16.sub_sat_u(held, truth), i8x16.sub_sat_u(truth, held));
      row |= (<u64>i32x4.bitmask(i32x4.ne(i8x16.sub_sat_u(apart, within), zero))) << x;
    }
    store<u64>(MOVING_AT + ((<usize>y) << 3), row);
    moving += <i32>popcnt(row);
  }
  return moving;
}

/** @returns a 16-bit hash of the page's pixels, which exposes a payload that is damaged or meant for another base */
function check(): u32 {
  const k = i32x4.splat(0x2c1b3c6d);
  let a = i32x4.splat(0x297a2d39);
  let b = i32x4.splat(0x1b56c4e9);
  for (let i: usize = 0; i < <usize>PAGE_BYTES; i += 32) {
    a = i32x4.mul(v128.xor(a, v128.load(PAGE_AT + i)), k);
    b = i32x4.mul(v128.xor(b, v128.load(PAGE_AT + i, 16)), k);
    a = v128.xor(a, i32x4.shr_u(a, 15));
    b = v128.xor(b, i32x4.shr_u(b, 15));
  }
  // Each lane has factors of its own, so that two lanes that trade places change the hash.
  a = v128.xor(i32x4.mul(a, i32x4(3, 5, 7, 9)), i32x4.mul(b, i32x4(11, 13, 15, 17)));
  let h =
    i32x4.extract_lane(a, 0) ^ i32x4.extract_lane(a, 1) ^ i32x4.extract_lane(a, 2) ^ i32x4.extract_lane(a, 3);
  h = (h ^ (h >>> 16)) * 0x45d9f3b;
  return <u32>(h ^ (h >>> 16)) & 0xffff;
}

/** Class of the share of cells that move, in half octaves: 0..20. */
function rateClass(moving: i32, living: i32): i32 {
  const share = (moving << 10) / (living + moving);
  const bits = 32 - <i32>clz(share);
  return bits < 2 ? bits : (bits << 1) - 2 + ((share >> (bits - 2)) & 1);
}

function codeClass<Way>(value: i32): i32 {
  let node = 1;
  for (let i = 4; i >= 0; i--)
    node = (node << 1) | <i32>decide<Way>(<bool>((value >> i) & 1), 1, at.CLASS + node);
  return node & 31;
}

function codeSize<Way>(value: i32, rate: i32): i32 {
  const top = <i32>decide<Way>(<bool>(value >> 1), 1, at.SIZE + rate * 3);
  return (top << 1) | <i32>decide<Way>(<bool>(value & 1), 1, at.SIZE + rate * 3 + 1 + top);
}

/** The bytes of the first 48 moving cells predict what all of them will take. */
const SAMPLE = 48;

/**
 * Codes, for each band of eight rows, which of its blocks of 8 x 8 cells move, then the cells of those, row by row.
 *
 * @param moving - how many cells move; ignored when reading
 * @returns false when it gave up: the payload would not be shorter than the page, or the one that is read ended early
 */
function codeCells<Way>(epsilon: i32, moving: i32, rate: i32, size: i32, blank: bool): bool {
  let above: u32 = 0;
  let moved = 0;
  at.begin(rate, size, blank);
  for (let band = 0; band < 8; band++) {
    let rows: u64 = 0;
    let inside: u64 = 0;
    const first = band << 3;
    for (let y = first; y < first + 8; y++) {
      rows |= load<u64>(MOVING_AT + ((<usize>y) << 3));
      inside |= load<u64>(LIVING_AT + ((<usize>y) << 3));
    }
    const ring =
      inside |
      load<u64>(LIVING_AT + ((<usize>(first - 1)) << 3)) |
      load<u64>(LIVING_AT + ((<usize>(first + 8)) << 3));
    const near = ring | (ring << 1) | (ring >> 1);
    let blocks: u32 = 0;
    for (let block = 0; block < 8; block++) {
      const shift = block << 3;
      const life = ((inside >> shift) & 255) != 0 ? 2 : ((near >> shift) & 255) != 0 ? 1 : 0;
      const left = block > 0 ? (blocks >> (block - 1)) & 1 : 0;
      const up = (above >> block) & 1;
      const upRight = (above >> (block + 1)) & 1;
      const upLeft = block > 0 ? (above >> (block - 1)) & 1 : 0;
      const around = <i32>(left | (up << 1) | (upRight << 2) | (upLeft << 3));
      const moves = decide<Way>(
        ((rows >> shift) & 255) != 0,
        3,
        at.BLOCK_RATE + rate * 3 + life,
        at.BLOCK_AROUND + around * 3 + life,
        at.BLOCK_COLUMNS + <i32>popcnt((inside >> shift) & 255) + 9 * (rate >> 2),
      );
      blocks |= (<u32>moves) << block;
    }
    above = blocks;
    if (blocks == 0) continue;
    for (let y = first; y < first + 8; y++) {
      if (isReading<Way>()) {
        if (isBeyondEnd()) return false;
      } else if (moved >= SAMPLE && writtenBytes() * moving > PAGE_BYTES * moved) {
        return false;
      }
      const row = load<u64>(MOVING_AT + ((<usize>y) << 3));
      const lifeAt = LIVING_AT + ((<usize>y) << 3);
      const column = load<u64>(lifeAt - 8) | load<u64>(lifeAt) | load<u64>(lifeAt + 8);
      const nearLife = column | (column << 1) | (column >> 1);
      moved += <i32>popcnt(row);
      for (let left = blocks; left != 0; left &= left - 1) {
        const x0 = (<i32>ctz(left)) << 3;
        for (let x = x0; x < x0 + 8; x++)
          codeCell<Way>(y, x, <bool>((nearLife >> x) & 1), <bool>((row >> x) & 1), epsilon);
      }
    }
  }
  return true;
}

/**
 * Moves the page to within `epsilon` of the truth and writes the payload that does the same for a reader.
 *
 * @returns bytes of the payload, 0 when nothing had to move
 */
export function encode(epsilon: i32): i32 {
  const moving = findMoving(epsilon);
  if (moving == 0) return 0;
  const living = findLiving();
  resetMoves();
  startEncoding(PAYLOAD_AT + CHECK_BYTES);
  const rate = codeClass<Writing>(rateClass(moving, living));
  const size = living == 0 ? 0 : codeSize<Writing>(sizeClass(epsilon), rate);
  let to: usize = 0;
  if (codeCells<Writing>(epsilon, moving, rate, size, living == 0)) to = finishEncoding();
  if (to == 0 || hasOverflown()) {
    // Coding does not shorten noise, so the page itself is sent, without error.
    memory.copy(PAGE_AT, TRUTH_AT, PAGE_BYTES);
    memory.copy(PAYLOAD_AT + CHECK_BYTES, TRUTH_AT, PAGE_BYTES);
    to = PAYLOAD_AT + PAYLOAD_BYTES;
  }
  store<u16>(PAYLOAD_AT, <u16>check());
  return <i32>(to - PAYLOAD_AT);
}

/**
 * Applies a payload to the page.
 *
 * @param length - at least CHECK_BYTES
 * @returns 0 on success. Otherwise the page is spoilt: 1 when no encoder writes such a payload, 2 when the check fails
 */
export function decode(length: i32): i32 {
  const from = PAYLOAD_AT + CHECK_BYTES;
  if (length == PAYLOAD_BYTES) {
    memory.copy(PAGE_AT, from, PAGE_BYTES);
  } else {
    const living = findLiving();
    resetMoves();
    startDecoding(from, PAYLOAD_AT + length);
    const rate = codeClass<Reading>(0);
    if (rate >= RATES || (rate == RATES - 1) != (living == 0)) return 1;
    const size = living == 0 ? 0 : codeSize<Reading>(0, rate);
    if (!codeCells<Reading>(0, 0, rate, size, living == 0) || !isAtEnd()) return 1;
  }
  return check() == load<u16>(PAYLOAD_AT) ? 0 : 2;
}
