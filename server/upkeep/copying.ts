/** Copies that are on disk when they are done, and a folder for files that are replaced. */
import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { backup } from 'node:sqlite';
import { DISK } from '../files/disk.ts';
import { openToRead } from './registrySurvey.ts';

/** A command on a data directory is refused, or has failed; the message is for the operator. */
export class UpkeepError extends Error {
  override name = 'UpkeepError';
}

/** Begins the names of folders that hold replaced files. */
export const ASIDE = 'aside-';

/** "2026-01-01T12-00-00.000Z", for names of files. */
export const dateNow = (): string => new Date().toISOString().replaceAll(':', '-');

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Brings everything in a folder to the disk. */
export async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    await (entry.isDirectory() ? DISK.syncFolder(path) : syncFile(path));
  }
  await DISK.syncFolder(folder);
}

export async function copySynced(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await syncFile(to);
}

/** The database as it is at one moment, while other programs may write it. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  using source = openToRead(from);
  await backup(source, to);
  await syncFile(to);
}

/**
 * Moves files into a folder of their own within the data directory. Nothing reads them there.
 *
 * @returns the folder; null: none of them is there
 */
export async function setAside(folder: string, names: readonly string[]): Promise<string | null> {
  const there = new Set(await DISK.list(folder));
  const moved = names.filter((name) => there.has(name));
  if (moved.length === 0) return null;
  const aside = await makeAside(folder);
  for (const name of moved) await rename(join(folder, name), join(aside, name));
  await DISK.syncFolder(aside);
  await DISK.syncFolder(folder);
  return aside;
}

export async function makeAside(folder: string): Promise<string> {
  const aside = join(folder, `${ASIDE}${dateNow()}`);
  await mkdir(aside, { recursive: true });
  return aside;
}

/** Lets `work` fill a new folder, which gets its name, not in use yet, when everything in it is on disk. */
export async function makeFolderWhole(
  target: string,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const unfinished = `${target}.${crypto.randomUUID()}.tmp`;
  await mkdir(unfinished, { recursive: true });
  try {
    await work(unfinished);
    await DISK.syncFolder(unfinished);
    await rename(unfinished, target);
    await DISK.syncFolder(join(target, '..'));
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}
