/**
 * `npm run bench -- finetune [--seconds N] [--threads N] [--json]`: replays the damage of a recorded session, tunes the
 * shipped rule for a fixed time, and compares. The session is a committed log, made by
 * `--record [--kind again|strip|comb] [--random-seed N]`.
 * `--pause` measures instead how long a tuning process takes to stop at a checkpoint.
 */
import { fork } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readRuleFile } from '../../server/rules/load.ts';
import { sha256Of } from '../../server/rules/registry.ts';
import { readSession } from '../../server/sessions/record.ts';
import type { Comparison } from '../../server/tuner/compare.ts';
import { JOB_FILES, type Job } from '../../server/tuner/jobs.ts';
import type { FromTuning } from '../../server/tuner/messages.ts';
import { tune } from '../../server/tuner/tune.ts';
import { recordSession } from './finetune/record.ts';

const PAUSES = 5;
const TELL_MS = 10_000;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    pause: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '225' },
    threads: { type: 'string', default: '2' },
    'random-seed': { type: 'string', default: '1' },
    kind: { type: 'string', default: 'again' },
    session: { type: 'string', default: join(import.meta.dirname, 'finetune/session.json') },
    /** Of the incumbent, instead of the shipped one. */
    rule: { type: 'string' },
    iterations: { type: 'string' },
    rate: { type: 'string' },
  },
});
const threads = Number(values.threads);
const seconds = Number(values.seconds);
const optional = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);

if (values.record) {
  console.log(await recordSession(values.session, values.kind, Number(values['random-seed']), threads));
} else {
  const folder = mkdtempSync(join(tmpdir(), 'regrow-finetune-'));
  try {
    const told = values.pause ? await measurePauses(folder) : await measureTuning(folder);
    if (values.json) console.log(JSON.stringify(told, null, 2));
    else
      for (const [name, value] of Object.entries(told))
        console.log(`${name.padEnd(24)}${JSON.stringify(value)}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A job as the server would make it of the recorded session. */
function makeJob(folder: string, randomSeeds?: number): { readonly path: string; readonly job: Job } {
  const { id, wounds } = readSession(values.session);
  const { species } = wounds[0];
  const file = values.rule ?? join(import.meta.dirname, '../../weights', `${species}.safetensors`);
  const { bytes } = readRuleFile(file);
  const path = join(folder, 'job');
  mkdirSync(path);
  copyFileSync(file, join(path, JOB_FILES.incumbent));
  const job: Job = {
    format: 1,
    session: id,
    species,
    wounds: wounds.map(({ blows }) => ({ blows })),
    options: {
      seconds,
      threads,
      engine: 'wasm',
      iterations: optional(values.iterations),
      rate: optional(values.rate),
      randomSeeds,
    },
    incumbent: { rule: 1, label: `${species} v1`, sha256: sha256Of(bytes) },
    failures: 0,
  };
  writeFileSync(join(path, JOB_FILES.job), JSON.stringify(job));
  return { path, job };
}

async function measureTuning(folder: string): Promise<Record<string, unknown>> {
  const { path, job } = makeJob(folder);
  const started = performance.now();
  let last = started;
  const tell = (message: FromTuning): void => {
    if (message.type === 'progress' && message.stage === 'training' && performance.now() - last < TELL_MS)
      return;
    last = performance.now();
    console.error(`${((last - started) / 1_000).toFixed(0)} s ${JSON.stringify(message)}`);
  };
  const { verdict, reasons, metrics } = await tune(path, job, { tell, isPausing: () => false });
  const secondsSpent = (performance.now() - started) / 1_000;
  const comparison = metrics.comparison as (Comparison & { iterations: number; seconds: number }) | undefined;
  const figure = (name: string): { before: number; after: number } | undefined =>
    comparison?.figures.find((one) => one.name === name);
  const recovery = figure('held-out wounds, recovery');
  const steps = figure('held-out wounds, steps to heal');
  return {
    species: job.species,
    verdict,
    reasons,
    heldOutWounds: comparison?.heldOutWounds,
    randomSeeds: comparison?.randomSeeds,
    heldOutLossBefore: comparison?.heldOutLossBefore,
    heldOutLossAfter: comparison?.heldOutLossAfter,
    heldOutLossFall: comparison && 1 - comparison.heldOutLossAfter / comparison.heldOutLossBefore,
    heldOutRecoveryBefore: recovery?.before,
    heldOutRecoveryAfter: recovery?.after,
    heldOutStepsBefore: steps?.before,
    heldOutStepsAfter: steps?.after,
    suiteDelta: comparison?.suiteDelta,
    suiteDeltaMedian: comparison?.suiteDeltaMedian,
    iterations: comparison?.iterations,
    trainingSeconds: comparison?.seconds,
    secondsSpent,
    threads,
    figures: comparison?.figures.map(({ name, group, before, after, p, isWorse }) => ({
      figure: `${group}: ${name}`,
      before,
      after,
      p,
      isWorse,
    })),
  };
}

/** From the message to the end of the process, in the middle of training; milliseconds. */
async function measurePauses(folder: string): Promise<Record<string, unknown>> {
  const { path } = makeJob(folder, 2);
  const pauseMs: number[] = [];
  for (let n = 0; n < PAUSES; n++) {
    const child = fork(join(import.meta.dirname, '../../server/tuner/process.ts'), [path], { execArgv: [] });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await new Promise<void>((resolve) => {
      let heard = 0;
      child.on('message', (message: FromTuning) => {
        if (message.type === 'progress' && message.stage === 'training' && ++heard === 3) resolve();
      });
    });
    const asked = performance.now();
    child.send({ type: 'pause' });
    await ended;
    pauseMs.push(Math.round(performance.now() - asked));
  }
  return { pauseMs, longestPauseMs: Math.max(...pauseMs) };
}
