/**
 * A world in a store, for commands: as a data directory of this machine that lasts as long as its survey, as the source
 * of a backup, and as the target of a restore. Loaded only with `--store`.
 */
import { chmod, cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMissing } from '../files/disk.ts';
import { KEY_FILE } from '../guests/token.ts';
import { REGISTRY_FILE } from '../rules/registryFile.ts';
import { BACKED_UP } from '../storage/beside.ts';
import { JournalError } from '../storage/segment.ts';
import { FolderCopies } from '../store/folderCopies.ts';
import { ownerOf } from '../store/lease.ts';
import {
  KEY_PATH,
  Ownership,
  type ReadStore,
  readStore,
  setWorldAside,
  WORLD_FOLDER,
} from '../store/ownership.ts';
import { StoreError } from '../store/postgres.ts';
import { RegistryCopy } from '../store/registryCopy.ts';
import type { StoreConfig } from '../store/settings.ts';
import type { BackupSource } from './backup.ts';
import { UpkeepError } from './copying.ts';
import { type Overview, overview } from './overview.ts';
import { soundBackup } from './restore.ts';
import { type Verdict, verify } from './verify.ts';
import { copyWorld, MAX_TRIES, mirrorWorld } from './worldCopy.ts';
import { isWorldFile } from './worldSurvey.ts';

const RETRY_MS = 100;
const silent = (): void => {};

/** A store's URL without what is secret. */
export function placeOf({ store, world }: StoreConfig): string {
  const { host, pathname } = new URL(store);
  return `the world ${world} of postgres://${host}${pathname}`;
}

/** @throws StoreError, UpkeepError */
export function storedOverview(config: StoreConfig): Promise<Overview> {
  return withCopy(config, false, async (folder, { database }) => {
    const found = await overview(folder);
    const owner = await ownerOf(database, config.world);
    return {
      ...found,
      folder: placeOf(config),
      holder: owner === null ? null : { owner },
      // The copies were written just now.
      saves: found.saves.map((save) => ({ ...save, writtenAt: null })),
    };
  });
}

/** @throws StoreError, UpkeepError */
export function verifyStored(config: StoreConfig, weightsDir?: string): Promise<Verdict> {
  return withCopy(config, true, async (folder, _, unread) => {
    const named = (text: string): string => text.replaceAll(folder, config.world);
    const { faults, notes } = await verify(folder, weightsDir);
    const restore = `\`npm run world -- restore BACKUP --replace\` brings a backup back; ${RECOVER_REFUSAL}`;
    return {
      notes: notes.map(named),
      faults: [
        ...unread.map((fact) => ({ fact: `the store cannot read ${fact}`, advice: restore })),
        ...faults.map(({ fact, advice }) => ({
          fact: named(fact),
          advice: advice.includes('world -- recover') ? restore : named(advice),
        })),
      ],
    };
  });
}

/** Why `recover` does not work on a store. */
export const RECOVER_REFUSAL =
  'recover works on data directories only, for a store has no files to set aside one by one';

