/**
 * A small suite: is it worth judging the weights by the whole one? A check ends at the first gate that is missed, so
 * that most checks cost as much as a few iterations; a *whole* one, for which the next round waits, measures everything.
 */
import { openBodies } from '../evaluation/bodies.ts';
import { CUT_STEP, RECOVERY_STEPS, RUNAWAY } from '../evaluation/evaluate.ts';
import { medianOf, recoveryOf } from '../evaluation/statistics.ts';
import { harm } from '../evaluation/suite.ts';
import type { Rule } from '../rules/rule.ts';
import type { Weights } from '../training/kernel.ts';
import { replay } from '../training/recorded.ts';
import type { Rollouts } from '../training/rollouts.ts';
import { livingCells, plantSeed } from '../training/states.ts';
import { pictureCells, type Target } from '../training/target.ts';
import { GATES, type GatedKind } from './gates.ts';

const RANDOM_SEEDS = [101, 102, 103, 104] as const;
const GROWN_STEP = 200;
/** A whole check measures nothing more of bodies whose error when grown is this many times the gate's. */
const FAR = 8;

export interface Checked {
  /** Medians of the mean square error of RGBA when grown, and at the age at which bodies are hurt. */
  readonly grownError: number;
  /** Infinite: not measured. */
  readonly olderError: number;
  /** Median recovery by kind; a kind that is missing was not measured. */
  readonly recovery: Partial<Readonly<Record<GatedKind, number>>>;
  /** Whether no body died or ran away. */
  readonly isSafe: boolean;
}

export class SpotCheck {
  readonly #bodies: Rollouts;
  readonly #target: Target;
  readonly #cells: number;

  /** @param rule - its weights are replaced by those that are measured */
  constructor(rule: Rule, target: Target, threads: number) {
    this.#target = target;
    this.#cells = pictureCells(target);
    this.#bodies = openBodies(rule, target, RANDOM_SEEDS.length, threads);
  }

  async measure(weights: Weights, isWhole: boolean): Promise<Checked> {
    const endsAt = isWhole ? FAR * GATES.maxError : GATES.maxError;
    const bodies = this.#bodies;
    const { shape } = this.#target;
    bodies.setWeights(weights);
    for (const slot of RANDOM_SEEDS.keys()) plantSeed(bodies.state(slot), shape);
    const grownError = medianOf(await this.#live(0, GROWN_STEP));
    if (!(grownError <= endsAt))
      return { grownError, olderError: Number.POSITIVE_INFINITY, recovery: {}, isSafe: this.#isSafe() };
    const grown = await this.#live(GROWN_STEP, CUT_STEP);
    const isSafe = this.#isSafe();
    const olderError = medianOf(grown);
    const recovery: Partial<Record<GatedKind, number>> = {};
    if (!isWhole && !(isSafe && olderError <= GATES.maxError))
      return { grownError, olderError, recovery, isSafe };
    const states = RANDOM_SEEDS.map((_, slot) => bodies.state(slot).slice());
    for (const kind of GATES.kinds) {
      states.forEach((state, slot) => void bodies.state(slot).set(state));
      const dealt = RANDOM_SEEDS.map((randomSeed, slot) => ({
        slot,
        randomSeed,
        blows: harm(kind, bodies.state(slot), this.#target, randomSeed),
      }));
      await replay(dealt, bodies, RANDOM_SEEDS.length, this.#target, false);
      const hurt = await this.#live(CUT_STEP, CUT_STEP);
      const healed = await this.#live(CUT_STEP, CUT_STEP + RECOVERY_STEPS);
      const median = medianOf(hurt.map((post, slot) => recoveryOf(grown[slot], post, healed[slot])));
      recovery[kind] = median;
      if (!isWhole && !(median >= GATES.minRecovery)) break;
    }
    return { grownError, olderError, recovery, isSafe };
  }

  async #live(from: number, to: number): Promise<readonly number[]> {
    const rollouts = RANDOM_SEEDS.map((randomSeed) => ({ steps: to - from, randomSeed, firstStep: from }));
    return (await this.#bodies.run(rollouts)).losses;
  }

  #isSafe(): boolean {
    const { shape } = this.#target;
    return RANDOM_SEEDS.every((_, slot) => {
      const cells = livingCells(this.#bodies.state(slot), shape);
      return cells > 0 && cells <= RUNAWAY * this.#cells;
    });
  }

  dispose(): Promise<void> {
    return this.#bodies.dispose();
  }
}

/** The kinds whose recovery is below `bar`. */
export const unhealed = ({ recovery }: Checked, bar: number): GatedKind[] =>
  GATES.kinds.filter((kind) => !((recovery[kind] ?? Number.NaN) >= bar));

/**
 * How far from the gates: 0 passes all of them; 1 is an error of twice the gate's, or one kind healed by 0.1 less. A
 * kind that was not measured counts as one that did not heal, so a check that ended early is behind a whole one.
 */
export function shortfall(checked: Checked): number {
  const { grownError, olderError } = checked;
  const error =
    (Number.isFinite(olderError) ? Math.max(grownError, olderError) : grownError) / GATES.maxError - 1;
  const healing = GATES.kinds.map((kind) => (GATES.minRecovery - (checked.recovery[kind] ?? 0)) * 10);
  const all = [error, ...healing].reduce((sum, one) => sum + Math.max(0, one), checked.isSafe ? 0 : 10);
  return Number.isNaN(all) ? Number.POSITIVE_INFINITY : all;
}
