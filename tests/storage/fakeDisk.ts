/**
 * A disk in memory, of one folder, that keeps what is on disk apart from what only the operating system has, fails at
 * chosen operations and can stop at any. After a power cut, a file holds what was synced and any pages of what was not,
 * and of the names made, changed and removed since the folder was synced, any may be lost. Every operation takes a turn
 * of the event loop. Paths are told apart by their last part.
 */
import { basename } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Disk, DiskFile } from '../../server/files/disk.ts';
import { seededRandom } from '../engines/fixtures.ts';

type Code = 'ENOSPC' | 'EIO' | 'EROFS' | 'EMFILE' | 'EACCES';
/**
 * A code: the operation fails, and may be done in part. `short`: fewer bytes are written than there are. `lost CODE`: it
 * is done, and fails. `stop`: the machine stops in the middle of it, and nothing answers any more. `kill`: as a code,
 * and every later operation fails with a KilledError.
 */
export type Verdict = Code | 'short' | 'stop' | 'kill' | `lost ${Code}`;

export class KilledError extends Error {}

/** One operation's verdict. */
export interface Trouble {
  /** Counted from the last call of `expect`. */
  readonly at: number;
  readonly verdict: Verdict;
}

/** Small, so that records of a few dozen bytes are torn in all ways. */
const PAGE_BYTES = 16;

class Inode {
  bytes: Buffer = Buffer.alloc(0);
  synced: Buffer = Buffer.alloc(0);
  /** Pages that a sync would bring to disk. */
  dirty = new Set<number>();

  write(piece: Uint8Array, position: number): void {
    const end = position + piece.length;
    if (end > this.bytes.length) this.resize(end);
    this.bytes.set(piece, position);
    for (let page = Math.floor(position / PAGE_BYTES); page * PAGE_BYTES < end; page++) this.dirty.add(page);
  }

  resize(bytes: number): void {
    this.bytes = Buffer.concat([this.bytes, Buffer.alloc(bytes)], bytes);
  }

  /** @param isTaken - whether a dirty page reaches the disk */
  sync(isTaken: () => boolean, bytes = this.bytes.length): void {
    this.synced = Buffer.concat([this.synced, Buffer.alloc(bytes)], bytes);
    for (const page of this.dirty)
      if (isTaken()) {
        const end = Math.min((page + 1) * PAGE_BYTES, bytes, this.bytes.length);
        if (page * PAGE_BYTES < end) this.bytes.copy(this.synced, page * PAGE_BYTES, page * PAGE_BYTES, end);
      }
    this.dirty.clear();
  }
}

type Names = Map<string, Inode>;

export class FakeDisk implements Disk {
  operations = 0;
  openFiles = 0;
  /** Operations that have begun and not ended; the most at once. */
  maxAtOnce = 0;
  /** What becomes of an operation, counted from 0; `path` is empty for the folder. */
  judge: (operation: number, name: string, path: string) => Verdict | null = () => null;
  hasStopped = false;
  isKilled = false;
  readonly heard: string[] = [];
  #atOnce = 0;
  #files: Names = new Map();
  /** As the folder was synced last. */
  #syncedFiles: Names = new Map();
  #unsynced: ((names: Names) => void)[] = [];
  readonly #random: () => number;

  constructor(randomSeed = 1) {
    this.#random = seededRandom(randomSeed);
  }

  /** What becomes of one operation from now on; null: all succeed. */
  expect(trouble: Trouble | null): void {
    const start = this.operations;
    this.judge = (operation) => (operation - start === trouble?.at ? trouble.verdict : null);
  }

  // --- what is on it ---

