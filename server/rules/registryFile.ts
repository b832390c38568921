/**
 * The registry's file: one SQLite database, `registry.db`. The server and the `rules` command may have it open at the
 * same time. This file has its tables, opens it, brings an older one up to date, and names its errors.
 */
import { accessSync, constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { diskReason, makeFolderSync } from '../files/disk.ts';
import { FORMATS } from './registryFormats.ts';

export const REGISTRY_FILE = 'registry.db';

/**
 * `locked`: another program holds it at the moment, and a later try may succeed.
 * `stale`: the open file may stay unusable when the disk is well again; it must be opened again.
 * `corrupt`: what it holds is lost, at least in part.
 */
type RegistryFault = 'locked' | 'stale' | 'corrupt' | 'other';

/** The registry cannot be read or written; the message is for the operator. The change was not kept. */
export class RegistryError extends Error {
  override name = 'RegistryError';
  readonly fault: RegistryFault;

  constructor(message: string, fault: RegistryFault = 'other', options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** Keeps a copy of what this process does to a registry (`followRegistry`). */
export interface RegistryFollower {
  /** @param changeset - what one change has done, as SQLite's session extension writes it; in the order of the changes */
  changed(changeset: Uint8Array): void;
  /** Resolves when all changes so far are copied. @throws Error */
  copied(): Promise<void>;
}

const followers = new Map<string, RegistryFollower>();

/**
 * From now on, the follower gets every change that any connection of this thread makes to a registry.
 *
 * @param folder - the data directory
 * @param follower - null: nobody follows any more
 */
export function followRegistry(folder: string, follower: RegistryFollower | null): void {
  const path = join(folder, REGISTRY_FILE);
  if (follower === null) followers.delete(path);
  else followers.set(path, follower);
}

/** Every table, for surveys and salvage; rows that refer to others come after them. Each table has a rowid. */
export const REGISTRY_TABLES = [
  'rules',
  'swaps',
  'bans',
  'audit',
  'admins',
  'reports',
  'guests',
  'sanctions',
  'drawings',
] as const;
export type RegistryTable = (typeof REGISTRY_TABLES)[number];

/** The open file. All of its errors that come from SQLite or the disk are a RegistryError. */
export class RegistryFile {
  readonly path: string;
  /** Changes since it was opened. */
  changes = 0;
  readonly #database: DatabaseSync;

  /**
   * Opens the file, or makes it.
   *
   * @param folder - the data directory
   * @param busyMs - longest blocking wait while another program writes
   * @throws RegistryError when it is locked, corrupt, cannot be opened, or is of a newer format
   */
  constructor(folder: string, busyMs: number) {
    this.path = join(folder, REGISTRY_FILE);
    this.#database = openRegistryFile(this.path, busyMs);
  }

  close(): void {
    this.#database.close();
  }

  /**
   * From now on this connection's commits do not wait for the disk: a power cut may take the last ones, never half of
   * one. With a rollback journal they still wait.
   */
  relax(): void {
    this.#guarded(() => this.#database.exec('PRAGMA synchronous = NORMAL'));
  }

  /** Whether it has no write-ahead log (`openRegistryFile`). */
  get hasRollbackJournal(): boolean {
    return this.#guarded(() => hasRollbackJournal(this.#database));
  }

  /** Does all of the work's writes or none. A change within a change is a part of it. */
  change<T>(work: () => T): T {
    return this.#guarded(() => (this.#database.isTransaction ? work() : this.#change(work)));
  }

  #change<T>(work: () => T): T {
    this.changes++;
    const follower = followers.get(this.path);
    if (follower === undefined) return inTransaction(this.#database, work);
    const session = this.#database.createSession();
    try {
      const result = inTransaction(this.#database, work);
      const changeset = session.changeset();
      if (changeset.length > 0) follower.changed(changeset);
      return result;
    } finally {
      session.close();
    }
  }

  /** Resolves when whoever follows the registry has a copy of all changes. @throws RegistryError; they are done here */
  async copied(): Promise<void> {
    try {
      await followers.get(this.path)?.copied();
    } catch (error) {
      const { message } = error as Error;
      throw new RegistryError(`it was done, but may be lost: ${message}`, 'other', { cause: error });
    }
  }

  /** A statement that writes; call it within `change`. @returns the new row's number */
  write(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#database.prepare(sql).run(...values).lastInsertRowid);
  }

  one<T = Record<string, unknown>>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#guarded(() => this.#database.prepare(sql).get(...values)) as T | undefined;
  }

  all<T = Record<string, unknown>>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#guarded(() => this.#database.prepare(sql).all(...values)) as T[];
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw registryError(this.path, error);
    }
  }
}

/**
 * Opens the file, or makes it. Write-ahead logging, in which readers and a writer do not block each other, needs memory
 * that programs share through a file beside it. On a file system that has none (FUSE with `direct_io`), the file gets a
 * rollback journal, once and for good.
 *
 * @param busyMs - longest blocking wait while another program writes
 * @param formats - the statements that make each format of the one before
 * @throws RegistryError when it is locked, corrupt, cannot be opened, or is of a newer format
 */
export function openRegistryFile(path: string, busyMs: number, formats = FORMATS): DatabaseSync {
  const folder = dirname(path);
  try {
    makeFolderSync(folder);
    try {
      return prepared(path, busyMs, 'WAL', formats);
    } catch (error) {
      if (isWithoutSharedMaps(error)) {
        leaveWriteAheadLog(path, busyMs);
        return prepared(path, busyMs, 'TRUNCATE', formats);
      }
      // SQLite does not say why. It makes files of its own in the folder, so the folder may be why.
      if ((error as { errcode?: number }).errcode === CANNOT_OPEN) accessSync(folder, constants.W_OK);
      throw error;
    }
  } catch (error) {
    throw registryError(path, error);
  }
}

/** Whether the file has the rollback journal that is kept where there is no shared memory. */
export const hasRollbackJournal = (database: DatabaseSync): boolean =>
  (database.prepare('PRAGMA journal_mode').get() as { journal_mode: string }).journal_mode !== 'wal';

/** @param journal - of a new file */
function prepared(
  path: string,
  busyMs: number,
  journal: 'WAL' | 'TRUNCATE',
  formats: readonly string[],
): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: busyMs });
  try {
    prepare(database, path, journal, formats);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function prepare(
  database: DatabaseSync,
  path: string,
  journal: 'WAL' | 'TRUNCATE',
  formats: readonly string[],
): void {
  // Acknowledged bans, swaps and entries of the audit log survive a power cut: each commit waits for the disk.
  database.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON');
  if (formatOf(database) === 0) database.exec(`PRAGMA journal_mode = ${journal}`);
  // What is newer or corrupt is left as it is.
  checkFormat(database, path, formats.length);
  const { quick_check } = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
  if (quick_check !== 'ok')
    throw new RegistryError(`${path} is corrupt: ${quick_check.replaceAll(/\s+/g, ' ')}`, 'corrupt');
  if (formatOf(database) < formats.length) {
    inTransaction(database, () => {
      // Two programs may both find the file old: the second waited above, and finds nothing left to do.
      for (let format = formatOf(database); format < formats.length; format++)
        database.exec(`${formats[format]} PRAGMA user_version = ${format + 1}`);
    });
    // The other one may have been of a newer version.
    checkFormat(database, path, formats.length);
  }
  database.exec('PRAGMA foreign_keys = ON');
}

/** @throws RegistryError when the file is of a newer format */
function checkFormat(database: DatabaseSync, path: string, newest: number): void {
  const format = formatOf(database);
  if (format > newest)
    throw new RegistryError(
      `${path} is of format ${format}; this program reads format ${newest}. Start the newer version of Regrow that wrote it, or bring back a backup`,
    );
}

const CANNOT_OPEN = 14;
/** SQLITE_IOERR_SHMMAP: no shared memory. A full disk has a code of its own, and must not change the journal. */
const CANNOT_MAP = 5_386;

const isWithoutSharedMaps = (error: unknown): boolean =>
  (error as { errcode?: number }).errcode === CANNOT_MAP;

/** A program that holds the exclusive lock needs no shared memory, and can move what the log holds into the file. */
function leaveWriteAheadLog(path: string, busyMs: number): void {
  const database = new DatabaseSync(path, { timeout: busyMs });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = TRUNCATE');
  } finally {
    database.close();
  }
}

