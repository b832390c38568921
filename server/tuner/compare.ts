/**
 * Compares a candidate with the rule in force (the incumbent) and with the root (`margins.ts`): on held-out wounds, on
 * the standard suite, on stillness, and in the trials of company, edge and players. A figure is *worse* when, over
 * random seeds, it lies beyond its limit by more than noise (`paired.ts`, the family held at 5 %). A candidate passes
 * when it heals held-out wounds better, no figure is worse, none explodes or runs away alone, and no more bodies die, run
 * away in a trial, or end there with two bodies than before.
 */

import type { Comparison, Figure } from '../../shared/adminApi.ts';
import { meanOf, medianOf } from '../evaluation/statistics.ts';
import { TRIALS, type TrialFigures } from '../evaluation/trials.ts';
import type { Healing } from './heal.ts';
import {
  errorLimit,
  flickerLimit,
  healthLimit,
  type Known,
  MARGINS,
  recoveryLimit,
  stepsLimit,
} from './margins.ts';
import { holm, SIGNIFICANCE, signFlip } from './paired.ts';

/** All measurements of one rule. JSON. */
export interface Measured {
  readonly heldOut: Healing;
  readonly suite: Suite;
  /** null: not measured, because the rest has decided. */
  readonly trials: Trials | null;
}

/** The part of an `Evaluation` that is compared and kept in the registry. Arrays are by random seed. */
export interface Suite {
  readonly mse: Readonly<Record<string, readonly number[]>>;
  readonly recovery: Readonly<Record<string, readonly number[]>>;
  readonly changingCells: readonly number[];
  readonly deaths: number;
  readonly runaways: number;
}

export type Trials = Readonly<Record<(typeof TRIALS)[number], TrialFigures>>;

/** What a candidate lacks. `learning`: it heals the wounds no better. */
export type LackArea = 'learning' | 'recovery' | 'error' | 'stillness' | 'safety';

export interface Lack {
  readonly area: LackArea;
  /** Kind of damage, step or trial; empty: the whole area. */
  readonly name: string;
  /** How far beyond the limit, in units of what is just visible. */
  readonly by: number;
  /** For people. */
  readonly told: string;
}

export interface Verdict {
  readonly comparison: Comparison;
  /** Empty: it passes. */
  readonly lacks: readonly Lack[];
  /** What it is made of. */
  readonly before: Measured;
  readonly after: Measured;
}

/** One figure with its limit. */
interface Raw {
  readonly name: string;
  readonly group: Figure['group'];
  readonly area: LackArea;
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** 1: a larger figure is worse; -1: a smaller one is. */
  readonly worse: 1 | -1;
  readonly limit: number;
  /** What is just visible, in the figure's unit. */
  readonly unit: number;
}

/** @param root - of the same rule when the incumbent was not tuned */
export function compare(
  before: Measured,
  root: Pick<Measured, 'suite' | 'trials'>,
  after: Measured,
  heldOutWounds: number,
): Verdict {
  const raws = rawFigures(before, root, after);
  const pValues = holm(raws.map((raw) => signFlip(beyond(raw))));
  const figures = raws.map((raw, i) => ({
    ...figureOf(raw),
    p: pValues[i],
    isWorse: pValues[i] <= SIGNIFICANCE,
  }));
  const gain = before.heldOut.each.map(
    (error, body) => (1 - MARGINS.gain) * error - after.heldOut.each[body],
  );
  const betterP = gain.every(Number.isFinite) ? signFlip(gain) : 1;
  const lacks = [
    ...(betterP <= SIGNIFICANCE ? [] : [notLearned(before.heldOut, after.heldOut)]),
    ...raws.flatMap((raw, i) => (figures[i].isWorse ? [lackOf(raw)] : [])),
    ...fates(before, root, after),
  ];
  const kinds = Object.keys(before.suite.recovery);
  const delta = (of: (values: readonly number[]) => number): number =>
    meanOf(kinds.map((kind) => of(after.suite.recovery[kind]) - of(before.suite.recovery[kind])));
  return {
    lacks,
    before,
    after,
    comparison: {
      randomSeeds: before.suite.changingCells.length,
      heldOutWounds,
      heldOutLossBefore: meanOf(before.heldOut.healed),
      heldOutLossAfter: meanOf(after.heldOut.healed),
      betterP,
      figures,
      suiteDelta: delta(meanOf),
      suiteDeltaMedian: delta(medianOf),
      curveBefore: before.heldOut.curve,
      curveAfter: after.heldOut.curve,
      reasons: lacks.map(({ told }) => told),
    },
  };
}

/** What few measurements show, without a test of chance: what a training is weighted by between judgements. */
export function lacksAtAGlance(
  before: Measured,
  root: Pick<Measured, 'suite' | 'trials'>,
  after: Measured,
): readonly Lack[] {
  const isBetter = meanOf(after.heldOut.healed) <= (1 - MARGINS.gain) * meanOf(before.heldOut.healed);
  return [
    ...(isBetter ? [] : [notLearned(before.heldOut, after.heldOut)]),
    ...rawFigures(before, root, after).flatMap((raw) => (meanOf(beyond(raw)) > 0 ? [lackOf(raw)] : [])),
    ...fates(before, root, after),
  ];
}