  /** What a process finds that starts after this one was killed. */
  afterKill(): FakeDisk {
    const next = new FakeDisk(this.#random() * 2 ** 32);
    for (const [name, inode] of this.#files) next.put(name, inode.bytes);
    return next;
  }

  /** What a machine finds that starts after the power failed: of what was not synced, any pages and any names. */
  afterPowerLoss(): FakeDisk {
    const next = new FakeDisk(this.#random() * 2 ** 32);
    const names = new Map(this.#syncedFiles);
    for (const change of this.#unsynced) if (this.#random() < 0.5) change(names);
    for (const [name, inode] of names) {
      const between = inode.bytes.length - inode.synced.length;
      inode.sync(() => this.#random() < 0.5, inode.synced.length + Math.round(between * this.#random()));
      next.put(name, inode.synced);
    }
    return next;
  }

  /** Makes a file that is on disk. */
  put(path: string, bytes: Uint8Array): void {
    const inode = new Inode();
    inode.bytes = Buffer.from(bytes);
    inode.synced = Buffer.from(bytes);
    this.#files.set(basename(path), inode);
    this.#syncedFiles.set(basename(path), inode);
  }

  drop(path: string): void {
    this.#files.delete(basename(path));
    this.#syncedFiles.delete(basename(path));
  }

  has(path: string): boolean {
    return this.#files.has(basename(path));
  }

  bytesOf(path: string): Buffer {
    return Buffer.from(this.#inode(path).bytes);
  }

  /** Sorted. */
  get names(): string[] {
    return [...this.#files.keys()].sort();
  }

  /** Of all files. */
  get bytes(): number {
    return [...this.#files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  // --- Disk ---

  list(): Promise<string[]> {
    return this.#do('list', '', () => [...this.#files.keys()]);
  }

  size(path: string): Promise<number> {
    return this.#do('size', path, () => this.#inode(path).bytes.length);
  }

  readFile(path: string): Promise<Buffer> {
    return this.#do('readFile', path, () => this.bytesOf(path));
  }

  open(path: string, how: 'new' | 'create' | 'change' | 'read'): Promise<DiskFile> {
    return this.#do('open', path, () => {
      const name = basename(path);
      const there = this.#files.get(name);
      if (how === 'new' && there !== undefined) throw failure('EEXIST');
      const inode = how === 'new' || how === 'create' ? (there ?? new Inode()) : this.#inode(path);
      if (how === 'create') inode.resize(0);
      if (there === undefined) this.#change((names) => names.set(name, inode));
      this.openFiles++;
      return this.#fileOf(inode, path);
    });
  }

  async makeFolder(): Promise<void> {}

  remove(path: string): Promise<void> {
    return this.#do('remove', path, () => {
      this.#inode(path);
      this.#change((names) => names.delete(basename(path)));
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do('rename', to, () => {
      const inode = this.#inode(from);
      this.#change((names) => {
        names.delete(basename(from));
        names.set(basename(to), inode);
      });
    });
  }

  syncFolder(): Promise<void> {
    return this.#do('syncFolder', '', () => {
      this.#syncedFiles = new Map(this.#files);
      this.#unsynced = [];
    });
  }

  #inode(path: string): Inode {
    const inode = this.#files.get(basename(path));
    if (inode === undefined) throw failure('ENOENT');
    return inode;
  }

  #change(change: (names: Names) => void): void {
    change(this.#files);
    this.#unsynced.push(change);
  }

  #fileOf(inode: Inode, path: string): DiskFile {
    return {
      size: () => this.#do('size', path, () => inode.bytes.length),
      read: (target, position) => this.#do('read', path, () => inode.bytes.copy(target, 0, position)),
      write: (pieces, position) => {
        const bytes = Buffer.concat(pieces);
        const put = (count: number): number => {
          inode.write(bytes.subarray(0, count), position);
          return count;
        };
        const some = (): number => Math.floor(this.#random() * bytes.length);
        return this.#do(
          'write',
          path,
          () => put(bytes.length),
          () => put(some()),
          () => put(1 + some()),
        );
      },
      // A failed sync takes some pages to the disk and forgets that the others are not there.
      datasync: () =>
        this.#do(
          'datasync',
          path,
          () => inode.sync(() => true),
          () => inode.sync(() => this.#random() < 0.5),
        ),
      truncate: (bytes) => this.#do('truncate', path, () => inode.resize(bytes)),
      close: () => {
        this.openFiles--;
        return this.#do('close', path, () => {});
      },
    };
  }

  /**
   * @param fail - what a failing or stopped operation does nevertheless
   * @param short - what one does that does less than it was asked to
   */
  async #do<Result>(
    name: string,
    path: string,
    succeed: () => Result,
    fail: () => unknown = () => {},
    short: () => Result = succeed,
  ): Promise<Result> {
    if (this.hasStopped) return new Promise(() => {});
    if (this.isKilled) throw new KilledError('killed');
    const verdict = this.judge(this.operations++, name, path);
    this.heard.push(name);
    this.#atOnce++;
    this.maxAtOnce = Math.max(this.maxAtOnce, this.#atOnce);
    try {
      await turn();
      if (this.hasStopped) return await new Promise(() => {});
      switch (verdict) {
        case null:
          return succeed();
        case 'short':
          return short();
        case 'stop':
          if (this.#random() < 0.5) succeed();
          else fail();
          this.hasStopped = true;
          return await new Promise(() => {});
        case 'kill':
          fail();
          this.isKilled = true;
          throw new KilledError('killed');
        default: {
          const [lost, code] = verdict.startsWith('lost ') ? [true, verdict.slice(5)] : [false, verdict];
          if (lost) succeed();
          else fail();
          throw failure(code);
        }
      }
    } finally {
      this.#atOnce--;
    }
  }
}

export const failure = (code: string): Error =>
  Object.assign(new Error(`${code}: a failure that was asked for`), { code });
