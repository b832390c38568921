/** Messages between the server and the learning process. */
import type { Pause } from '../background/lowProcess.ts';

export type ToLearning =
  | Pause
  /** Films are made only while somebody looks. */
  | { readonly type: 'watch'; readonly isWatched: boolean };

export type FromLearning =
  | {
      readonly type: 'progress';
      readonly stage: 'learning' | 'judging';
      readonly iterations: number;
      readonly maxIterations: number;
      /** Smoothed; NaN comes as null. */
      readonly loss: number | null;
      /** Spent on this creature, also by earlier processes. */
      readonly seconds: number;
    }
  | {
      readonly type: 'checked';
      readonly iterations: number;
      /** The error of grown bodies; null: it is not a number, because the bodies have burst. */
      readonly error: number | null;
      /** By kind of damage; empty: not measured. */
      readonly recovery: Readonly<Record<string, number | null>>;
    }
  /** What it grows now: `FILM.frames` frames, one below another, PNG in base64. */
  | { readonly type: 'film'; readonly png: string }
  /** For the operator. */
  | { readonly type: 'log'; readonly line: string }
  /** The folder holds `result.json`. */
  | { readonly type: 'finished' }
  | { readonly type: 'paused' };
