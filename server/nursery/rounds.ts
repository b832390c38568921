/** The rounds of a learning: the first makes the body, each further one is weighted to what the last check missed. */
import { lessonsFor } from '../evaluation/suite.ts';
import { LEARNING, LEARNING_PADDING } from '../training/learning.ts';
import type { TrainingPlan } from '../training/plan.ts';
import { GATES } from './gates.ts';
import { type Checked, unhealed } from './spotCheck.ts';

/** The learning rate falls to nothing over each round, so that its end is its best. */
export const ROUNDS = {
  first: { rate: 5e-3, batch: 2 },
  // Twice the batch: the last few wounds that heal badly are lost in the noise of small ones.
  further: { iterations: 400, rate: 2.5e-3, batch: 4 },
} as const;

/** Iterations of the first round per cell of the picture: more cells are more to learn. */
const ITERATIONS_PER_CELL = 2.2;
const [MIN_FIRST, MAX_FIRST] = [800, 3000];

/** @param cells - living cells of the picture */
export const firstIterations = (cells: number): number =>
  Math.min(MAX_FIRST, Math.max(MIN_FIRST, Math.round(cells * ITERATIONS_PER_CELL)));

/** Recovery below this is trained for: a little above the gate, so that what passes narrowly is not lost. */
const TRAINED_BELOW = 0.99;

/**
 * @param round - from 0
 * @param cells - living cells of the picture
 * @param last - the last check of the round before; null: there is none
 */
export function roundPlan(
  name: string,
  round: number,
  cells: number,
  randomSeed: number,
  last: Checked | null,
): TrainingPlan {
  const plan = {
    ...LEARNING,
    name,
    source: { scale: 1, padding: LEARNING_PADDING },
    ...(round === 0 ? { ...ROUNDS.first, iterations: firstIterations(cells) } : ROUNDS.further),
    randomSeed: randomSeed + round,
  };
  if (round === 0 || last === null) return plan;
  const kinds = unhealed(last, TRAINED_BELOW);
  const heals = unhealed(last, GATES.minRecovery).length === 0;
  const isClose = Math.max(last.grownError, last.olderError) <= GATES.maxError;
  return {
    ...plan,
    // Gradients of equal length make the picture finer, unequal ones teach healing.
    normalisation: heals ? 0.9 : isClose ? 0.1 : LEARNING.normalisation,
    damage: [...LEARNING.damage, ...lessonsFor(kinds)],
  };
}
