import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import type { Evaluation, Frames } from '../../server/evaluation/evaluate.ts';
import { GATES, missedGates } from '../../server/nursery/gates.ts';
import {
  type LearningParts,
  LearningStopped,
  type LearnOptions,
  learnCreature,
} from '../../server/nursery/learn.ts';
import { firstIterations, ROUNDS, roundPlan } from '../../server/nursery/rounds.ts';
import { type Checked, SpotCheck, shortfall } from '../../server/nursery/spotCheck.ts';
import { readStart } from '../../server/nursery/start.ts';
import { loadRules } from '../../server/rules/load.ts';
import type { Rule } from '../../server/rules/rule.ts';
import { writeState } from '../../server/training/checkpoint.ts';
import { LEARNING, LEARNING_PADDING } from '../../server/training/learning.ts';
import { firstWeights } from '../../server/training/optimizer.ts';
import { Random } from '../../server/training/random.ts';
import { fromPixels } from '../../server/training/target.ts';

const folder = mkdtempSync(join(tmpdir(), 'regrow-learn-'));
afterAll(() => rmSync(folder, { recursive: true }));

const square = (side: number, grey = 90) =>
  fromPixels(
    Uint8Array.from({ length: side * side * 4 }, (_, i) => (i % 4 === 3 ? 255 : grey)),
    side,
    side,
    { scale: 1, padding: LEARNING_PADDING },
    'a square',
  );
const target = square(5);
/** Changes no cell yet, so that its bodies cost next to nothing. */
const start: Rule = {
  name: 'nothing',
  hidden: LEARNING.hidden,
  fireRate: LEARNING.fireRate,
  ...firstWeights(LEARNING.hidden, new Random(1)),
  metadata: {},
};
const options: LearnOptions = { name: 'square', start, threads: 0, maxIterations: 8 };

const far: Checked = { grownError: 0.1, olderError: Number.POSITIVE_INFINITY, recovery: {}, isSafe: true };
const whole = Object.fromEntries(GATES.kinds.map((kind) => [kind, 1]));
const good: Checked = { grownError: 1e-4, olderError: 1e-4, recovery: whole, isSafe: true };
const one = (median: number) => ({ median, worst: median });
const evaluation = (changes: Partial<Evaluation> = {}): Evaluation =>
  ({
    mse: { 200: one(1e-4), 1000: one(1e-4), 5000: one(1e-4) },
    recovery: Object.fromEntries(GATES.kinds.map((kind) => [kind, one(1)])),
    deaths: 0,
    runaways: 0,
    ...changes,
  }) as Evaluation;

/** A suite that says what it is told; the last answers are given again and again. */
function suiteOf(checks: readonly Checked[], judgements: readonly Evaluation[]) {
  const asked = { checks: 0, judgements: 0 };
  const suite: LearningParts = {
    pace: { firstCheck: 2, checkEvery: 1, judgeEvery: 2 },
    roundPlan: (...about) => ({ ...roundPlan(...about), iterations: 4 }),
    judge: async () => ({
      evaluation: judgements[Math.min(asked.judgements++, judgements.length - 1)],
      frames: {} as Frames,
    }),
    openCheck: () => ({
      measure: async () => checks[Math.min(asked.checks++, checks.length - 1)],
      dispose: async () => {},
    }),
  };
  return { suite, asked };
}

/** What a learning has kept on disk, and how its file begins. */
function contentOf(checkpoint: string): [magic: string, whole: { average: Rule }] {
  const bytes = deserialize(zstdDecompressSync(readFileSync(checkpoint)));
  const { magic, snapshot } = bytes as { magic: string; snapshot: { average: Rule } };
  return [magic, snapshot];
}

