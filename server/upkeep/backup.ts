/**
 * A copy of a data directory as it is at one moment, while a server may write it: the newest save with its pages, the
 * journal since, the registry, the sessions. It is a data directory itself.
 *
 * A file that a save removes meanwhile stays readable while it is open: all are opened before one is copied.
 */
import { chmod, type FileHandle, mkdir, open, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DISK, isMissing } from '../files/disk.ts';
import { KEY_FILE } from '../guests/token.ts';
import { REGISTRY_FILE } from '../rules/registryFile.ts';
import { JournalReader } from '../storage/journalReader.ts';
import { packPath, packsOf, SaveError } from '../storage/manifest.ts';
import { look } from '../storage/saved.ts';
import { JournalError, segmentName, segmentsAmong } from '../storage/segment.ts';
import { copyDatabase, copySynced, dateNow, makeFolderWhole, UpkeepError } from './copying.ts';
import { openToRead } from './registrySurvey.ts';
import { SESSIONS_FOLDER } from './sessionsSurvey.ts';
import { type Fault, verify } from './verify.ts';
import { SAVE_FILES } from './worldSurvey.ts';

/** Tries when a server changes the files during a copy: saves are seconds apart, changes of rules more. */
const MAX_TRIES = 20;
const RETRY_MS = 100;
const CHUNK_BYTES = 2 ** 20;
export const TOKEN_FILE = 'admin-token';
/** Says that a folder is a backup, and of what. */
export const BACKUP_FILE = 'backup.json';

export interface BackupOptions {
  readonly folder: string;
  /** A folder that is not there yet; or one that is, in which the backup gets a name with the date. */
  readonly to: string;
  readonly withToken: boolean;
}

export interface Backup {
  readonly path: string;
  readonly notes: readonly string[];
}

/** @throws UpkeepError when there is nothing sound to copy; nothing is left behind then */
export async function makeBackup({ folder, to, withToken }: BackupOptions): Promise<Backup> {
  const target = await nameFor(folder, to);
  let notes: readonly string[] = [];
  await mkdir(dirname(target), { recursive: true });
  await makeFolderWhole(target, async (unfinished) => {
    await copyAll(folder, unfinished);
    // Without the key, no guest is known again, and a mute is shaken off.
    for (const secret of withToken ? [KEY_FILE, TOKEN_FILE] : [KEY_FILE])
      if (await isThere(join(folder, secret))) {
        await copySynced(join(folder, secret), join(unfinished, secret));
        await chmod(join(unfinished, secret), 0o600);
      }
    const made = { format: 1, at: new Date().toISOString(), folder: resolve(folder) };
    await writeFile(join(unfinished, BACKUP_FILE), `${JSON.stringify(made)}\n`, { flush: true });
    const verdict = await verify(unfinished);
    if (verdict.faults.length > 0) throw new UpkeepError(`the copy is not sound: ${shown(verdict.faults)}`);
    notes = verdict.notes.map((note) => note.replaceAll(unfinished, target));
  });
  return { path: target, notes };
}

export const shown = (faults: readonly Fault[]): string =>
  faults.map(({ fact, advice }) => `${fact}. ${advice}`).join('\n');

async function nameFor(folder: string, to: string): Promise<string> {
  const found = await stat(to).catch((error: Error) => (isMissing(error) ? null : Promise.reject(error)));
  if (found === null) return to;
  if (!found.isDirectory()) throw new UpkeepError(`${to} is there, and is not a folder`);
  const target = join(to, `regrow-${dateNow()}`);
  if (resolve(to) === resolve(folder))
    throw new UpkeepError(`${to} is the data directory: a backup in it is lost with it`);
  return target;
}

/** The registry is copied before the journal, and again if it has changed since: it must hold the journal's rules. */
async function copyAll(folder: string, target: string): Promise<void> {
  const registry = join(folder, REGISTRY_FILE);
  for (let tries = 1; ; tries++) {
    if (!(await isThere(registry))) {
      await copyWorld(folder, target);
      break;
    }
    using watch = openToRead(registry);
    const version = (): unknown => watch.prepare('PRAGMA data_version').get()!.data_version;
    const before = version();
    await copyDatabase(registry, join(target, REGISTRY_FILE));
    await copyWorld(folder, target);
    if (version() === before) break;
    if (tries >= MAX_TRIES) throw new UpkeepError(`${registry} changes too often to be copied: try again`);
  }
  await copySessions(folder, target);
}

