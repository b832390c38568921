/**
 * The whole world in one file (`storage/sealed.ts`): organisms in the header, cells and owners in the body.
 * ```
 * body := page{pages}
 * page := u32 index  u32 length  zstd{length}      of float32 cells [64, 64, 16], then uint16 owners [64, 64]
 * ```
 * Organisms are saved with their species, not their slot: slots belong to one engine.
 */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { PAGE_CELLS } from '../../shared/geometry.ts';
import type { PageState } from '../engines/engine.ts';
import { CHANNELS } from '../rules/rule.ts';
import type { SaveFormat } from '../storage/saves.ts';
import { openSealed, SealError, writeSealed } from '../storage/sealed.ts';
import type { WorldFacts } from './worldSave.ts';

const MAGIC = 'REGROW W';
export const SNAPSHOT_VERSION = 1;
const CELL_BYTES = PAGE_CELLS * PAGE_CELLS * CHANNELS * 4;
const OWNER_BYTES = PAGE_CELLS * PAGE_CELLS * 2;

const compress = promisify(zstdCompress) as (bytes: Uint8Array, options: object) => Promise<Buffer>;
const decompress = promisify(zstdDecompress) as (bytes: Uint8Array, options: object) => Promise<Buffer>;
/** Level 1: grown state hardly compresses, and the empty rest of a page does at any level. */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export interface WorldState extends WorldFacts {
  /** By swap: pages that hold the bodies it has set aside, and nothing else. */
  readonly aside?: readonly (readonly PageState[])[];
  readonly pages: readonly PageState[];
}

type Header = Omit<WorldState, 'pages'> & { readonly pages: number };

/** A sound save in a format that this program does not know. It must not be set aside. */
export class SnapshotVersionError extends Error {
  override name = 'SnapshotVersionError';
}

/** @param keep - called before the new file replaces the old one */
export async function writeSnapshot(
  path: string,
  state: WorldState,
  keep?: () => Promise<void>,
): Promise<void> {
  const header: Header = { ...state, pages: state.pages.length };
  await writeSealed(path, MAGIC, SNAPSHOT_VERSION, header, encodePages(state.pages), keep);
}

/** For `Saves`. */
export const SNAPSHOTS: SaveFormat<WorldState> = { read: readSnapshot, write: writeSnapshot };

async function* encodePages(pages: readonly PageState[]): AsyncGenerator<Uint8Array> {
  for (const { page, cells, owners } of pages) {
    const raw = Buffer.allocUnsafe(CELL_BYTES + OWNER_BYTES);
    raw.set(bytesOf(cells), 0);
    raw.set(bytesOf(owners), CELL_BYTES);
    const packed = await compress(raw, COMPRESSION);
    const prefix = Buffer.alloc(8);
    prefix.writeUInt32LE(page, 0);
    prefix.writeUInt32LE(packed.length, 4);
    yield prefix;
    yield packed;
  }
}

const bytesOf = (values: Float32Array | Uint16Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** @throws SealError for a corrupt file, SnapshotVersionError for a sound one in another format */
export async function readSnapshot(path: string): Promise<WorldState> {
  const { version, header, body } = openSealed(await readFile(path), MAGIC);
  if (version !== SNAPSHOT_VERSION)
    throw new SnapshotVersionError(
      `${path} is a save of format ${version}; this program reads format ${SNAPSHOT_VERSION}`,
    );
  const facts = header as Header;
  const pages: PageState[] = [];
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  for (let i = 0; i < facts.pages; i++) {
    if (at + 8 > body.length) throw new SealError(`page ${i} of ${facts.pages} is missing`);
    const length = view.getUint32(at + 4, true);
    const packed = body.subarray(at + 8, at + 8 + length);
    pages.push(await decodePage(view.getUint32(at, true), packed, length));
    at += 8 + length;
  }
  if (at !== body.length) throw new SealError(`${body.length - at} bytes after its last page`);
  return { ...facts, pages };
}

async function decodePage(page: number, packed: Uint8Array, length: number): Promise<PageState> {
  if (packed.length !== length) throw new SealError(`page ${page} is truncated`);
  const raw = await decompress(packed, { maxOutputLength: CELL_BYTES + OWNER_BYTES }).catch(() => {
    throw new SealError(`page ${page} does not decompress`);
  });
  if (raw.length !== CELL_BYTES + OWNER_BYTES) throw new SealError(`page ${page} has ${raw.length} bytes`);
  // Copied: a typed array must start at a multiple of its element size.
  const cells = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + CELL_BYTES));
  const owners = new Uint16Array(
    raw.buffer.slice(raw.byteOffset + CELL_BYTES, raw.byteOffset + raw.byteLength),
  );
  return { page, cells, owners };
}
