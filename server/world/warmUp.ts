/**
 * Entry of a thread that a spare runs while it waits: grows the mature forms of the shipped rules, so that a takeover
 * finds them in the data directory.
 */
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { createEngine } from '../engines/create.ts';
import { loadRules } from '../rules/load.ts';
import { cachedGrower, MatureError } from './mature.ts';
import { matureFiles } from './matureFiles.ts';

const { weightsDir, dataDir } = workerData as Pick<Config, 'weightsDir' | 'dataDir'>;
const grow = cachedGrower(
  matureFiles(join(dataDir, 'mature')),
  async (options) => (await createEngine('wasm', options)).engine,
);
for (const rule of loadRules(weightsDir)) {
  try {
    await grow(rule);
  } catch (error) {
    // The start says so.
    if (!(error instanceof MatureError)) throw error;
  }
}
