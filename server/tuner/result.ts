/** What an attempt leaves: the candidate as a rule, and its figures for the registry. */
import type { ComparisonRecord, RoundTold } from '../../shared/adminApi.ts';
import { spread, spreads } from '../evaluation/statistics.ts';
import type { Rule } from '../rules/rule.ts';
import type { AttemptOutcome, PastRound } from './attempt.ts';
import type { Measured } from './compare.ts';
import { MAX_HEALING_STEPS } from './heal.ts';
import type { Job, Result } from './jobs.ts';

export function candidateOf(
  job: Job,
  { name: _, hidden, fireRate, metadata }: Rule,
  { weights, iterations, elapsedMs }: AttemptOutcome,
): Rule {
  const { trainingCommand, metrics: _metrics, ...kept } = metadata;
  const { w1, b1, w2, b2 } = weights;
  return {
    name: job.species,
    hidden,
    fireRate,
    w1,
    b1,
    w2,
    b2,
    metadata: {
      ...kept,
      ...(trainingCommand === undefined ? {} : { parentCommand: trainingCommand }),
      parent: job.incumbent?.label ?? job.species,
      tunedOn: `session ${job.session}`,
      tuning: `${iterations} iterations in ${(elapsedMs / 1_000).toFixed(0)} s`,
    },
  };
}

export function resultOf(job: Job, outcome: AttemptOutcome): Result {
  const { verdict, passed, told, spent, iterations, elapsedMs } = outcome;
  const { comparison, before, after } = verdict;
  const rounds = outcome.rounds.map(toldOf);
  const { trained, heldOut } = job.wounds;
  const reasons = passed ? [] : [`given up after ${spent} iterations: ${told}`, ...comparison.reasons];
  const record: ComparisonRecord & Pick<Job, 'incumbent' | 'root'> = {
    ...comparison,
    incumbent: job.incumbent,
    root: job.root,
    trainedWounds: trained.length,
    iterations,
    seconds: elapsedMs / 1_000,
    rounds,
  };
  const metrics = {
    ...summary(after),
    learned: {
      session: job.session,
      wounds: trained.length + heldOut.length,
      recoveryBefore: share(before.heldOut.medianRecovery),
      recoveryAfter: share(after.heldOut.medianRecovery),
      stepsBefore: stepsTold(before.heldOut.medianSteps),
      stepsAfter: stepsTold(after.heldOut.medianSteps),
    },
    comparison: record,
  };
  const rounded = JSON.parse(
    JSON.stringify(metrics, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value)),
  );
  return {
    format: 2,
    verdict: passed ? 'candidate' : 'rejected',
    reasons,
    metrics: rounded,
    iterations: spent,
    rounds,
  };
}

export const toldOf = ({ aim, because, iterations, lacks }: PastRound): RoundTold => ({
  aim,
  because,
  iterations,
  lacks,
});

/** The figures as shipped rules hold them: median and worst. */
function summary({ suite, trials }: Measured): object {
  const { mse, recovery, changingCells, deaths, runaways } = suite;
  return {
    mse: spreads(mse, Math.max),
    recovery: spreads(recovery, Math.min),
    changingCells: spread(changingCells, Math.max),
    deaths,
    runaways,
    ...(trials === null ? {} : { trials }),
  };
}

/** What players read, 0..1: a body that got worse after the wound has healed nothing. */
const share = (recovery: number): number => Math.min(1, Math.max(0, recovery || 0));
/** null: it was not whole again while it was watched. */
const stepsTold = (steps: number): number | null => (steps < MAX_HEALING_STEPS ? steps : null);
