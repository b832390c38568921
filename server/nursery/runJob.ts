/** A process that does one job of the nursery and ends: what it hears, and with which code it leaves. */
import { basename } from 'node:path';
import { FAILED_CODE, leaveSignalsToServer, PAUSED_CODE, UNWRITTEN_CODE } from '../background/lowProcess.ts';
import { WriteError } from '../rules/load.ts';
import { RuleError } from '../rules/rule.ts';
import { grow } from './grow.ts';
import { readJob } from './job.ts';
import { type LearningParts, LearningStopped } from './learn.ts';
import type { FromLearning, ToLearning } from './messages.ts';

/** A process whose server has gone ends within this: the next server starts another one on the same folder. */
const ORPHAN_MS = 4_000;

/** @param parts - for tests */
export async function runJob(folder: string | undefined, parts?: LearningParts): Promise<void> {
  if (folder === undefined) {
    console.error(`node ${basename(process.argv[1])} FOLDER: a job's folder, with job.json in it`);
    process.exit(1);
  }
  const stop = new AbortController();
  let isWatched = false;
  process.on('message', (message: ToLearning) => {
    if (message.type === 'watch') isWatched = message.isWatched;
    else stop.abort();
  });
  // Without the server, nothing would stop this process any more.
  process.on('disconnect', () => {
    stop.abort();
    // A judgement takes longer than an iteration, and is made again.
    setTimeout(() => process.exit(PAUSED_CODE), ORPHAN_MS).unref();
  });
  leaveSignalsToServer(() => stop.abort());
  const post = (message: FromLearning): void => {
    if (process.connected) process.send?.(message, () => {});
  };
  try {
    await grow(folder, readJob(folder), { post, signal: stop.signal, isWatched: () => isWatched }, parts);
    leave({ type: 'finished' }, 0);
  } catch (error) {
    if (error instanceof LearningStopped) leave({ type: 'paused' }, PAUSED_CODE);
    else if (error instanceof RuleError) {
      console.error(error.message);
      process.exit(error instanceof WriteError ? UNWRITTEN_CODE : FAILED_CODE);
    } else throw error;
  }
}

/** Sends a last message, and ends when the server has it. */
function leave(message: FromLearning, code: number): void {
  const end = (): never => process.exit(code);
  if (!process.connected || process.send === undefined) end();
  else process.send(message, end);
}
