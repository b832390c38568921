// Codes one cell of the page: whether it moves, whether it dies, and how far each channel goes.

import { codeEvenBits, isReading } from './coder';
import * as at from './contexts';
import { bitsOf } from './contexts';
import { CELLS, LEVELS_AT, MOVED_AT, MOVING_AT, PAGE_AT, RESIDUALS_AT, TRUTH_AT } from './layout';
import { climb, decide } from './model';

const DIED: u8 = 4;
const SIDE_OPAQUE: u32 = 0xff000000;

export function resetMoves(): void {
  memory.fill(RESIDUALS_AT, 0, CELLS * 4);
  memory.fill(LEVELS_AT, 0, CELLS);
  memory.fill(MOVED_AT, 0, 64 * 8);
}

/** A channel that moves stops this far from the truth: where an error is allowed, a shorter step takes fewer bits. */
// @inline
function slackOf(epsilon: i32): i32 {
  return min(1, epsilon);
}

// @inline
function opacityOf(rgba: u32): i32 {
  return rgba >= SIDE_OPAQUE ? 2 : rgba != 0 ? 1 : 0;
}

// @inline
function flag(is: bool): i32 {
  return <i32>is;
}

/** Class 0..3 of how far the moving cells go, by the mean number of bits of the first 256 or so. */
export function sizeClass(epsilon: i32): i32 {
  let bits = 0;
  let moving = 0;
  const zero = i32x4.splat(0);
  const slack = i8x16.splat(<i8>slackOf(epsilon));
  const within = i8x16.splat(<i8>epsilon);
  for (let y: usize = 0; y < 64 && moving < 256; y++) {
    for (let row = load<u64>(MOVING_AT + (y << 3)); row != 0; row &= row - 1) {
      const cell = (y << 8) + ((<usize>ctz(row)) << 2);
      const held = v128.load32_zero(PAGE_AT + cell);
      const truth = v128.load32_zero(TRUTH_AT + cell);
      const apart = v128.or(i8x16.sub_sat_u(held, truth), i8x16.sub_sat_u(truth, held));
      const steps = v128.andnot(
        i8x16.sub_sat_u(apart, slack),
        i8x16.eq(i8x16.sub_sat_u(apart, within), zero),
      );
      // The bitwise OR of the four channels has as many bits as the largest of them.
      let all = i32x4.extract_lane(steps, 0);
      all |= all >>> 16;
      bits += bitsOf((all | (all >>> 8)) & 255);
      moving++;
    }
  }
  const mean = (bits << 4) / moving;
  return mean <= 18 ? 0 : mean <= 28 ? 1 : mean <= 48 ? 2 : 3;
}

/** Four bits: which channels are 0 or 255. */
// @inline
function boundsOf(rgba: u32): i32 {
  const channels = i32x4.splat(rgba);
  return i8x16.bitmask(v128.or(i8x16.eq(channels, i8x16.splat(0)), i8x16.eq(channels, i8x16.splat(-1)))) & 15;
}

/** How many of the six cells two away that are already coded have moved: 0..6. */
// @inline
function farOf(row: usize, x: i32): i32 {
  const twoAbove = rotr<u64>(load<u64>(row - 16), <u64>(x - 1)) & 7;
  const above = rotr<u64>(load<u64>(row - 8), <u64>(x - 2)) & 17;
  const here = rotr<u64>(load<u64>(row), <u64>(x - 2)) & 1;
  return <i32>popcnt(twoAbove | (above << 3) | (here << 4));
}

/**
 * @param nearLife - whether the cell, or one of the eight around it, is not all zero
 * @param moves - whether the cell moves; ignored when reading
 */
export function codeCell<Way>(y: i32, x: i32, nearLife: bool, moves: bool, epsilon: i32): void {
  const cell = ((<usize>y) << 6) + <usize>x;
  const page = PAGE_AT + (cell << 2);
  const levels = LEVELS_AT + cell;
  const rgba = load<u32>(page);
  const opacity = opacityOf(rgba);
  const w = <i32>load<u8>(levels - 1);
  const n = <i32>load<u8>(levels - 64);
  const nw = <i32>load<u8>(levels - 65);
  const ne = <i32>load<u8>(levels - 63);
  const moved = MOVED_AT + ((<usize>y) << 3);
  const far = farOf(moved, x);
  const bank = at.bank;
  const size = at.size;
  if (!nearLife && w + n + nw + ne == 0) {
    moves = decide<Way>(
      moves,
      2,
      bank + at.FLAG_EMPTY + at.rate,
      bank + at.FLAG_FAR + (at.rate >> 1) * 7 + far,
    );
  } else {
    moves = decide<Way>(
      moves,
      4,
      bank + at.FLAG_NEAR + (((w * 5 + n) * 5 + nw) * 5 + ne) * 2 + (opacity >> 1),
      bank + at.FLAG_FAR + (at.rate >> 1) * 7 + far,
      bank + at.FLAG_BOUND + (size * 3 + opacity) * 16 + boundsOf(rgba),
      bank + at.FLAG_LATE + (at.rate >> 1) * 17 + bitsOf(at.lateRate),
    );
  }
  if (opacity != 0 || moves) at.noteCell(moves);
  if (!moves) return;
  store<u64>(moved, load<u64>(moved) | ((<u64>1) << x));

  if (rgba != 0) {
    const near = flag(w == DIED) | (flag(n == DIED) << 1) | (flag(nw == DIED) << 2) | (flag(ne == DIED) << 3);
    const dies = decide<Way>(
      load<u32>(TRUTH_AT + (cell << 2)) == 0,
      2,
      bank + at.DEATH_NEAR + near * 3 + opacity,
      bank + at.DEATH_RATE + at.rate * 4 + size,
    );
    if (dies) {
      store<u32>(page, 0);
      store<u8>(levels, DIED);
      const residual = RESIDUALS_AT + (cell << 2);
      for (let c: usize = 0; c < 4; c++)
        store<i8>(residual + c, <i8>-min<i32>(127, (rgba >> ((<i32>c) << 3)) & 255));
      return;
    }
  }
  codeChannels<Way>(cell, opacity, epsilon);
}

