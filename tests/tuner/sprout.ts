/** A small rule that has been trained for a minute: it grows a body of 286 cells and heals badly. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../server/training/random.ts';
import { JOB_FILES, type Job, type TuneOptions } from '../../server/tuner/jobs.ts';
import type { Blow } from '../../server/world/wound.ts';

export const SPROUT = join(import.meta.dirname, '../fixtures/sprout.safetensors');

/** Ten large bites around the middle. */
export function sproutWounds(): { blows: Blow[] }[] {
  const random = new Random(11);
  return Array.from({ length: 10 }, () => ({
    blows: [
      {
        afterSteps: 0,
        tool: 'ablate' as const,
        radius: 7,
        points: [random.whole(-3, 3), random.whole(-4, 4)],
      },
    ],
  }));
}

/** A job that tunes it on one thread, in a folder that is there. */
export function sproutJob(
  folder: string,
  options: Partial<TuneOptions>,
  wounds: { blows: Blow[] }[] = sproutWounds(),
): void {
  copyFileSync(SPROUT, join(folder, JOB_FILES.incumbent));
  const kept = wounds.map(({ blows }) => ({ session: 's1', blows }));
  const known = { rule: 1, label: 'sprout v1', sha256: '' };
  const job: Job = {
    format: 2,
    session: 's1',
    species: 'sprout',
    wounds: { trained: kept.slice(2), heldOut: kept.slice(0, 2) },
    options: { threads: 1, engine: 'wasm', iterations: 10_000, randomSeeds: 2, ...options },
    incumbent: known,
    root: known,
    begun: '2026-01-01T00:00:00.000Z',
    failures: 0,
  };
  writeFileSync(join(folder, JOB_FILES.job), JSON.stringify(job));
}
