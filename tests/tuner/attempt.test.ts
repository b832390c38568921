/** What an attempt decides, with a trainer, looks and judgements that are said beforehand. */
import { expect, test } from 'vitest';
import type { Weights } from '../../server/training/kernel.ts';
import { firstState } from '../../server/training/optimizer.ts';
import type { Snapshot } from '../../server/training/snapshot.ts';
import { TrainingError } from '../../server/training/train.ts';
import {
  Attempt,
  type AttemptParts,
  type AttemptState,
  type Look,
  MAX_IDLE_ROUNDS,
  type RoundRun,
} from '../../server/tuner/attempt.ts';
import type { Lack, LackArea, Verdict } from '../../server/tuner/compare.ts';
import { type Aim, nextRound, planOf, ROUND_ITERATIONS, type Round } from '../../server/tuner/rounds.ts';
import { blobRule } from '../world/blob.ts';

/** Weights that say by one number what they are. */
const weights = (value: number): Weights => ({
  w1: new Float32Array([value]),
  b1: new Float32Array(1),
  w2: new Float32Array(1),
  b2: new Float32Array(1),
});
const numberOf = ({ w1 }: Weights): number => w1[0];
const lack = (area: LackArea, by: number, name = ''): Lack => ({
  area,
  by,
  name,
  told: `${area} ${name}`.trim(),
});

/** A training that moves the weights by 1 in each iteration. */
class FakeRun implements RoundRun {
  readonly #round: Round;
  readonly #faultAt: number;
  #now: Weights;
  done: number;

