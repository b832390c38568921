/**
 * Where a command finds the registry of a world: in a data directory, or, with `--store`, in a copy of it that lasts as
 * long as the command. To change it, the command owns the world meanwhile, so no server may run.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataDirOf, storeOf } from '../config.ts';
import { text } from '../flags.ts';
import { REGISTRY_FILE } from '../rules/registryFile.ts';

// biome-ignore format: one flag, one line
export const WORLD_FLAGS = {
  'data-dir': text('DIR', 'the data directory of the world', 'REGROW_DATA_DIR, else data'),
  store: text('URL', 'the world is in a store, not in a data directory: postgres://…', 'REGROW_STORE, unless --data-dir is given'),
  blobs: text('PLACE', 'of --store: where the pages are', 'REGROW_BLOBS'),
  world: text('NAME', 'of --store: which world', 'REGROW_WORLD, else world'),
} as const;

/** They may be given wherever `--data-dir` may. */
export const WORLD_FLAG_NAMES = ['data-dir', 'store', 'blobs', 'world'] as const;

export interface WorldFlags {
  readonly 'data-dir'?: string;
  readonly store?: string;
  readonly blobs?: string;
  readonly world?: string;
}

/**
 * Gives the work the world's data directory, or a copy from the store, in place of what the flags say.
 *
 * @param how - 'changes' needs that no server owns the world of a store, and is in the store when it resolves
 * @throws StoreError, ConfigError, and what the work throws
 */
export async function inWorld<F extends WorldFlags>(
  flags: F,
  how: 'reads' | 'changes',
  work: (flags: F) => unknown,
): Promise<void> {
  const config = storeOf(flags);
  if (config === null) {
    await work({ ...flags, 'data-dir': dataDirOf(flags['data-dir']) });
    return;
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'regrow-command-'));
  const stored = await import('../store/commandCopy.ts');
  try {
    const copy = how === 'reads' ? stored.copyToRead : stored.copyToChange;
    const release = await copy(config, dataDir);
    try {
      if (!existsSync(join(dataDir, REGISTRY_FILE)))
        throw new stored.StoreError(`the store has no world ${config.world}`);
      await work({ ...flags, 'data-dir': dataDir });
    } finally {
      await release();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Known by their names: who needs no store does not load it. */
const OF_THE_STORE = ['StoreError', 'FencedError', 'JournalError', 'ConfigError'];
export const isOfTheStore = (error: unknown): error is Error =>
  error instanceof Error && OF_THE_STORE.includes(error.name);
