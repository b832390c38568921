/**
 * Packs: files of blobs, one behind another, without anything between them. One save writes one pack, and nothing is
 * ever added to it. Its bytes die as later saves name other blobs; a pack that is mostly dead is emptied into the next.
 */
import { crc32 } from 'node:zlib';
import { type Disk, type DiskFile, readAt, writeAll } from '../files/disk.ts';
import { failedAt, type Place, packPath, SaveError } from './manifest.ts';

/** Read at once: many small blobs, or a few large ones. */
const WINDOW_BYTES = 2 ** 20;
/** A pack is emptied when less than this share of its bytes is named. */
const LIVING_SHARE = 0.5;
/** With more packs than this, those with the least living bytes are emptied too. */
const MAX_PACKS = 64;
/** One save moves this many bytes, or as many as it adds if these are more: a save at a stop must not take long. */
const MOVED_BYTES = 16 * 2 ** 20;

/** The pack that a save writes. Its file is made with the first blob. */
export class NewPack {
  readonly path: string;
  readonly pack: number;
  readonly #files: Disk;
  #file: DiskFile | null = null;
  #isClosed = false;
  #bytes = 0;

  constructor(folder: string, pack: number, files: Disk) {
    this.path = packPath(folder, pack);
    this.pack = pack;
    this.#files = files;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws SaveError */
  async add(name: string, blob: Uint8Array): Promise<Place> {
    const failed = failedAt(this.path);
    this.#file ??= await this.#files.open(this.path, 'new').catch(failed);
    const place = {
      pack: this.pack,
      offset: this.#bytes,
      length: blob.length,
      crc: crc32(blob),
      name,
    };
    await writeAll(this.#file, [blob], this.#bytes).catch(failed);
    this.#bytes += blob.length;
    return place;
  }

  /** Resolves when all blobs survive a power cut, except the file's name (`syncFolder`). @throws SaveError */
  async finish(): Promise<void> {
    await this.#file?.datasync().catch(failedAt(this.path));
    await this.#close();
  }

  /** Removes the file, to free its space. If that fails, the next save removes it. */
  async discard(): Promise<void> {
    if (this.#file === null) return;
    await this.#close().catch(() => {});
    await this.#files.remove(this.path).catch(() => {});
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#file?.close().catch(failedAt(this.path));
  }
}

/**
 * Reads blobs, pack by pack from front to end, and compares their checksums.
 *
 * @throws SaveError that names the pack
 */
export async function* readBlobs(
  folder: string,
  places: Iterable<Place>,
  files: Disk,
): AsyncGenerator<{ readonly place: Place; readonly blob: Uint8Array }> {
  const sorted = [...places].sort((a, b) => a.pack - b.pack || a.offset - b.offset);
  let path = '';
  let file: DiskFile | null = null;
  let window: Buffer = Buffer.alloc(0);
  let windowAt = 0;
  try {
    for (const place of sorted) {
      const { pack, offset, length, crc } = place;
      if (path !== packPath(folder, pack)) {
        await file?.close();
        file = null;
        path = packPath(folder, pack);
        file = await files.open(path, 'read').catch(failedAt(path));
        window = Buffer.alloc(0);
        windowAt = 0;
      }
      if (offset + length > windowAt + window.length) {
        window = await readAt(file!, offset, Math.max(WINDOW_BYTES, length)).catch(failedAt(path));
        windowAt = offset;
      }
      const blob = window.subarray(offset - windowAt, offset - windowAt + length);
      if (blob.length < length) throw faultAt(path, `it ends before byte ${offset + length}`);
      if (crc32(blob) !== crc)
        throw faultAt(path, `bytes ${offset} to ${offset + length} do not match their checksum`);
      yield { place, blob };
    }
  } finally {
    await file?.close().catch(() => {});
  }
}

/** @throws SaveError that names a pack that is missing or too short for its blobs */
export async function checkSizes(folder: string, places: Iterable<Place>, files: Disk): Promise<void> {
  const ends = new Map<number, number>();
  for (const { pack, offset, length } of places)
    ends.set(pack, Math.max(ends.get(pack) ?? 0, offset + length));
  for (const [pack, end] of ends) {
    const path = packPath(folder, pack);
    if ((await files.size(path).catch(failedAt(path))) < end)
      throw faultAt(path, `it ends before byte ${end}`);
  }
}

const faultAt = (path: string, message: string): SaveError => new SaveError(path, new Error(message));

/**
 * Living blobs that should move into the pack that is being written, so that their old packs can be deleted. A large
 * pack is emptied by several saves.
 *
 * @param living - every blob that the new save names, once
 * @param sizes - bytes of the packs that they lie in, without the one that is being written
 * @param added - bytes that the save adds
 */
export function blobsToMove(
  living: Iterable<Place>,
  sizes: ReadonlyMap<number, number>,
  added: number,
): Place[] {
  const packs = Map.groupBy(living, ({ pack }) => pack);
  const candidates = [...packs]
    .filter(([pack]) => sizes.has(pack))
    .map(([pack, places]) => ({
      places,
      bytes: places.reduce((sum, { length }) => sum + length, 0),
      size: sizes.get(pack)!,
    }))
    .sort((a, b) => a.bytes - b.bytes);
  const tooMany = candidates.length - MAX_PACKS;
  const moved: Place[] = [];
  let budget = Math.max(MOVED_BYTES, added);
  for (const [i, { places, bytes, size }] of candidates.entries()) {
    if (bytes >= size * LIVING_SHARE && i >= tooMany) continue;
    for (const place of places) {
      budget -= place.length;
      if (budget < 0) return moved;
      moved.push(place);
    }
  }
  return moved;
}
