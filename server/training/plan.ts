/** The plan of a training run. */
import type { DamageKind } from './damage.ts';
import type { OptimizerName } from './optimizer.ts';
import type { RecordedDamage } from './recorded.ts';
import type { TargetSource } from './target.ts';

export const RESEEDS = ['worst', 'any'] as const;
export type Reseed = (typeof RESEEDS)[number];

/** Fixed for the whole run, and kept in its checkpoints. */
export interface TrainingPlan {
  readonly name: string;
  readonly source: TargetSource;
  /** Rule file to start from, instead of random weights. */
  readonly parent?: string;
  readonly hidden: number;
  readonly fireRate: number;
  /** Weight of the hidden channels' overflow beside the picture's error; falls to 0 with the learning rate. */
  readonly overflowWeight: number;
  /** Weight of the last updates of whole bodies, beside the picture's error. */
  readonly quiescenceWeight: number;
  /** Weight of the place that two hidden channels are taught, beside the picture's error. */
  readonly placeWeight: number;
  /** Weight of the place's waves that four more hidden channels are taught, beside the picture's error. */
  readonly waveWeight: number;
  /** Extra weight of cells that live where the picture is empty, beside their share of its error. */
  readonly strayWeight: number;
  /** Extra weight of cells whose alpha is near the alive threshold, beside the picture's error. Default: none. */
  readonly rimWeight?: number;
  /** Empty cells around the padded picture, in training only: cells that leave the body are seen this far. */
  readonly roomCells: number;
  /** Iterations of the pool phase; the learning rate falls over them. */
  readonly iterations: number;
  /** The curriculum ends after this many iterations, even before the start is a seed; 0: there is no curriculum. */
  readonly curriculumIterations: number;
  readonly batch: number;
  /** 0: no sample outlives its rollout, and every sample starts from a seed. */
  readonly poolSize: number;
  /** Probability that one sample of a batch starts again from a seed. */
  readonly seedPart: number;
  /** Which sample that is. `any` mostly spares the worst: a body that has healed wrongly is taught, not thrown away. */
  readonly reseed: Reseed;
  /** 0..1: part of a batch (its best bodies) that is hurt. Default: half. */
  readonly damagedPart?: number;
  /** Kinds of damage to grown bodies; empty: none. */
  readonly damage: readonly DamageKind[];
  /** Wounds of a session, beside those kinds. */
  readonly recorded?: RecordedDamage;
  /** A body lives on for 0 to this many steps before it is hurt, so that wounds come at every age. */
  readonly delaySteps: number;
  /** 0..1: share of hurt bodies that are hurt once more while they heal. */
  readonly twicePart: number;
  /** Hurt bodies are rolled out for this many steps to as many as the others, so that unhurt parts stay as they are. */
  readonly shortestSteps: number;
  /** Rollouts of the pool take 64 to this many steps. */
  readonly longestSteps: number;
  /** A body that stands beside its place, by at most this many cells each way, is first moved back. */
  readonly alignCells: number;
  /** 0..1: probability that a sample without walls gets some when it is drawn (`regime.WALLS`). */
  readonly wallPart: number;
  /** In parts of a bare seed's error: a batch's worst body starts again from a seed if its error is larger. */
  readonly farOff: number;
  /** Bodies that are struck again and again beside the training (`ward.ts`). Default: none. */
  readonly wardBodies?: number;
  /** 0..1: how often one of those that stay sick takes the place of a sample of the pool. Default 0. */
  readonly sickPart?: number;
  readonly rate: number;
  /** 0..1: how far the gradients of a batch are made equally long before they are averaged. */
  readonly normalisation: number;
  readonly optimizer: OptimizerName;
  readonly randomSeed: number;
}
