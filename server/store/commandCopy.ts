/** A world's registry on this machine for a command, while no server owns the world, or beside one that does. */
import { setTimeout as sleep } from 'node:timers/promises';
import { JournalError } from '../storage/segment.ts';
import { Ownership, readStore } from './ownership.ts';
import { StoreError } from './postgres.ts';
import { RegistryCopy } from './registryCopy.ts';
import type { StoreConfig } from './settings.ts';

export { StoreError } from './postgres.ts';

/** An owner that makes a new copy of its registry removes what is being read: tries, and the time between. */
const MAX_TRIES = 5;
const RETRY_MS = 200;

type Release = () => Promise<void>;
const silent = (): void => {};

/** The registry as it is at a moment. @throws StoreError, JournalError */
export async function copyToRead(config: StoreConfig, dataDir: string): Promise<Release> {
  const { disk, close } = await readStore(config);
  try {
    for (let tries = 1; ; tries++) {
      try {
        await new RegistryCopy(disk, dataDir, silent).restore();
        return async () => {};
      } catch (error) {
        if (!(error instanceof JournalError) || tries >= MAX_TRIES) throw error;
      }
      await sleep(RETRY_MS);
    }
  } finally {
    close();
  }
}

/** Owns the world until it is released; what has changed is in the store then. @throws StoreError */
export async function copyToChange(config: StoreConfig, dataDir: string): Promise<Release> {
  const ownership = await Ownership.take(
    { ...config, spare: false },
    {
      dataDir,
      framesPerSecond: 1,
      log: silent,
      onLost(reason) {
        console.error(`${reason}: what was to be changed may not be`);
        process.exit(1);
      },
    },
  ).catch((error: Error) => {
    if (!(error instanceof StoreError) || !error.message.includes('is owned by')) throw error;
    const [owned] = error.message.split('. ');
    throw new StoreError(`${owned}. While a server runs, change this at /admin`);
  });
  await ownership.follow();
  return () => ownership.release();
}
