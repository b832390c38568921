/** The real tuning process, with a small rule and few iterations. */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PAUSED_CODE } from '../../server/background/lowProcess.ts';
import { HARMS } from '../../server/evaluation/suite.ts';
import { readRule } from '../../server/rules/load.ts';
import { readState, SNAPSHOT_FORMAT, writeState } from '../../server/training/checkpoint.ts';
import type { AttemptState } from '../../server/tuner/attempt.ts';
import { JOB_FILES, type Job, type TuneOptions } from '../../server/tuner/jobs.ts';
import type { FromTuning } from '../../server/tuner/messages.ts';
import { tune } from '../../server/tuner/tune.ts';
import type { Blow } from '../../server/world/wound.ts';
import { sproutJob, sproutWounds } from './sprout.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-job-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function makeJob(
  options: Partial<TuneOptions>,
  name = 'job',
  wounds: { blows: Blow[] }[] = sproutWounds(),
): string {
  const path = join(folder, name);
  mkdirSync(path);
  sproutJob(path, options, wounds);
  return path;
}
/** How the tuner's checkpoints begin. */
const MAGIC = `regrow-attempt-1-${SNAPSHOT_FORMAT}`;

/** Iterations that the attempt on disk has done. */
function savedIn(path: string): number {
  const file = join(path, JOB_FILES.checkpoint);
  const { state } = readState<{ state: AttemptState }>(file, MAGIC);
  return state.spent + state.run.poolDone;
}
const jobIn = (path: string): Job => JSON.parse(readFileSync(join(path, JOB_FILES.job), 'utf8'));