describe('a learning', () => {
  test('that is stopped and continued gives the same rule as one that is not', async () => {
    const { suite } = suiteOf([far], [evaluation({ deaths: 1 })]);
    const undisturbed = await learnCreature(target, options, suite);
    const checkpoint = join(folder, 'stopped.bin');
    for (const last of [3, 6]) {
      const stop = new AbortController();
      const stopped = learnCreature(
        target,
        {
          ...options,
          checkpoint,
          signal: stop.signal,
          onProgress: ({ iterations }) => iterations >= last && stop.abort(),
        },
        suite,
      );
      await expect(stopped).rejects.toThrow(LearningStopped);
      expect(existsSync(checkpoint)).toBe(true);
    }
    const continued = await learnCreature(target, { ...options, checkpoint }, suite);
    expect(continued.iterations).toBe(undisturbed.iterations);
    for (const tensor of ['w1', 'b1', 'w2', 'b2'] as const)
      expect(continued.rule[tensor]).toEqual(undisturbed.rule[tensor]);
  });

  test('does not go on from the checkpoint of another picture', async () => {
    const checkpoint = join(folder, 'other.bin');
    const { suite } = suiteOf([far], [evaluation()]);
    const stopped = { ...options, checkpoint, signal: AbortSignal.abort() };
    await expect(learnCreature(target, stopped, suite)).rejects.toThrow(LearningStopped);
    await expect(learnCreature(square(5, 91), { ...options, checkpoint }, suite)).rejects.toThrow(
      `${checkpoint} is of another picture`,
    );
  });

  test('whose checkpoint is damaged or fits no learning of this picture says why, and begins again', async () => {
    const checkpoint = join(folder, 'bad.bin');
    const { suite } = suiteOf([far], [evaluation({ deaths: 1 })]);
    const stopped = { ...options, checkpoint, signal: AbortSignal.abort() };
    const undisturbed = await learnCreature(target, options, suite);
    await expect(learnCreature(target, stopped, suite)).rejects.toThrow(LearningStopped);
    const [magic, whole] = contentOf(checkpoint);
    const { average } = whole;
    const best = { weights: { ...average, w1: average.w1.subarray(2) }, checked: far, iterations: 1 };
    const bad: [write: () => void, fault: RegExp][] = [
      [() => writeFileSync(checkpoint, 'half'), /is not a checkpoint, or not a whole one$/],
      [() => writeState(checkpoint, 'regrow-learning-1', whole), /is not a checkpoint, or not a whole one$/],
      [() => writeState(checkpoint, magic, { ...whole, picture: '' }), /is of another picture$/],
      [
        () => writeState(checkpoint, magic, { ...whole, average: { ...average, b2: new Float32Array(1) } }),
        /^the checkpoint does not fit its rule: 1 values of average\.b2, expected 16$/,
      ],
      [
        () =>
          writeState(checkpoint, magic, { ...whole, before: { ...average, b1: new Float32Array(1) }, best }),
        /: 1 values of before\.b1, expected 128; 6142 values of best\.weights\.w1, expected 6144$/,
      ],
    ];
    for (const [write, fault] of bad) {
      write();
      const told: string[] = [];
      const onBadCheckpoint = (reason: string): void => void told.push(reason);
      await expect(learnCreature(target, { ...options, checkpoint }, suite)).rejects.toThrow(fault);
      const learned = await learnCreature(target, { ...options, checkpoint, onBadCheckpoint }, suite);
      expect(told).toEqual([expect.stringMatching(fault)]);
      expect(existsSync(checkpoint)).toBe(false);
      expect(learned.rule.w1).toEqual(undisturbed.rule.w1);
    }
  });

  test('refuses a start of another size, and says which', async () => {
    const small = { ...start, name: 'small', hidden: 64, ...firstWeights(64, new Random(1)) };
    await expect(learnCreature(target, { ...options, start: small })).rejects.toThrow(
      'small has 64 hidden units and fire rate 0.5; a start has 128 and 0.5',
    );
  });

  test('ends as soon as a rule that the spot check lets through passes the gates', async () => {
    const { suite, asked } = suiteOf([far, good], [evaluation()]);
    const learned = await learnCreature(target, { ...options, maxIterations: 100 }, suite);
    expect(learned.outcome).toBe('passed');
    expect(learned.missed).toEqual([]);
    expect(asked).toEqual({ checks: 2, judgements: 1 });
    expect(learned.iterations).toBe(3);
    expect(learned.rule.metadata.parent).toBe('nothing');
  });

  test('goes on after a failed judgement, and at its end says what the best rule lacks', async () => {
    const { suite, asked } = suiteOf([good], [evaluation({ mse: { 200: one(1e-3) } })]);
    const learned = await learnCreature(target, { ...options, maxIterations: 5 }, suite);
    expect(learned.outcome).toBe('weak');
    expect(learned.missed.map(({ told }) => told)).toEqual(['error 1.0e-3 at step 200, at most 3e-4 passes']);
    // After 2 and 4 iterations, and of the best at the end.
    expect(asked.judgements).toBe(3);
  });

  test('tries the mean of two rounds, too, and keeps whichever lacks less', async () => {
    // After the second round (8 iterations) the newest weights miss much, and their mean with the first round's little.
    const checks = [far, far, far, far, far, far, { ...good, olderError: 6e-4 }, good];
    const { suite, asked } = suiteOf(checks, [evaluation()]);
    const learned = await learnCreature(target, { ...options, maxIterations: 100 }, suite);
    expect(learned.outcome).toBe('passed');
    expect(asked.checks).toBe(8);
    expect(learned.losses).toHaveLength(8);
  });

  test('whose bodies die is refused, by the suite itself', async () => {
    const learned = await learnCreature(target, { ...options, maxIterations: 1, start });
    expect(learned.outcome).not.toBe('passed');
    expect(learned.missed.map(({ gate }) => gate)).toContain('error');
  });
});

