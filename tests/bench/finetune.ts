/**
 * `npm run bench -- finetune [--iterations N] [--threads N] [--json]`: replays the damage of a recorded session in one
 * attempt at the shipped rule. The session is a committed log, made by
 * `--record [--kind again|strip|comb] [--random-seed N]`.
 * `--pause` measures instead how long a tuning process takes to stop at a checkpoint.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readRuleFile } from '../../server/rules/load.ts';
import { Registry, sha256Of } from '../../server/rules/registry.ts';
import { readSession } from '../../server/sessions/record.ts';
import { JOB_FILES, type Job } from '../../server/tuner/jobs.ts';
import type { FromTuning } from '../../server/tuner/messages.ts';
import { tune } from '../../server/tuner/tune.ts';
import { Tuner } from '../../server/tuner/tuner.ts';
import { WoundStore } from '../../server/tuner/woundStore.ts';
import type { Comparison } from '../../shared/adminApi.ts';
import { recordSession } from './finetune/record.ts';

const PAUSES = 5;
const TELL_MS = 10_000;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    pause: { type: 'boolean', default: false },
    threads: { type: 'string', default: '2' },
    'random-seed': { type: 'string', default: '1' },
    kind: { type: 'string', default: 'again' },
    session: { type: 'string', default: join(import.meta.dirname, 'finetune/session.json') },
    /** The incumbent's rule file; default: the shipped one. */
    rule: { type: 'string' },
    iterations: { type: 'string', default: '3000' },
  },
});
const threads = Number(values.threads);
const iterations = Number(values.iterations);

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

/** The job that the server would make of the recorded session. */
function makeJob(folder: string): { readonly path: string; readonly job: Job } {
  const { id, wounds } = readSession(values.session);
  const { species } = wounds[0];
  const file = values.rule ?? join(import.meta.dirname, '../../weights', `${species}.safetensors`);
  const { bytes } = readRuleFile(file);
  const path = join(folder, 'job');
  mkdirSync(path);
  copyFileSync(file, join(path, JOB_FILES.incumbent));
  const { trained, heldOut } = new WoundStore(folder, console.error).add(species, id, wounds);
  const known = { rule: 1, label: `${species} v1`, sha256: sha256Of(bytes) };
  const job: Job = {
    format: 2,
    session: id,
    species,
    wounds: { trained, heldOut },
    options: { iterations, threads, engine: 'wasm' },
    incumbent: known,
    root: known,
    begun: new Date().toISOString(),
    failures: 0,
  };
  writeFileSync(join(path, JOB_FILES.job), JSON.stringify(job));
  return { path, job };
}

async function measureTuning(folder: string): Promise<Record<string, unknown>> {
  const { path, job } = makeJob(folder);
  const started = performance.now();
  let last = started;
  const post = (message: FromTuning): void => {
    if (message.type === 'progress' && performance.now() - last < TELL_MS) return;
    last = performance.now();
    console.error(`${((last - started) / 1_000).toFixed(0)} s ${JSON.stringify(message)}`);
  };
  const { verdict, reasons, metrics } = await tune(path, job, { post, isPausing: () => false });
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

/**
 * Milliseconds from the begin of a session to the end of the tuning process, which is in the middle of training.
 */
async function measurePauses(folder: string): Promise<Record<string, unknown>> {
  const record = readSession(values.session);
  const { species } = record.wounds[0];
  const file = values.rule ?? join(import.meta.dirname, '../../weights', `${species}.safetensors`);
  const registry = new Registry(folder, 2_000);
  registry.enterShipped([readRuleFile(file)]);
  const tuner = new Tuner({
    desk: {
      ask: async (question) => question(registry),
      swap: async () => ({ ok: false, swap: 0, reason: 'nothing is swapped here' }),
    },
    dataDir: folder,
    mode: 'manual',
    iterations,
    threads,
    engine: 'wasm',
    randomSeeds: 2,
    log: (text) => console.error(text),
  });
  const pauseMs: number[] = [];
  const stops: number[] = [];
  tuner.sessionEnded(record);
  for (let n = 0; n < PAUSES; n++) {
    await until(
      () => tuner.view.state === 'training' && (tuner.view.job?.done ?? 0) > (stops.at(-1) ?? 0) + 2,
    );
    stops.push(tuner.view.job?.done ?? 0);
    tuner.sessionBegan();
    await until(() => tuner.view.state === 'paused');
    pauseMs.push(Math.round(tuner.view.pauseMs ?? Number.NaN));
    tuner.sessionEnded({ id: record.id, wounds: [] });
  }
  await tuner.stop();
  registry.close();
  return { pauseMs, longestPauseMs: Math.max(...pauseMs), iterations: stops };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