// --- the world ---

interface Source {
  readonly name: string;
  readonly file: FileHandle;
  /** What is written later is not copied. */
  readonly bytes: number;
}

async function copyWorld(folder: string, target: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    const path = await standing(folder);
    const sources: Source[] = [];
    try {
      const bytes = await DISK.readFile(path);
      const journal = await openAll(path, folder, sources);
      // Another save may have taken its place.
      if ((await DISK.readFile(path)).equals(bytes)) {
        for (const source of sources) await copy(source, target);
        await writeFile(join(target, SAVE_FILES.newest), bytes, { flush: true });
        await cutCopies(target, journal, sources);
        return;
      }
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof SaveError || error instanceof JournalError || tries >= MAX_TRIES)
        throw new UpkeepError(`${message}. \`npm run world -- verify ${folder}\` says what to do`);
      // A save has taken the place of this one, or has removed files that it no longer needs.
      if (!isMissing(error as Error)) throw error;
    } finally {
      for (const { file } of sources) await file.close();
    }
    if (tries >= MAX_TRIES) throw new UpkeepError(`${path} changes too often to be copied: try again`);
    await sleep(RETRY_MS);
  }
}

/**
 * The save to copy. A new one takes its place in two steps; between them, and after a kill there, only the one before is
 * there, and the journal leads on from it.
 */
async function standing(folder: string): Promise<string> {
  const [newest, previous] = [join(folder, SAVE_FILES.newest), join(folder, SAVE_FILES.previous)];
  return !(await isThere(newest)) && (await isThere(previous)) ? previous : newest;
}

/**
 * Opens the pages that a save names, and the journal behind it.
 *
 * @param sources - gets what was opened
 * @returns the number of the journal's first segment
 * @throws SaveError when it is unsound
 */
async function openAll(path: string, folder: string, sources: Source[]): Promise<number> {
  const add = async (name: string): Promise<void> => {
    const file = await open(join(folder, name), 'r');
    sources.push({ name, file, bytes: (await file.stat()).size });
  };
  const save = await look(path, DISK);
  if (save instanceof SaveError) throw save;
  const manifest = save === 'old' || save === null ? null : save;
  for (const pack of packsOf(manifest === null ? [] : [manifest])) await add(basename(packPath('', pack)));
  const journal = manifest?.journal ?? 1;
  for (const seq of segmentsAmong(await DISK.list(folder))) if (seq >= journal) await add(segmentName(seq));
  return journal;
}

async function copy({ name, file, bytes }: Source, target: string): Promise<void> {
  const to = await open(join(target, name), 'w');
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let at = 0; at < bytes; ) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, bytes - at), at);
      if (bytesRead === 0) throw new UpkeepError(`${name} has become shorter`);
      await to.writeFile(chunk.subarray(0, bytesRead));
      at += bytesRead;
    }
    await to.sync();
  } finally {
    await to.close();
  }
}

/** Cuts off an entry that was being written, and removes files of earlier tries, which may be too new or too old. */
async function cutCopies(target: string, journal: number, sources: readonly Source[]): Promise<void> {
  const wanted = new Set<string>([REGISTRY_FILE, SAVE_FILES.newest, ...sources.map(({ name }) => name)]);
  for (const name of await DISK.list(target)) if (!wanted.has(name)) await DISK.remove(join(target, name));
  const reader = new JournalReader(target, journal);
  for await (const _ of reader.entries());
  // Segments after a gap are not kept: no save in the backup closes the gap.
  await reader.cutTail();
  for (const name of await DISK.list(target))
    if (name.includes('.after-gap-')) await DISK.remove(join(target, name));
}

// --- sessions ---

async function copySessions(folder: string, target: string): Promise<void> {
  const sessions = join(folder, SESSIONS_FOLDER);
  const names = await DISK.list(sessions).catch((error: Error) =>
    isMissing(error) ? [] : Promise.reject(error),
  );
  const copies = join(target, SESSIONS_FOLDER);
  await mkdir(copies, { recursive: true });
  for (const name of names)
    if (/\.jsonl?$/.test(name))
      await copySynced(join(sessions, name), join(copies, name)).catch((error: Error) => {
        // The session has ended, or its record has been removed, since the folder was listed.
        if (!isMissing(error)) throw error;
      });
  await DISK.syncFolder(copies);
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: Error) => (isMissing(error) ? false : Promise.reject(error)),
  );
