import { expect, test } from 'vitest';
import { compare, type Measured } from '../../server/tuner/compare.ts';

const SEEDS = 8;
const every = (value: number): number[] => Array.from({ length: SEEDS }, (_, i) => value * (1 + i / 1_000));

/** Heals held-out wounds down to that error. */
const measured = (healed: number, mse: readonly number[] = every(1e-4)): Measured => ({
  heldOut: {
    grown: every(1e-4),
    hurt: every(0.1),
    healed: every(healed),
    medianRecovery: 0.9,
    medianSteps: 100,
    byWound: [healed],
    recovery: every(0.9),
    steps: every(100),
    curve: [healed],
  },
  suite: {
    mse: { 200: mse },
    recovery: { cut: every(0.9) },
    changingCells: every(10),
    deaths: 0,
    runaways: 0,
  },
});
const errorAt200 = ({ figures }: ReturnType<typeof compare>) =>
  figures.find(({ name }) => name === 'at step 200')!;
const withNaN = (values: readonly number[], ...seeds: number[]): number[] =>
  values.map((value, seed) => (seeds.includes(seed) ? Number.NaN : value));

test('a candidate that heals better at every random seed, and is worse in nothing, is kept', () => {
  const { reasons, betterP } = compare(measured(0.02), measured(0.01), 3);
  expect(reasons).toEqual([]);
  expect(betterP).toBe(1 / 2 ** SEEDS);
});

test('a candidate that has a number where the incumbent has none is not worse for it', () => {
  const broken = measured(0.02, withNaN(every(1e-4), 0, 1, 2, 3, 4, 5, 6, 7));
  const { reasons, figures } = compare(broken, measured(0.01), 3);
  expect(reasons).toEqual([]);
  for (const { p, margin } of figures) expect([p, margin].every(Number.isFinite)).toBe(true);
});

test('a candidate that has no number where the incumbent has one is worse, and one where neither has is alike', () => {
  const bad = measured(0.01, withNaN(every(1e-4), 0, 1, 2, 3, 4, 5, 6, 7));
  expect(errorAt200(compare(measured(0.02), bad, 3))).toMatchObject({ isWorse: true });
  expect(errorAt200(compare(bad, bad, 3))).toMatchObject({ isWorse: false });
});

test('wounds that only the candidate heals to a number count as gains; those that it loses refuse it', () => {
  const was = measured(0.02);
  const broken = { ...was, heldOut: { ...was.heldOut, healed: withNaN(was.heldOut.healed, 2, 5) } };
  expect(compare(broken, measured(0.01), 3).betterP).toBe(1 / 2 ** SEEDS);
  const next = measured(0.01);
  const worse = { ...next, heldOut: { ...next.heldOut, healed: withNaN(next.heldOut.healed, 2) } };
  expect(compare(was, worse, 3).betterP).toBe(1);
  expect(compare(broken, worse, 3).betterP).toBeLessThan(0.05);
});
