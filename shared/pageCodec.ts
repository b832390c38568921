/**
 * A page's pixels as the difference from what the reader already holds (nothing: zeros, for a keyframe).
 * ```
 * payload := ()                      a blank page, for a reader who holds a blank one
 *          | u16 check  coded{..}    range-coded: which cells move, and by how much
 *          | u16 check  rgba{4096}   the page itself, where coding would not be shorter
 * ```
 * `check` is a hash of the pixels that result: a payload that is damaged, or meant for another base, throws.
 * The coder is `codec/assembly/`, compiled to WASM: one implementation for both sides. It has to be loaded once.
 */
import { PAGE_BYTES, PAGE_CELLS } from './geometry.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;
const CHECK_BYTES = 2;
/** A page as it is, and its check. */
export const MAX_PAYLOAD_BYTES = CHECK_BYTES + PAGE_BYTES;

/** Where the build puts the compiled codec: read it (server) or fetch it (browser), then `loadPageCodec`. */
export const PAGE_CODEC_URL = new URL('../build/wasm/codec.wasm', import.meta.url);

/** The payload is not one for these pixels; the page is as it was. */
export class PageCodecError extends Error {
  override name = 'PageCodecError';
}

/** What the compiled codec gives us: `assembly/codec.ts`. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  /** Addresses: u8 [64, 64, 4], u8 [64, 64, 4], u8 [MAX_PAYLOAD_BYTES] */
  readonly PAGE_AT: WebAssembly.Global;
  readonly TRUTH_AT: WebAssembly.Global;
  readonly PAYLOAD_AT: WebAssembly.Global;
  encode(epsilon: number): number;
  decode(length: number): number;
}

interface Codec {
  readonly encode: Exports['encode'];
  readonly decode: Exports['decode'];
  readonly page: Uint8Array;
  readonly truth: Uint8Array;
  readonly payload: Uint8Array;
}

let codec: Codec | null = null;

/** Once a thread, before the first page is encoded or decoded. */
export async function loadPageCodec(module: WebAssembly.Module): Promise<void> {
  const instance = await WebAssembly.instantiate(module);
  const { memory, PAGE_AT, TRUTH_AT, PAYLOAD_AT, encode, decode } = instance.exports as unknown as Exports;
  codec = {
    encode,
    decode,
    page: new Uint8Array(memory.buffer, PAGE_AT.value, PAGE_BYTES),
    truth: new Uint8Array(memory.buffer, TRUTH_AT.value, PAGE_BYTES),
    payload: new Uint8Array(memory.buffer, PAYLOAD_AT.value, MAX_PAYLOAD_BYTES),
  };
}

function loaded(): Codec {
  if (codec === null) throw new Error('loadPageCodec has not been called (or not waited for)');
  return codec;
}

function checkPage(page: Uint8Array): void {
  if (page.length !== PAGE_BYTES)
    throw new PageCodecError(`page of ${page.length} bytes, expected ${PAGE_BYTES}`);
}

/**
 * Moves `published` to within ε of `truth` and returns how, or null when nothing had to move. A cell moves
 * when some channel is further than ε from the truth; then each such channel comes to within ε of it.
 *
 * @param published - [64, 64, 4], updated in place
 * @param truth - [64, 64, 4], read only
 * @param epsilon - 0..255; 0 is lossless
 */
export function encodePage(published: Uint8Array, truth: Uint8Array, epsilon: number): Uint8Array | null {
  const { encode, page, truth: goal, payload } = loaded();
  checkPage(published);
  checkPage(truth);
  page.set(published);
  goal.set(truth);
  const length = encode(epsilon);
  if (length === 0) return null;
  published.set(page);
  return payload.slice(0, length);
}

/**
 * The whole page, for a reader who holds nothing: no bytes at all for a page of zeros.
 *
 * @param page - [64, 64, 4], read only
 */
export function encodeKeyframe(page: Uint8Array): Uint8Array {
  const { encode, page: held, truth, payload } = loaded();
  checkPage(page);
  held.fill(0);
  truth.set(page);
  return payload.slice(0, encode(0));
}

/** Whether two pages hold the same pixels. */
export function pagesEqual(a: Uint8Array, b: Uint8Array): boolean {
  const left = wordsOf(a);
  // Only one of the two may use the scratch page.
  const right = readableWordsOf(b);
  for (let cell = 0; cell < CELLS; cell++) if (left[cell] !== right[cell]) return false;
  return true;
}

const aligned = new Uint8Array(PAGE_BYTES);

/** The page as cells, one word each. */
function wordsOf(page: Uint8Array): Int32Array {
  checkPage(page);
  return new Int32Array(page.buffer, page.byteOffset, CELLS);
}

/** The same, of a page that may lie at any address and is only read. */
function readableWordsOf(page: Uint8Array): Int32Array {
  if ((page.byteOffset & 3) === 0) return wordsOf(page);
  aligned.set(page);
  return wordsOf(aligned);
}

/**
 * Applies a payload to the pixels its base version holds (zeros for a keyframe).
 *
 * @param page - [64, 64, 4], updated in place
 * @throws PageCodecError before anything is written
 */
export function decodePage(payload: Uint8Array, page: Uint8Array): void {
  const { decode, page: held, payload: from } = loaded();
  checkPage(page);
  if (payload.length > MAX_PAYLOAD_BYTES)
    throw new PageCodecError(`payload of ${payload.length} bytes, at most ${MAX_PAYLOAD_BYTES}`);
  if (payload.length === 0) {
    if (page.some((value) => value !== 0)) throw new PageCodecError('payload of a blank page for another');
    return;
  }
  if (payload.length <= CHECK_BYTES - 1) throw new PageCodecError('payload ends inside its check');
  held.set(page);
  from.set(payload);
  switch (decode(payload.length)) {
    case 0:
      page.set(held);
      return;
    case 1:
      throw new PageCodecError('payload says what no encoder would');
    default:
      throw new PageCodecError('pixels do not match the check: damaged, or for another base');
  }
}
