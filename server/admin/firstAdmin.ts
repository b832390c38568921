/**
 * What a start does about admins: the first one makes an owner; a token file that earlier versions kept in the data
 * directory becomes an admin's hash, and is removed.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Registry, SERVER } from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { type AdminRow, AdminTable, hashToken, makeToken } from './adminTable.ts';

/** Name of the owner whom a start makes. */
const FIRST_ADMIN = 'admin';
const OLD_TOKEN_FILE = 'admin-token';
const MIN_OLD_TOKEN = 16;
/** At the start no frame is due, so another program that writes is waited for. */
const BUSY_MS = 5_000;

export interface FirstAdminOptions {
  readonly dataDir: string;
  /** Whether the settings have a token: then nobody needs another owner. */
  readonly hasTokenOfSettings: boolean;
  /** Whether somebody reads what is printed, and nothing keeps it: a terminal. */
  readonly isSeen: boolean;
  /** Path of the admins' page. */
  readonly page: string;
  /** The flags by which a command finds the registry; default: those of the data directory. */
  readonly where?: string;
}

export interface FirstAdmin {
  /** For the operator. */
  readonly notes: readonly string[];
  /** A line with a new token, for a terminal only; null: none was made. */
  readonly secret: string | null;
  /** An admin whom the registry could not take yet. */
  readonly carried: readonly AdminRow[];
}

/** A registry that cannot be written stops no start: the next one makes up for it. */
export function prepareAdmins(options: FirstAdminOptions): FirstAdmin {
  const { where = `--data-dir ${options.dataDir}` } = options;
  const notes: string[] = [];
  const carried: AdminRow[] = [];
  let secret: string | null = null;
  let registry: Registry | undefined;
  const path = join(options.dataDir, OLD_TOKEN_FILE);
  const old = existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
  try {
    registry = new Registry(options.dataDir, BUSY_MS);
    const table = new AdminTable(registry);
    if (old !== null) notes.push(takeOver(table, path, old));
    if (table.all().length === 0 && !options.hasTokenOfSettings) {
      const token = makeToken();
      table.add(FIRST_ADMIN, 'owner', hashToken(token), SERVER);
      if (options.isSeen)
        secret = `admin token: ${token} (made now for the owner ${FIRST_ADMIN}, shown only once; the page is ${options.page})`;
      else
        notes.push(
          `the owner ${FIRST_ADMIN} was made for ${options.page}, but the token could not be shown safely: \`npm run admin -- rotate ${FIRST_ADMIN} ${where}\` prints a new one`,
        );
    }
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    notes.push(`admins: ${error.message}`);
    if (old !== null && old.length >= MIN_OLD_TOKEN) carried.push(ownerOf(old));
  } finally {
    registry?.close();
  }
  return { notes, secret, carried };
}

const ownerOf = (token: string): AdminRow => ({
  name: FIRST_ADMIN,
  role: 'owner',
  hash: hashToken(token),
  created: '',
  used: '',
});

/** @returns what became of the file, for the operator */
function takeOver(table: AdminTable, path: string, token: string): string {
  if (token.length < MIN_OLD_TOKEN)
    return `${path} does not hold a token of at least ${MIN_OLD_TOKEN} characters, and is not used: remove it`;
  const all = table.all();
  const { hash } = ownerOf(token);
  const isKnown = all.some((admin) => admin.hash === hash);
  if (!isKnown && all.some(({ name }) => name.toLowerCase() === FIRST_ADMIN))
    return `${path} is not used: the admin ${FIRST_ADMIN} has a newer token. Remove the file`;
  if (!isKnown) table.add(FIRST_ADMIN, 'owner', hash, SERVER);
  try {
    rmSync(path);
    return `the owner ${FIRST_ADMIN} now has the token that was in ${path}; the registry keeps its hash, and the file was removed`;
  } catch (error) {
    return `the owner ${FIRST_ADMIN} now has the token in ${path}; the file is no longer used, but cannot be removed: ${(error as Error).message}`;
  }
}
