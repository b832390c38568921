/** Reads a registry without changing it, while a server may write, and makes a new one of what can be read. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import {
  openRegistryFile,
  REGISTRY_FILE,
  REGISTRY_TABLES,
  type RegistryTable,
} from '../rules/registryFile.ts';
import { FORMAT } from '../rules/registryFormats.ts';

/** Longest wait for another program that writes. */
const BUSY_MS = 5_000;
type Row = Readonly<Record<string, SQLOutputValue>>;

export interface RegistrySurvey {
  readonly path: string;
  readonly bytes: number;
  /** Empty: it is sound. */
  readonly faults: readonly string[];
  /** It has a newer format. */
  readonly isNewer: boolean;
  readonly rows: Readonly<Record<RegistryTable, number>>;
  /** Species → name and version of its rule. */
  readonly inForce: Readonly<Record<string, string>>;
  /** sha256 (hex) of the rules whose files still have it. */
  readonly rules: ReadonlySet<string>;
}

/** @returns null: there is none */
export function surveyRegistry(folder: string): RegistrySurvey | null {
  const path = join(folder, REGISTRY_FILE);
  if (!existsSync(path)) return null;
  const faults: string[] = [];
  const rows = noRows();
  const inForce: Record<string, string> = {};
  const rules = new Set<string>();
  const said = { path, bytes: statSync(path).size, faults, rows, inForce, rules };
  try {
    using database = openToRead(path);
    const { user_version: format } = database.prepare('PRAGMA user_version').get() as Row;
    const isNewer = Number(format) > FORMAT;
    if (isNewer || Number(format) < 1) {
      faults.push(`it is of format ${format}; this program reads formats 1 to ${FORMAT}`);
      return { ...said, isNewer };
    }
    for (const { integrity_check: fault } of database.prepare('PRAGMA integrity_check').all())
      if (fault !== 'ok') faults.push(String(fault).replaceAll(/\s+/g, ' '));
    for (const { table, rowid, parent } of database.prepare('PRAGMA foreign_key_check').all())
      faults.push(`row ${rowid} of ${table} names a row of ${parent} that is not there`);
    for (const table of tablesOf(database))
      rows[table] = Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()!.count);
    for (const row of database.prepare('SELECT id, name, version, sha256, file FROM rules').iterate()) {
      if (isWhole(row)) rules.add(String(row.sha256));
      else faults.push(`the file of rule ${row.id}, ${row.name} v${row.version}, is not what was entered`);
    }
    for (const { species, label } of database.prepare(format === FORMAT ? IN_FORCE_NOW : IN_FORCE).all())
      inForce[String(species)] = String(label ?? 'a rule that is not there');
  } catch (error) {
    faults.push(sqliteFault(error));
  }
  return { ...said, isNewer: false };
}

const noRows = (): Record<RegistryTable, number> =>
  Object.fromEntries(REGISTRY_TABLES.map((table) => [table, 0])) as Record<RegistryTable, number>;

/** The tables that the file must have: a file of an older format lacks the newer ones. */
function tablesOf(database: DatabaseSync): readonly RegistryTable[] {
  const { user_version: format } = database.prepare('PRAGMA user_version').get() as Row;
  if (format === FORMAT) return REGISTRY_TABLES;
  const named = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  return REGISTRY_TABLES.filter((table) => named.some(({ name }) => name === table));
}

const IN_FORCE = `
SELECT newest.species, rules.name || ' v' || rules.version AS label
FROM (SELECT species, max(id) AS id FROM swaps
      WHERE scope <> 'organism' AND status IN ('watched', 'in force') GROUP BY species) AS newest
JOIN swaps ON swaps.id = newest.id LEFT JOIN rules ON rules.id = swaps.rule`;

/** Since drawings are grown, whose species may have gone. */
const IN_FORCE_NOW = `${IN_FORCE}
WHERE newest.species NOT IN (SELECT species FROM drawings WHERE state IN ('withered', 'removed'))`;

