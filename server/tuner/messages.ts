/** Messages between the server and the tuning process. */
import type { TuningStage } from '../../shared/adminApi.ts';
import type { Pause } from '../background/lowProcess.ts';

/** Write a checkpoint, report `paused`, and end, within a second. */
export type ToTuning = Pause;

export type FromTuning =
  | {
      readonly type: 'progress';
      readonly stage: TuningStage;
      /** Iterations of training. */
      readonly done: number;
      readonly planned: number;
      /** Smoothed; null: none yet. */
      readonly loss: number | null;
      /** This job's training so far. */
      readonly seconds: number;
    }
  /** Recovery of a few wounds under the present weights; 1 is whole again. The first is the incumbent's. */
  | { readonly type: 'spotCheck'; readonly done: number; readonly recovery: number }
  /** For the operator. */
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'paused' }
  /** The job's folder holds `result.json`. */
  | { readonly type: 'finished' };
