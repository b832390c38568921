/**
 * Copies of a world's files, from a data directory or a store, while an owner may write them. An owner replaces a save in
 * two steps and removes what its two newest saves do not need: a copy that has missed something is begun anew.
 */
import { open, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DISK, type Disk, type DiskFile, isMissing } from '../files/disk.ts';
import { JournalReader } from '../storage/journalReader.ts';
import { packNumber, packPath, packsOf, SaveError } from '../storage/manifest.ts';
import { look } from '../storage/saved.ts';
import { JournalError, segmentName, segmentsAmong } from '../storage/segment.ts';
import { UpkeepError } from './copying.ts';
import { isWorldFile, SAVE_FILES } from './worldSurvey.ts';

/** Tries when an owner changes the files during a copy: saves are seconds apart. */
export const MAX_TRIES = 20;
const RETRY_MS = 100;
const CHUNK_BYTES = 2 ** 20;

/** Where a world's files are. */
export interface WorldPlace {
  readonly disk: Disk;
  readonly folder: string;
}

interface Source {
  readonly name: string;
  readonly file: DiskFile;
  /** What is written later is not copied. */
  readonly bytes: number;
}

/** A file is gone, or is shorter than it was: an owner has removed it, or it is damaged. */
class MissedError extends Error {
  override name = 'MissedError';
}

/**
 * Copies the newest save, its pages, and the journal since. All files are opened before one is copied: in a data
 * directory, what is open stays readable.
 *
 * @param target - a folder; what is in it and not of the copy, or in `kept`, is removed
 * @param advice - what the operator can do about a save that is not sound
 * @throws UpkeepError
 */
export async function copyWorld(
  place: WorldPlace,
  target: string,
  kept: readonly string[],
  advice: string,
): Promise<void> {
  const { disk } = place;
  for (let tries = 1; ; tries++) {
    const path = await standing(place);
    const sources: Source[] = [];
    let before: Buffer | null = null;
    try {
      before = await disk.readFile(path);
      const journal = await openAll(path, place, sources);
      // Another save may have taken its place.
      if ((await disk.readFile(path)).equals(before)) {
        for (const source of sources) await copy(source, target);
        await writeFile(join(target, SAVE_FILES.newest), before, { flush: true });
        await cutCopies(target, journal, [...kept, ...sources.map(({ name }) => name)]);
        return;
      }
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof SaveError || error instanceof JournalError || tries >= MAX_TRIES)
        throw new UpkeepError(`${message}. ${advice}`);
      // A save has taken the place of this one, or has removed files that it no longer needs.
      if (!isMissed(error)) throw error;
    } finally {
      for (const { file } of sources) await file.close();
    }
    if (tries >= MAX_TRIES) throw new UpkeepError(`${path} changes too often to be copied: try again`);
    await sleep(RETRY_MS);
  }
}

const isMissed = (error: unknown): boolean => error instanceof MissedError || isMissing(error as Error);

/**
 * The save to copy. A new one takes its place in two steps; between them, and after a kill there, only the one before is
 * there, and the journal leads on from it.
 */
async function standing({ disk, folder }: WorldPlace): Promise<string> {
  const names = await disk.list(folder);
  const isBetween = !names.includes(SAVE_FILES.newest) && names.includes(SAVE_FILES.previous);
  return join(folder, isBetween ? SAVE_FILES.previous : SAVE_FILES.newest);
}

/**
 * Opens the pages that a save names, and the journal behind it.
 *
 * @param sources - gets what was opened
 * @returns the number of the journal's first segment
 * @throws SaveError when it is unsound
 */
async function openAll(path: string, { disk, folder }: WorldPlace, sources: Source[]): Promise<number> {
  const add = async (name: string): Promise<void> => {
    sources.push(await sourceOf(disk, folder, name));
  };
  const save = await look(path, disk);
  if (save instanceof SaveError) throw save;
  const manifest = save === 'old' || save === null ? null : save;
  for (const pack of packsOf(manifest === null ? [] : [manifest])) await add(basename(packPath('', pack)));
  const journal = manifest?.journal ?? 1;
  for (const seq of segmentsAmong(await disk.list(folder))) if (seq >= journal) await add(segmentName(seq));
  return journal;
}

