/**
 * The file operations that the journal is made of, behind an interface, so that a test can let a disk fail, lose what
 * was not synced, or stop at any of them.
 */
import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises';
import { getSystemErrorMessage } from 'node:util';
import { DISK } from './fileSystem.ts';

export interface DiskFile {
  size(): Promise<number>;
  /** @returns how many bytes were read; fewer than `target` holds only at the end of the file */
  read(target: Uint8Array, position: number): Promise<number>;
  /** @returns how many bytes were written; may be fewer than there are */
  write(pieces: readonly Uint8Array[], position: number): Promise<number>;
  /** Brings bytes and length to the disk. After a failure, all writes since the last success count as lost. */
  datasync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** Every operation rejects with an error that has a `code`, such as 'ENOSPC'. */
export interface Disk {
  names(folder: string): Promise<string[]>;
  /**
   * @param how - 'create': for writing, empty, made where it is missing; 'change': for writing, must exist; 'read': must
   * exist
   */
  open(path: string, how: 'create' | 'change' | 'read'): Promise<DiskFile>;
  unlink(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Brings the folder's list of names to the disk: files made, renamed and removed. */
  syncFolder(folder: string): Promise<void>;
}

const FLAGS = { create: 'w', change: 'r+', read: 'r' } as const;

export const realDisk: Disk = {
  names: (folder) => readdir(folder),
  open: async (path, how) => fileOf(await open(path, FLAGS[how])),
  unlink: (path) => unlink(path),
  rename,
  syncFolder: DISK.syncFolder,
};

function fileOf(handle: FileHandle): DiskFile {
  return {
    size: async () => (await handle.stat()).size,
    read: async (target, position) => (await handle.read(target, 0, target.length, position)).bytesRead,
    write: async (pieces, position) => (await handle.writev(pieces, position)).bytesWritten,
    datasync: () => handle.datasync(),
    truncate: (bytes) => handle.truncate(bytes),
    close: () => handle.close(),
  };
}

/** For the operator: "no space left on device (ENOSPC)". */
export function diskReason(error: unknown): string {
  const { code, errno, message } = error as NodeJS.ErrnoException;
  return errno === undefined ? message : `${getSystemErrorMessage(errno)} (${code})`;
}
