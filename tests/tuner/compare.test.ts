/** What a candidate may lose, and what it must gain: a test per margin. */
import { expect, test } from 'vitest';
import { HARMS } from '../../server/evaluation/suite.ts';
import { TRIALS, type TrialFigures } from '../../server/evaluation/trials.ts';
import {
  compare,
  lacksAtAGlance,
  type Measured,
  type Suite,
  shortfallOf,
  type Trials,
} from '../../server/tuner/compare.ts';
import type { Healing } from '../../server/tuner/heal.ts';
import {
  errorLimit,
  flickerLimit,
  healthLimit,
  recoveryLimit,
  stepsLimit,
} from '../../server/tuner/margins.ts';

const SEEDS = 10;
/** A figure that differs a little from seed to seed. */
const about = (value: number): number[] =>
  Array.from({ length: SEEDS }, (_, i) => value * (1 + 0.001 * ((i % 5) - 2)));

const healing = (healed: number, recovery = 0.9, steps = 100): Healing => ({
  grown: about(1e-4),
  hurt: about(5e-2),
  healed: about(healed),
  recovery: about(recovery),
  steps: about(steps),
  medianRecovery: recovery,
  medianSteps: steps,
  each: about(healed),
  byWound: [healed],
  curve: [5e-2, healed],
});

interface Given {
  readonly heldOut?: Healing;
  readonly error?: number;
  readonly changing?: number;
  readonly left?: number;
  readonly deaths?: number;
  readonly runaways?: number;
  readonly trial?: Partial<TrialFigures>;
}

function measured({
  heldOut = healing(1e-2),
  error = 1.4e-4,
  changing = 30,
  left = 1,
  trial = {},
  ...fates
}: Given) {
  const recovery = Object.fromEntries(HARMS.map((kind) => [kind, about(kind === 'left' ? left : 1)]));
  const suite: Suite = {
    mse: { 200: about(error), 1000: about(error), 2000: about(error) },
    recovery,
    changingCells: about(changing),
    deaths: fates.deaths ?? 0,
    runaways: fates.runaways ?? 0,
  };
  const quiet: TrialFigures = {
    explosions: 0,
    runaways: 0,
    twoBodied: 0,
    badlyHealed: 0,
    health: about(0.99),
  };
  const trials = Object.fromEntries(
    TRIALS.map((name) => [name, name === 'battered' ? { ...quiet, ...trial } : quiet]),
  ) as Trials;
  return { heldOut, suite, trials } satisfies Measured;
}

const better = healing(4e-3, 0.95, 60);
const toldOf = (after: Given, before: Given = {}, root: Given = before): string[] =>
  compare(measured(before), measured(root), measured({ heldOut: better, ...after }), 5).lacks.map(
    ({ told }) => told,
  );

test('a candidate that heals held-out wounds better, and is worse in nothing, passes', () => {
  expect(toldOf({})).toEqual([]);
  const { comparison } = compare(measured({}), measured({}), measured({ heldOut: better }), 5);
  expect(comparison).toMatchObject({ heldOutWounds: 5, randomSeeds: SEEDS, reasons: [] });
  expect(comparison.betterP).toBeLessThan(0.002);
  // Ten kinds of damage, two of the held-out wounds, the error at three ages, stillness, three trials.
  expect(comparison.figures).toHaveLength(HARMS.length + 9);
});

test('the session that was rejected: 1.4e-4 → 1.77e-4 is good still, 31 → 88 changing cells is not', () => {
  expect(toldOf({ error: 1.77e-4 }, { error: 1.4e-4, changing: 31 })).toEqual([]);
  expect(toldOf({ error: 1.77e-4, changing: 88 }, { error: 1.4e-4, changing: 31 })).toEqual([
    'worse, stillness cells that change per step: 31 → 88, the limit is 62',
  ]);
});

test('an error up to 2e-4 is good whatever it was; beyond, a quarter more of the least that its line had', () => {
  expect(errorLimit({ incumbent: 1e-5, root: 1e-5 })).toBe(2e-4);
  expect(errorLimit({ incumbent: 2.8e-4, root: 2.8e-4 })).toBeCloseTo(3.5e-4, 10);
  // No ratchet: an incumbent that used its margin up has none left.
  expect(errorLimit({ incumbent: 3.5e-4, root: 2.8e-4 })).toBeCloseTo(3.5e-4, 10);
  expect(toldOf({ error: 2e-4 }, { error: 2e-5 })).toEqual([]);
  expect(toldOf({ error: 2.1e-4 }, { error: 2e-5 })[0]).toMatch(
    /^worse, error at step 200: 0.00002 → 0.00021/,
  );
  expect(toldOf({ error: 3.4e-4 }, { error: 2.8e-4 })).toEqual([]);
  expect(toldOf({ error: 3.6e-4 }, { error: 3.4e-4 }, { error: 2.8e-4 })).toHaveLength(3);
});

