/**
 * Codes a page's pixels as the difference from the page that the reader holds. A keyframe's reader holds zeros.
 * ```
 * payload := ()                      a blank page, for a reader that holds a blank one
 *          | u16 check  coded{..}    range-coded: which cells move, and by how much
 *          | u16 check  rgba{4096}   the page itself, where coding would not be shorter
 * ```
 * `check` is a hash of the resulting pixels: a payload that is damaged, or meant for another base, throws.
 * The coder is `codec/assembly/`, compiled to WASM: one implementation for both sides, loaded once per thread.
 */
import { PAGE_BYTES, PAGE_CELLS } from './geometry.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;
const CHECK_BYTES = 2;
/** An uncoded page and its check. */
export const MAX_PAYLOAD_BYTES = CHECK_BYTES + PAGE_BYTES;

/** The compiled codec: the server reads it, the browser fetches it, and both call `loadPageCodec`. */
export const PAGE_CODEC_URL = new URL('./codec/built/codec.wasm', import.meta.url);

/** The payload does not fit the pixels. The page is unchanged. */
export class PageCodecError extends Error {
  override name = 'PageCodecError';
}

/** What the compiled `codec/assembly/codec.ts` exports. */
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

/** Must be called once per thread, and awaited, before the first page is encoded or decoded. */
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
  if (codec === null) throw new Error('loadPageCodec has not been called, or not been awaited');
  return codec;
}

function checkPage(page: Uint8Array): void {
  if (page.length !== PAGE_BYTES)
    throw new PageCodecError(`page of ${page.length} bytes, expected ${PAGE_BYTES}`);
}

/**
 * Moves `published` to within ε of `truth`. A cell moves when a channel is more than ε from the truth; each such
 * channel then ends within ε of it.
 *
 * @param published - [64, 64, 4], updated in place
 * @param truth - [64, 64, 4], read only
 * @param epsilon - 0..255; 0 is lossless
 * @returns the payload that moves a reader's page in the same way; null when nothing had to move
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
 * Encodes the whole page for a reader that holds nothing.
 *
 * @param page - [64, 64, 4], read only
 * @returns the payload: no bytes for a page of zeros
 */
export function encodeKeyframe(page: Uint8Array): Uint8Array {
  const { encode, page: held, truth, payload } = loaded();
  checkPage(page);
  held.fill(0);
  truth.set(page);
  return payload.slice(0, encode(0));
}

/** @returns whether two pages hold the same pixels */
export function pagesEqual(a: Uint8Array, b: Uint8Array): boolean {
  const left = wordsOf(a);
  // Only one of the two may use the scratch page.
  const right = readableWordsOf(b);
  for (let cell = 0; cell < CELLS; cell++) if (left[cell] !== right[cell]) return false;
  return true;
}

const aligned = new Uint8Array(PAGE_BYTES);

/** @returns a view of the page with one int32 per cell; its address must be a multiple of 4 */
function wordsOf(page: Uint8Array): Int32Array {
  checkPage(page);
  return new Int32Array(page.buffer, page.byteOffset, CELLS);
}

/** Like `wordsOf`, for a page at any address that is only read: one that is not aligned is copied first. */
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
    throw new PageCodecError(`payload of ${payload.length} bytes, expected at most ${MAX_PAYLOAD_BYTES}`);
  if (payload.length === 0) {
    if (page.some((value) => value !== 0))
      throw new PageCodecError('the payload says "blank page", but the page it is for is not blank');
    return;
  }
  if (payload.length <= CHECK_BYTES - 1) throw new PageCodecError('the payload ends inside its check');
  held.set(page);
  from.set(payload);
  switch (decode(payload.length)) {
    case 0:
      page.set(held);
      return;
    case 1:
      throw new PageCodecError('no encoder would have written this payload');
    default:
      throw new PageCodecError('the pixels do not match the check: damaged, or for another base');
  }
}
