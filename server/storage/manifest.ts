/**
 * A save of the world as a list of pages: which blob each has, and where that blob lies. In a sealed file:
 * ```
 * header := {"facts": …, "journal": n, "pages": n}
 * body   := entry{pages}
 * entry  := u32 page  u32 pack  u64 offset  u32 length  u32 crc32  name{16}
 * ```
 * Little-endian. The blob is bytes [offset, offset + length) of `pages-<pack>.pack`; crc32 is of those bytes, and
 * `name` is of what they unpack to (`pageBlobs.ts`).
 */
import { basename, join } from 'node:path';
import { type Disk, diskReason, isMissing, publicReason } from '../files/disk.ts';
import { NAME_BYTES } from './pageBlobs.ts';
import { openSealed, SealError, sealedVersion, writeSealed } from './sealed.ts';

const MAGIC = 'REGROW W';
/** Format 1 is one file with all pages in it (`server/world/oldSave.ts`). */
const OLD_VERSION = 1;
const MANIFEST_VERSION = 2;
const ENTRY_BYTES = 24 + NAME_BYTES;

/** A blob in a pack. */
export interface Place {
  readonly pack: number;
  readonly offset: number;
  readonly length: number;
  readonly crc: number;
  /** 32 hex digits. */
  readonly name: string;
}

export interface Manifest {
  /** The caller's, as JSON. */
  readonly facts: unknown;
  /** Number of the first journal segment to replay. */
  readonly journal: number;
  /** Page index → its blob. */
  readonly places: ReadonlyMap<number, Place>;
}

/** Every blob once, by name: equal pages have the same. */
export const byName = ({ places }: Pick<Manifest, 'places'>): Map<string, Place> =>
  new Map(Array.from(places.values(), (place) => [place.name, place]));

export const packsOf = (manifests: readonly Manifest[]): Set<number> =>
  new Set(manifests.flatMap(({ places }) => Array.from(places.values(), ({ pack }) => pack)));

/** The world cannot be saved or read; the message names the file and the fact. */
export class SaveError extends Error {
  override name = 'SaveError';
  readonly path: string;
  /** The operating system's: `ENOSPC`; undefined: the file's content is at fault. */
  readonly code: string | undefined;

  constructor(path: string, cause: Error & { readonly code?: string }) {
    const { message, code } = cause;
    super(message.includes(path) ? message : `${path}: ${message}`, { cause });
    this.path = path;
    this.code = code;
  }

  /** For people who need not know the folder: "pages-7.pack: no space left on device (ENOSPC)". */
  get reason(): string {
    const { cause } = this;
    const isOfDisk = (cause as NodeJS.ErrnoException).errno !== undefined;
    return `${basename(this.path)}: ${isOfDisk ? diskReason(cause) : publicReason(cause)}`;
  }
}

/** Rethrows what went wrong with a file as a SaveError. */
export const failedAt = (path: string) => (error: Error) => {
  throw error instanceof SaveError ? error : new SaveError(path, error);
};

/** A sound save in a format that this program does not know. */
export class SaveVersionError extends SaveError {
  override name = 'SaveVersionError';

  constructor(path: string, version: number) {
    super(
      path,
      new Error(`it is a save of format ${version}; this program reads formats up to ${MANIFEST_VERSION}`),
    );
  }
}

export const packPath = (folder: string, pack: number): string => join(folder, `pages-${pack}.pack`);

/** @returns the pack's number; null: the name is not a pack's */
export function packNumber(name: string): number | null {
  const [, number] = /^pages-(\d{1,9})\.pack$/.exec(name) ?? [];
  return number === undefined ? null : Number(number);
}

/**
 * @param keep - called when the new file is complete, before it replaces the old one
 * @returns the file's bytes
 */
export async function writeManifest(
  path: string,
  { facts, journal, places }: Manifest,
  files: Disk,
  keep: () => Promise<void>,
): Promise<number> {
  const table = Buffer.alloc(places.size * ENTRY_BYTES);
  let at = 0;
  for (const [page, { pack, offset, length, crc, name }] of places) {
    table.writeUInt32LE(page, at);
    table.writeUInt32LE(pack, at + 4);
    table.writeBigUInt64LE(BigInt(offset), at + 8);
    table.writeUInt32LE(length, at + 16);
    table.writeUInt32LE(crc, at + 20);
    table.write(name, at + 24, 'hex');
    at += ENTRY_BYTES;
  }
  const header = { facts, journal, pages: places.size };
  return writeSealed(path, MAGIC, MANIFEST_VERSION, header, [table], keep, files);
}

/**
 * @returns null: there is no such file; `old`: a save of format 1, of which only the beginning was checked
 * @throws SealError when it is corrupt; SaveVersionError
 */
export async function readManifest(path: string, files: Disk): Promise<Manifest | 'old' | null> {
  const version = await orNull(sealedVersion(path, MAGIC, files));
  if (version === null) return null;
  if (version === OLD_VERSION) return 'old';
  // A save may have renamed the file since: then it is not there.
  const bytes = await orNull(files.readFile(path));
  if (bytes === null) return null;
  const sealed = openSealed(bytes, MAGIC);
  if (sealed.version !== MANIFEST_VERSION) throw new SaveVersionError(path, sealed.version);
  const { facts, journal, pages } = sealed.header as Omit<Manifest, 'places'> & { readonly pages: number };
  const { body } = sealed;
  if (body.length !== pages * ENTRY_BYTES)
    throw new SealError(`its table has ${body.length} bytes, not those of ${pages} pages`);
  const table = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const places = new Map<number, Place>();
  for (let at = 0; at < table.length; at += ENTRY_BYTES) {
    places.set(table.readUInt32LE(at), {
      pack: table.readUInt32LE(at + 4),
      offset: Number(table.readBigUInt64LE(at + 8)),
      length: table.readUInt32LE(at + 16),
      crc: table.readUInt32LE(at + 20),
      name: table.toString('hex', at + 24, at + 24 + NAME_BYTES),
    });
  }
  if (places.size !== pages) throw new SealError(`${pages - places.size} pages stand in it twice`);
  return { facts, journal, places };
}

/** @returns null: the file is not there */
const orNull = <T>(asked: Promise<T>): Promise<T | null> =>
  asked.catch((error: Error) => (isMissing(error) ? null : Promise.reject(error)));
