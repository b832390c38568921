/**
 * Whether one rule is better than another beyond noise. Both are measured on the same random seeds, so what is
 * tested is the difference within each seed: a paired randomisation test (Fisher 1935, Pitman 1937). If neither
 * were better, each difference could as well have had the other sign; the p-value is the share of all sign
 * patterns whose mean is at least the one found. It assumes no distribution, and is exact.
 */
import { Random } from '../training/random.ts';

/** Chance of calling noise a difference, of one test or of a whole family (`holm`). */
export const SIGNIFICANCE = 0.05;
/** With more pairs, sign patterns are drawn instead of counted. */
const MAX_EXACT = 16;
const DRAWS = 20_000;

/**
 * One-sided: how likely a mean as high as this is, if the differences' signs were chance. 1 when there are none.
 *
 * @param differences - finite, one a pair
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
  // What was drawn never includes what was found for sure; counting it keeps the test honest.
  return isExact ? asHigh / patterns : (asHigh + 1) / (patterns + 1);
}

/**
 * p-values of a family of tests, so adjusted that the chance of even one false alarm stays at the level (Holm 1979).
 *
 * @returns in the order given, each at most 1
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