const formatOf = (database: DatabaseSync): number =>
  (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;

function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** https://sqlite.org/rescode.html; the low byte is the kind, which counts where the whole code is not listed. */
const KINDS: Readonly<Record<number, readonly [text: string, fault: RegistryFault]>> = {
  5: ['is locked by another program', 'locked'],
  6: ['is locked by another program', 'locked'],
  8: ['is read-only', 'stale'],
  10: ['cannot be read or written (disk error)', 'stale'],
  11: ['is corrupt', 'corrupt'],
  13: ['cannot grow: the disk is full', 'other'],
  14: ['cannot be opened', 'stale'],
  23: ['cannot be opened: permission denied', 'other'],
  26: ['is not a registry, or is corrupt', 'corrupt'],
  4874: ['cannot be opened: the disk has no room for the file of shared memory beside it', 'stale'],
};

/** SQLite's or the system's error as a RegistryError that names file and fact; other errors unchanged. */
export function registryError(path: string, error: unknown): unknown {
  if (error instanceof RegistryError) return error;
  const {
    code,
    errcode = 0,
    errno,
    syscall,
    message,
  } = error as NodeJS.ErrnoException & { errcode?: number };
  if (syscall !== undefined && errno !== undefined) {
    return new RegistryError(`${path} cannot be opened: ${diskReason(error)}`, 'stale', { cause: error });
  }
  if (code !== 'ERR_SQLITE_ERROR') return error;
  const [text, fault] = KINDS[errcode] ?? KINDS[errcode & 0xff] ?? [null, 'other'];
  const sentence = text === null ? `${path}: ${message}` : `${path} ${text} (${message})`;
  return new RegistryError(sentence, fault, { cause: error });
}
