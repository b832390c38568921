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

const scratch = new Uint8Array(MAX_PAYLOAD_BYTES);
const aligned = new Uint8Array(PAGE_BYTES);
const blank = new Int32Array(CELLS);

/** The page as cells: one little-endian RGBA word each (every platform that runs this is little-endian). */
function wordsOf(page: Uint8Array): Int32Array {
  if (page.length !== PAGE_BYTES)
    throw new PageCodecError(`page of ${page.length} bytes, expected ${PAGE_BYTES}`);
  return new Int32Array(page.buffer, page.byteOffset, CELLS);
}

/** The same, of a page that may lie at any address and is only read. */
function readableWordsOf(page: Uint8Array): Int32Array {
  if ((page.byteOffset & 3) === 0) return wordsOf(page);
  aligned.set(page);
  return wordsOf(aligned);
}

/** Whether a cell must move: some channel is further than ε from the truth. */
function differs(published: number, truth: number, epsilon: number): boolean {
  let difference = (published & 0xff) - (truth & 0xff);
  if (difference > epsilon || difference < -epsilon) return true;
  difference = ((published >>> 8) & 0xff) - ((truth >>> 8) & 0xff);
  if (difference > epsilon || difference < -epsilon) return true;
  difference = ((published >>> 16) & 0xff) - ((truth >>> 16) & 0xff);
  if (difference > epsilon || difference < -epsilon) return true;
  difference = (published >>> 24) - (truth >>> 24);
  return difference > epsilon || difference < -epsilon;
}

function writeVaruint(at: number, value: number): number {
  if (value >= 0x80) {
    scratch[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  scratch[at++] = value;
  return at;
}

/** Writes the runs in which `to` leaves `from` into `scratch`; `move` applies them to `from`. */
function writeRuns(from: Int32Array, to: Int32Array, epsilon: number, move: boolean): number {
  let length = 0;
  let lastEnd = 0;
  let cell = 0;
  while (cell < CELLS) {
    // Most cells of most pages are equal to the bit; only the others are looked at by channel.
    if (from[cell] === to[cell] || (epsilon > 0 && !differs(from[cell], to[cell], epsilon))) {
      cell++;
      continue;
    }
    const start = cell;
    do cell++;
    while (
      cell < CELLS &&
      from[cell] !== to[cell] &&
      (epsilon === 0 || differs(from[cell], to[cell], epsilon))
    );
    length = writeVaruint(length, start - lastEnd);
    length = writeVaruint(length, cell - start);
    for (let moved = start; moved < cell; moved++) {
      const rgba = to[moved];
      scratch[length] = rgba;
      scratch[length + 1] = rgba >>> 8;
      scratch[length + 2] = rgba >>> 16;
      scratch[length + 3] = rgba >>> 24;
      length += 4;
      if (move) from[moved] = rgba;
    }
    lastEnd = cell;
  }
  return length;
}

/**
 * Moves `published` to within ε of `truth` and returns how, or null when nothing had to move.
 *
 * @param published - [64, 64, 4], at a multiple of 4 bytes, updated in place
 * @param truth - [64, 64, 4]
 * @param epsilon - 0..255; 0 is lossless
 */
export function encodePage(published: Uint8Array, truth: Uint8Array, epsilon: number): Uint8Array | null {
  const length = writeRuns(wordsOf(published), readableWordsOf(truth), epsilon, true);
  return length === 0 ? null : scratch.slice(0, length);
}

/**
 * The whole page, for a reader who holds nothing: no bytes at all for a page of zeros.
 *
 * @param page - [64, 64, 4], read only
 */
export function encodeKeyframe(page: Uint8Array): Uint8Array {
  return scratch.slice(0, writeRuns(blank, readableWordsOf(page), 0, false));
}

/** Whether two pages hold the same pixels. */
export function pagesEqual(a: Uint8Array, b: Uint8Array): boolean {
  // Only one of the two may use the scratch page.
  const left = wordsOf(a);
  const right = readableWordsOf(b);
  for (let cell = 0; cell < CELLS; cell++) if (left[cell] !== right[cell]) return false;
  return true;
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
  readRuns(payload, null);
  readRuns(payload, page);
}

/** Checks the whole payload; with a page, applies it. */
function readRuns(payload: Uint8Array, page: Uint8Array | null): void {
  const end = payload.length;
  let at = 0;
  let cell = 0;
  while (at < end) {
    let skip = payload[at++];
    if (skip >= 0x80) {
      if (at === end) throw new PageCodecError('payload ends inside a run');
      skip = (skip & 0x7f) | highBits(payload[at++]);
    }
    if (at === end) throw new PageCodecError('payload ends inside a run');
    let count = payload[at++];
    if (count >= 0x80) {
      if (at === end) throw new PageCodecError('payload ends inside a run');
      count = (count & 0x7f) | highBits(payload[at++]);
    }
    cell += skip;
    if (count === 0) throw new PageCodecError('run of no cells');
    if (cell + count > CELLS) throw new PageCodecError(`run ends at cell ${cell + count} of ${CELLS}`);
    const runEnd = at + count * 4;
    if (runEnd > end) throw new PageCodecError('payload ends inside a run');
    if (page !== null) for (let to = cell * 4; at < runEnd; ) page[to++] = payload[at++];
    at = runEnd;
    cell += count;
  }
}

/** 14 bits reach every cell of a page; a third byte can only be a lie. */
function highBits(byte: number): number {
  if (byte >= 0x80) throw new PageCodecError('run length over 14 bits');
  return byte << 7;
}