/** How far each random seed lies beyond the limit, as if the incumbent's mean held for all of them. */
function beyond(raw: Raw): number[] {
  const { before, after, worse, limit, unit } = raw;
  const margin = worse * (limit - meanOf(before));
  // NaN and infinity count as worse, by ten units: the sums of `signFlip` must be numbers.
  return before.map((value, seed) => {
    const difference = worse * (after[seed] - value) - margin;
    return Number.isFinite(difference) ? difference : 1 + 10 * unit;
  });
}

const figureOf = ({ name, group, before, after, worse, limit }: Raw): Omit<Figure, 'p' | 'isWorse'> => ({
  name,
  group,
  before: meanOf(before),
  after: meanOf(after),
  margin: worse * (limit - meanOf(before)),
});

const show = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))) : 'no number';

function lackOf(raw: Raw): Lack {
  const { name, group, area, before, after, limit, unit } = raw;
  const what = group === 'held-out' ? name : `${group} ${name}`;
  return {
    area,
    name,
    by: Math.max(0.1, meanOf(beyond(raw)) / unit),
    told: `worse, ${what}: ${show(meanOf(before))} → ${show(meanOf(after))}, the limit is ${show(limit)}`,
  };
}

function notLearned(before: Healing, after: Healing): Lack {
  const [was, is] = [before, after].map(({ healed }) => meanOf(healed));
  const by = is / was / (1 - MARGINS.gain) - 1;
  return {
    area: 'learning',
    name: '',
    by: 1 + 10 * Math.max(0, Number.isFinite(by) ? by : 1),
    told: `no better on held-out wounds: error ${was.toExponential(1)} before, ${is.toExponential(1)} after, a tenth less is asked for`,
  };
}

function rawFigures(before: Measured, root: Pick<Measured, 'suite' | 'trials'>, after: Measured): Raw[] {
  const raw = (
    one: Omit<Raw, 'before' | 'after' | 'limit'>,
    of: (measured: Pick<Measured, 'suite' | 'trials'>) => readonly number[],
    limitOf: (known: Known) => number,
  ): Raw => {
    const limit = limitOf({ incumbent: meanOf(of(before)), root: meanOf(of(root)) });
    return { ...one, before: of(before), after: of(after), limit };
  };
  const { suite } = before;
  return [
    {
      name: 'held-out wounds, recovery',
      group: 'held-out',
      area: 'learning',
      before: before.heldOut.recovery,
      after: after.heldOut.recovery,
      worse: -1,
      limit: meanOf(before.heldOut.recovery),
      unit: MARGINS.recoverySeen,
    },
    {
      name: 'held-out wounds, steps to heal',
      group: 'held-out',
      area: 'learning',
      before: before.heldOut.steps,
      after: after.heldOut.steps,
      worse: 1,
      limit: stepsLimit({ incumbent: meanOf(before.heldOut.steps) }),
      unit: MARGINS.healingSteps,
    },
    ...Object.keys(suite.recovery).map((name) =>
      raw(
        { name, group: 'recovery', area: 'recovery', worse: -1, unit: MARGINS.recoverySeen },
        (measured) => measured.suite.recovery[name],
        recoveryLimit,
      ),
    ),
    ...Object.keys(suite.mse).map((step) =>
      raw(
        { name: `at step ${step}`, group: 'error', area: 'error', worse: 1, unit: MARGINS.goodError / 4 },
        (measured) => measured.suite.mse[step],
        errorLimit,
      ),
    ),
    raw(
      {
        name: 'cells that change per step',
        group: 'stillness',
        area: 'stillness',
        worse: 1,
        unit: MARGINS.stillCells,
      },
      (measured) => measured.suite.changingCells,
      flickerLimit,
    ),
    ...(before.trials === null || root.trials === null || after.trials === null
      ? []
      : TRIALS.map((trial) =>
          raw(
            {
              name: `${trial}, health`,
              group: 'safety',
              area: 'safety',
              worse: -1,
              unit: MARGINS.trialHealth,
            },
            (measured) => measured.trials?.[trial].health ?? [],
            healthLimit,
          ),
        )),
  ];
}

/** Bodies that must not be: each counts as five units, so that no gain elsewhere makes up for one. */
function fates(before: Measured, root: Pick<Measured, 'suite' | 'trials'>, after: Measured): Lack[] {
  const lacks: Lack[] = [];
  const lack = (name: string, told: string, count: number): void =>
    void lacks.push({ area: 'safety', name, by: 5 * count, told });
  const { deaths, runaways } = after.suite;
  const died = Math.max(before.suite.deaths, root.suite.deaths);
  if (deaths > died) lack('deaths', `more deaths: ${died} → ${deaths}`, deaths - died);
  if (runaways > 0) lack('runaways', `${runaways} ran away`, runaways);
  const { trials } = after;
  if (trials === null || before.trials === null || root.trials === null) return lacks;
  for (const trial of TRIALS) {
    const { explosions } = trials[trial];
    if (explosions > 0) lack(trial, `${trial}: ${explosions} exploded`, explosions);
    for (const [fate, words] of [
      ['runaways', 'ran away'],
      ['twoBodied', 'ended with two bodies'],
    ] as const) {
      const most = Math.max(before.trials[trial][fate], root.trials[trial][fate]);
      const count = trials[trial][fate];
      if (count > most) lack(trial, `${trial}: more ${words}: ${most} → ${count}`, count - most);
    }
  }
  return lacks;
}

/** How far from passing: 0 passes. */
export const shortfallOf = (lacks: readonly Lack[]): number => lacks.reduce((sum, { by }) => sum + by, 0);