const isWhole = ({ file, sha256 }: Row): boolean =>
  file instanceof Uint8Array && createHash('sha256').update(file).digest('hex') === sha256;

/** @throws Error that is not SQLite's */
function sqliteFault(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'ERR_SQLITE_ERROR') throw error;
  return message;
}

/**
 * Opens a registry to read, and leaves no files beside it unless another program has it open. A registry with a
 * write-ahead log that nobody has open is opened as immutable, because SQLite would otherwise create that log.
 */
export function openToRead(path: string): DatabaseSync {
  const url = pathToFileURL(path);
  if (hasWriteAheadLog(path) && !existsSync(`${path}-wal`)) url.search = 'immutable=1';
  return new DatabaseSync(url, { readOnly: true, timeout: BUSY_MS });
}

/** https://sqlite.org/fileformat.html, 1.3: the version that readers need is 2. */
function hasWriteAheadLog(path: string): boolean {
  const head = Buffer.alloc(20);
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  return head[19] === 2;
}

export interface Salvage {
  readonly kept: Readonly<Record<RegistryTable, number>>;
  /** What is lost, for the operator. */
  readonly lost: readonly string[];
}

/**
 * Makes a new registry of the rows that can be read. A rule whose file is not what was entered is left out, and so is a
 * swap of a rule that is.
 *
 * @param to - path of the new file
 */
export function salvageRegistry(from: string, to: string): Salvage {
  const kept = noRows();
  const lost: string[] = [];
  using target = openRegistryFile(to, BUSY_MS);
  target.exec('PRAGMA foreign_keys = OFF; BEGIN');
  for (const table of tablesIn(from)) {
    const { rows, fault } = readableRows(from, table);
    if (fault !== null) lost.push(`${table}: rows that cannot be read (${fault})`);
    for (const row of rows) {
      if (table === 'rules' && !isWhole(row)) {
        lost.push(`rule ${row.name} v${row.version}: its file is damaged`);
        continue;
      }
      if (table === 'swaps' && !isThere(target, row.rule)) {
        lost.push(`swap ${row.id} of ${row.species}: its rule is lost`);
        continue;
      }
      if (table === 'drawings' && row.rule !== null && !isThere(target, row.rule)) {
        lost.push(`drawing ${row.id}, ${row.name}: its rule is lost`);
        continue;
      }
      const columns = Object.keys(row);
      const places = columns.map(() => '?').join(', ');
      try {
        target
          .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`)
          .run(...Object.values(row));
        kept[table]++;
      } catch (error) {
        lost.push(`${table}: a row that is not sound (${sqliteFault(error)})`);
      }
    }
  }
  // A rule must not name a parent that is lost.
  target.exec('UPDATE rules SET parent = NULL WHERE parent NOT IN (SELECT id FROM rules); COMMIT');
  return { kept, lost };
}

const isThere = (database: DatabaseSync, id: SQLOutputValue): boolean =>
  database.prepare('SELECT 1 FROM rules WHERE id = ?').get(id) !== undefined;

/** As `tablesOf`; every table when the schema cannot be read, so that each is named as lost. */
function tablesIn(path: string): readonly RegistryTable[] {
  try {
    using database = openToRead(path);
    return tablesOf(database);
  } catch (error) {
    sqliteFault(error);
    return REGISTRY_TABLES;
  }
}

/** Reads a table's rows from both ends up to the damage. */
function readableRows(path: string, table: RegistryTable): { rows: Row[]; fault: string | null } {
  const rows = new Map<SQLOutputValue, Row>();
  let fault: string | null = null;
  for (const order of ['ASC', 'DESC']) {
    try {
      using database = openToRead(path);
      const all = database.prepare(`SELECT rowid AS place, * FROM ${table} ORDER BY rowid ${order}`);
      for (const { place, ...row } of all.iterate()) rows.set(place, row);
      if (order === 'ASC') break;
    } catch (error) {
      fault = sqliteFault(error);
    }
  }
  const sorted = [...rows].sort(([a], [b]) => Number(a) - Number(b));
  return { rows: sorted.map(([, row]) => row), fault };
}
