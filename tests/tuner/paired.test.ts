import { describe, expect, test } from 'vitest';
import { medianOf } from '../../server/evaluation/statistics.ts';
import { Random } from '../../server/training/random.ts';
import { holm, signFlip } from '../../server/tuner/paired.ts';

describe('the paired test', () => {
  test('counts the sign patterns whose mean is as high: all without a gain, one of 2^n for pure gain', () => {
    expect(signFlip([])).toBe(1);
    expect(signFlip([0, 0, 0])).toBe(1);
    expect(signFlip([1, 2, 3, 4])).toBe(1 / 16);
    expect(signFlip([-1, -2, -3, -4])).toBe(1);
    // +1 +2 -4 and what is higher: of the eight sums 7 5 3 1 -1 -3 -5 -7, five are at least -1.
    expect(signFlip([1, 2, -4])).toBe(5 / 8);
  });

  test('agrees with itself when patterns are drawn instead of counted', () => {
    const differences = Array.from({ length: 16 }, (_, i) => Math.sin(i * 7) + 0.25);
    const exact = signFlip(differences);
    // A difference of zero changes no sum, but makes too many pairs to count exactly.
    expect(Math.abs(signFlip([...differences, 0]) - exact)).toBeLessThan(0.02);
  });

  test('calls noise a difference no more often than the level says', () => {
    // Differences symmetric about zero: of 400 draws, 20 or so fall below 0.05.
    const random = new Random(3);
    let below = 0;
    for (let draw = 0; draw < 400; draw++)
      if (signFlip(Array.from({ length: 8 }, () => random.normal())) <= 0.05) below++;
    expect(below).toBeGreaterThan(8);
    expect(below).toBeLessThan(36);
  });

  test("Holm's adjustment keeps the order of the p-values, and each at most 1", () => {
    expect(holm([0.01, 0.04, 0.03]).map((p) => Number(p.toFixed(6)))).toEqual([0.03, 0.06, 0.06]);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });

  test('the median is the middle value, or the mean of the two middle ones', () => {
    expect([medianOf([3, 1, 2]), medianOf([4, 1, 2, 3]), medianOf([7])]).toEqual([2, 2.5, 7]);
    expect(medianOf([])).toBeNaN();
  });
});
