/**
 * Compares candidate and incumbent on held-out wounds, on the standard suite, and on stillness. A figure is *worse
 * beyond noise* when, over random seeds, it is worse by more than its margin (`paired.ts`, the family held at 5 %). A
 * candidate is kept when it heals held-out wounds better, beyond noise, no figure is worse beyond noise, and no more
 * bodies die or run away.
 */

import type { Comparison, Figure } from '../../shared/adminApi.ts';
import { type EvaluationTarget, evaluate } from '../evaluation/evaluate.ts';
import { meanOf, medianOf } from '../evaluation/statistics.ts';
import type { Rule } from '../rules/rule.ts';
import { type Healing, type HealOptions, measureHealing } from './heal.ts';
import { holm, SIGNIFICANCE, signFlip } from './paired.ts';
import type { Blows } from './wounds.ts';

/**
 * Bodies are watched up to this step. `npm run rules -- evaluate` watches up to 10,000 and takes five times as long.
 */
const LAST_STEP = 2_000;
/** 0.02 of a recovery of 1: two per cent of a wound. */
const RECOVERY_MARGIN = 0.02;
/** Mean square error: a tenth of what a shipped rule may have (`evaluation/verdict.ts`), or of the incumbent's. */
const ERROR_MARGIN = 3e-5;
/** Cells that change per step; or a tenth of the incumbent's. */
const STILLNESS_MARGIN = 2;
/** Steps until whole again; or a tenth of the incumbent's. */
const STEPS_MARGIN = 10;
const RELATIVE_MARGIN = 0.1;

/** All measurements of one rule. JSON. */
export interface Measured {
  readonly heldOut: Healing;
  readonly suite: Suite;
}

/** The part of an `Evaluation` that is compared and kept in the registry. Arrays are by random seed. */
export interface Suite {
  readonly mse: Readonly<Record<string, readonly number[]>>;
  readonly recovery: Readonly<Record<string, readonly number[]>>;
  readonly changingCells: readonly number[];
  readonly deaths: number;
  readonly runaways: number;
}

export async function measureSuite(
  rule: Rule,
  target: EvaluationTarget,
  { randomSeeds, threads }: HealOptions,
): Promise<Suite> {
  const { evaluation } = await evaluate(rule, target, { randomSeeds, threads, lastStep: LAST_STEP });
  const { samples, deaths, runaways } = evaluation;
  return { ...samples, deaths, runaways };
}

export const measureHeldOut = (
  rule: Rule,
  { target }: EvaluationTarget,
  wounds: readonly Blows[],
  options: HealOptions,
): Promise<Healing> => measureHealing(rule, target, wounds, options);

interface Raw {
  readonly name: string;
  readonly group: Figure['group'];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** 1: a larger figure is worse; -1: a smaller one is. */
  readonly worse: 1 | -1;
  readonly margin: number;
}

/** Both were measured on the same wounds and random seeds. */
export function compare(before: Measured, after: Measured, heldOutWounds: number): Comparison {
  const raws = rawFigures(before, after);
  const pValues = holm(
    raws.map((raw) =>
      signFlip(
        raw.before.map((value, seed) => finite(raw.worse * (raw.after[seed] - value), raw) - raw.margin),
      ),
    ),
  );
  const figures = raws.map(({ name, group, before: was, after: is, margin }, i) => ({
    name,
    group,
    before: meanOf(was),
    after: meanOf(is),
    margin,
    p: pValues[i],
    isWorse: pValues[i] <= SIGNIFICANCE,
  }));
  const gain = before.heldOut.healed.map((error, seed) => error - after.heldOut.healed[seed]);
  const betterP = gain.every(Number.isFinite) ? signFlip(gain) : 1;
  const kinds = Object.keys(before.suite.recovery);
  const delta = (of: (values: readonly number[]) => number): number =>
    meanOf(kinds.map((kind) => of(after.suite.recovery[kind]) - of(before.suite.recovery[kind])));
  const [lossBefore, lossAfter] = [meanOf(before.heldOut.healed), meanOf(after.heldOut.healed)];
  return {
    randomSeeds: gain.length,
    heldOutWounds,
    heldOutLossBefore: lossBefore,
    heldOutLossAfter: lossAfter,
    betterP,
    figures,
    suiteDelta: delta(meanOf),
    suiteDeltaMedian: delta(medianOf),
    curveBefore: before.heldOut.curve,
    curveAfter: after.heldOut.curve,
    reasons: reasonsOf(before, after, figures, betterP),
  };
}

/** NaN and infinity count as worse, by more than ten margins: the sums of `signFlip` must be numbers. */
const finite = (difference: number, { margin }: Raw): number =>
  Number.isFinite(difference) ? difference : 1 + 10 * margin;

function rawFigures(before: Measured, after: Measured): Raw[] {
  const scaled = (least: number, values: readonly number[]): number =>
    Math.max(least, RELATIVE_MARGIN * medianOf(values));
  const raw = (
    group: Raw['group'],
    name: string,
    of: (measured: Measured) => readonly number[],
    worse: 1 | -1,
    margin: number,
  ): Raw => ({ name, group, before: of(before), after: of(after), worse, margin });
  return [
    raw('held-out', 'held-out wounds, recovery', ({ heldOut }) => heldOut.recovery, -1, RECOVERY_MARGIN),
    raw(
      'held-out',
      'held-out wounds, steps to heal',
      ({ heldOut }) => heldOut.steps,
      1,
      scaled(STEPS_MARGIN, before.heldOut.steps),
    ),
    ...Object.keys(before.suite.recovery).map((kind) =>
      raw('recovery', kind, ({ suite }) => suite.recovery[kind], -1, RECOVERY_MARGIN),
    ),
    ...Object.keys(before.suite.mse).map((step) =>
      raw(
        'error',
        `at step ${step}`,
        ({ suite }) => suite.mse[step],
        1,
        scaled(ERROR_MARGIN, before.suite.mse[step]),
      ),
    ),
    raw(
      'stillness',
      'cells that change per step',
      ({ suite }) => suite.changingCells,
      1,
      scaled(STILLNESS_MARGIN, before.suite.changingCells),
    ),
  ];
}

function reasonsOf(before: Measured, after: Measured, figures: readonly Figure[], betterP: number): string[] {
  const reasons: string[] = [];
  if (!(betterP <= SIGNIFICANCE)) {
    const [was, is] = [before, after].map(({ heldOut }) => meanOf(heldOut.healed).toExponential(1));
    reasons.push(
      `no better on held-out wounds: error ${was} before, ${is} after (p = ${betterP.toFixed(2)})`,
    );
  }
  for (const { name, group, before: was, after: is, p, isWorse } of figures) {
    if (!isWorse) continue;
    const show = (value: number): string => (Number.isFinite(value) ? value.toPrecision(3) : 'no number');
    reasons.push(
      `worse, ${group === 'held-out' ? '' : `${group} `}${name}: ${show(was)} → ${show(is)} (p = ${p.toFixed(3)})`,
    );
  }
  for (const fate of ['deaths', 'runaways'] as const) {
    if (after.suite[fate] > before.suite[fate])
      reasons.push(`more ${fate}: ${before.suite[fate]} → ${after.suite[fate]}`);
  }
  return reasons;
}
