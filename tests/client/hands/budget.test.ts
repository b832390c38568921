import { describe, expect, test } from 'vitest';
import { Budget } from '../../../client/hands/budget.ts';

describe('the budget', () => {
  test('refills with time, up to its capacity', () => {
    const budget = new Budget({ cells: 100, capacity: 1_000, perSecond: 500, limit: 'guest' }, 0);
    expect(budget.available(1_000)).toBe(600);
    expect(budget.available(60_000)).toBe(1_000);
  });

  test('a stroke that is not answered yet counts as spent', () => {
    const budget = new Budget({ cells: 1_000, capacity: 1_000, perSecond: 0, limit: 'guest' }, 0);
    budget.spend(1, 400);
    expect(budget.available(0)).toBe(600);
    budget.settle(1, { cells: 700, capacity: 1_000, perSecond: 0, limit: 'guest' }, 0);
    expect(budget.available(0)).toBe(700);
  });

  test('gets back what the strokes of a lost connection would have cost', () => {
    const budget = new Budget({ cells: 1_000, capacity: 1_000, perSecond: 0, limit: 'guest' }, 0);
    budget.spend(1, 400);
    budget.forgetPending();
    expect(budget.available(0)).toBe(1_000);
  });

  test('has a share of 0 until the server has said how much may be saved up', () => {
    expect(new Budget({ cells: 0, capacity: 0, perSecond: 0, limit: 'guest' }, 0).share(0)).toBe(0);
    expect(new Budget({ cells: 250, capacity: 1_000, perSecond: 0, limit: 'guest' }, 0).share(0)).toBe(0.25);
  });
});