/** Classes 0..7 of a channel's value: 0, 1–3, 4–31, 32–127, 128–223, 224–251, 252–254, 255. */
function valueClass(value: i32): i32 {
  if (value < 32) return value == 0 ? 0 : value < 4 ? 1 : 2;
  return value < 128 ? 3 : value < 224 ? 4 : value < 252 ? 5 : value < 255 ? 6 : 7;
}
/** u8 [256]: `valueClass` of each value */
const VALUE_CLASS_AT: usize = memory.data(256, 16);
for (let value = 0; value < 256; value++) store<u8>(VALUE_CLASS_AT + value, <u8>valueClass(value));

// The contexts of a cell's four channels are computed together: i32 [4] each, in the order r g b a.
const HELD_AT: usize = memory.data(16, 16);
const STEP_AT: usize = memory.data(16, 16);
const PULL_AT: usize = memory.data(16, 16);
const PULL_BITS_AT: usize = memory.data(16, 16);
const MOVE_NEAR_AT: usize = memory.data(16, 16);
const SIGN_NEAR_AT: usize = memory.data(16, 16);
const MORE_NEAR_AT: usize = memory.data(16, 16);

// @inline
function channelsOf(pixel: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(pixel)));
}

// @inline
function residualsOf(cell: usize): v128 {
  return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(cell)));
}

/** Number of bits of each magnitude, read from the exponent of its float. */
// @inline
function bitsOfEach(magnitudes: v128): v128 {
  const exponents = i32x4.shr_u(f32x4.convert_i32x4_s(magnitudes), 23);
  return i32x4.max_s(i32x4.sub(exponents, i32x4.splat(126)), i32x4.splat(0));
}

/** For each value: 0 when it is zero, 1 when positive, 2 when negative. */
// @inline
function signsOf(values: v128): v128 {
  const above = v128.and(i32x4.gt_s(values, i32x4.splat(0)), i32x4.splat(1));
  return v128.or(above, v128.and(i32x4.lt_s(values, i32x4.splat(0)), i32x4.splat(2)));
}

/** Combines three digits into one number: (high · radix + middle) · radix + low. */
// @inline
function base(high: v128, middle: v128, low: v128, radix: i32): v128 {
  const by = i32x4.splat(radix);
  return i32x4.add(i32x4.mul(i32x4.add(i32x4.mul(high, by), middle), by), low);
}

/** A keyframe's channels are predicted as the median of left, above, and left + above − corner (LOCO-I). */
// @inline
function predict(corner: v128, west: v128, north: v128): v128 {
  const plane = i32x4.sub(i32x4.add(west, north), corner);
  return i32x4.max_s(i32x4.min_s(west, north), i32x4.min_s(i32x4.max_s(west, north), plane));
}

/** Fills the arrays above, except STEP_AT. */
// @inline
function surveyChannels(page: usize, residuals: usize, blank: bool): void {
  const west = channelsOf(page - 4);
  const north = channelsOf(page - 256);
  const held = blank ? predict(channelsOf(page - 260), west, north) : channelsOf(page);
  v128.store(HELD_AT, held);
  const around = i32x4.add(i32x4.add(west, north), i32x4.add(channelsOf(page + 4), channelsOf(page + 256)));
  const pull = i32x4.sub(i32x4.shr_u(around, 2), held);
  v128.store(PULL_AT, pull);
  v128.store(PULL_BITS_AT, bitsOfEach(i32x4.abs(pull)));
  const movedWest = residualsOf(residuals - 4);
  const movedNorth = residualsOf(residuals - 256);
  const movedNorthEast = residualsOf(residuals - 252);
  const bitsWest = bitsOfEach(i32x4.abs(movedWest));
  const bitsNorth = bitsOfEach(i32x4.abs(movedNorth));
  const bitsNorthEast = bitsOfEach(i32x4.abs(movedNorthEast));
  const most = i32x4.splat(3);
  v128.store(
    MOVE_NEAR_AT,
    base(i32x4.min_s(bitsWest, most), i32x4.min_s(bitsNorth, most), i32x4.min_s(bitsNorthEast, most), 4),
  );
  v128.store(SIGN_NEAR_AT, base(signsOf(movedWest), signsOf(movedNorth), signsOf(movedNorthEast), 3));
  v128.store(MORE_NEAR_AT, i32x4.shl(i32x4.add(i32x4.mul(bitsWest, i32x4.splat(9)), bitsNorth), 3));
}

