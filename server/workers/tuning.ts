/** Tuning at workers: the owner's side, and a worker's. Loaded only where settings ask for it. */
import type { ChildProcess } from 'node:child_process';
import { openBlobs } from '../store/openBlobs.ts';
import { type StoreConfig, s3Of } from '../store/settings.ts';
import { JOB_FILES } from '../tuner/jobs.ts';
import { forkTuning } from '../tuner/tuningProcess.ts';
import { FarProcess } from './farProcess.ts';
import { openQueue } from './queue.ts';
import { Worker } from './worker.ts';

/** A job that is tried again says how often it has failed: that is another job. */
const IDENTITY = [JOB_FILES.job, JOB_FILES.incumbent];
const FILES = { files: Object.values(JOB_FILES), result: JOB_FILES.result };

export interface FarTuning {
  /** For the tuner, in place of a process of this machine. */
  spawn(folder: string): ChildProcess;
  close(): Promise<void>;
}

/** @throws Error of the database */
export async function openFarTuning(config: StoreConfig, log: (line: string) => void): Promise<FarTuning> {
  const boss = await openQueue(config.store, log);
  const blobs = await openBlobs(config.blobs, s3Of(config));
  const { world } = config;
  return {
    // The tuner uses of a process what a FarProcess has.
    spawn: (folder) =>
      new FarProcess(folder, { boss, blobs, world, identity: IDENTITY, ...FILES }) as unknown as ChildProcess,
    close: () => boss.stop({ graceful: false }),
  };
}

/** Takes jobs until it is stopped. @throws Error of the database */
export async function startWorker(config: StoreConfig, log: (line: string) => void): Promise<Worker> {
  const boss = await openQueue(config.store, log);
  const blobs = await openBlobs(config.blobs, s3Of(config));
  const worker = new Worker({ boss, blobs, ...FILES, spawn: forkTuning, log });
  await worker.start();
  return worker;
}
