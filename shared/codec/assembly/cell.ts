// One cell of the page: does it move, does it die, how far does each channel go.
import { CELLS, LEVELS_AT, LIVING_AT, PAGE_AT, RESIDUALS_AT, TRUTH_AT, MOVING_AT } from './layout';
import { codeBit, isDecoding } from './coder';
import { decide } from './model';
import * as at from './contexts';
import { bitsOf } from './contexts';

const DIED: u8 = 4;
/** A probability of one half. */
const EVEN: u32 = 32768;
const SIDE_OPAQUE: u32 = 0xff000000;

export function resetMoves(): void {
  memory.fill(RESIDUALS_AT, 0, CELLS * 4);
  memory.fill(LEVELS_AT, 0, CELLS);
}

/** Where a channel goes: stays within epsilon, else as little as brings it there. */
// @ts-ignore: decorator
@inline
function stepOf(held: i32, truth: i32, epsilon: i32, slack: i32): i32 {
  const apart = truth - held;
  if (apart > epsilon) return apart - slack;
  if (apart < -epsilon) return apart + slack;
  return 0;
}

// @ts-ignore: decorator
@inline
function slackOf(epsilon: i32): i32 {
  return min(1, epsilon);
}

// @ts-ignore: decorator
@inline
function opacityOf(rgba: u32): i32 {
  return rgba >= SIDE_OPAQUE ? 2 : rgba != 0 ? 1 : 0;
}

/** How far the moving cells go, as four classes: judged by the first few hundred. */
export function sizeClass(epsilon: i32): i32 {
  let bits = 0;
  let moving = 0;
  const slack = slackOf(epsilon);
  for (let y: usize = 0; y < 64 && moving < 256; y++) {
    for (let row = load<u64>(MOVING_AT + (y << 3)); row != 0; row &= row - 1) {
      const cell = (y << 8) + (<usize>ctz(row) << 2);
      let most = 0;
      for (let c: usize = 0; c < 4; c++)
        most = max(most, abs(stepOf(load<u8>(PAGE_AT + cell + c), load<u8>(TRUTH_AT + cell + c), epsilon, slack)));
      bits += bitsOf(most);
      moving++;
    }
  }
  const mean = (bits << 4) / moving;
  return mean <= 18 ? 0 : mean <= 28 ? 1 : mean <= 48 ? 2 : 3;
}

/** Sum over the channels of the largest difference from the cells around, as bits: 0..11. */
// @ts-ignore: decorator
@inline
function contrastOf(page: usize, rgba: u32): i32 {
  const self = i32x4.splat(rgba);
  const beside = v128.load(page - 4);
  const above = v128.load(page - 260);
  const below = v128.load(page + 252);
  let most = v128.or(i8x16.sub_sat_u(self, beside), i8x16.sub_sat_u(beside, self));
  most = i8x16.max_u(most, v128.or(i8x16.sub_sat_u(self, above), i8x16.sub_sat_u(above, self)));
  most = i8x16.max_u(most, v128.or(i8x16.sub_sat_u(self, below), i8x16.sub_sat_u(below, self)));
  const sums = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(most));
  return min(11, bitsOf(i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2)));
}

/** [2 itself, 16 neighbours, 5 diagonals that live], before. */
// @ts-ignore: decorator
@inline
function lifeOf(y: i32, x: i32): i32 {
  const row = LIVING_AT + (<usize>y << 3);
  // Two columns of nobody on the left make room for the column beside column 0.
  const here = rotr<u64>(load<u64>(row), <u64>(x - 1));
  const above = rotr<u64>(load<u64>(row - 8), <u64>(x - 1));
  const below = rotr<u64>(load<u64>(row + 8), <u64>(x - 1));
  const neighbours = <i32>((here & 1) | ((here >> 1) & 2) | ((above << 1) & 4) | ((below << 2) & 8));
  const diagonals = <i32>(popcnt(above & 5) + popcnt(below & 5));
  return (<i32>((here >> 1) & 1) << 4 | neighbours) * 5 + diagonals;
}

// @ts-ignore: decorator
@inline
function bound(value: u32): i32 {
  return <i32>(value == 0 || value == 255);
}