/** Gives the work a copy of the world on this machine. @param unread - what the store could not read */
async function withCopy<T>(
  config: StoreConfig,
  isDeep: boolean,
  work: (folder: string, store: ReadStore, unread: readonly string[]) => Promise<T>,
): Promise<T> {
  const store = await readStore(config);
  const folder = await mkdtemp(join(tmpdir(), 'regrow-command-'));
  try {
    const { world: unread, lost } = await bringWhole(store, folder, () =>
      mirrorWorld({ disk: store.disk, folder: WORLD_FOLDER }, folder, isDeep),
    );
    return await work(folder, store, [...unread, ...lost]);
  } finally {
    store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export function storedSource(config: StoreConfig): BackupSource {
  const { world, store } = config;
  const { host, pathname } = new URL(store);
  return {
    from: { world, store: `postgres://${host}${pathname}` },
    async copyTo(folder) {
      const from = await readStore(config);
      try {
        const place = { disk: from.disk, folder: WORLD_FOLDER };
        const advice = '`npm run world -- verify` says what to do';
        const { lost } = await bringWhole(from, folder, () =>
          copyWorld(place, folder, [REGISTRY_FILE], advice),
        );
        return lost.map((one) => `left out, for the store cannot read it: ${one}`);
      } finally {
        from.close();
      }
    },
  };
}

/**
 * Brings registry, world, key and records. The registry comes first, and again if it has changed since: it must hold the
 * journal's rules, and no more swaps than it.
 *
 * @returns `lost`: records that the store cannot read
 */
async function bringWhole<T>(
  { disk }: ReadStore,
  folder: string,
  bringWorld: () => Promise<T>,
): Promise<{ readonly world: T; readonly lost: readonly string[] }> {
  const registry = new RegistryCopy(disk, folder, silent);
  let world: T;
  for (let tries = 1; ; tries++) {
    const before = await registryMark(disk);
    try {
      await registry.restore();
      world = await bringWorld();
      if ((await registryMark(disk)) === before) break;
    } catch (error) {
      // An owner that makes a new copy of its registry removes what is being read.
      if (!(error instanceof JournalError) && !isMissing(error)) throw error;
      if (tries >= MAX_TRIES) throw error;
    }
    if (tries >= MAX_TRIES) throw new UpkeepError('the registry changes too often to be copied: try again');
    await sleep(RETRY_MS);
  }
  const key = await disk.readFile(KEY_PATH).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    return null;
  });
  if (key !== null) {
    await writeFile(join(folder, KEY_FILE), key, { mode: 0o600, flush: true });
    await chmod(join(folder, KEY_FILE), 0o600);
  }
  await rm(join(folder, `${REGISTRY_FILE}.replaced`), { force: true });
  const lost: string[] = [];
  for (const one of BACKED_UP) lost.push(...(await new FolderCopies(disk, folder, silent).bringOnly(one)));
  return { world, lost };
}

/** Changes with every change of the registry. */
async function registryMark(disk: ReadStore['disk']): Promise<string> {
  const sizes: string[] = [];
  for (const name of await disk.list('registry'))
    sizes.push(`${name} ${await disk.size(`registry/${name}`).catch(() => 'gone')}`);
  return sizes.join();
}

/**
 * Makes a world in the store of a backup, while no server owns it.
 *
 * @param replaces - gives the world that is there another name; otherwise there must be none
 * @returns the name of the world that was there; null: there was none
 * @throws UpkeepError, StoreError
 */
export async function restoreToStore(
  backup: string,
  config: StoreConfig,
  replaces: boolean,
): Promise<{ readonly notes: readonly string[]; readonly aside: string | null }> {
  const { notes, names } = await soundBackup(backup);
  const folder = await mkdtemp(join(tmpdir(), 'regrow-command-'));
  let aside: string | null = null;
  try {
    // The world's files are only read; the others may be changed on their way.
    for (const name of names)
      if (isWorldFile(name)) await symlink(join(resolve(backup), name), join(folder, name));
      else await cp(join(backup, name), join(folder, name), { recursive: true });
    const ownership = await Ownership.take(
      { ...config, spare: false },
      {
        dataDir: folder,
        framesPerSecond: 1,
        log: silent,
        onLost(reason) {
          console.error(`${reason}: the backup is not restored`);
          process.exit(1);
        },
        async before(database, term) {
          const { count } = await database.ask(
            'select from regrow.file where world = $1 limit 1',
            config.world,
          );
          if (count > 0 && !replaces)
            throw new UpkeepError(
              `${placeOf(config)} is there already. With --replace, it gets another name in the store`,
            );
          aside = await setWorldAside(database, config.world, term);
        },
      },
    ).catch((error: Error) => {
      if (!(error instanceof StoreError) || !error.message.includes('is owned by')) throw error;
      const [owned] = error.message.split('. ');
      throw new UpkeepError(`${owned}: stop that server first`);
    });
    await ownership.follow();
    await ownership.release();
    return { notes, aside };
  } catch (error) {
    if (aside !== null) console.error(`the world that was there is now ${String(aside)} in the store`);
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