/** Fills STEP_AT: 0 for a channel within epsilon of the truth, else the shortest step that `slackOf` allows. */
// @inline
function findSteps(truth: usize, epsilon: i32): void {
  const apart = i32x4.sub(channelsOf(truth), v128.load(HELD_AT));
  const distance = i32x4.abs(apart);
  const length = i32x4.sub(distance, i32x4.splat(slackOf(epsilon)));
  const falls = i32x4.shr_s(apart, 31);
  const step = i32x4.sub(v128.xor(length, falls), falls);
  v128.store(STEP_AT, v128.and(step, i32x4.gt_s(distance, i32x4.splat(epsilon))));
}

function codeChannels<Way>(cell: usize, opacity: i32, epsilon: i32): void {
  const page = PAGE_AT + (cell << 2);
  const residuals = RESIDUALS_AT + (cell << 2);
  const bank = at.bank;
  const size = at.size;
  const coarse = at.rate >> 2;
  const blank = at.rate == at.RATES - 1;
  surveyChannels(page, residuals, blank);
  if (isReading<Way>()) v128.store(STEP_AT, i32x4.splat(0));
  else findSteps(TRUTH_AT + (cell << 2), epsilon);
  let earlier = 0; // levels of the channels coded before, two bits each
  let signs = 0; // their signs, base 3
  let largest = 0;
  // Alpha comes first: it predicts the other channels best.
  for (let turn = 0; turn < 4; turn++) {
    const c: usize = (turn + 3) & 3;
    const lane = c << 2;
    const held = load<i32>(lane, HELD_AT);
    const step = load<i32>(lane, STEP_AT);
    const pull = load<i32>(lane, PULL_AT);
    const pullBits = load<i32>(lane, PULL_BITS_AT);

    let moves: bool = true;
    if (turn < 3 || earlier != 0 || blank) {
      moves = decide<Way>(
        step != 0,
        4,
        bank + at.MOVE_RATE + ((turn * 6 + coarse) * 4 + size) * 3 + opacity,
        bank + at.MOVE_EARLIER + turn * 64 + earlier,
        bank + at.MOVE_NEAR + turn * 64 + load<i32>(lane, MOVE_NEAR_AT),
        bank + at.MOVE_VALUE + (turn * 8 + <i32>load<u8>(held, VALUE_CLASS_AT)) * 4 + size,
      );
    }
    const earlierSigns = signs;
    signs *= 3;
    if (!moves) {
      store<u8>(page + c, <u8>held);
      continue;
    }
    let falls: bool = held == 255;
    if (held > 0 && held < 255)
      falls = decide<Way>(
        step < 0,
        3,
        bank + at.SIGN_EARLIER + turn * 27 + earlierSigns,
        bank + at.SIGN_NEAR + turn * 27 + load<i32>(lane, SIGN_NEAR_AT),
        bank + at.SIGN_PULL + turn * 17 + 8 + (pull < 0 ? -pullBits : pullBits),
      );
    const room = bitsOf(falls ? held : 255 - held) - 1;
    const against = flag(pull < 0 != falls);
    const k = climb<Way>(
      bitsOf(abs(step)) - 1,
      room,
      bank + at.MORE_RATE + (((turn * 6 + coarse) * 4 + size) << 3),
      bank + at.MORE_EARLIER + ((turn * 9 + largest) << 3),
      bank + at.MORE_NEAR + load<i32>(lane, MORE_NEAR_AT),
      bank + at.MORE_PULL + (((pullBits * 2 + against) * 4 + size) << 3),
      bank + at.MORE_LATE + ((turn * 16 + min(15, at.lateBits >> 3)) << 3),
    );
    let magnitude = 1 << k;
    // The bits below the highest are close to random, so no context would help.
    if (k > 0) magnitude |= <i32>codeEvenBits<Way>(k, abs(step) & (magnitude - 1));
    at.noteMove(k + 1);
    const residual = falls ? -magnitude : magnitude;
    // A damaged payload can leave 0..255; the byte then wraps, and the check finds it.
    store<u8>(page + c, <u8>(held + residual));
    store<i8>(residuals + c, <i8>max(-127, min(127, residual)));
    earlier |= min(3, k + 1) << (turn << 1);
    signs += falls ? 2 : 1;
    largest = max(largest, k + 1);
  }
  store<u8>(LEVELS_AT + cell, <u8>max(1, min(3, largest)));
}