describe('the gates', () => {
  test('let a whole body pass', () => expect(missedGates(evaluation())).toEqual([]));

  test.each([
    ['an error above 3e-4 at any age', { mse: { 200: one(1e-4), 5000: one(3.1e-4) } }, ['error']],
    ['an error that is not a number', { mse: { 200: one(Number.NaN) } }, ['error']],
    ['a death', { deaths: 1 }, ['deaths']],
    ['a runaway', { runaways: 2 }, ['runaways']],
    [
      'a kind of damage that heals too little, or to no number',
      { recovery: { ...evaluation().recovery, top: one(0.97), noise: one(Number.NaN) } },
      ['top', 'noise'],
    ],
  ])('do not let pass %s', (_what, changes, gates) => {
    expect(missedGates(evaluation(changes)).map(({ gate }) => gate)).toEqual(gates);
  });
});

describe('the spot check', () => {
  test('measures no healing of a body that is far from its picture', async () => {
    const check = new SpotCheck(start, target, 0);
    for (const isWhole of [false, true]) {
      const { grownError, recovery } = await check.measure(start, isWhole);
      expect(grownError).toBeGreaterThan(8 * GATES.maxError);
      expect(recovery).toEqual({});
    }
    await check.dispose();
  });

  test('a shortfall of 0 passes every gate, and a lost body is worse than any error', () => {
    expect(shortfall(good)).toBe(0);
    expect(shortfall({ ...good, olderError: 6e-4 })).toBeCloseTo(1);
    expect(shortfall({ ...good, recovery: { ...whole, top: 0.88 } })).toBeCloseTo(1);
    expect(shortfall({ ...good, isSafe: false })).toBeGreaterThanOrEqual(10);
    expect(shortfall(far)).toBeGreaterThan(shortfall({ ...good, grownError: 0.1 }));
    expect(shortfall({ ...good, recovery: {} })).toBeGreaterThan(shortfall({ ...good, isSafe: false }));
    expect(shortfall({ ...good, grownError: Number.NaN })).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a further round', () => {
  const next = (checked: Checked) => roundPlan('square', 1, 600, 7, checked);
  const countOf = (checked: Checked, kind: string) =>
    next(checked).damage.filter((one) => one === kind).length;

  test('is shorter, at a lower rate, with other draws', () => {
    const first = roundPlan('square', 0, 600, 7, null);
    expect(ROUNDS.further.iterations).toBeLessThan(first.iterations);
    expect(first).toMatchObject({ ...ROUNDS.first, randomSeed: 7 });
    expect(next(good)).toMatchObject({ ...ROUNDS.further, randomSeed: 8 });
    expect(ROUNDS.further.rate).toBeLessThan(ROUNDS.first.rate);
  });

  test('the first takes longer for a larger picture, within bounds', () => {
    expect(firstIterations(900)).toBeGreaterThan(firstIterations(600));
    expect(firstIterations(40)).toBe(800);
    expect(firstIterations(4096)).toBe(3000);
  });

  test('deals more of the damage that heals badly, by gradients as long as they are', () => {
    const checked = { ...good, recovery: { ...whole, truncate: 0.9 } };
    expect(countOf(checked, 'truncate')).toBeGreaterThan(countOf(good, 'truncate'));
    expect(countOf(checked, 'half')).toBe(countOf(good, 'half'));
    expect(next(checked).normalisation).toBeLessThan(LEARNING.normalisation);
  });

  test('makes the picture finer when only that is missing', () => {
    expect(next({ ...good, olderError: 5e-4 }).normalisation).toBeGreaterThan(LEARNING.normalisation);
  });
});

test('the start knows places and their waves, and is no species', () => {
  const { name, hidden, fireRate, metadata } = readStart();
  expect({ name, hidden, fireRate }).toEqual({
    name: 'start',
    hidden: LEARNING.hidden,
    fireRate: LEARNING.fireRate,
  });
  expect(Number(metadata.place)).toBe(LEARNING.placeWeight);
  expect(Number(metadata.waves)).toBe(LEARNING.waveWeight);
  const weights = join(import.meta.dirname, '../../weights');
  expect(loadRules(weights).map((rule) => rule.name)).not.toContain('start');
});
