/**
 * A copy of a world as it is at one moment, while a server may write it: the newest save with its pages, the journal
 * since, the registry, the sessions, the films of drawings and the wounds that are learned from. It is a data directory
 * itself.
 *
 * In a data directory, a file that a save removes meanwhile stays readable while it is open: all are opened before one is
 * copied.
 */
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DISK, isMissing } from '../files/disk.ts';
import { KEY_FILE } from '../guests/token.ts';
import { REGISTRY_FILE } from '../rules/registryFile.ts';
import { BACKED_UP, UNFINISHED } from '../storage/beside.ts';
import { copyDatabase, copySynced, dateNow, makeFolderWhole, UpkeepError } from './copying.ts';
import { openToRead } from './registrySurvey.ts';
import { type Fault, verify } from './verify.ts';
import { copyWorld, MAX_TRIES } from './worldCopy.ts';

const TOKEN_FILE = 'admin-token';
/** Says that a folder is a backup, and of what. */
export const BACKUP_FILE = 'backup.json';

/** What is to be copied. */
export interface BackupSource {
  /** Where it is, for `BACKUP_FILE`. */
  readonly from: Readonly<Record<string, string>>;
  /** Copies all of it into an empty folder. @returns what the operator should know of the copy */
  copyTo(folder: string): Promise<readonly string[]>;
}

export interface BackupOptions {
  readonly source: BackupSource;
  /** A folder that is not there yet; or one that is, in which the backup gets a name with the date. */
  readonly to: string;
}

export interface Backup {
  readonly path: string;
  readonly notes: readonly string[];
}

/** @throws UpkeepError when there is nothing sound to copy; nothing is left behind then */
export async function makeBackup({ source, to }: BackupOptions): Promise<Backup> {
  if (resolve(to) === source.from.folder)
    throw new UpkeepError(`${to} is the data directory: a backup in it is lost with it`);
  const target = await nameFor(to);
  let notes: readonly string[] = [];
  await mkdir(dirname(target), { recursive: true });
  await makeFolderWhole(target, async (unfinished) => {
    const remarks = await source.copyTo(unfinished);
    const made = { format: 1, at: new Date().toISOString(), ...source.from };
    await writeFile(join(unfinished, BACKUP_FILE), `${JSON.stringify(made)}\n`, { flush: true });
    const verdict = await verify(unfinished);
    if (verdict.faults.length > 0) throw new UpkeepError(`the copy is not sound: ${shown(verdict.faults)}`);
    notes = [...remarks, ...verdict.notes.map((note) => note.replaceAll(unfinished, target))];
  });
  return { path: target, notes };
}

/** A data directory. @param withToken - copies the admin's token of an earlier version, too */
export const folderSource = (folder: string, withToken: boolean): BackupSource => ({
  from: { folder: resolve(folder) },
  async copyTo(target) {
    await copyAll(folder, target);
    // Without the key, no guest is known again, and a mute is shaken off.
    for (const secret of withToken ? [KEY_FILE, TOKEN_FILE] : [KEY_FILE])
      if (await isThere(join(folder, secret))) {
        await copySynced(join(folder, secret), join(target, secret));
        await chmod(join(target, secret), 0o600);
      }
    return [];
  },
});

export const shown = (faults: readonly Fault[]): string =>
  faults.map(({ fact, advice }) => `${fact}. ${advice}`).join('\n');

async function nameFor(to: string): Promise<string> {
  const found = await stat(to).catch((error: Error) => (isMissing(error) ? null : Promise.reject(error)));
  if (found === null) return to;
  if (!found.isDirectory()) throw new UpkeepError(`${to} is there, and is not a folder`);
  return join(to, `regrow-${dateNow()}`);
}

/** The registry is copied before the journal, and again if it has changed since: it must hold the journal's rules. */
async function copyAll(folder: string, target: string): Promise<void> {
  const registry = join(folder, REGISTRY_FILE);
  const place = { disk: DISK, folder };
  const advice = `\`npm run world -- verify ${folder}\` says what to do`;
  for (let tries = 1; ; tries++) {
    if (!(await isThere(registry))) {
      await copyWorld(place, target, [REGISTRY_FILE], advice);
      break;
    }
    using watch = openToRead(registry);
    const version = (): unknown => watch.prepare('PRAGMA data_version').get()!.data_version;
    const before = version();
    await copyDatabase(registry, join(target, REGISTRY_FILE));
    await copyWorld(place, target, [REGISTRY_FILE], advice);
    if (version() === before) break;
    if (tries >= MAX_TRIES) throw new UpkeepError(`${registry} changes too often to be copied: try again`);
  }
  for (const one of BACKED_UP) await copyIfThere(join(folder, one), join(target, one));
}

/** Copies a file, or a folder with all that is in it. A session that ends and a species that is removed take theirs away. */
async function copyIfThere(from: string, to: string): Promise<void> {
  const found = await stat(from).catch((error: Error) => (isMissing(error) ? null : Promise.reject(error)));
  if (found?.isDirectory()) {
    await mkdir(to, { recursive: true });
    for (const name of await DISK.list(from))
      if (!UNFINISHED.test(name)) await copyIfThere(join(from, name), join(to, name));
    await DISK.syncFolder(to);
  } else if (found?.isFile()) {
    await mkdir(dirname(to), { recursive: true });
    await copySynced(from, to).catch((error: Error) => {
      if (!isMissing(error)) throw error;
    });
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: Error) => (isMissing(error) ? false : Promise.reject(error)),
  );
