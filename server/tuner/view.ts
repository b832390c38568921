/** What an admin sees of the tuner. */
import type { TuningStage } from './messages.ts';

export const TUNER_MODES = ['off', 'manual', 'auto'] as const;
/** Candidates are swapped in by an admin's button, or by themselves. */
export type TunerMode = (typeof TUNER_MODES)[number];

export interface TunerView {
  readonly mode: TunerMode;
  /** `paused`: somebody plays; `waiting`: about to be begun, or tried again. */
  readonly state: 'off' | 'idle' | 'paused' | 'waiting' | TuningStage;
  /** Under way, or paused. */
  readonly job: {
    readonly species: string;
    readonly session: string;
    readonly wounds: number;
    readonly incumbent: string;
    /** Iterations. */
    readonly done: number;
    readonly planned: number;
    readonly loss: number | null;
    readonly seconds: number;
    readonly budgetSeconds: number;
  } | null;
  /** [iteration, smoothed loss] */
  readonly losses: readonly (readonly [number, number])[];
  /** [iteration, recovery of a few wounds]; the first is the incumbent's. */
  readonly probes: readonly (readonly [number, number])[];
  /** Jobs that wait. */
  readonly queue: readonly string[];
  /** How long the last pause took; null: there was none. */
  readonly pauseMs: number | null;
  /** Newest first. */
  readonly notes: readonly { readonly at: string; readonly text: string }[];
}

const MOST_POINTS = 240;

/** A curve of at most 240 points, however long it becomes: every other one is dropped when it is full. */
export class Series {
  #points: (readonly [number, number])[] = [];
  /** Of what is added, every so manieth is kept. */
  #every = 1;
  #skipped = 0;

  /** An x that is not beyond the last one takes back what came after: training has returned to a checkpoint. */
  add(x: number, y: number): void {
    while (this.#points.length > 0 && this.#points[this.#points.length - 1][0] >= x) this.#points.pop();
    if (++this.#skipped < this.#every) return;
    this.#skipped = 0;
    this.#points.push([x, Number(y.toPrecision(4))]);
    if (this.#points.length < MOST_POINTS) return;
    this.#points = this.#points.filter((_, i) => i % 2 === 0);
    this.#every *= 2;
  }

  get points(): readonly (readonly [number, number])[] {
    return this.#points;
  }
}
