/** A training run's whole state, and whether it fits the run that is to go on from it. */
import { CHANNELS, PERCEPTION, RuleError } from '../rules/rule.ts';
import type { GridShape, Weights } from './kernel.ts';
import type { OptimizerState } from './optimizer.ts';
import type { TrainingPlan } from './plan.ts';
import type { RandomState } from './random.ts';
import type { Difficulty } from './regime.ts';
import type { Walls } from './walls.ts';
import { MAX_SICK, type WardState } from './ward.ts';

export interface Snapshot {
  readonly plan: TrainingPlan;
  /** Iterations done, by phase. */
  readonly curriculumDone: number;
  readonly poolDone: number;
  readonly difficulty: Difficulty;
  readonly smoothedLoss: number;
  readonly optimizer: OptimizerState;
  readonly random: RandomState;
  /** [poolSize or batch, cellCount, 16]; empty before the pool phase. */
  readonly pool: Float32Array;
  /** The walls of each sample of the pool. */
  readonly walls: readonly (Walls | null)[];
  /** Absent: the plan has no ward. */
  readonly ward?: WardState;
  readonly rollbacks: number;
  /** The loss of every iteration. */
  readonly losses: readonly number[];
  readonly elapsedMs: number;
}

/** Samples of a pool. */
export const poolSizeOf = ({ poolSize, batch }: TrainingPlan): number => Math.max(poolSize, batch);

/**
 * A checkpoint may be of another picture, or of a plan that has changed since.
 *
 * @param shape - of the grid that the plan's picture is trained on
 * @throws RuleError that lists all that does not fit the plan
 */
export function checkSnapshot({ plan, optimizer, pool, walls, ward }: Snapshot, shape: GridShape): void {
  const faults: string[] = [];
  const expect = (what: string, got: number, wanted: number): void => {
    if (got !== wanted) faults.push(`${got} ${what}, expected ${wanted}`);
  };
  const { weights, first, second } = optimizer;
  faults.push(...weightFaults({ weights, first, second }, plan.hidden));
  const perBody = shape.cellCount * CHANNELS;
  if (pool.length > 0) {
    expect('values of the pool', pool.length, poolSizeOf(plan) * perBody);
    expect('walls of the pool', walls.length, poolSizeOf(plan));
  }
  if (ward !== undefined) {
    const { wardBodies = 0 } = plan;
    for (const list of ['bodies', 'ages', 'doubts', 'struck'] as const)
      expect(`${list} of the ward`, ward[list].length, wardBodies);
    if (ward.sick.length > MAX_SICK) expect('sick bodies of the ward', ward.sick.length, MAX_SICK);
    expect('causes of sick bodies of the ward', ward.causes.length, ward.sick.length);
    for (const list of ['bodies', 'struck', 'sick', 'causes'] as const) {
      const wrong = ward[list].find(({ length }) => length !== perBody);
      if (wrong !== undefined) expect(`values of one of the ward's ${list}`, wrong.length, perBody);
    }
  }
  if (faults.length > 0) throw new RuleError(`the checkpoint does not fit its plan: ${faults.join('; ')}`);
}

/**
 * Weights that a checkpoint keeps beside its run are checked like the run's own: longer ones would be trained on in part.
 *
 * @param kept - by name; what is null is not kept
 * @throws RuleError that lists all that a rule of so many hidden units does not have
 */
export function checkWeights(kept: Readonly<Record<string, Weights | null>>, hidden: number): void {
  const faults = weightFaults(kept, hidden);
  if (faults.length > 0) throw new RuleError(`the checkpoint does not fit its rule: ${faults.join('; ')}`);
}

const weightFaults = (kept: Readonly<Record<string, Weights | null>>, hidden: number): string[] =>
  Object.entries(kept).flatMap(([part, weights]) =>
    weights === null
      ? []
      : TENSORS.filter((name) => weights[name].length !== lengthsOf(hidden)[name]).map(
          (name) => `${weights[name].length} values of ${part}.${name}, expected ${lengthsOf(hidden)[name]}`,
        ),
  );

const TENSORS = ['w1', 'b1', 'w2', 'b2'] as const satisfies readonly (keyof Weights)[];

const lengthsOf = (hidden: number): Record<keyof Weights, number> => ({
  w1: hidden * PERCEPTION,
  b1: hidden,
  w2: CHANNELS * hidden,
  b2: CHANNELS,
});
