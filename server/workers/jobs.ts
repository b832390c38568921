/** Tuning and learning at workers: the owner's side, and a worker's. Loaded only where settings ask for it. */
import type { ChildProcess } from 'node:child_process';
import { forkLearning } from '../nursery/desk/learningProcess.ts';
import { JOB_FILES as NURSERY_FILES } from '../nursery/job.ts';
import { openBlobs } from '../store/openBlobs.ts';
import { type StoreConfig, s3Of } from '../store/settings.ts';
import { JOB_FILES as TUNING_FILES } from '../tuner/jobs.ts';
import { forkTuning } from '../tuner/tuningProcess.ts';
import { FarProcess } from './farProcess.ts';
import { type JobKind, openQueue } from './queue.ts';
import { Worker, type Workshop } from './worker.ts';

const WORKSHOPS: Readonly<Record<JobKind, Workshop>> = {
  tuning: { files: Object.values(TUNING_FILES), result: TUNING_FILES.result, spawn: forkTuning },
  nursery: {
    files: Object.values(NURSERY_FILES),
    result: NURSERY_FILES.result,
    spawn: forkLearning,
    isWatchable: true,
  },
};

/** Which files say which job it is. One that is tried again says how often it has failed: that is another job. */
const IDENTITIES: Readonly<Record<JobKind, readonly string[]>> = {
  tuning: [TUNING_FILES.job, TUNING_FILES.incumbent],
  nursery: [NURSERY_FILES.job],
};

export interface FarJobs {
  /** In place of a process of this machine, for the tuner or the nursery. */
  spawn(kind: JobKind): (folder: string) => ChildProcess;
  close(): Promise<void>;
}

/** @throws Error of the database */
export async function openFarJobs(config: StoreConfig, log: (line: string) => void): Promise<FarJobs> {
  const boss = await openQueue(config.store, log);
  const blobs = await openBlobs(config.blobs, s3Of(config));
  const { world } = config;
  return {
    spawn: (kind) => (folder) => {
      const { files, result } = WORKSHOPS[kind];
      const far = { kind, boss, blobs, world, files, result, identity: IDENTITIES[kind] };
      // They use nothing of a process but what a FarProcess has.
      return new FarProcess(folder, far) as unknown as ChildProcess;
    },
    close: () => boss.stop({ graceful: false }),
  };
}

/** Takes jobs until it is stopped. @throws Error of the database */
export async function startWorker(config: StoreConfig, log: (line: string) => void): Promise<Worker> {
  const boss = await openQueue(config.store, log);
  const blobs = await openBlobs(config.blobs, s3Of(config));
  const worker = new Worker({ boss, blobs, workshops: WORKSHOPS, log });
  await worker.start();
  return worker;
}