/** Its messages until it has trained this many iterations beyond where it began. */
async function start(
  path: string,
  iterations: number,
): Promise<{ child: ChildProcess; heard: FromTuning[]; first: number }> {
  const child = fork(join(import.meta.dirname, '../../server/tuner/process.ts'), [path], { execArgv: [] });
  const heard: FromTuning[] = [];
  return new Promise((resolve, reject) => {
    let first = -1;
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${JSON.stringify(heard)}`)));
    child.on('message', (message: FromTuning) => {
      heard.push(message);
      if (message.type !== 'progress' || message.loss === null) return;
      if (first < 0) first = message.done;
      if (message.done >= first + iterations) resolve({ child, heard, first });
    });
  });
}
const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('exit', (code) => resolve(code)));

test('pauses at a checkpoint when it is told to, not by signals; a kill loses nothing beyond it; a corrupt one is refused by name', {
  timeout: 240_000,
}, async () => {
  const path = makeJob({});
  const first = await start(path, 3);
  const left = ended(first.child);
  // A terminal that is closed and a supervisor signal every process; the server's word is the pause.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) first.child.kill(signal);
  first.child.send({ type: 'pause' });
  expect(await left).toBe(PAUSED_CODE);
  expect(first.heard.at(-1)).toEqual({ type: 'paused' });
  const file = join(path, JOB_FILES.checkpoint);
  let saved = savedIn(path);
  expect(saved).toBeGreaterThanOrEqual(3);

  for (let kill = 0; kill < 2; kill++) {
    const { child, first: begun, heard } = await start(path, 2);
    // The first iteration that is reported is the first after the checkpoint.
    expect(begun).toBe(saved + 1);
    // The first word says where it goes on.
    expect(heard.find(({ type }) => type === 'progress')).toMatchObject({ done: saved, aim: 'healing' });
    const gone = ended(child);
    child.kill('SIGKILL');
    await gone;
    // It is written every 5 s of training: a kill before that loses nothing that an earlier one held.
    expect(savedIn(path)).toBeGreaterThanOrEqual(saved);
    saved = savedIn(path);
  }

  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(file, bytes);
  const again = await start(path, 1);
  expect(again.first).toBe(1);
  expect(again.heard).toContainEqual({
    type: 'log',
    line: `${file} is not a checkpoint, or not a whole one: its training begins again`,
  });
  // Nothing else would stop it.
  const orphaned = ended(again.child);
  again.child.disconnect();
  expect(await orphaned).toBe(PAUSED_CODE);

  const whole = readState<{ state: AttemptState }>(file, MAGIC);
  const run = { ...whole.state.run, walls: [] };
  writeState(file, MAGIC, { ...whole, state: { ...whole.state, run } });
  const third = await start(path, 1);
  expect(third.first).toBe(1);
  expect(third.heard).toContainEqual({
    type: 'log',
    line: expect.stringMatching(
      /^the checkpoint does not fit its plan: 0 walls of the pool, expected \d+: its training begins again$/,
    ),
  });
  const gone = ended(third.child);
  third.child.kill('SIGKILL');
  await gone;

  const { average } = whole.state;
  const best = {
    weights: { ...average, w2: average.w2.subarray(1) },
    shortfall: 0,
    error: 0,
    iterations: 1,
    verdict: null,
  };
  writeState(file, MAGIC, {
    ...whole,
    state: { ...whole.state, average: { ...average, b1: new Float32Array(3) }, best },
  });
  const fourth = await start(path, 1);
  expect(fourth.first).toBe(1);
  expect(fourth.heard).toContainEqual({
    type: 'log',
    line: expect.stringMatching(
      /^the checkpoint does not fit its rule: 3 values of average.b1, expected \d+; \d+ values of best.weights.w2, expected \d+: its training begins again$/,
    ),
  });
  const over = ended(fourth.child);
  fourth.child.kill('SIGKILL');
  await over;
});

test('an attempt whose budget ends without a better rule is given up with the figures, the rounds and the reasons', {
  timeout: 180_000,
}, async () => {
  const path = makeJob({ iterations: 1, threads: 2 });
  const heard: FromTuning[] = [];
  const result = await tune(path, jobIn(path), {
    post: (message) => void heard.push(message),
    isPausing: () => false,
  });
  expect(result).toMatchObject({
    verdict: 'rejected',
    iterations: 1,
    rounds: [{ aim: 'healing', because: '', iterations: 1 }],
  });
  expect(result.reasons[0]).toBe('given up after 1 iterations: the budget of 1 iterations is spent');
  expect(result.reasons[1]).toContain('no better on held-out wounds');
  const { comparison } = result.metrics as { comparison: { figures: object[]; rounds: object[] } };
  // How each kind of damage heals, two of the held-out wounds, the error at two ages, and stillness.
  expect(comparison.figures).toHaveLength(HARMS.length + 5);
  expect(comparison.rounds).toHaveLength(1);
  expect(result.metrics.learned).toMatchObject({ session: 's1', wounds: 10 });
  for (const file of ['candidate', 'film', 'result'] as const)
    expect(existsSync(join(path, JOB_FILES[file]))).toBe(true);
  // A result needs no checkpoint, and a job that is asked again answers from it.
  expect(existsSync(join(path, JOB_FILES.checkpoint))).toBe(false);
  expect(await tune(path, jobIn(path), { post: () => {}, isPausing: () => false })).toEqual(result);
  expect(readRule(join(path, JOB_FILES.candidate)).metadata).toMatchObject({
    parent: 'sprout v1',
    sprite: 'magikarp',
  });
  expect(heard.filter(({ type }) => type === 'spotCheck')).toHaveLength(1);
});

test('too few wounds, or wounds that heal already, are reported before anything is trained', async () => {
  const hooks = { post: () => {}, isPausing: () => false };
  const few = makeJob({}, 'few', sproutWounds().slice(0, 5));
  await expect(tune(few, jobIn(few), hooks)).rejects.toThrow(
    'sprout has 5 different wounds, 2 of them held out; at least 6 are needed',
  );
  const missed = sproutWounds().map(({ blows }, i) => ({
    blows: blows.map((blow) => ({ ...blow, points: [400 + i, 0] })),
  }));
  const whole = makeJob({}, 'whole', missed);
  expect(await tune(whole, jobIn(whole), hooks)).toMatchObject({
    verdict: 'needless',
    reasons: [expect.stringContaining('sprout heals these wounds already')],
  });
});

test('with engine tfjs it trains on TensorFlow.js and names the backend; the rest of the job is the same', {
  timeout: 180_000,
}, async () => {
  const path = makeJob({ engine: 'tfjs', iterations: 1, threads: 2 }, 'tfjs');
  const heard: FromTuning[] = [];
  const hooks = { post: (message: FromTuning) => void heard.push(message), isPausing: () => false };
  const result = await tune(path, jobIn(path), hooks);
  expect(heard).toContainEqual({ type: 'log', line: expect.stringMatching(/^tuning on TensorFlow\.js/) });
  expect(result).toMatchObject({ verdict: 'rejected', metrics: { comparison: { iterations: 1 } } });
});
