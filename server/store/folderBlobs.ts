/** Blobs in a folder that every machine sees. */
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { DISK, type Disk, isMissing, readAt, writeAll } from '../files/disk.ts';
import type { Blobs } from './blobs.ts';
import { StoreError } from './postgres.ts';

/** Names are paths with slashes. */
export class FolderBlobs implements Blobs {
  readonly #folder: string;
  readonly #disk: Disk;

  constructor(folder: string, disk: Disk = DISK) {
    this.#folder = folder;
    this.#disk = disk;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const disk = this.#disk;
    const path = join(this.#folder, name);
    const aside = `${path}.${randomUUID()}.tmp`;
    try {
      await disk.makeFolder(dirname(path));
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
