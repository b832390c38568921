/** Messages between the server and the tuning process. */
import type { RoundTold, TuningStage } from '../../shared/adminApi.ts';
import type { Pause } from '../background/lowProcess.ts';

/** Write a checkpoint, report `paused`, and end, within a second. */
export type ToTuning = Pause;

export type FromTuning =
  /** What it does, as long as it does not train. */
  | { readonly type: 'stage'; readonly stage: Exclude<TuningStage, 'training'> }
  /** It trains. */
  | {
      readonly type: 'progress';
      /** Iterations of the attempt, and its budget. */
      readonly done: number;
      readonly planned: number;
      /** Smoothed; null: none yet. */
      readonly loss: number | null;
      /** Time spent on the attempt so far. */
      readonly seconds: number;
      /** What the running round is for, and why; the reason is empty in the first. */
      readonly aim: string;
      readonly because: string;
      /** The finished rounds. */
      readonly rounds: readonly RoundTold[];
    }
  /** Recovery of a few wounds under the present weights; 1 is whole again. The first is the incumbent's. */
  | { readonly type: 'spotCheck'; readonly done: number; readonly recovery: number }
  /** For the operator. */
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'paused' }
  /** The job's folder holds `result.json`. */
  | { readonly type: 'finished' };
