/**
 * Preloaded into the server's process (`node --import`): kills it inside a file operation, or lets file operations fail
 * for a while. What it does stands in the query of its own URL, so that no setting of the server knows of it:
 *
 * `?do=kill&op=rename&of=regrow$&when=before|within|after&n=3`: at the n-th such operation of one thread on files whose
 * name matches `of`; `within` a write: when half of its bytes are written
 * `?do=tear&of=^journal&when=before|after&n=5`: the n-th such write fails half done, and the next truncation kills
 * `?do=EIO&n=40&forMs=800`: from the n-th operation of one thread on
 */
import fs from 'node:fs';
import fsp, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

type Op =
  | 'open'
  | 'write'
  | 'datasync'
  /** Of a folder. */
  | 'sync'
  | 'rename'
  | 'unlink'
  | 'truncate'
  /** Of a transaction of SQLite. */
  | 'commit';

const query = new URL(import.meta.url).searchParams;
const what = query.get('do');
const [op, when] = [query.get('op'), query.get('when')];
const of = new RegExp(query.get('of') ?? '');
const nth = Number(query.get('n'));
const forMs = Number(query.get('forMs'));
let seen = 0;
let failsUntilMs = Number.NaN;
let isTorn = false;

const end = (): void => void process.kill(process.pid, 'SIGKILL');

function failure(name: Op): Error {
  return Object.assign(new Error(`EIO: i/o error, ${name}`), { code: 'EIO', errno: -5, syscall: name });
}

async function endIn<T>(work: () => Promise<T>, half: () => void): Promise<T> {
  if (when === 'within') half();
  if (when === 'after') await work();
  end();
  return work();
}

/** @param half - does half of a write */
async function guarded<T>(name: Op, path: string, work: () => Promise<T>, half = (): void => {}): Promise<T> {
  const isMeant = of.test(basename(path));
  switch (what) {
    case 'kill':
      return name === op && isMeant && ++seen === nth ? endIn(work, half) : work();
    case 'tear':
      if (name === 'truncate' && isTorn) return endIn(work, half);
      if (name !== 'write' || !isMeant || ++seen !== nth) return work();
      isTorn = true;
      half();
      throw failure(name);
    default:
      if (++seen === nth) {
        failsUntilMs = performance.now() + forMs;
        fs.writeSync(2, `double: the disk fails for ${forMs} ms\n`);
      }
      if (performance.now() >= failsUntilMs || Number.isNaN(failsUntilMs)) return work();
      half();
      throw failure(name);
  }
}

/** The first half of the bytes. */
function halfOf(pieces: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(pieces);
  return bytes.subarray(0, Math.ceil(bytes.length / 2));
}

const paths = new WeakMap<FileHandle, string>();
const pathOf = (handle: FileHandle): string => paths.get(handle) ?? '';
const handle = await fsp.open(import.meta.filename, 'r');
const files = Object.getPrototypeOf(handle) as FileHandle;
await handle.close();

const { writev, writeFile, datasync, sync, truncate } = files;
Object.assign(files, {
  writev(this: FileHandle, pieces: readonly Uint8Array[], position: number) {
    const half = (): void => void fs.writevSync(this.fd, [halfOf(pieces)], position);
    return guarded('write', pathOf(this), () => writev.call(this, pieces, position), half);
  },
  writeFile(this: FileHandle, bytes: Uint8Array) {
    const half = (): void => void fs.writeSync(this.fd, halfOf([bytes]));
    return guarded('write', pathOf(this), () => writeFile.call(this, bytes), half);
  },
  datasync(this: FileHandle) {
    return guarded('datasync', pathOf(this), () => datasync.call(this));
  },
  sync(this: FileHandle) {
    return guarded('sync', pathOf(this), () => sync.call(this));
  },
  truncate(this: FileHandle, bytes: number) {
    return guarded('truncate', pathOf(this), () => truncate.call(this, bytes));
  },
});

const { open, rename, unlink } = fsp;
Object.assign(fsp, {
  async open(path: string, flags: string, mode?: number) {
    const work = (): Promise<FileHandle> => open(path, flags, mode);
    const opened = await (flags === 'r' ? work() : guarded('open', path, work));
    paths.set(opened, path);
    return opened;
  },
  rename: (from: string, to: string) => guarded('rename', to, () => rename(from, to)),
  unlink: (path: string) => guarded('unlink', path, () => unlink(path)),
});
syncBuiltinESMExports();

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql: string): void {
  const isHit = what === 'kill' && op === 'commit' && sql === 'COMMIT' && ++seen === nth;
  if (isHit && when !== 'after') end();
  exec.call(this, sql);
  if (isHit) end();
};
