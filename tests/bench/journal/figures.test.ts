import { expect, test } from 'vitest';
import { figuresOf, orderOf, quantile, type Round, ratiosOf, type Turn, VARIANTS } from './figures.ts';

const turn = (stepsPerSecond: number, ms: readonly number[] = [1], refused = 0): Turn => ({
  stepsPerSecond,
  processorMsPerStep: stepsPerSecond / 100,
  acknowledgedMs: ms,
  frameMs: ms.map((one) => one * 10),
  refused,
});

test('a ratio compares variants of one round, so that a slow round counts like a fast one', () => {
  const rounds: Round[] = [
    { flush: turn(90), os: turn(95), none: turn(100) },
    { flush: turn(8), os: turn(10), none: turn(10) },
    { flush: turn(40), os: turn(50), none: turn(50) },
  ];
  expect(ratiosOf(rounds, 'flush', 'stepsPerSecond')).toEqual({ median: 0.8, each: [0.9, 0.8, 0.8] });
  expect(ratiosOf(rounds, 'os', 'processorMsPerStep').median).toBe(1);
});

test('latencies are quantiles of all rounds together, and a long round weighs more', () => {
  const { acknowledgedP50Ms, acknowledgedP99Ms, frameP99Ms, strokes, refused } = figuresOf([
    turn(1, [5], 1),
    turn(
      1,
      Array.from({ length: 99 }, (_, i) => i + 100),
    ),
  ]);
  expect([strokes, refused]).toEqual([100, 1]);
  expect([acknowledgedP50Ms, acknowledgedP99Ms, frameP99Ms]).toEqual([149, 198, 1980]);
});

test('a quantile is one of the values', () => {
  expect(quantile([3, 1, 2], 0.99)).toBe(3);
  expect(quantile([], 0.5)).toBeNaN();
});

test('in three rounds every variant stands at every place once', () => {
  for (const place of [0, 1, 2])
    expect([0, 1, 2].map((round) => orderOf(round)[place]).sort()).toEqual([...VARIANTS].sort());
});