export function codeCell(y: i32, x: i32, moves: bool, epsilon: i32): void {
  const cell = (<usize>y << 6) + <usize>x;
  const page = PAGE_AT + (cell << 2);
  const levels = LEVELS_AT + cell;
  const rgba = load<u32>(page);
  const opacity = opacityOf(rgba);
  const w = <i32>load<u8>(levels - 1);
  const n = <i32>load<u8>(levels - 64);
  const nw = <i32>load<u8>(levels - 65);
  const ne = <i32>load<u8>(levels - 63);
  const far =
    <i32>(load<u8>(levels - 2) != 0) + <i32>(load<u8>(levels - 128) != 0) + <i32>(load<u8>(levels - 129) != 0) +
    <i32>(load<u8>(levels - 127) != 0) + <i32>(load<u8>(levels - 66) != 0) + <i32>(load<u8>(levels - 62) != 0);
  const life = lifeOf(y, x);
  const bank = at.bank;
  const size = at.size;
  if (life + opacity + w + n + nw + ne == 0) {
    moves = decide(moves, bank + at.FLAG_EMPTY + at.rate, bank + at.FLAG_FAR + (at.rate >> 1) * 7 + far);
  } else {
    const limits = bound(rgba & 255) | (bound((rgba >> 8) & 255) << 1) | (bound((rgba >> 16) & 255) << 2) | (bound(rgba >> 24) << 3);
    const equal =
      <i32>(load<u32>(page - 4) == rgba) | (<i32>(load<u32>(page - 256) == rgba) << 1) |
      (<i32>(load<u32>(page + 4) == rgba) << 2) | (<i32>(load<u32>(page + 256) == rgba) << 3);
    moves = decide(
      moves,
      bank + at.FLAG_RATE + (at.rate * 4 + size) * 3 + opacity,
      bank + at.FLAG_NEAR + (((w * 5 + n) * 5 + nw) * 5 + ne) * 2 + (opacity >> 1),
      bank + at.FLAG_FAR + (at.rate >> 1) * 7 + far,
      bank + at.FLAG_BOUND + size * 16 + limits,
      bank + at.FLAG_CONTRAST + (size * 3 + opacity) * 12 + contrastOf(page, rgba),
      bank + at.FLAG_LIFE + life,
      bank + at.FLAG_EQUAL + opacity * 16 + equal,
      bank + at.FLAG_LATE + (at.rate >> 1) * 17 + bitsOf(at.lateRate),
    );
  }
  if (opacity != 0 || moves) at.noteCell(moves);
  if (!moves) return;

  if (rgba != 0) {
    const near = <i32>(w == DIED) | (<i32>(n == DIED) << 1) | (<i32>(nw == DIED) << 2) | (<i32>(ne == DIED) << 3);
    const dies = decide(
      load<u32>(TRUTH_AT + (cell << 2)) == 0,
      bank + at.DEATH_NEAR + near * 3 + opacity,
      bank + at.DEATH_RATE + at.rate * 4 + size,
      bank + at.DEATH_LIFE + life,
    );
    if (dies) {
      store<u32>(page, 0);
      store<u8>(levels, DIED);
      const residual = RESIDUALS_AT + (cell << 2);
      for (let c: usize = 0; c < 4; c++) store<i8>(residual + c, <i8>-min<i32>(127, (rgba >> (<i32>c << 3)) & 255));
      return;
    }
  }
  codeChannels(cell, opacity, epsilon);
}

// @ts-ignore: decorator
@inline
function levelOf(magnitude: i32): i32 {
  return min(3, bitsOf(magnitude));
}

// @ts-ignore: decorator
@inline
function signOf(value: i32): i32 {
  return <i32>(value > 0) | (<i32>(value < 0) << 1);
}

/** 0, 1–3, 4–31, 32–127, 128–223, 224–251, 252–254, 255 */
// @ts-ignore: decorator
@inline
function valueClass(value: i32): i32 {
  if (value < 32) return value == 0 ? 0 : value < 4 ? 1 : 2;
  return value < 128 ? 3 : value < 224 ? 4 : value < 252 ? 5 : value < 255 ? 6 : 7;
}

/** Median of left, above and left + above − corner (LOCO-I): what a keyframe's channel is taken to be. */
// @ts-ignore: decorator
@inline
function predict(channel: usize): i32 {
  const w = <i32>load<u8>(channel - 4);
  const n = <i32>load<u8>(channel - 256);
  const nw = <i32>load<u8>(channel - 260);
  const least = min(w, n);
  const most = max(w, n);
  return nw >= most ? least : nw <= least ? most : w + n - nw;
}

