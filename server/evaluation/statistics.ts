/** Summaries of many samples. */

export interface Spread {
  readonly median: number;
  readonly worst: number;
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** NaN without values. */
export function medianOf(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * The part of a damage that has healed: 1 is whole again, 0 is as hurt as before.
 *
 * @param before - error of the whole body, then right after the damage, then after healing
 */
export const recoveryOf = (before: number, hurt: number, healed: number): number =>
  (hurt - healed) / (hurt - before);

/** @param worst - `Math.max` where a larger value is worse, else `Math.min` */
export const spread = (values: readonly number[], worst: (...values: number[]) => number): Spread => ({
  median: medianOf(values),
  worst: worst(...values),
});

/** One spread per kind. */
export const spreads = (
  samples: Readonly<Record<string, readonly number[]>>,
  worst: (...values: number[]) => number,
): Record<string, Spread> =>
  Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, spread(values, worst)]));