  constructor(round: Round, from: Weights, done: number, faultAt = Number.POSITIVE_INFINITY) {
    this.#round = round;
    this.#now = from;
    this.done = done;
    this.#faultAt = faultAt;
  }
  get isFinished(): boolean {
    return this.done >= this.#round.iterations;
  }
  get weights(): Weights {
    return this.#now;
  }
  async iterate() {
    if (this.done >= this.#faultAt) throw new TrainingError('diverged 9 times');
    this.done++;
    this.#now = weights(numberOf(this.#now) + 1);
    return { smoothedLoss: 1 / this.done };
  }
  snapshot(): Snapshot {
    return { optimizer: firstState(this.#now), poolDone: this.done } as unknown as Snapshot;
  }
  async dispose() {}
}

interface Script {
  /** What each round's own result shows, by round; the last repeats. */
  readonly looks: readonly (readonly Lack[])[];
  /** What the mean with the incumbent shows; default: nothing but that it learned little. */
  readonly means?: readonly (readonly Lack[])[];
  readonly judgements?: readonly (readonly Lack[])[];
  readonly iterations?: number;
  readonly faultIn?: number;
}

interface Played {
  readonly parts: AttemptParts;
  readonly begun: { aim: Aim; number: number; from: number; hasPool: boolean }[];
  readonly judged: number[];
}

const FAR = [lack('learning', 50)];

function play({ looks, means = [FAR], judgements = [[]], iterations = 3_000, faultIn = -1 }: Script): Played {
  const begun: Played['begun'] = [];
  const judged: number[] = [];
  let looked = 0;
  const at = <T>(list: readonly T[], i: number): T => list[Math.min(i, list.length - 1)];
  const parts: AttemptParts = {
    iterations,
    incumbent: weights(0),
    begin: (round, number, from, before) => {
      begun.push({ aim: round.aim, number, from: numberOf(from), hasPool: before !== null });
      return new FakeRun(round, from, 0, number === faultIn ? 5 : undefined);
    },
    resume: (round, _number, { optimizer, poolDone }) => new FakeRun(round, optimizer.weights, poolDone),
    look: async (): Promise<Look> => {
      const round = looked >> 1;
      const isMean = looked % 2 === 1;
      looked++;
      return { lacks: isMean ? at(means, round) : at(looks, round), error: isMean ? 2 : 1 };
    },
    judge: async (one): Promise<Verdict> => {
      judged.push(numberOf(one));
      const lacks = at(judgements, judged.length - 1);
      return {
        lacks,
        comparison: { reasons: lacks.map(({ told }) => told) },
      } as unknown as Verdict;
    },
    onIteration: () => {},
    onRound: () => {},
  };
  return { parts, begun, judged };
}

test('a first round that looks good and is judged good passes', async () => {
  const { parts, begun, judged } = play({ looks: [[]] });
  const outcome = await new Attempt(parts, null).run();
  expect(outcome).toMatchObject({
    passed: true,
    spent: ROUND_ITERATIONS.first,
    iterations: ROUND_ITERATIONS.first,
  });
  expect([begun.length, judged.length]).toEqual([1, 1]);
  expect(outcome.rounds).toMatchObject([{ aim: 'healing', because: '', lacks: [], wasJudged: true }]);
});

test('a rejected candidate is gone on from, with its weights and its pool, weighted to what got worse', async () => {
  const { parts, begun } = play({
    looks: [[], [], [], []],
    judgements: [
      [lack('error', 3, 'at step 1000')],
      [lack('stillness', 2)],
      [lack('recovery', 1, 'left')],
      [],
    ],
  });
  const outcome = await new Attempt(parts, null).run();
  expect(outcome.passed).toBe(true);
  expect(begun.map(({ aim }) => aim)).toEqual(['healing', 'picture', 'stillness', 'healing']);
  expect(begun.map(({ hasPool }) => hasPool)).toEqual([false, true, true, true]);
  // From what the round before had made, not from the incumbent.
  for (const [i, { from }] of begun.entries()) if (i > 0) expect(from).toBeGreaterThan(begun[i - 1].from);
  expect(outcome.rounds.map(({ because }) => because)).toEqual([
    '',
    'error at step 1000',
    'stillness',
    'recovery left',
  ]);
  expect(outcome.spent).toBe(ROUND_ITERATIONS.first + 3 * ROUND_ITERATIONS.further);
});

test('a result that lacks much at a glance is not judged', async () => {
  const { parts, judged } = play({ looks: [[lack('error', 9)], []] });
  const outcome = await new Attempt(parts, null).run();
  expect(outcome.rounds.map(({ wasJudged }) => wasJudged)).toEqual([false, true]);
  expect(judged).toHaveLength(1);
});

test('the mean with the rule in force is tried, and taken where it lacks less', async () => {
  const { parts, judged } = play({ looks: [[lack('error', 9)]], means: [[]] });
  expect((await new Attempt(parts, null).run()).passed).toBe(true);
  const [mean] = judged;
  const own = play({ looks: [[]] });
  await new Attempt(own.parts, null).run();
  expect(mean).toBeCloseTo(own.judged[0] / 2, 3);
});

test('if only safety speaks against a result, its mean with the rule in force is judged, too', async () => {
  const unsafe = [lack('safety', 5, 'battered')];
  const { parts, judged } = play({ looks: [[]], means: [[lack('recovery', 1)]], judgements: [unsafe, []] });
  const outcome = await new Attempt(parts, null).run();
  expect(outcome).toMatchObject({ passed: true, spent: ROUND_ITERATIONS.first });
  expect(judged[1]).toBeCloseTo(judged[0] / 2, 3);
  const worse = play({ looks: [[]], means: [[lack('recovery', 1)]], judgements: [[lack('error', 5)], []] });
  await new Attempt(worse.parts, null).run();
  expect(worse.judged).toHaveLength(2);
  expect(worse.judged[1]).toBeGreaterThan(worse.judged[0]);
});

test('it ends when rounds gain nothing, with the best of what it made and what that lacks', async () => {
  const { parts, begun } = play({
    looks: [[lack('error', 9)], [lack('error', 4)], [lack('error', 5)]],
    judgements: [[lack('error', 4)]],
  });
  const outcome = await new Attempt(parts, null).run();
  expect(outcome).toMatchObject({ passed: false, told: `${MAX_IDLE_ROUNDS} rounds in a row gained nothing` });
  expect(begun).toHaveLength(2 + MAX_IDLE_ROUNDS);
  expect(outcome.iterations).toBe(ROUND_ITERATIONS.first + ROUND_ITERATIONS.further);
  expect(outcome.verdict.comparison.reasons).toEqual(['error']);
});

test('the budget counts iterations over all rounds, and is not exceeded', async () => {
  const looks = Array.from({ length: 20 }, (_, i) => [lack('error', 100 * 0.8 ** i)]);
  const { parts, begun } = play({ looks, iterations: 1_000, judgements: [[lack('error', 9)]] });
  const outcome = await new Attempt(parts, null).run();
  expect(outcome).toMatchObject({
    passed: false,
    spent: 1_000,
    told: 'the budget of 1000 iterations is spent',
  });
  expect(begun).toHaveLength(3);
});

test('what a glance finds lacking and the last judgement does not, passes', async () => {
  const { parts } = play({ looks: [[lack('error', 9)]], iterations: 400, judgements: [[]] });
  expect((await new Attempt(parts, null).run()).passed).toBe(true);
});

test('a training that goes astray is gone on from the best so far, with a fresh pool', async () => {
  const { parts, begun } = play({ looks: [[lack('error', 9)], []], faultIn: 1 });
  const outcome = await new Attempt(parts, null).run();
  expect(outcome.passed).toBe(true);
  expect(outcome.rounds[1].lacks).toEqual(['its training went astray: diverged 9 times']);
  expect(begun[2]).toMatchObject({ from: begun[1].from, hasPool: false });
});

test('stopped after any iteration and gone on with from its state, it does the same', async () => {
  const script: Script = { looks: [[lack('error', 9)], [lack('error', 3)], []], iterations: 1_000 };
  const whole = await new Attempt(play(script).parts, null).run();
  const { parts } = play(script);
  let state: AttemptState | null = null;
  let outcome: Awaited<ReturnType<Attempt['run']>> | null = null;
  let stops = 0;
  while (outcome === null) {
    let left = 170;
    const attempt: Attempt = new Attempt(
      {
        ...parts,
        onIteration: ({ state: now }) => {
          if (--left > 0) return;
          state = structuredClone(now);
          throw new RangeError('stopped');
        },
      },
      state,
    );
    outcome = await attempt.run().catch((error: unknown) => {
      if (!(error instanceof RangeError)) throw error;
      stops++;
      return null;
    });
  }
  expect(stops).toBeGreaterThanOrEqual(4);
  expect(outcome).toMatchObject({ passed: whole.passed, spent: whole.spent, iterations: whole.iterations });
  expect(numberOf(outcome.weights)).toBeCloseTo(numberOf(whole.weights), 2);
  expect(outcome.rounds).toEqual(whole.rounds);
});

test('the next round is for what lacks most in all, and gentler when it is for the same again', () => {
  const first: Round = {
    aim: 'healing',
    because: '',
    iterations: 400,
    kinds: [],
    gentleness: 1,
    isHardened: false,
  };
  const next = nextRound(
    first,
    [lack('error', 2), lack('recovery', 1.5, 'left'), lack('recovery', 1, 'top')],
    1_000,
  );
  expect(next).toMatchObject({ aim: 'healing', because: 'recovery left', kinds: ['left', 'top'] });
  expect(next.gentleness).toBeLessThan(1);
  expect(nextRound(next, [lack('safety', 5, 'battered')], 50)).toMatchObject({
    aim: 'safety',
    iterations: 50,
    gentleness: 1,
    isHardened: true,
  });
});

test('rounds deal what was lacking: wounds, longer lives, fewer wounds, strokes of a hand', () => {
  const rule = blobRule('moss');
  const lessons = { wounds: [[], [], []], errors: [1e-4, 1e-2, 1e-4] };
  const plan = (aim: Aim, kinds: string[] = [], isHardened = false) =>
    planOf(
      rule,
      { scale: 1, padding: 12 },
      { aim, because: '', iterations: 9, kinds, gentleness: 1, isHardened },
      lessons,
      1,
    );
  const [healing, picture, stillness, safety] = (['healing', 'picture', 'stillness', 'safety'] as const).map(
    (aim) => plan(aim),
  );
  expect(healing.recorded!.part).toBeGreaterThan(safety.recorded!.part);
  expect(healing.normalisation).toBeLessThan(picture.normalisation);
  expect(stillness.quiescenceWeight).toBeGreaterThan(picture.quiescenceWeight);
  expect(stillness.damagedPart!).toBeLessThan(healing.damagedPart!);
  expect(stillness.longestSteps).toBeGreaterThan(healing.longestSteps);
  expect([healing, picture, stillness].some(({ damage }) => damage.includes('batter'))).toBe(false);
  expect(safety.damage).toContain('batter');
  expect(safety.wallPart).toBeGreaterThan(0);
  // Once safety was lacking, some strokes stay.
  expect(plan('healing', [], true).damage).toContain('batter');
  const halves = (of: string[]): number =>
    plan('healing', of).damage.filter((kind) => kind === 'half').length;
  expect(halves(['left'])).toBe(halves([]) + 2);
  // Wounds that heal worst are drawn most.
  const [light, heavy] = healing.recorded!.weights!;
  expect(heavy).toBeGreaterThan(4 * light);
});
