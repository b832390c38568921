/** What a training run is asked to do. */
import type { DamageKind } from './damage.ts';
import type { OptimizerName } from './optimizer.ts';
import type { RecordedDamage } from './recorded.ts';
import type { TargetSource } from './target.ts';

export const RESEEDS = ['worst', 'any'] as const;
export type Reseed = (typeof RESEEDS)[number];

/** What is trained and how; fixed for the whole run, kept in its checkpoints. */
export interface TrainingPlan {
  readonly name: string;
  readonly source: TargetSource;
  /** Rule file to begin with instead of random weights. */
  readonly parent?: string;
  readonly hidden: number;
  readonly fireRate: number;
  /** Of the hidden channels' overflow beside the picture's error; it falls to 0 with the learning rate. */
  readonly overflowWeight: number;
  /** Of the last updates of whole bodies, beside the picture's error. */
  readonly quiescenceWeight: number;
  /** Of the places that two hidden channels are taught, beside the picture's error. */
  readonly placeWeight: number;
  /** Of cells that live where the picture is empty, beside their share of the picture's error. */
  readonly strayWeight: number;
  /** Empty cells around the padded picture, in training alone: what leaves a body is seen so far. */
  readonly roomCells: number;
  /** Iterations of the pool phase; the learning rate falls over them. */
  readonly iterations: number;
  /** The curriculum ends after so many iterations, at a seed or not; 0: there is none. */
  readonly curriculumIterations: number;
  readonly batch: number;
  /** 0: no sample outlives its rollout, every one starts from a seed. */
  readonly poolSize: number;
  /** How often one of a batch starts again from a seed. */
  readonly seedPart: number;
  /** Which one. `any` spares the worst, most often: a body that has healed wrongly is taught, not thrown away. */
  readonly reseed: Reseed;
  /** Kinds that grown bodies suffer; empty: none. */
  readonly damage: readonly DamageKind[];
  /** Wounds of a session, beside those kinds. */
  readonly recorded?: RecordedDamage;
  /** A body lives on for 0 to so many steps before it is hurt, so that wounds come at every age. */
  readonly delaySteps: number;
  /** 0..1: of those that are hurt, this part is hurt once more while it heals. */
  readonly twicePart: number;
  /** Hurt bodies are rolled out for so many steps to as many as the others, so that what was spared stays as it is. */
  readonly shortestSteps: number;
  /** Rollouts of the pool take 64 to so many steps. */
  readonly longestSteps: number;
  /** Bodies that live beside their place, by at most so many cells each way, are moved back to it first. */
  readonly alignCells: number;
  /** 0..1: a sample without walls gets some with this probability whenever it is drawn (`regime.WALLS`). */
  readonly wallPart: number;
  /** In parts of a bare seed's error: a batch's worst body that is beyond it starts again from a seed. */
  readonly farOff: number;
  readonly rate: number;
  /** 0..1: how far a batch's gradients are made equally long before they are averaged. */
  readonly normalisation: number;
  readonly optimizer: OptimizerName;
  readonly randomSeed: number;
}
