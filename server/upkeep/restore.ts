/** Makes a data directory of a backup. What was there before is set aside, never deleted. */
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DISK, isMissing } from '../files/disk.ts';
import { LOCK_FILES, lockFolder } from '../storage/lock.ts';
import { BACKUP_FILE, shown } from './backup.ts';
import { ASIDE, setAside, syncTree, UpkeepError } from './copying.ts';
import { verify } from './verify.ts';
import { isSave } from './worldSurvey.ts';

const LOCKS: readonly string[] = Object.values(LOCK_FILES);

export interface RestoreOptions {
  readonly backup: string;
  readonly folder: string;
  /** Sets aside what the folder holds; otherwise it must be empty or missing. */
  readonly replaces: boolean;
}

export interface Restored {
  readonly notes: readonly string[];
  /** Where the old files are; null: there were none. */
  readonly aside: string | null;
}

/**
 * @returns the names of a backup's files and folders, without what only says that it is one
 * @throws UpkeepError when it is not there, or not sound
 */
export async function soundBackup(
  backup: string,
): Promise<{ readonly names: readonly string[]; readonly notes: readonly string[] }> {
  const names = await DISK.list(backup).catch((error: Error) => {
    if (!isMissing(error)) throw error;
    throw new UpkeepError(`there is no backup ${backup}`);
  });
  const { faults, notes } = await verify(backup);
  if (faults.length > 0) throw new UpkeepError(`the backup is not sound: ${shown(faults)}`);
  return { names: names.filter((name) => name !== BACKUP_FILE && !LOCKS.includes(name)), notes };
}

/** @throws UpkeepError, FolderInUseError; nothing has changed then */
export async function restoreBackup({ backup, folder, replaces }: RestoreOptions): Promise<Restored> {
  const { names: wanted, notes } = await soundBackup(backup);
  const lock = lockFolder(folder, 'a restore');
  const arriving = join(folder, `restore.${crypto.randomUUID()}.tmp`);
  try {
    const old = (await DISK.list(folder)).filter((name) => !LOCKS.includes(name) && !name.startsWith(ASIDE));
    if (old.length > 0 && !replaces)
      throw new UpkeepError(
        `${folder} is not empty. With --replace, what it holds is set aside in a folder of its own within it`,
      );
    await mkdir(arriving);
    for (const name of wanted) await cp(join(backup, name), join(arriving, name), { recursive: true });
    await syncTree(arriving);
    const aside = await setAside(folder, inTurn(old));
    // A start between two of these renames finds no save, but pages, and is refused.
    for (const name of inTurn(wanted).toReversed()) await rename(join(arriving, name), join(folder, name));
    await DISK.syncFolder(folder);
    return { notes, aside };
  } finally {
    await rm(arriving, { recursive: true, force: true });
    lock.release();
  }
}

/** Saves first: the other files are not a world without them. */
function inTurn(names: readonly string[]): string[] {
  return [...names.filter(isSave), ...names.filter((name) => !isSave(name))];
}
