// The range coder: turns binary decisions and their probabilities into bytes, and back. Integers only.
//
// A payload is a number between 0 and 1. Each decision splits the interval that is left in two, in proportion to the
// probabilities, and keeps one part. The interval begins at `low` and is `range` long, both in units of the 64 bits that
// are not settled yet. Bits above those are written already; an overflow of `low` is carried into them. When `range`
// gets short, four more bytes are settled. A reader sees zeros beyond the last byte.
import { PAYLOAD_AT, PAYLOAD_BYTES } from './layout';

/** The direction, as a type: the compiler makes one version of each function that reads and one that writes. */
export type Reading = i32;
export type Writing = f32;

// @inline
export function isReading<Way>(): bool {
  return isInteger<Way>();
}

const WHOLE = <u64>-1;
/** Below this, probabilities would become coarse. */
const MIN_RANGE: u64 = 0x100000000;

/** Writing: where the interval begins. Reading: how far the payload's number lies behind its beginning. */
let low: u64 = 0;
let range: u64 = WHOLE;
/** The first byte that is not settled. */
let at: usize = 0;
let end: usize = 0;
/** The payload did not fit, so the bytes written are useless. */
let overflown: bool = false;

/** @param from - address of the first byte */
export function startEncoding(from: usize): void {
  overflown = false;
  low = 0;
  range = WHOLE;
  at = from;
  end = PAYLOAD_AT + PAYLOAD_BYTES;
}

/** @param to - address after the last byte */
export function startDecoding(from: usize, to: usize): void {
  range = WHOLE;
  at = from;
  end = to;
  low = unsettled();
}

export function writtenBytes(): i32 {
  return <i32>(at - PAYLOAD_AT);
}

export function hasOverflown(): bool {
  return overflown;
}

/** Reads four bytes, big-endian; zeros beyond the end. */
function wordAt(from: usize): u32 {
  if (from + 4 <= end) return bswap(load<u32>(from));
  let word: u32 = 0;
  for (let i: usize = 0; i < 4; i++) word = (word << 8) | (from + i < end ? <u32>load<u8>(from + i) : 0);
  return word;
}

/** Reading: the payload's next 64 bits. */
function unsettled(): u64 {
  return ((<u64>wordAt(at)) << 32) | wordAt(at + 4);
}

/** Moves on by four bytes, which makes `range` 2^32 times larger. */
function settle<Way>(): void {
  if (isReading<Way>()) {
    low = (low << 32) | wordAt(at + 8);
    at += 4;
  } else {
    if (at + 4 <= end) {
      store<u32>(at, bswap(<u32>(low >> 32)));
      at += 4;
    } else {
      overflown = true;
    }
    low <<= 32;
  }
  range <<= 32;
}

/** Writing: adds one to the settled bytes. The number stays below 1, so a byte below 255 is always found. */
function carry(): void {
  if (overflown) return;
  let byte = at - 1;
  for (; load<u8>(byte) == 255; byte--) store<u8>(byte, 0);
  store<u8>(byte, load<u8>(byte) + 1);
}

/**
 * Codes one decision: writes `bit`, or reads it.
 *
 * @param probability - of a 1, in 1/65536: 1 to 65535
 * @param bit - what to write; ignored when reading
 */
// @inline
export function codeBit<Way>(probability: u32, bit: bool): bool {
  const whole = range;
  const part = (whole >> 16) * probability;
  // `select` instead of a branch: a bit that a branch predictor could foresee would need no coding.
  if (isReading<Way>()) {
    const behind = low;
    bit = behind < part;
    low = select<u64>(behind, behind - part, bit);
  } else {
    const before = low;
    const after = select<u64>(before, before + part, bit);
    low = after;
    if (after < before) carry();
  }
  const left = select<u64>(part, whole - part, bit);
  range = left;
  if (left < MIN_RANGE) settle<Way>();
  return bit;
}

/**
 * Codes `count` bits that are 0 or 1 with equal probability, together.
 *
 * @param count - 1 to 7
 * @param value - what to write; ignored when reading
 */
// @inline
export function codeEvenBits<Way>(count: i32, value: u32): u32 {
  const part = range >> count;
  if (isReading<Way>()) {
    let behind = low;
    value = 0;
    for (let place = count - 1; place >= 0; place--) {
      const upper = part << place;
      const isUpper = <bool>(behind >= upper);
      behind -= select<u64>(upper, 0, isUpper);
      value = (value << 1) | <u32>isUpper;
    }
    low = behind;
  } else {
    const before = low;
    low = before + part * value;
    if (low < before) carry();
  }
  range = part;
  if (part < MIN_RANGE) settle<Way>();
  return value;
}

/** @returns the fewest bytes (0 to 4) that, followed by zeros, name a number in the interval */
function tailBytes(from: u64): i32 {
  let bytes = 0;
  while (paddingOf(from, bytes) >= range) bytes++;
  return bytes;
}

/** @returns the distance from `from` up to the next number that has only `bytes` bytes */
function paddingOf(from: u64, bytes: i32): u64 {
  return bytes == 0 ? 0 - from : (0 - from) & (((<u64>1) << (64 - (bytes << 3))) - 1);
}

/** Writes the bytes that name the interval. @returns the address after the last byte */
export function finishEncoding(): usize {
  const bytes = tailBytes(low);
  if (at + bytes > end) overflown = true;
  if (overflown) return at;
  const tail = low + paddingOf(low, bytes);
  if (tail < low) carry();
  for (let i = 0; i < bytes; i++) store<u8>(at + i, <u8>(tail >> (56 - (i << 3))));
  return at + bytes;
}

/** @returns whether more bytes were read than the payload has */
export function isBeyondEnd(): bool {
  return at > end;
}

/** @returns whether the payload has exactly the bytes that an encoder would have written */
export function isAtEnd(): bool {
  return at + tailBytes(unsettled() - low) == end;
}
