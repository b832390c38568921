/**
 * A disk's operations behind an interface, so that a test can let a disk fail, lose what was not synced, or stop at any
 * of them; and what an operator reads when one fails. This folder imports nothing of ours.
 */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { getSystemErrorMessage } from 'node:util';

export interface DiskFile {
  size(): Promise<number>;
  /** @returns how many bytes were read; fewer than `target` holds only at the end of the file */
  read(target: Uint8Array, position: number): Promise<number>;
  /** @returns how many bytes were written; may be fewer than there are (`writeAll`) */
  write(pieces: readonly Uint8Array[], position: number): Promise<number>;
  /** Brings bytes and length to the disk. After a failure, all writes since the last success count as lost. */
  datasync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** Every operation rejects with an error that has a `code`, such as 'ENOSPC'. */
export interface Disk {
  /** Names of what is in a folder. */
  list(folder: string): Promise<string[]>;
  /** Bytes. */
  size(path: string): Promise<number>;
  readFile(path: string): Promise<Buffer>;
  /**
   * @param how - 'new': for writing, must not exist; 'create': for writing, empty, made where it is missing; 'change':
   * for writing, must exist; 'read': must exist
   */
  open(path: string, how: 'new' | 'create' | 'change' | 'read'): Promise<DiskFile>;
  /** Makes the folders above it, too. Does nothing when the folder exists. */
  makeFolder(folder: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Replaces an existing `to`. */
  rename(from: string, to: string): Promise<void>;
  /** Brings the folder's list of names to the disk: files made, renamed and removed. */
  syncFolder(folder: string): Promise<void>;
}

const FLAGS = { new: 'wx', create: 'w', change: 'r+', read: 'r' } as const;

export const DISK: Disk = {
  list: (folder) => readdir(folder),
  size: async (path) => (await stat(path)).size,
  readFile: (path) => readFile(path),
  open: async (path, how) => fileOf(await open(path, FLAGS[how])),
  makeFolder: async (folder) => void (await mkdir(folder, { recursive: true })),
  remove: unlink,
  rename,
  async syncFolder(path) {
    // Windows cannot sync a folder and need not.
    if (process.platform === 'win32') return;
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};

function fileOf(handle: FileHandle): DiskFile {
  return {
    size: async () => (await handle.stat()).size,
    async read(target, position) {
      let at = 0;
      while (at < target.length) {
        const { bytesRead } = await handle.read(target, at, target.length - at, position + at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return at;
    },
    write: async (pieces, position) => (await handle.writev(pieces, position)).bytesWritten,
    datasync: () => handle.datasync(),
    truncate: (bytes) => handle.truncate(bytes),
    close: () => handle.close(),
  };
}

/** @returns the bytes at a position; fewer than asked for only at the end of the file */
export async function readAt(file: DiskFile, position: number, bytes: number): Promise<Buffer> {
  const target = Buffer.allocUnsafe(bytes);
  return target.subarray(0, await file.read(target, position));
}

/** Writes all bytes of the pieces, one behind another. */
export async function writeAll(
  file: DiskFile,
  pieces: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let left = pieces.filter((piece) => piece.length > 0);
  let at = position;
  while (left.length > 0) {
    const bytes = await file.write(left, at);
    if (bytes === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' });
    at += bytes;
    left = withoutFirst(left, bytes);
  }
}

function withoutFirst(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let first = 0;
  let rest = bytes;
  while (first < pieces.length && rest >= pieces[first].length) rest -= pieces[first++].length;
  return first === pieces.length ? [] : [pieces[first].subarray(rest), ...pieces.slice(first + 1)];
}

/** Makes a folder and those above it. @throws Error of the system, with the true cause */
export function makeFolderSync(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    // On a read-only file system Node says ENOENT; the folder above says why.
    if (isMissing(error)) accessSync(existingAbove(folder), constants.W_OK);
    throw error;
  }
}

function existingAbove(path: string): string {
  const above = dirname(resolve(path));
  return existsSync(above) || above === dirname(above) ? above : existingAbove(above);
}

/** Whether nothing has that path. */
export const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** For the operator: "no space left on device (ENOSPC)". */
export function diskReason(error: unknown): string {
  const { code, errno, message } = error as NodeJS.ErrnoException;
  return errno === undefined ? message : `${getSystemErrorMessage(errno)} (${code})`;
}

/** For everybody: as `diskReason`, with the file's name and without its folder. */
export function publicReason(error: unknown): string {
  const { path, errno, message } = error as NodeJS.ErrnoException;
  if (errno === undefined) return message.replaceAll(/(^|[\s'"(])(?:[A-Za-z]:)?[\\/][^'":]*[\\/]/g, '$1');
  return path === undefined ? diskReason(error) : `${basename(path)}: ${diskReason(error)}`;
}
