/**
 * What changes the world besides its own steps, as the journal keeps it. Steps are not written down: an engine takes
 * them again, and comes to the same cells.
 * ```
 * entry := u32 jsonBytes  json{jsonBytes}  page*       what happened since the last entry; at most one frame's worth
 * page  := u32 index  u32 length  zstd{length}         of acts that replace cells, in their order
 * ```
 * Little-endian.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Rect } from '../../shared/geometry.ts';
import type { OrganismId, PageState, Perturbation } from '../engines/engine.ts';
import { COMPRESSION, fromRaw, RAW_BYTES, rawOf } from '../storage/pageBlobs.ts';
import type { Loss } from './losses.ts';
import type { SwapOutcome } from './messages.ts';
import type { OrganismRecord } from './organismRecord.ts';
import type { SavedSwap } from './savedSwap.ts';
import type { FallowBed } from './worldSave.ts';

/** A rule as the journal names it: slots belong to one engine. */
export interface RuleName {
  readonly species: string;
  /** The rule file's, hex. */
  readonly sha256: string;
}

/** What was done to the engine. */
export type EngineAct =
  | { readonly act: 'perturb'; readonly perturbation: Perturbation }
  | {
      readonly act: 'plant';
      readonly organism: OrganismId;
      readonly rule: RuleName;
      readonly x: number;
      readonly y: number;
      readonly territory?: Rect;
    }
  | { readonly act: 'territory'; readonly organism: OrganismId; readonly territory?: Rect }
  | { readonly act: 'rule'; readonly organism: OrganismId; readonly rule: RuleName }
  | { readonly act: 'remove'; readonly organism: OrganismId }
  /** Sleepers that wake by themselves are no act: the engine wakes them again. */
  | { readonly act: 'sleep'; readonly organism: OrganismId }
  | { readonly act: 'wake'; readonly organism: OrganismId }
  /** Bodies that watched swaps have set aside are put back. */
  | { readonly act: 'bodies'; readonly organisms: readonly OrganismId[] }
  /** The next `pages` pages of the entry replace those of the world; a page without an owner ceases to exist. */
  | { readonly act: 'cells'; readonly pages: number };

/** What became of the world's records. */
export type RecordAct =
  /** Without the history of its health, which the record before has. */
  | { readonly act: 'organism'; readonly record: OrganismRecord }
  | { readonly act: 'gone'; readonly organism: OrganismId }
  /** It is gone for good, and can be brought back. */
  | { readonly act: 'lost'; readonly loss: Loss }
  /** A loss was brought back. */
  | { readonly act: 'found'; readonly loss: number }
  /** The beds of an earlier version's save that have not been sown. */
  | { readonly act: 'fallow'; readonly beds: readonly FallowBed[] }
  /** The swaps that are watched from now on. */
  | { readonly act: 'swaps'; readonly swaps: readonly SavedSwap[] }
  /** Bodies that the watched swaps judge no longer. */
  | { readonly act: 'struck'; readonly organisms: readonly OrganismId[] }
  | { readonly act: 'outcome'; readonly outcome: SwapOutcome }
  /** Null: the server's own setting. */
  | { readonly act: 'speed'; readonly stepsPerSecond: number | null };

export type Act = EngineAct | RecordAct;

export interface Entry {
  /** Acts by the step before which they took effect, uint32, ascending. */
  readonly acts: readonly (readonly [step: number, act: Act])[];
  /** The world when the entry was written. */
  readonly step: number;
  readonly runSeconds: number;
  readonly nextId: number;
}

/** The entry cannot be read, although its checksum is right: another program wrote it. */
export class EntryError extends Error {
  override name = 'EntryError';
}

/** @param pages - of the acts `cells`, in their order */
export function encodeEntry(entry: Entry, pages: readonly PageState[] = []): Uint8Array {
  const json = Buffer.from(JSON.stringify(entry));
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32LE(json.length);
  const packed = pages.flatMap((page) => {
    const blob = zstdCompressSync(rawOf(page), COMPRESSION);
    const head = Buffer.alloc(8);
    head.writeUInt32LE(page.page, 0);
    head.writeUInt32LE(blob.length, 4);
    return [head, blob];
  });
  return Buffer.concat([prefix, json, ...packed]);
}

/** @throws EntryError */
export function decodeEntry(bytes: Uint8Array): { readonly entry: Entry; readonly pages: PageState[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint32(0, true) > bytes.length - 4) throw new EntryError('it is cut off');
  let at = 4 + view.getUint32(0, true);
  const entry = parse(bytes.subarray(4, at));
  const pages: PageState[] = [];
  while (at < bytes.length) {
    if (at + 8 > bytes.length) throw new EntryError('a page is cut off');
    const length = view.getUint32(at + 4, true);
    const blob = bytes.subarray(at + 8, at + 8 + length);
    if (blob.length !== length) throw new EntryError('a page is cut off');
    const raw = zstdDecompressSync(blob, { maxOutputLength: RAW_BYTES });
    if (raw.length !== RAW_BYTES) throw new EntryError(`a page has ${raw.length} bytes`);
    pages.push({ page: view.getUint32(at, true), ...fromRaw(raw) });
    at += 8 + length;
  }
  return { entry, pages };
}

function parse(json: Uint8Array): Entry {
  try {
    return JSON.parse(Buffer.from(json).toString());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new EntryError('it is not JSON');
  }
}