test('cells that change may double, and be ten at any time; never more than twice those of the root', () => {
  expect(flickerLimit({ incumbent: 0, root: 0 })).toBe(10);
  expect(flickerLimit({ incumbent: 30, root: 30 })).toBe(60);
  expect(flickerLimit({ incumbent: 60, root: 30 })).toBe(60);
  expect(flickerLimit({ incumbent: 5, root: 30 })).toBe(30);
  expect(toldOf({ changing: 9.9 }, { changing: 0 })).toEqual([]);
  expect(toldOf({ changing: 12 }, { changing: 0 })).toHaveLength(1);
  expect(toldOf({ changing: 59 }, { changing: 30 })).toEqual([]);
  expect(toldOf({ changing: 70 }, { changing: 50 }, { changing: 30 })).toHaveLength(1);
});

test('each kind of damage may heal 0.02 less than with the better of incumbent and root', () => {
  expect(recoveryLimit({ incumbent: 0.97, root: 0.99 })).toBeCloseTo(0.97, 10);
  expect(toldOf({ left: 0.985 })).toEqual([]);
  expect(toldOf({ left: 0.97 })).toEqual(['worse, recovery left: 1 → 0.97, the limit is 0.98']);
  expect(toldOf({ left: 0.97 }, { left: 0.98 }, { left: 1 })).toHaveLength(1);
});

test('held-out wounds must leave a tenth less error, and their recovery must not fall', () => {
  expect(toldOf({ heldOut: healing(9.5e-3, 0.95) })[0]).toMatch(
    /^no better on held-out wounds: error 1.0e-2 before, 9.5e-3/,
  );
  expect(toldOf({ heldOut: healing(8.5e-3, 0.95) })).toEqual([]);
  expect(toldOf({ heldOut: healing(4e-3, 0.8) })).toEqual([
    'worse, held-out wounds, recovery: 0.9 → 0.8, the limit is 0.9',
  ]);
  expect(stepsLimit({ incumbent: 100 })).toBe(125);
  expect(stepsLimit({ incumbent: 20 })).toBe(35);
  expect(toldOf({ heldOut: healing(4e-3, 0.95, 120) })).toEqual([]);
  expect(toldOf({ heldOut: healing(4e-3, 0.95, 130) })).toHaveLength(1);
});

test('a candidate that runs away or explodes is never promoted, even if the incumbent does', () => {
  expect(toldOf({ runaways: 1 }, { runaways: 2 })).toEqual(['1 ran away']);
  expect(toldOf({ trial: { explosions: 1 } }, { trial: { explosions: 3 } })).toEqual([
    'battered: 1 exploded',
  ]);
});

test('no more may die, run away when battered, or end with two bodies than with incumbent or root', () => {
  expect(toldOf({ deaths: 1 }, { deaths: 1 })).toEqual([]);
  expect(toldOf({ deaths: 1 })).toEqual(['more deaths: 0 → 1']);
  expect(toldOf({ trial: { runaways: 1 } }, { trial: { runaways: 1 } })).toEqual([]);
  expect(toldOf({ trial: { runaways: 1 } })).toEqual(['battered: more ran away: 0 → 1']);
  expect(toldOf({ trial: { runaways: 1 } }, {}, { trial: { runaways: 1 } })).toEqual([]);
  expect(toldOf({ trial: { runaways: 2 } }, {}, { trial: { runaways: 1 } })).toEqual([
    'battered: more ran away: 1 → 2',
  ]);
  expect(toldOf({ trial: { twoBodied: 2 } })).toEqual(['battered: more ended with two bodies: 0 → 2']);
  expect(healthLimit({ incumbent: 0.99, root: 0.95 })).toBeCloseTo(0.94, 10);
  expect(toldOf({ trial: { health: about(0.9) } })).toEqual([
    'worse, safety battered, health: 0.99 → 0.9, the limit is 0.94',
  ]);
});

test('noise is no loss: a figure that is worse from few seeds alone is not worse', () => {
  const after = measured({ heldOut: better });
  const left = after.suite.recovery.left.map((value, seed) => (seed === 3 ? 0.2 : value));
  const { lacks, comparison } = compare(
    measured({}),
    measured({}),
    { ...after, suite: { ...after.suite, recovery: { ...after.suite.recovery, left } } },
    5,
  );
  expect(lacks).toEqual([]);
  expect(comparison.figures.find(({ name }) => name === 'left')).toMatchObject({ isWorse: false });
});

test('a figure that is no number counts as worse', () => {
  expect(toldOf({ error: Number.NaN })).toContain(
    'worse, error at step 1000: 0.00014 → no number, the limit is 0.0002',
  );
  expect(toldOf({ heldOut: healing(Number.NaN, Number.NaN) })[0]).toMatch(/^no better on held-out wounds/);
});

test('at a glance the same limits hold without a test of chance, and what is lacking has a size', () => {
  const glance = (after: Given) =>
    lacksAtAGlance(measured({}), measured({}), measured({ heldOut: better, ...after }));
  expect(glance({})).toEqual([]);
  const [little] = glance({ error: 2.2e-4 });
  const [much] = glance({ error: 6e-4 });
  expect(little).toMatchObject({ area: 'error' });
  expect(much.by).toBeGreaterThan(10 * little.by);
  expect(shortfallOf(glance({ error: 6e-4, runaways: 1 }))).toBeGreaterThan(
    shortfallOf(glance({ error: 6e-4 })),
  );
});
