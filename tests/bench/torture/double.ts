/**
 * Preloaded into the server's process (`node --import`): kills it inside a file operation, or lets file operations fail
 * for a while. What it does stands in the query of its own URL, so that no setting of the server knows of it:
 *
 * `?do=kill&op=rename&when=before|within|after&n=3`: at the n-th such operation of one thread; `within` a write: when
 * half of its bytes are written
 * `?do=EIO&n=40&forMs=800`: from the n-th operation of one thread on
 */
import fs from 'node:fs';
import fsp, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync } from 'node:sqlite';

type Op =
  | 'open'
  | 'write'
  | 'datasync'
  | 'sync'
  | 'rename'
  | 'unlink'
  | 'truncate'
  /** Of a transaction of SQLite. */
  | 'commit';

const query = new URL(import.meta.url).searchParams;
const isKill = query.get('do') === 'kill';
const [op, when] = [query.get('op'), query.get('when')];
const nth = Number(query.get('n'));
const forMs = Number(query.get('forMs'));
let seen = 0;
let failsUntilMs = Number.NaN;

const end = (): void => void process.kill(process.pid, 'SIGKILL');

/** @param half - does half of a write */
async function guarded<T>(name: Op, work: () => Promise<T>, half = (): void => {}): Promise<T> {
  if (!isKill) {
    if (++seen === nth) failsUntilMs = performance.now() + forMs;
    if (performance.now() >= failsUntilMs || Number.isNaN(failsUntilMs)) return work();
    half();
    throw Object.assign(new Error(`EIO: i/o error, ${name}`), { code: 'EIO', errno: -5, syscall: name });
  }
  if (name !== op || ++seen !== nth) return work();
  if (when === 'within') half();
  if (when === 'after') await work();
  end();
  return work();
}

/** The first half of the bytes. */
function halfOf(pieces: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(pieces);
  return bytes.subarray(0, Math.ceil(bytes.length / 2));
}

const handle = await fsp.open(import.meta.filename, 'r');
const files = Object.getPrototypeOf(handle) as FileHandle;
await handle.close();

const { writev, writeFile, datasync, sync, truncate } = files;
Object.assign(files, {
  writev(this: FileHandle, pieces: readonly Uint8Array[], position: number) {
    const half = (): void => void fs.writevSync(this.fd, [halfOf(pieces)], position);
    return guarded('write', () => writev.call(this, pieces, position), half);
  },
  writeFile(this: FileHandle, bytes: Uint8Array) {
    const half = (): void => void fs.writeSync(this.fd, halfOf([bytes]));
    return guarded('write', () => writeFile.call(this, bytes), half);
  },
  datasync(this: FileHandle) {
    return guarded('datasync', () => datasync.call(this));
  },
  sync(this: FileHandle) {
    return guarded('sync', () => sync.call(this));
  },
  truncate(this: FileHandle, bytes: number) {
    return guarded('truncate', () => truncate.call(this, bytes));
  },
});

const { open, rename, unlink } = fsp;
Object.assign(fsp, {
  open: (path: string, flags: string, mode?: number) =>
    flags === 'r' ? open(path, flags) : guarded('open', () => open(path, flags, mode)),
  rename: (from: string, to: string) => guarded('rename', () => rename(from, to)),
  unlink: (path: string) => guarded('unlink', () => unlink(path)),
});
syncBuiltinESMExports();

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql: string): void {
  const isHit = isKill && op === 'commit' && sql === 'COMMIT' && ++seen === nth;
  if (isHit && when !== 'after') end();
  exec.call(this, sql);
  if (isHit) end();
};
