/**
 * The registry's file: one SQLite database, `registry.db`. The server and the `rules` command may have it open at the
 * same time. This file has its tables, opens it, and names its errors.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

const REGISTRY_FILE = 'registry.db';
const FORMAT = 1;

/** The registry cannot be read or written; the message is for the operator. The change was not kept. */
export class RegistryError extends Error {
  override name = 'RegistryError';
  /** Another program holds it at the moment: a later try may succeed. */
  readonly isLocked: boolean;

  constructor(message: string, options?: ErrorOptions & { readonly isLocked?: boolean }) {
    super(message, options);
    this.isLocked = options?.isLocked ?? false;
  }
}

/**
 * A rule's bytes are in its row, so that a crash leaves all of it or nothing. A row of `swaps` is both an order and its
 * outcome: the rule in force of a species is that of its newest swap that holds.
 */
const TABLES = `
CREATE TABLE rules (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  parent INTEGER REFERENCES rules (id),
  origin TEXT NOT NULL CHECK (origin IN ('shipped', 'uploaded', 'trained', 'tuned')),
  status TEXT NOT NULL CHECK (status IN ('ready', 'candidate', 'rejected')),
  sha256 TEXT NOT NULL UNIQUE,
  metrics TEXT NOT NULL,
  created TEXT NOT NULL,
  file BLOB NOT NULL,
  UNIQUE (name, version)
) STRICT;
CREATE TABLE swaps (
  id INTEGER PRIMARY KEY,
  species TEXT NOT NULL,
  rule INTEGER NOT NULL REFERENCES rules (id),
  scope TEXT NOT NULL CHECK (scope IN ('organism', 'species', 'planted')),
  organism INTEGER,
  status TEXT NOT NULL CHECK
    (status IN ('wanted', 'watched', 'in force', 'refused', 'rolled back', 'superseded')),
  reason TEXT NOT NULL,
  who TEXT NOT NULL,
  address TEXT NOT NULL,
  created TEXT NOT NULL
) STRICT;
CREATE INDEX swaps_of_species ON swaps (species, id);
CREATE TABLE bans (
  address TEXT PRIMARY KEY,
  until TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  who TEXT NOT NULL,
  address TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
`;

/** The open file. All of its errors that come from SQLite or the disk are a RegistryError. */
export class RegistryFile {
  readonly path: string;
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
    this.#database = openDatabase(this.path, busyMs);
  }

  close(): void {
    this.#database.close();
  }

  /** Does all of the work's writes or none. */
  change<T>(work: () => T): T {
    return this.#guarded(() => inTransaction(this.#database, work));
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

function openDatabase(path: string, busyMs: number): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    database = new DatabaseSync(path, { timeout: busyMs });
    prepare(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw registryError(path, error);
  }
}

function prepare(database: DatabaseSync, path: string): void {
  if (formatOf(database) === 0) {
    // Write-ahead logging: readers and a writer do not block each other.
    database.exec('PRAGMA journal_mode = WAL');
    // Two programs may both find it empty: the second waits here, then looks again.
    inTransaction(database, () => {
      if (formatOf(database) === 0) database.exec(`${TABLES} PRAGMA user_version = ${FORMAT}`);
    });
  }
  const format = formatOf(database);
  if (format !== FORMAT)
    throw new RegistryError(`${path} is of format ${format}; this program reads format ${FORMAT}`);
  const found = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
  if (found.quick_check !== 'ok') throw new RegistryError(`${path} is corrupt: ${found.quick_check}`);
  database.exec('PRAGMA foreign_keys = ON');
  database.exec('PRAGMA synchronous = NORMAL');
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

/** https://sqlite.org/rescode.html; the low byte is the kind. */
const KINDS: Readonly<Record<number, string>> = {
  5: 'is locked by another program',
  6: 'is locked by another program',
  8: 'is read-only',
  10: 'cannot be read or written (disk error)',
  11: 'is corrupt',
  13: 'cannot grow: the disk is full',
  14: 'cannot be opened',
  23: 'cannot be opened: permission denied',
  26: 'is not a registry, or is corrupt',
};

/** SQLite's error as a RegistryError that names file and fact; other errors unchanged. */
function registryError(path: string, error: unknown): unknown {
  const { code, errcode = 0, message } = error as { code?: string; errcode?: number; message: string };
  if (code !== 'ERR_SQLITE_ERROR') {
    const file = ['EACCES', 'EEXIST', 'ENOTDIR', 'EROFS', 'ENOSPC'].includes(code ?? '');
    return file ? new RegistryError(`${path} cannot be opened: ${message}`, { cause: error }) : error;
  }
  const kind = KINDS[errcode & 0xff];
  const isLocked = (errcode & 0xff) === 5 || (errcode & 0xff) === 6;
  const text = kind === undefined ? `${path}: ${message}` : `${path} ${kind} (${message})`;
  return new RegistryError(text, { cause: error, isLocked });
}
