/**
 * The tuning process: does one job and ends. The server forks it at the lowest priority; by hand:
 * `node server/tuner/process.ts data/tuner/jobs/…`.
 */
import { basename } from 'node:path';
import { FAILED_CODE, leaveSignalsToServer, PAUSED_CODE, UNWRITTEN_CODE } from '../background/lowProcess.ts';
import { WriteError } from '../rules/load.ts';
import { JOB_FILES, type Job } from './jobs.ts';
import { readJson } from './jsonFile.ts';
import type { FromTuning, ToTuning } from './messages.ts';
import { isTold, Paused, tune } from './tune.ts';

/** A pause must take less than a second: a longer iteration is not waited for, and is begun again later. */
const PAUSE_MS = 600;

const [folder] = process.argv.slice(2);
let isPausing = false;
let isTraining = false;

const post = (message: FromTuning): void => {
  if (message.type === 'progress') isTraining = true;
  else if (message.type === 'stage') isTraining = false;
  if (process.connected) process.send?.(message);
  else console.error(JSON.stringify(message));
};

/** Sends a last message, and ends when the server has it. */
function leave(message: FromTuning, code: number): void {
  const end = (): never => process.exit(code);
  if (!process.connected || process.send === undefined) end();
  else process.send(message, end);
}

process.on('message', (message: ToTuning) => {
  if (message.type !== 'pause' || isPausing) return;
  isPausing = true;
  const stop = (): void => leave({ type: 'paused' }, PAUSED_CODE);
  // In training, the loop has this long to write a checkpoint. Elsewhere all results are in files already.
  if (isTraining) setTimeout(stop, PAUSE_MS);
  else stop();
});
// Without the server, nothing would stop this process any more.
process.on('disconnect', () => process.exit(PAUSED_CODE));
leaveSignalsToServer(() => process.exit(PAUSED_CODE));

if (folder === undefined) {
  console.error(`node ${basename(import.meta.filename)} FOLDER: a job's folder, with ${JOB_FILES.job} in it`);
  process.exit(1);
}
try {
  const isJob = (value: unknown): value is Job => typeof value === 'object' && value !== null;
  const job = readJson(`${folder}/${JOB_FILES.job}`, isJob);
  await tune(folder, job, { post, isPausing: () => isPausing });
  leave({ type: 'finished' }, 0);
} catch (error) {
  if (error instanceof Paused) leave({ type: 'paused' }, PAUSED_CODE);
  else if (isTold(error)) {
    console.error(error.message);
    process.exit(error instanceof WriteError ? UNWRITTEN_CODE : FAILED_CODE);
  } else throw error;
}
