/**
 * A disk in memory that keeps what is on disk apart from what only the operating system has, fails at chosen operations
 * and can stop at any. Every operation takes a turn of the event loop.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Disk, DiskFile } from '../../server/storage/disk.ts';
import { seededRandom } from '../engines/fixtures.ts';

/** 'short': fewer bytes are written than there are; 'stop': the machine stops in the middle of it; others: error codes. */
export type Verdict = 'short' | 'stop' | 'ENOSPC' | 'EIO' | 'EROFS' | 'EMFILE';

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

export class FakeDisk implements Disk {
  operations = 0;
  openFiles = 0;
  /** Operations that have begun and not ended; the most at once. */
  maxAtOnce = 0;
  /** What becomes of an operation, counted from 0. */
  judge: (operation: number, name: string) => Verdict | null = () => null;
  hasStopped = false;
  readonly heard: string[] = [];
  #atOnce = 0;
  #files = new Map<string, Inode>();
  #syncedFiles = new Map<string, Inode>();
  readonly #random: () => number;

  constructor(randomSeed: number) {
    this.#random = seededRandom(randomSeed);
  }

  names(): Promise<string[]> {
    return this.#do('names', () =>
      [...this.#files.keys()].map((path) => path.slice(path.lastIndexOf('/') + 1)),
    );
  }

  open(path: string, how: 'create' | 'change' | 'read'): Promise<DiskFile> {
    return this.#do('open', () => {
      const inode = this.#files.get(path) ?? new Inode();
      if (how === 'create') {
        inode.resize(0);
        this.#files.set(path, inode);
      } else if (!this.#files.has(path)) throw failure('ENOENT');
      this.openFiles++;
      return this.#fileOf(inode);
    });
  }

  unlink(path: string): Promise<void> {
    return this.#do('unlink', () => void this.#files.delete(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do('rename', () => {
      this.#files.set(to, this.#files.get(from)!);
      this.#files.delete(from);
    });
  }

  syncFolder(): Promise<void> {
    return this.#do('syncFolder', () => {
      this.#syncedFiles = new Map(this.#files);
    });
  }

  /** What a process finds that starts after this one was killed. */
  afterKill(): FakeDisk {
    const next = new FakeDisk(this.#random() * 2 ** 32);
    for (const [path, inode] of this.#files) next.put(path, inode.bytes);
    return next;
  }

  /** What a machine finds that starts after the power failed: of what was not synced, any pages and any names. */
  afterPowerLoss(): FakeDisk {
    const next = new FakeDisk(this.#random() * 2 ** 32);
    for (const path of new Set([...this.#files.keys(), ...this.#syncedFiles.keys()])) {
      const [old, now] = [this.#syncedFiles.get(path), this.#files.get(path)];
      const inode = this.#random() < 0.5 ? old : now;
      if (inode === undefined) continue;
      const between = inode.bytes.length - inode.synced.length;
      inode.sync(() => this.#random() < 0.5, inode.synced.length + Math.round(between * this.#random()));
      next.put(path, inode.synced);
    }
    return next;
  }

  /** A file that is on disk. */
  put(path: string, bytes: Uint8Array): void {
    const inode = new Inode();
    inode.bytes = Buffer.from(bytes);
    inode.synced = Buffer.from(bytes);
    this.#files.set(path, inode);
    this.#syncedFiles.set(path, inode);
  }

  bytesOf(path: string): Buffer {
    return Buffer.from(this.#files.get(path)!.bytes);
  }

  get paths(): string[] {
    return [...this.#files.keys()].sort();
  }

  #fileOf(inode: Inode): DiskFile {
    return {
      size: () => this.#do('size', () => inode.bytes.length),
      read: (target, position) => this.#do('read', () => inode.bytes.copy(target, 0, position)),
      write: (pieces, position) => {
        const bytes = Buffer.concat(pieces);
        const put = (count: number): number => {
          inode.write(bytes.subarray(0, count), position);
          return count;
        };
        const some = (): number => Math.floor(this.#random() * bytes.length);
        return this.#do(
          'write',
          () => put(bytes.length),
          () => put(some()),
          () => put(1 + some()),
        );
      },
      // A failed sync takes some pages to the disk and forgets that the others are not there.
      datasync: () =>
        this.#do(
          'datasync',
          () => inode.sync(() => true),
          () => inode.sync(() => this.#random() < 0.5),
        ),
      truncate: (bytes) => this.#do('truncate', () => inode.resize(bytes)),
      close: () => {
        this.openFiles--;
        return this.#do('close', () => {});
      },
    };
  }

  /**
   * @param fail - what a failing or stopped operation does nevertheless
   * @param short - what one does that does less than it was asked to
   */
  async #do<Result>(
    name: string,
    succeed: () => Result,
    fail: () => unknown = () => {},
    short: () => Result = succeed,
  ): Promise<Result> {
    if (this.hasStopped) return new Promise(() => {});
    const verdict = this.judge(this.operations++, name);
    this.heard.push(name);
    this.#atOnce++;
    this.maxAtOnce = Math.max(this.maxAtOnce, this.#atOnce);
    try {
      await turn();
      if (this.hasStopped) return await new Promise(() => {});
      if (verdict === 'short') return short();
      if (verdict === null) return succeed();
      if (verdict === 'stop' && this.#random() < 0.5) succeed();
      else fail();
      if (verdict !== 'stop') throw failure(verdict);
      this.hasStopped = true;
      return await new Promise(() => {});
    } finally {
      this.#atOnce--;
    }
  }
}

export const failure = (code: string): Error =>
  Object.assign(new Error(`${code}: a failure that was asked for`), { code });
