import { expect, test } from 'vitest';
import { Allowance } from '../../shared/allowance.ts';

test('an allowance starts full, takes nothing when there is too little, and refills up to its most', () => {
  const allowance = new Allowance(10, 2, 1_000);
  expect(allowance.take(8, 1_000)).toBe(true);
  expect(allowance.take(3, 1_000)).toBe(false);
  expect(allowance.left(1_500)).toBe(3);
  expect(allowance.left(60_000)).toBe(10);
  allowance.giveBack(5);
  expect(allowance.left(60_000)).toBe(10);
});

test('what is owed is paid back by time, and a clock that goes back gives nothing', () => {
  const allowance = new Allowance(10, 2, 1_000);
  allowance.owe(14);
  expect(allowance.left(1_000)).toBe(-4);
  expect(allowance.take(1, 2_000)).toBe(false);
  expect(allowance.left(3_500)).toBe(1);
  expect(allowance.left(0)).toBe(1);
});
