/**
 * A page as bytes, and as a blob: its bytes compressed, named by a hash of them.
 * ```
 * raw  := float32 cells [64, 64, 16]  uint16 owners [64, 64]
 * blob := zstd of raw
 * name := the first 16 bytes of raw's sha256
 * ```
 * Little-endian. Hashing and compression run in threads of Node's own.
 */
import { subtle } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { PAGE_CELLS } from '../../shared/geometry.ts';
import type { PageState } from '../engines/engine.ts';
import { CHANNELS } from '../rules/rule.ts';

const CELL_BYTES = PAGE_CELLS * PAGE_CELLS * CHANNELS * 4;
const OWNER_BYTES = PAGE_CELLS * PAGE_CELLS * 2;
export const RAW_BYTES = CELL_BYTES + OWNER_BYTES;
export const NAME_BYTES = 16;
/** Pages in flight, 0.8 MB each: Node has 4 threads that compress and hash. */
export const AT_ONCE = 4;

const compress = promisify(zstdCompress) as (bytes: Uint8Array, options: object) => Promise<Buffer>;
const decompress = promisify(zstdDecompress) as (bytes: Uint8Array, options: object) => Promise<Buffer>;
/** The fastest: grown state hardly compresses, and the empty rest of a page does at any setting. */
export const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** A page comes as one piece: thousands of them are read at a start. */
const DECOMPRESSION = { maxOutputLength: RAW_BYTES, chunkSize: RAW_BYTES };

/** The page's bytes, copied. */
export function rawOf({ cells, owners }: PageState): Uint8Array<ArrayBuffer> {
  const raw = new Uint8Array(RAW_BYTES);
  raw.set(new Uint8Array(cells.buffer, cells.byteOffset, CELL_BYTES), 0);
  raw.set(new Uint8Array(owners.buffer, owners.byteOffset, OWNER_BYTES), CELL_BYTES);
  return raw;
}

/** @returns the name, 32 hex digits */
export async function nameOf(raw: Uint8Array<ArrayBuffer>): Promise<string> {
  return Buffer.from(await subtle.digest('SHA-256', raw)).toString('hex', 0, NAME_BYTES);
}

export const packBlob = (raw: Uint8Array): Promise<Buffer> => compress(raw, COMPRESSION);

/** @throws Error when the blob is not what its name says */
export async function unpackBlob(name: string, blob: Uint8Array): Promise<Omit<PageState, 'page'>> {
  const raw = (await decompress(blob, DECOMPRESSION)) as Buffer<ArrayBuffer>;
  if (raw.length !== RAW_BYTES) throw new Error(`it has ${raw.length} bytes, not ${RAW_BYTES}`);
  if ((await nameOf(raw)) !== name) throw new Error('its cells are not those that were saved');
  return fromRaw(raw);
}

/** @param raw - RAW_BYTES long; the page's from now on */
export function fromRaw(raw: Uint8Array): Omit<PageState, 'page'> {
  // A typed array must start at a multiple of its element size.
  const isAligned = raw.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0;
  const { buffer, byteOffset: at } = isAligned ? (raw as Uint8Array<ArrayBuffer>) : Uint8Array.from(raw);
  return {
    cells: new Float32Array(buffer, at, CELL_BYTES / Float32Array.BYTES_PER_ELEMENT),
    owners: new Uint16Array(buffer, at + CELL_BYTES, OWNER_BYTES / Uint16Array.BYTES_PER_ELEMENT),
  };
}

/**
 * Works on a few items at once.
 *
 * @param atOnce - how many are in flight; no more are taken from `items` meanwhile
 * @returns the results, in the order of the items
 */
export async function* inOrder<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // Its failure is thrown when its turn comes; until then, it is not unhandled.
      result.catch(() => {});
      running.push(result);
      if (running.length >= atOnce) yield await running.shift()!;
    }
    while (running.length > 0) yield await running.shift()!;
  } finally {
    await Promise.allSettled(running);
  }
}
