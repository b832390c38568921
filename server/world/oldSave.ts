/**
 * What a save holds, and the reader of saves of format 1, which are read and never written. There the whole world is one
 * file (`storage/sealed.ts`): the header holds all but the pages, the body holds cells and owners.
 * ```
 * body := page{pages}
 * page := u32 index  u32 length  zstd{length}      of float32 cells [64, 64, 16], then uint16 owners [64, 64]
 * ```
 */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type { PageState } from '../engines/engine.ts';
import { fromRaw, RAW_BYTES } from '../storage/pageBlobs.ts';
import { openSealed, SealError } from '../storage/sealed.ts';
import type { WorldFacts } from './worldSave.ts';

const MAGIC = 'REGROW W';
const VERSION = 1;

const decompress = promisify(zstdDecompress) as (bytes: Uint8Array, options: object) => Promise<Buffer>;

/** A world as one value. */
export interface WorldState extends WorldFacts {
  /** By swap: pages that hold the bodies it has set aside, and nothing else. */
  readonly aside?: readonly (readonly PageState[])[];
  readonly pages: readonly PageState[];
}

type Header = Omit<WorldState, 'pages'> & { readonly pages: number };

/** @throws SealError when it is corrupt, or of another format */
export async function readOldSave(path: string): Promise<WorldState> {
  const { version, header, body } = openSealed(await readFile(path), MAGIC);
  if (version !== VERSION) throw new SealError(`it is of format ${version}, not ${VERSION}`);
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
  const raw = await decompress(packed, { maxOutputLength: RAW_BYTES }).catch(() => {
    throw new SealError(`page ${page} does not decompress`);
  });
  if (raw.length !== RAW_BYTES) throw new SealError(`page ${page} has ${raw.length} bytes`);
  return { page, ...fromRaw(raw) };
}
