/** The gates that a learned creature passes before it may be planted, measured by the suite of `evaluation/`. */
import { type Evaluation, evaluate } from '../evaluation/evaluate.ts';
import type { Evaluated } from '../evaluation/sheet.ts';
import type { Harmed } from '../evaluation/suite.ts';
import type { Rule } from '../rules/rule.ts';
import type { Target } from '../training/target.ts';

export const GATES = {
  /** For the median of the mean square error of RGBA, at every age that is measured. */
  maxError: 3e-4,
  /** For the median recovery of every kind in `kinds`. */
  minRecovery: 0.98,
  kinds: ['left', 'right', 'top', 'bottom', 'centre', 'scrub', 'truncate', 'noise'],
  randomSeeds: 16,
  lastStep: 5000,
} as const satisfies { readonly kinds: readonly Harmed[] } & Record<string, unknown>;

export type GatedKind = (typeof GATES.kinds)[number];

/** What a rule lacks. */
export interface Missed {
  readonly gate: 'error' | 'deaths' | 'runaways' | GatedKind;
  /** The gate with its figure, for people. */
  readonly told: string;
}

/** Measures everything that the gates ask for. @param threads - changes only the time taken */
export function judge(rule: Rule, target: Target, threads: number): Promise<Evaluated> {
  const { randomSeeds, lastStep } = GATES;
  return evaluate(rule, { label: 'its drawing', target }, { randomSeeds, lastStep, threads });
}

/** Every gate that the rule does not pass; NaN passes none. */
export function missedGates({ mse, recovery, deaths, runaways }: Evaluation): Missed[] {
  const missed: Missed[] = [];
  const worst = Object.entries(mse).toSorted(([, a], [, b]) => b.median - a.median);
  const wrong = worst.find(([, { median }]) => !(median <= GATES.maxError));
  if (wrong !== undefined) {
    const [step, { median }] = wrong;
    missed.push({
      gate: 'error',
      told: `error ${median.toExponential(1)} at step ${step}, at most ${GATES.maxError.toExponential(0)} passes`,
    });
  }
  for (const kind of GATES.kinds) {
    const { median } = recovery[kind];
    if (!(median >= GATES.minRecovery))
      missed.push({ gate: kind, told: `${kind}: ${median.toFixed(3)} healed, ${GATES.minRecovery} passes` });
  }
  if (deaths > 0) missed.push({ gate: 'deaths', told: `${deaths} of ${GATES.randomSeeds} died` });
  if (runaways > 0)
    missed.push({ gate: 'runaways', told: `${runaways} of ${GATES.randomSeeds} outgrew their picture` });
  return missed;
}
