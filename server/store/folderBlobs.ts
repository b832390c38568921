/** Blobs in a folder that every machine sees. */
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { DISK, type Disk, isMissing, readAt, writeAll } from '../files/disk.ts';
import type { Blobs } from './blobs.ts';
import { StoreError } from './postgres.ts';

/** Where blobs are written before they have their names. No blob's name begins so. */
const ASIDE = '.aside';
/** What lies there for longer is of a process that was killed. Clocks of machines differ by less. */
const MAX_ASIDE_MS = 86_400_000;

/** Names are paths with slashes. */
export class FolderBlobs implements Blobs {
  readonly #folder: string;
  readonly #disk: Disk;
  #isSwept = false;

  constructor(folder: string, disk: Disk = DISK) {
    this.#folder = folder;
    this.#disk = disk;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const disk = this.#disk;
    const path = join(this.#folder, name);
    const aside = join(this.#folder, ASIDE, `${Date.now()}-${randomUUID()}`);
    try {
      await disk.makeFolder(dirname(path));
      await disk.makeFolder(dirname(aside));
      await this.#sweep();
      const file = await disk.open(aside, 'new');
      try {
        await writeAll(file, [bytes], 0);
        await file.datasync();
      } finally {
        await file.close();
      }
      await disk.rename(aside, path);
      await disk.syncFolder(dirname(path));
    } catch (error) {
      await disk.remove(aside).catch(() => {});
      throw blobError(error);
    }
  }

  /** Once: removes what killed processes have left aside. */
  async #sweep(): Promise<void> {
    if (this.#isSwept) return;
    this.#isSwept = true;
    const folder = join(this.#folder, ASIDE);
    for (const name of await this.#disk.list(folder)) {
      const age = Date.now() - Number(name.split('-')[0]);
      // Another process may sweep, too.
      if (age > MAX_ASIDE_MS) await this.#disk.remove(join(folder, name)).catch(() => {});
    }
  }

  async get(name: string, position: number, bytes: number): Promise<Uint8Array> {
    try {
      const file = await this.#disk.open(join(this.#folder, name), 'read');
      try {
        return await readAt(file, position, bytes);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw blobError(error);
    }
  }

  async remove(name: string): Promise<void> {
    try {
      await this.#disk.remove(join(this.#folder, name));
    } catch (error) {
      if (!isMissing(error)) throw blobError(error);
    }
  }
}

function blobError(error: unknown): StoreError {
  const { message } = error as Error;
  return new StoreError(`the blob store: ${message}`, isMissing(error) ? 'ENOENT' : 'ESTORE', {
    cause: error,
  });
}
