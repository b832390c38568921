/**
 * One writer per data directory. The lock is a transaction on `lock.db` that is never committed: the kernel drops it
 * with the process, however that ends, and SQLite keeps threads of one process apart. `lock.json` beside it names the
 * holder for the process that is refused; it decides nothing, so a stale one does no harm.
 *
 * A process that opens and closes `lock.db` by other means loses its lock, as POSIX drops all locks of a process on a
 * file with the first descriptor that it closes. Deleting `lock.db` lets a second writer in.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { diskReason, makeFolderSync } from '../files/disk.ts';

export const LOCK_FILES = { lock: 'lock.db', holder: 'lock.json' } as const;
/**
 * Longest blocking wait for the lock. Two processes that ask at the same moment can each be in the other's way for an
 * instant; without a wait both would be refused.
 */
const WAIT_MS = 500;
/** SQLite's result code for a lock that another holds. */
const BUSY = 5;

/** Who holds a folder. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
  /** What the program does with the folder: "the server". */
  readonly purpose: string;
}

/** Another program has the folder; the message is for the operator. */
export class FolderInUseError extends Error {
  override name = 'FolderInUseError';
  readonly folder: string;
  /** null: it has not written its name yet, or its name cannot be read. */
  readonly holder: Holder | null;

  constructor(folder: string, holder: Holder | null) {
    const who =
      holder === null
        ? 'another process that has not given its name'
        : `${holder.purpose}: process ${holder.pid}${holder.pid === process.pid ? ' (this one)' : ''} on host ${holder.host}, since ${holder.since}`;
    super(`${folder} is in use by ${who}. Stop that one, or use another folder (--data-dir)`);
    this.folder = folder;
    this.holder = holder;
  }
}

/** The folder cannot be locked; the message is for the operator. */
export class FolderLockError extends Error {
  override name = 'FolderLockError';
  /** 'EROFS', 'ENOSPC', 'ENOLCK', …; 'SQLITE_26' where only SQLite says something. */
  readonly code: string;

  constructor(folder: string, code: string, reason: string, options?: ErrorOptions) {
    super(`cannot lock ${folder}: ${reason}`, options);
    this.code = code;
  }
}

export interface FolderLock {
  readonly folder: string;
  /** May be called again. */
  release(): void;
}

/**
 * Only reads, and may not be called in the process that holds the folder.
 *
 * @returns null: nobody holds it; `unnamed`: its name cannot be read
 */
export function holderOf(folder: string): Holder | 'unnamed' | null {
  const path = join(folder, LOCK_FILES.lock);
  if (!existsSync(path)) return null;
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.prepare('PRAGMA user_version').get();
    return null;
  } catch (error) {
    return codeOf(error) === BUSY ? (readHolder(folder) ?? 'unnamed') : null;
  } finally {
    database.close();
  }
}

/** Held locks. One that nobody refers to must not be dropped by the garbage collector. */
const held = new Set<FolderLock>();

/**
 * Makes the folder where it is missing, and locks it until `release` or the end of the process.
 *
 * @param purpose - who the holder is, for the message to others
 * @param lockFile - takes the lock on a file
 * @throws FolderInUseError, FolderLockError
 */
export function lockFolder(folder: string, purpose: string, lockFile = lockDatabase): FolderLock {
  attempt(folder, () => makeFolderSync(folder));
  let database: DatabaseSync;
  try {
    database = lockFile(join(folder, LOCK_FILES.lock), WAIT_MS);
  } catch (error) {
    throw reasonOf(error, folder, lockFile);
  }
  const holderPath = join(folder, LOCK_FILES.holder);
  const lock: FolderLock = {
    folder,
    release() {
      if (!held.delete(lock)) return;
      // While the lock still holds: the next holder's name is not ours to remove.
      removeIfPossible(holderPath);
      database.close();
    },
  };
  held.add(lock);
  const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString(), purpose };
  try {
    attempt(folder, () => writeFileSync(holderPath, `${JSON.stringify(holder)}\n`));
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

/** @throws Error of SQLite, with `errcode` */
function lockDatabase(path: string, waitMs: number): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: waitMs });
  try {
    // With its journal in memory the transaction writes nothing, so it also works on a full disk.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    // SQLite locks a read-only file without an error, but not exclusively. A write shows it.
    database.exec('PRAGMA user_version = 1');
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/** Why SQLite could not lock. It names no system error, so the same is tried with new files in the folder. */
function reasonOf(error: unknown, folder: string, lockFile: typeof lockDatabase): Error {
  const probe = join(folder, `lock.probe-${process.pid}-${crypto.randomUUID()}`);
  const code = codeOf(error);
  try {
    if (code === BUSY) {
      // SQLite reports ENOLCK as busy, too. No other process has this new file: if it is busy, that is ENOLCK.
      if (!isBusy(probe, lockFile)) return new FolderInUseError(folder, readHolder(folder));
      const reason = 'its file system has no file locks (ENOLCK)';
      return new FolderLockError(folder, 'ENOLCK', reason, { cause: error });
    }
    attempt(folder, () => writeFileSync(probe, 'probe'));
  } catch (systemError) {
    return systemError as Error;
  } finally {
    removeIfPossible(probe);
  }
  const reason = `${join(folder, LOCK_FILES.lock)}: ${(error as Error).message} (SQLite ${code}). If nothing uses the folder, delete that file`;
  return new FolderLockError(folder, `SQLITE_${code}`, reason, { cause: error });
}

/** SQLite's primary result code. */
const codeOf = (error: unknown): number => ((error as { errcode?: number }).errcode ?? 0) & 0xff;

function isBusy(path: string, lockFile: typeof lockDatabase): boolean {
  try {
    lockFile(path, 0).close();
    return false;
  } catch (error) {
    return codeOf(error) === BUSY;
  }
}

/** @throws FolderLockError */
function attempt(folder: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new FolderLockError(folder, code, diskReason(error), { cause: error });
  }
}

function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The disk has become read-only. Neither a stale name nor a leftover test file does harm.
  }
}

/** @returns null: `lock.json` cannot be read, or names a process of this host that has ended */
function readHolder(folder: string): Holder | null {
  let holder: Holder;
  try {
    holder = JSON.parse(readFileSync(join(folder, LOCK_FILES.holder), 'utf8')) as Holder;
  } catch {
    return null;
  }
  if (typeof holder?.pid !== 'number') return null;
  return holder.host === hostname() && !isRunning(holder.pid) ? null : holder;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
