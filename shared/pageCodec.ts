/**
 * A page's pixels as the difference from what the reader already holds (nothing: zeros, for a keyframe).
 * ```
 * delta := run*
 * run   := varuint(skip) varuint(count) rgba{count}
 * ```
 * `skip` cells stay as they are, `count` (at least 1) are replaced. Cells are in reading order.
 */
import { PAGE_BYTES, PAGE_CELLS } from './geometry.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;
/** Largest delta: every other cell changed, so each costs a one-byte skip, a one-byte count and 4 bytes. */
export const MAX_PAYLOAD_BYTES = (CELLS / 2) * 6 + CELLS * 4;

/** The payload is not of the grammar; the page is as it was. */
export class PageCodecError extends Error {
  override name = 'PageCodecError';
}

/** Whether a cell must move: some channel is further than ε from the truth. */
function differs(published: Uint8Array, truth: Uint8Array, at: number, epsilon: number): boolean {
  for (let c = at; c < at + 4; c++) {
    const difference = published[c] - truth[c];
    if (difference > epsilon || difference < -epsilon) return true;
  }
  return false;
}

function writeVaruint(out: Uint8Array, at: number, value: number): number {
  while (value >= 0x80) {
    out[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  out[at++] = value;
  return at;
}

const scratch = new Uint8Array(MAX_PAYLOAD_BYTES);

/**
 * Moves `published` to within ε of `truth` and returns how, or null when nothing had to move.
 *
 * @param published - [64, 64, 4], updated in place; zeros for a keyframe
 * @param truth - [64, 64, 4]
 * @param epsilon - 0..255; 0 is lossless
 */
export function encodePage(published: Uint8Array, truth: Uint8Array, epsilon: number): Uint8Array | null {
  let length = 0;
  let lastEnd = 0;
  let cell = 0;
  while (cell < CELLS) {
    if (!differs(published, truth, cell * 4, epsilon)) {
      cell++;
      continue;
    }
    const start = cell;
    do cell++;
    while (cell < CELLS && differs(published, truth, cell * 4, epsilon));
    length = writeVaruint(scratch, length, start - lastEnd);
    length = writeVaruint(scratch, length, cell - start);
    const moved = truth.subarray(start * 4, cell * 4);
    scratch.set(moved, length);
    published.set(moved, start * 4);
    length += moved.length;
    lastEnd = cell;
  }
  return length === 0 ? null : scratch.slice(0, length);
}

/**
 * Applies a payload to the pixels its base version holds (zeros for a keyframe).
 *
 * @param page - [64, 64, 4], updated in place
 * @throws PageCodecError before anything is written
 */
export function decodePage(payload: Uint8Array, page: Uint8Array): void {
  if (page.length !== PAGE_BYTES)
    throw new PageCodecError(`page of ${page.length} bytes, expected ${PAGE_BYTES}`);
  walk(payload, () => {});
  walk(payload, (cell, at, count) => page.set(payload.subarray(at, at + count * 4), cell * 4));
}

function walk(payload: Uint8Array, run: (cell: number, at: number, count: number) => void): void {
  let at = 0;
  let cell = 0;
  const varuint = (): number => {
    let value = 0;
    // 14 bits reach every cell of a page; a third byte can only be a lie.
    for (let shift = 0; shift < 14; shift += 7) {
      if (at >= payload.length) throw new PageCodecError('payload ends inside a run');
      const byte = payload[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new PageCodecError('run length over 14 bits');
  };
  while (at < payload.length) {
    cell += varuint();
    const count = varuint();
    if (count === 0) throw new PageCodecError('run of no cells');
    if (cell + count > CELLS) throw new PageCodecError(`run ends at cell ${cell + count} of ${CELLS}`);
    if (at + count * 4 > payload.length) throw new PageCodecError('payload ends inside a run');
    run(cell, at, count);
    at += count * 4;
    cell += count;
  }
}
