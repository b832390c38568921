/** Messages between the server and the tuning process. */
import type { AttemptProgress, TuningStage } from '../../shared/adminApi.ts';
import type { Pause } from '../background/lowProcess.ts';

/** Write a checkpoint, report `paused`, and end, within a second. */
export type ToTuning = Pause;

export type FromTuning =
  /** What it does, as long as it does not train. */
  | { readonly type: 'stage'; readonly stage: Exclude<TuningStage, 'training'> }
  /** It trains. */
  | ({ readonly type: 'progress' } & AttemptProgress)
  /** Recovery of a few wounds under the present weights; 1 is whole again. The first is the incumbent's. */
  | { readonly type: 'spotCheck'; readonly done: number; readonly recovery: number }
  /** For the operator. */
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'paused' }
  /** The job's folder holds `result.json`. */
  | { readonly type: 'finished' };
