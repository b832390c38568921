import { expect, test } from 'vitest';
import { meanOf } from '../../server/rules/mean.ts';
import { randomRule } from './rules.ts';

test('the mean of rules lies between them by their weights, of which only the ratio counts', () => {
  const [a, b] = [randomRule(1), randomRule(2)];
  const mean = meanOf([a, b], [3, 1]);
  for (const tensor of ['w1', 'b1', 'w2', 'b2'] as const) {
    expect(mean[tensor]).toHaveLength(a[tensor].length);
    for (const [i, value] of mean[tensor].entries())
      expect(value).toBeCloseTo(0.75 * a[tensor][i] + 0.25 * b[tensor][i], 6);
  }
  expect(meanOf([a, b], [6, 2])).toEqual(mean);
  expect(mean).toMatchObject({ name: a.name, hidden: a.hidden, fireRate: a.fireRate, metadata: a.metadata });
});

test('the mean of a rule and itself is that rule', () => {
  const rule = randomRule(3);
  expect(meanOf([rule, rule], [1, 1])).toEqual(rule);
});

test.each([
  ['one rule', [randomRule(1)], [1], 'at least two'],
  ['rules of two sizes', [randomRule(1), { ...randomRule(1), hidden: 4 }], [1, 1], 'hidden units'],
  ['rules of two fire rates', [randomRule(1), { ...randomRule(1), fireRate: 1 }], [1, 1], 'fire rate'],
  ['too few weights', [randomRule(1), randomRule(2)], [1], '2 rules need 2 weights, not 1'],
  ['a weight of zero', [randomRule(1), randomRule(2)], [1, 0], 'above 0'],
  ['a weight that is no number', [randomRule(1), randomRule(2)], [1, Number.NaN], 'above 0'],
])('there is no mean of %s', (_what, rules, weights, reason) => {
  expect(() => meanOf(rules, weights)).toThrow(reason);
});
