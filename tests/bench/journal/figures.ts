/** What is made of the rounds of the journal benchmark. */
import { medianOf } from '../../../server/evaluation/statistics.ts';

export const VARIANTS = ['flush', 'os', 'none'] as const;
/** A setting of `--durability`; `none`: entries are thrown away. */
export type Variant = (typeof VARIANTS)[number];

/** One variant in one round. */
export interface Turn {
  /** With as many steps as the machine takes. */
  readonly stepsPerSecond: number;
  /** At the default speed, of the whole process: simulation thread, engine helpers, and the disk's threads. */
  readonly processorMsPerStep: number;
  /** At the default speed, of each stroke and each frame: milliseconds. */
  readonly acknowledgedMs: readonly number[];
  readonly frameMs: readonly number[];
  readonly refused: number;
}

export type Round = Readonly<Record<Variant, Turn>>;

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Every variant stands at every place of a round equally often, so that a drift favours none. */
export const orderOf = (round: number): Variant[] =>
  VARIANTS.map((_, place) => VARIANTS[(place + round) % VARIANTS.length]);

export interface VariantFigures {
  readonly stepsPerSecond: number;
  readonly processorMsPerStep: number;
  readonly strokes: number;
  readonly refused: number;
  readonly acknowledgedP50Ms: number;
  readonly acknowledgedP99Ms: number;
  readonly frameP50Ms: number;
  readonly frameP99Ms: number;
}

/** Rates are medians of rounds; latencies are of all strokes and frames of all rounds. */
export function figuresOf(turns: readonly Turn[]): VariantFigures {
  const acknowledgedMs = turns.flatMap((turn) => turn.acknowledgedMs);
  const frameMs = turns.flatMap((turn) => turn.frameMs);
  return {
    stepsPerSecond: medianOf(turns.map((turn) => turn.stepsPerSecond)),
    processorMsPerStep: medianOf(turns.map((turn) => turn.processorMsPerStep)),
    strokes: acknowledgedMs.length,
    refused: turns.reduce((sum, { refused }) => sum + refused, 0),
    acknowledgedP50Ms: quantile(acknowledgedMs, 0.5),
    acknowledgedP99Ms: quantile(acknowledgedMs, 0.99),
    frameP50Ms: quantile(frameMs, 0.5),
    frameP99Ms: quantile(frameMs, 0.99),
  };
}

/** A variant against `none` of the same round: the median of rounds, and each round. */
export function ratiosOf(
  rounds: readonly Round[],
  variant: Variant,
  of: 'stepsPerSecond' | 'processorMsPerStep',
): { readonly median: number; readonly each: readonly number[] } {
  const each = rounds.map((round) => round[variant][of] / round.none[of]);
  return { median: medianOf(each), each };
}