async function sourceOf(disk: Disk, folder: string, name: string): Promise<Source> {
  const file = await disk.open(join(folder, name), 'read');
  return { name, file, bytes: await file.size() };
}

async function copy({ name, file, bytes }: Source, target: string): Promise<void> {
  const to = await open(join(target, name), 'w');
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let at = 0; at < bytes; ) {
      const read = await file.read(chunk.subarray(0, Math.min(chunk.length, bytes - at)), at);
      if (read === 0) throw new MissedError(`${name} has become shorter`);
      await to.writeFile(chunk.subarray(0, read));
      at += read;
    }
    await to.sync();
  } finally {
    await to.close();
  }
}

/** Cuts off an entry that was being written, and removes files of earlier tries, which may be too new or too old. */
async function cutCopies(target: string, journal: number, names: readonly string[]): Promise<void> {
  const wanted = new Set<string>([SAVE_FILES.newest, ...names]);
  for (const name of await DISK.list(target)) if (!wanted.has(name)) await DISK.remove(join(target, name));
  const reader = new JournalReader(target, journal);
  for await (const _ of reader.entries());
  // Segments after a gap are not kept: no save in the backup closes the gap.
  await reader.cutTail();
  for (const name of await DISK.list(target))
    if (name.includes('.after-gap-')) await DISK.remove(join(target, name));
}

/**
 * Copies every file of a world, sound or not, for a survey.
 *
 * @param target - a folder without files of a world
 * @param isDeep - also what is in packs; else files of their sizes stand for them
 * @returns what could not be read
 * @throws UpkeepError when the files change too often
 */
export async function mirrorWorld(place: WorldPlace, target: string, isDeep: boolean): Promise<string[]> {
  const { disk, folder } = place;
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const before = await identityOf(place);
    for (const name of await DISK.list(target)) if (isWorldFile(name)) await DISK.remove(join(target, name));
    const unread: string[] = [];
    const packs = await packsNamed(place);
    for (const name of (await disk.list(folder)).filter(isWorldFile)) {
      // It is of a save that is being written: its bytes may not be there yet.
      if (packNumber(name) !== null && !packs.has(name)) continue;
      try {
        if (packNumber(name) !== null && !isDeep) {
          await writeFile(join(target, name), '');
          await truncate(join(target, name), await disk.size(join(folder, name)));
        } else {
          const source = await sourceOf(disk, folder, name);
          await copy(source, target).finally(() => source.file.close());
        }
      } catch (error) {
        if (!isMissed(error)) throw error;
        unread.push(`${name}: ${(error as Error).message}`);
      }
    }
    if ((await identityOf(place)) === before) return unread;
    await sleep(RETRY_MS);
  }
  throw new UpkeepError('the world changes too often to be read: try again');
}

/** Names of the packs that the saves need, as far as they can be read. */
async function packsNamed({ disk, folder }: WorldPlace): Promise<Set<string>> {
  const saves = await Promise.all(Object.values(SAVE_FILES).map((name) => look(join(folder, name), disk)));
  const manifests = saves.flatMap((save) =>
    save === null || save === 'old' || save instanceof SaveError ? [] : [save],
  );
  return new Set([...packsOf(manifests)].map((pack) => basename(packPath('', pack))));
}

/** Changes with every save. */
async function identityOf({ disk, folder }: WorldPlace): Promise<string> {
  const names = await disk.list(folder);
  const saves = Object.values(SAVE_FILES).filter((name) => names.includes(name));
  const bytes = await Promise.all(
    saves.map((name) =>
      disk.readFile(join(folder, name)).catch((error: Error) => {
        if (!isMissing(error)) throw error;
        return Buffer.alloc(0);
      }),
    ),
  );
  return [...bytes.map((one) => one.toString('base64')), ...segmentsAmong(names)].join(' ');
}
