/** The file operations that saves need, so that a test can fail each of them, or stop the process there. */
import { type FileHandle, mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';

export interface OpenFile {
  /** Writes all bytes at the file's end. */
  append(bytes: Uint8Array): Promise<void>;
  /** @returns fewer bytes than asked for only at the file's end */
  read(offset: number, length: number): Promise<Buffer>;
  /** Resolves when the bytes survive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Errors are those of `node:fs`: they have a `code`. */
export interface FileSystem {
  /** `r`: to read; `wx`: a new file, to write. */
  open(path: string, flags: 'r' | 'wx'): Promise<OpenFile>;
  readFile(path: string): Promise<Buffer>;
  /** Bytes. */
  size(path: string): Promise<number>;
  /** Names of what is in a folder. */
  list(folder: string): Promise<string[]>;
  /** Makes the folders above it, too. Does nothing when the folder exists. */
  makeFolder(folder: string): Promise<void>;
  /** Replaces an existing `to`. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Resolves when files made, renamed and removed in the folder survive a power cut. */
  syncFolder(folder: string): Promise<void>;
}

export const DISK: FileSystem = {
  open: async (path, flags) => openFile(await open(path, flags)),
  readFile: (path) => readFile(path),
  size: async (path) => (await stat(path)).size,
  list: (folder) => readdir(folder),
  makeFolder: async (folder) => void (await mkdir(folder, { recursive: true })),
  rename,
  remove: unlink,
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

function openFile(file: FileHandle): OpenFile {
  return {
    append: (bytes) => file.writeFile(bytes),
    async read(offset, length) {
      const bytes = Buffer.allocUnsafe(length);
      let at = 0;
      while (at < length) {
        const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return bytes.subarray(0, at);
    },
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

/** Whether nothing has that path. */
export const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';
