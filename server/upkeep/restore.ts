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

/** @throws UpkeepError, FolderInUseError; nothing has changed then */
export async function restoreBackup({ backup, folder, replaces }: RestoreOptions): Promise<Restored> {
  const names = await DISK.list(backup).catch((error: Error) => {
    if (!isMissing(error)) throw error;
    throw new UpkeepError(`there is no backup ${backup}`);
  });
  const verdict = await verify(backup);
  if (verdict.faults.length > 0) throw new UpkeepError(`the backup is not sound: ${shown(verdict.faults)}`);
  const lock = lockFolder(folder, 'a restore');
  const arriving = join(folder, `restore.${crypto.randomUUID()}.tmp`);
  try {
    const old = (await DISK.list(folder)).filter((name) => !LOCKS.includes(name) && !name.startsWith(ASIDE));
    if (old.length > 0 && !replaces)
      throw new UpkeepError(
        `${folder} is not empty. With --replace, what it holds is set aside in a folder of its own within it`,
      );
    await mkdir(arriving);
    const wanted = names.filter((name) => name !== BACKUP_FILE && !LOCKS.includes(name));
    for (const name of wanted) await cp(join(backup, name), join(arriving, name), { recursive: true });
    await syncTree(arriving);
    const aside = await setAside(folder, inTurn(old));
    // A start between two of these renames finds no save, but pages, and is refused.
    for (const name of inTurn(wanted).toReversed()) await rename(join(arriving, name), join(folder, name));
    await DISK.syncFolder(folder);
    return { notes: verdict.notes, aside };
  } finally {
    await rm(arriving, { recursive: true, force: true });
    lock.release();
  }
}

/** Saves first: the other files are not a world without them. */
function inTurn(names: readonly string[]): string[] {
  return [...names.filter(isSave), ...names.filter((name) => !isSave(name))];
}
