/**
 * Whether one rule is better than another beyond noise. Both are measured on the same random seeds, so the differences
 * within seeds are tested: a paired randomisation test (Fisher 1935, Pitman 1937). If neither rule were better, each
 * difference could equally have the other sign. The p-value is the share of all sign patterns whose mean is at least
 * the one found. It assumes no distribution and is exact.
 */
import { Random } from '../training/random.ts';

/** Chance of a false alarm, for one test or for a whole family (`holm`). */
export const SIGNIFICANCE = 0.05;
/** With more pairs, sign patterns are drawn instead of counted. */
const MAX_EXACT = 16;
const DRAWS = 20_000;

/**
 * One-sided: the chance of a mean at least this high if the signs were random. 1 without differences.
 *
 * @param differences - finite, one per pair
 */
export function signFlip(differences: readonly number[]): number {
  const n = differences.length;
  if (n === 0) return 1;
  const found = differences.reduce((sum, value) => sum + value, 0);
  // Sums of the same numbers in another order differ in their last bits.
  const slack = 1e-12 * differences.reduce((sum, value) => sum + Math.abs(value), 0);
  const isExact = n <= MAX_EXACT;
  const patterns = isExact ? 2 ** n : DRAWS;
  const random = new Random(1);
  let asHigh = 0;
  for (let pattern = 0; pattern < patterns; pattern++) {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const isFlipped = isExact ? ((pattern >> i) & 1) === 1 : random.unit() < 0.5;
      sum += isFlipped ? -differences[i] : differences[i];
    }
    if (sum >= found - slack) asHigh++;
  }
  // A drawn sample need not contain the pattern that was found; counting it keeps the test valid.
  return isExact ? asHigh / patterns : (asHigh + 1) / (patterns + 1);
}

/**
 * Adjusts the p-values of a family of tests, so that the chance of even one false alarm stays at the level (Holm 1979).
 *
 * @returns in the given order, each at most 1
 */
export function holm(pValues: readonly number[]): number[] {
  const order = [...pValues.keys()].sort((a, b) => pValues[a] - pValues[b]);
  const adjusted = new Array<number>(pValues.length);
  let most = 0;
  for (const [rank, index] of order.entries()) {
    most = Math.max(most, Math.min(1, pValues[index] * (pValues.length - rank)));
    adjusted[index] = most;
  }
  return adjusted;
}
