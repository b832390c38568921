/** A page's cells and owners as bytes: float32 [64, 64, 16], then uint16 [64, 64]; little-endian. */
import { constants } from 'node:zlib';
import { PAGE_CELLS } from '../../shared/geometry.ts';
import type { PageState } from '../engines/engine.ts';
import { CHANNELS } from '../rules/rule.ts';

const CELL_BYTES = PAGE_CELLS * PAGE_CELLS * CHANNELS * 4;
const OWNER_BYTES = PAGE_CELLS * PAGE_CELLS * 2;
export const PAGE_STATE_BYTES = CELL_BYTES + OWNER_BYTES;
/** Level 1: grown state hardly compresses, and the empty rest of a page does at any level. */
export const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export function packPage({ cells, owners }: PageState): Buffer {
  const raw = Buffer.allocUnsafe(PAGE_STATE_BYTES);
  raw.set(bytesOf(cells), 0);
  raw.set(bytesOf(owners), CELL_BYTES);
  return raw;
}

/** @param raw - `PAGE_STATE_BYTES` long; copied */
export function unpackPage(page: number, raw: Uint8Array): PageState {
  if (raw.length !== PAGE_STATE_BYTES) throw new RangeError(`page ${page} has ${raw.length} bytes`);
  // Copied: a typed array must start at a multiple of its element size.
  const bytes = new Uint8Array(raw);
  const cells = new Float32Array(bytes.buffer, 0, CELL_BYTES / 4);
  const owners = new Uint16Array(bytes.buffer, CELL_BYTES, OWNER_BYTES / 2);
  return { page, cells, owners };
}

const bytesOf = (values: Float32Array | Uint16Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
