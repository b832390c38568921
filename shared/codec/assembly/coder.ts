// The range coder: turns binary decisions and their probabilities into bytes, and back. Integers only.
//
// [low, high] is what is left of the 32-bit line; a decision keeps one part of it, as large as it was probable.
// Bytes on which both ends agree are settled. What lies beyond the last byte reads as zeros.
import { PAYLOAD_AT, PAYLOAD_BYTES } from './layout';

let low: u32 = 0;
let high: u32 = 0xffffffff;
let code: u32 = 0;
/** Next byte to write, or to read. */
let at: usize = 0;
let end: usize = 0;
let decoding: bool = false;
/** The payload did not fit: what is written is worthless. */
let overflown: bool = false;

/** @param from - address of the first byte */
export function startEncoding(from: usize): void {
  decoding = false;
  overflown = false;
  low = 0;
  high = 0xffffffff;
  at = from;
  end = PAYLOAD_AT + PAYLOAD_BYTES;
}

/** @param to - address after the last byte */
export function startDecoding(from: usize, to: usize): void {
  decoding = true;
  low = 0;
  high = 0xffffffff;
  at = from;
  end = to;
  code = 0;
  for (let i = 0; i < 4; i++) code = (code << 8) | nextByte();
}

export function isDecoding(): bool {
  return decoding;
}

export function writtenBytes(): i32 {
  return <i32>(at - PAYLOAD_AT);
}

export function hasOverflown(): bool {
  return overflown;
}

// @ts-ignore: decorator
@inline
function nextByte(): u32 {
  const byte: u32 = at < end ? load<u8>(at) : 0;
  at++;
  return byte;
}

/**
 * Codes one decision: writes `bit`, or reads it.
 *
 * @param probability - of a 1, in 1/65536, from 1 to 65535
 * @param bit - what to write; not looked at when decoding
 */
// @ts-ignore: decorator
@inline
export function codeBit(probability: u32, bit: bool): bool {
  const middle = low + <u32>((<u64>(high - low) * probability) >> 16);
  if (decoding) bit = code <= middle;
  // Both ends chosen without a branch: what is coded is what no predictor foresees.
  low = select<u32>(low, middle + 1, bit);
  high = select<u32>(middle, high, bit);
  while (((low ^ high) & 0xff000000) == 0) {
    if (decoding) code = (code << 8) | nextByte();
    else if (at < end) store<u8>(at++, high >> 24);
    else overflown = true;
    low <<= 8;
    high = (high << 8) | 0xff;
  }
  return bit;
}

/** Writes what tells `low..high` from all else: one byte at most. @returns the address after the last byte */
export function finishEncoding(): usize {
  if (low > 0) {
    // The ends differ in their first byte, so this byte with zeros behind it lies between them.
    if (at < end) store<u8>(at++, (low >> 24) + 1);
    else overflown = true;
  }
  return at;
}

/** Whether more was read than any encoder leaves out: four bytes are read ahead, all of them may be zeros. */
export function isBeyondEnd(): bool {
  return at > end + 4;
}

/** Whether nothing is left that an encoder would not have written: of the four read ahead, one may be there. */
export function isAtEnd(): bool {
  return at >= end + 3 && at <= end + 4;
}