function codeChannels(cell: usize, opacity: i32, epsilon: i32): void {
  const page = PAGE_AT + (cell << 2);
  const residuals = RESIDUALS_AT + (cell << 2);
  const bank = at.bank;
  const size = at.size;
  const coarse = at.rate >> 2;
  const blank = at.rate == at.RATES - 1;
  const slack = slackOf(epsilon);
  let earlier = 0; // levels of the channels before, two bits each
  let signs = 0; // and their signs, base 3
  let largest = 0;
  // Alpha first: it tells most about the others.
  for (let turn = 0; turn < 4; turn++) {
    const c: usize = (turn + 3) & 3;
    const channel = page + c;
    const held = blank ? predict(channel) : <i32>load<u8>(channel);
    const step = isDecoding() ? 0 : stepOf(held, load<u8>(TRUTH_AT + (cell << 2) + c), epsilon, slack);
    const west = <i32>load<i8>(residuals + c - 4);
    const north = <i32>load<i8>(residuals + c - 256);
    const northEast = <i32>load<i8>(residuals + c - 252);
    const around = <i32>load<u8>(channel - 4) + <i32>load<u8>(channel + 4) + <i32>load<u8>(channel - 256) + <i32>load<u8>(channel + 256);
    const pull = (around >> 2) - held;
    const pullBits = bitsOf(abs(pull));
    const value = valueClass(held);

    let moves = true;
    if (turn < 3 || earlier != 0 || blank) {
      moves = decide(
        step != 0,
        bank + at.MOVE_RATE + ((turn * 6 + coarse) * 4 + size) * 3 + opacity,
        bank + at.MOVE_EARLIER + turn * 64 + earlier,
        bank + at.MOVE_NEAR + ((turn * 4 + levelOf(abs(west))) * 4 + levelOf(abs(north))) * 4 + levelOf(abs(northEast)),
        bank + at.MOVE_VALUE + (turn * 8 + value) * 4 + size,
        bank + at.MOVE_PULL + (turn * 9 + pullBits) * 4 + size,
        bank + at.MOVE_LATE + turn * 17 + min(16, at.lateBits >> 2),
      );
    }
    let residual = 0;
    let magnitude = 0;
    if (moves) {
      let falls = held == 255;
      if (held > 0 && held < 255)
        falls = decide(
          step < 0,
          bank + at.SIGN_EARLIER + turn * 27 + signs,
          bank + at.SIGN_NEAR + turn * 27 + (signOf(west) * 3 + signOf(north)) * 3 + signOf(northEast),
          bank + at.SIGN_PULL + turn * 17 + 8 + (pull < 0 ? -pullBits : pullBits),
          bank + at.SIGN_VALUE + turn * 16 + (held >> 4),
        );
      const room = bitsOf(falls ? held : 255 - held) - 1;
      const against = <i32>((pull < 0) != falls);
      const bits = bitsOf(abs(step)) - 1;
      let k = 0;
      while (
        k < room &&
        decide(
          bits > k,
          bank + at.MORE_RATE + ((k * 4 + turn) * 6 + coarse) * 4 + size,
          bank + at.MORE_EARLIER + (k * 4 + turn) * 9 + largest,
          bank + at.MORE_NEAR + (k * 9 + bitsOf(abs(west))) * 9 + bitsOf(abs(north)),
          bank + at.MORE_PULL + ((k * 9 + pullBits) * 2 + against) * 4 + size,
          bank + at.MORE_LATE + (k * 4 + turn) * 16 + min(15, at.lateBits >> 3),
        )
      )
        k++;
      magnitude = 1;
      if (k > 0)
        magnitude =
          2 |
          <i32>decide(
            <bool>((abs(step) >> (k - 1)) & 1),
            bank + at.SECOND_SIZE + (k * 4 + turn) * 4 + size,
            bank + at.SECOND_PULL + (k * 9 + pullBits) * 2 + against,
          );
      for (let place = k - 2; place >= 0; place--)
        magnitude = (magnitude << 1) | <i32>codeBit(EVEN, <bool>((abs(step) >> place) & 1));
      at.noteMove(k + 1);
      residual = falls ? -magnitude : magnitude;
    }
    // A damaged payload may lead out of a byte; it wraps, and the check finds it.
    store<u8>(channel, <u8>(held + residual));
    store<i8>(residuals + c, <i8>max(-127, min(127, residual)));
    earlier |= levelOf(magnitude) << (turn << 1);
    signs = signs * 3 + signOf(residual);
    largest = max(largest, bitsOf(magnitude));
  }
  store<u8>(LEVELS_AT + cell, <u8>max(1, min(3, largest)));
}
