/** What the server and the process that tunes say to each other. */
import type { TuningStage } from '../../shared/adminApi.ts';

export type ToTuning = {
  /** Write a checkpoint, say so, and end: within a second. */
  readonly type: 'pause';
};

export type FromTuning =
  | {
      readonly type: 'progress';
      readonly stage: TuningStage;
      /** Iterations of training. */
      readonly done: number;
      readonly planned: number;
      /** Smoothed; null: none yet. */
      readonly loss: number | null;
      /** Of this job's training so far. */
      readonly seconds: number;
    }
  /** How well a few of the wounds are healed by now: recovery, 1 is whole again. The first is the incumbent's. */
  | { readonly type: 'probe'; readonly done: number; readonly recovery: number }
  /** Of use to the operator. */
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'paused' }
  /** The job's folder holds `result.json`. */
  | { readonly type: 'finished' };

/** Exit code of a process that has paused. */
export const PAUSED_CODE = 75;
/** … and of one that has said why nothing can come of its job: trying again is of no use. */
export const FAILED_CODE = 65;
