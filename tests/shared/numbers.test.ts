import { expect, test } from 'vitest';
import { isWhole, stepsBetween } from '../../shared/numbers.ts';

test.each([1, 2, 3])('%s is a whole number from 1 to 3', (value) => {
  expect(isWhole(value, 1, 3)).toBe(true);
});

test.each([0, 4, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '2', null, undefined, [2]])(
  '%s is not a whole number from 1 to 3',
  (value) => {
    expect(isWhole(value, 1, 3)).toBe(false);
  },
);

test('steps are counted across the wrap of step numbers', () => {
  expect(stepsBetween(5, 12)).toBe(7);
  expect(stepsBetween(0xffff_fffe, 3)).toBe(5);
});
