/**
 * A disk in memory that fails, is cut off, or loses its power at any operation. After a power cut, a file holds what
 * was synced and any part of what was not, and of the names made, changed and removed since the folder was synced, any
 * may be lost.
 */
import { basename } from 'node:path';
import type { FileSystem, OpenFile } from '../../server/storage/fileSystem.ts';

interface Content {
  bytes: Buffer;
  syncedBytes: number;
}
type Names = Map<string, Content>;

export class KilledError extends Error {}

/** `error`: this operation fails once. `lost`: it is done, and fails. `kill`: nothing works from then on. */
export interface Trouble {
  /** Counted from the last call of `expect`. */
  readonly at: number;
  readonly kind: 'error' | 'lost' | 'kill';
  readonly code: string;
}

export class FakeDisk implements FileSystem {
  names: Names = new Map();
  /** As the folder was synced last. */
  #synced: Names = new Map();
  #unsynced: ((names: Names) => void)[] = [];
  #trouble: Trouble | null = null;
  #operations = 0;
  #isKilled = false;

  expect(trouble: Trouble | null): void {
    this.#trouble = trouble;
    this.#operations = 0;
  }

  /** The same files on another disk, all of them synced. */
  copy(): FakeDisk {
    const disk = new FakeDisk();
    for (const [name, { bytes }] of this.names) disk.put(name, bytes);
    return disk;
  }

  put(name: string, bytes: Buffer): void {
    const content = { bytes, syncedBytes: bytes.length };
    this.names.set(name, content);
    this.#synced.set(name, content);
  }

  drop(name: string): void {
    this.names.delete(name);
    this.#synced.delete(name);
  }

  get isKilled(): boolean {
    return this.#isKilled;
  }

  get bytes(): number {
    return [...this.names.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** The disk as the next process finds it. @param random - 0..1 */
  restart(isPowerCut: boolean, random: () => number): void {
    if (isPowerCut) {
      for (const change of this.#unsynced) if (random() < 0.5) change(this.#synced);
      this.names = this.#synced;
      for (const content of this.names.values()) {
        const { bytes, syncedBytes } = content;
        content.bytes = bytes.subarray(
          0,
          syncedBytes + Math.floor(random() * (bytes.length - syncedBytes + 1)),
        );
      }
    }
    for (const content of this.names.values()) content.syncedBytes = content.bytes.length;
    this.#synced = new Map(this.names);
    this.#unsynced = [];
    this.#isKilled = false;
    this.expect(null);
  }

  // --- files ---

  async open(path: string, flags: 'r' | 'wx'): Promise<OpenFile> {
    return this.#do(() => {
      const name = basename(path);
      const there = this.names.get(name);
      if (flags === 'r') return this.#file(there ?? missing(path));
      if (there !== undefined) throw fault('EEXIST', path);
      const content = { bytes: Buffer.alloc(0), syncedBytes: 0 };
      this.#change((names) => names.set(name, content));
      return this.#file(content);
    });
  }

  #file(content: Content): OpenFile {
    return {
      append: async (bytes) => {
        const half = Buffer.concat([content.bytes, bytes.subarray(0, bytes.length >> 1)]);
        await this.#do(
          () => {
            content.bytes = Buffer.concat([content.bytes, bytes]);
          },
          () => {
            content.bytes = half;
          },
        );
      },
      read: (offset, length) => this.#do(() => Buffer.from(content.bytes.subarray(offset, offset + length))),
      sync: () =>
        this.#do(() => {
          content.syncedBytes = content.bytes.length;
        }),
      close: async () => {},
    };
  }

  readFile(path: string): Promise<Buffer> {
    return this.#do(() => Buffer.from((this.names.get(basename(path)) ?? missing(path)).bytes));
  }

  size(path: string): Promise<number> {
    return this.#do(() => (this.names.get(basename(path)) ?? missing(path)).bytes.length);
  }

  list(): Promise<string[]> {
    return this.#do(() => [...this.names.keys()]);
  }

  async makeFolder(): Promise<void> {}

  rename(from: string, to: string): Promise<void> {
    return this.#do(() => {
      const content = this.names.get(basename(from)) ?? missing(from);
      this.#change((names) => {
        names.delete(basename(from));
        names.set(basename(to), content);
      });
    });
  }

  remove(path: string): Promise<void> {
    return this.#do(() => {
      if (!this.names.has(basename(path))) missing(path);
      this.#change((names) => names.delete(basename(path)));
    });
  }

  syncFolder(): Promise<void> {
    return this.#do(() => {
      this.#synced = new Map(this.names);
      this.#unsynced = [];
    });
  }

  #change(change: (names: Names) => void): void {
    change(this.names);
    this.#unsynced.push(change);
  }

  /** @param torn - what a failed operation has done */
  async #do<T>(work: () => T, torn = (): void => {}): Promise<T> {
    if (this.#isKilled) throw new KilledError('killed');
    const { at, kind, code } = this.#trouble ?? { at: -1, kind: 'error', code: '' };
    if (this.#operations++ !== at) return work();
    if (kind === 'lost') work();
    else torn();
    this.#isKilled = kind === 'kill';
    throw this.#isKilled ? new KilledError('killed') : fault(code, '');
  }
}

const fault = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });
function missing(path: string): never {
  throw fault('ENOENT', path);
}
