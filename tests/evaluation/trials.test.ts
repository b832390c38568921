import { describe, expect, test } from 'vitest';
import { runPlay } from '../../server/evaluation/play.ts';
import { runTrials, TRIALS } from '../../server/evaluation/trials.ts';
import { CHANNELS, PERCEPTION, type Rule } from '../../server/rules/rule.ts';
import { cellIndex } from '../../server/training/kernel.ts';
import { IN_PLACE, Likeness } from '../../server/training/likeness.ts';
import { forEachCell } from '../../server/training/states.ts';
import { fromPixels, padded } from '../../server/training/target.ts';

const SIDE = 6;
const square = fromPixels(
  new Uint8Array(SIDE * SIDE * 4).fill(255),
  SIDE,
  SIDE,
  { scale: 1, padding: 8 },
  'square',
);
const { shape } = square;

/** Hidden unit 0 is always 1: the channels of every living cell that fires change by `deltas`. */
function steadily(deltas: Partial<Record<number, number>>): Rule {
  const hidden = 4;
  const w2 = new Float32Array(CHANNELS * hidden);
  for (const [channel, delta] of Object.entries(deltas)) w2[Number(channel) * hidden] = delta!;
  const b1 = Float32Array.of(1, 0, 0, 0);
  const w1 = new Float32Array(hidden * PERCEPTION);
  return { name: 'steady', hidden, w1, b1, w2, b2: new Float32Array(CHANNELS), fireRate: 0.5, metadata: {} };
}

/** The picture as a body, moved. */
function bodyAt(dx: number, dy: number, into: Float32Array = new Float32Array(shape.cellCount * CHANNELS)) {
  forEachCell(shape, (x, y, cell) => {
    if (square.rgba[cell * 4 + 3] === 0) return;
    into.fill(
      1,
      cellIndex(shape, x + dx, y + dy) * CHANNELS,
      (cellIndex(shape, x + dx, y + dy) + 1) * CHANNELS,
    );
  });
  return into;
}

describe('likeness', () => {
  const likeness = new Likeness(square);

  test('is 1 for the picture, 0 for nothing, and the share of the picture in between', () => {
    expect(likeness.health(bodyAt(0, 0))).toBeCloseTo(1, 6);
    expect(likeness.health(new Float32Array(shape.cellCount * CHANNELS))).toBe(0);
    const half = bodyAt(0, 0);
    forEachCell(shape, (x, _y, cell) => {
      if (x >= shape.width / 2) half.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
    });
    expect(likeness.health(half)).toBeCloseTo(0.5, 6);
    half.fill(Number.NaN);
    expect(likeness.health(half)).toBe(0);
  });

  test('finds a body beside its place, within reach', () => {
    const moved = bodyAt(2, -1);
    expect(likeness.health(moved)).toBeLessThan(0.4);
    expect(likeness.bestShift(moved, IN_PLACE, 3)).toEqual({ dx: 2, dy: -1 });
    expect(likeness.health(moved, { dx: 2, dy: -1 })).toBeCloseTo(1, 6);
  });

  test('leaves out cells that cannot exist', () => {
    const open = new Uint8Array(shape.cellCount).fill(255);
    const body = bodyAt(0, 0);
    forEachCell(shape, (x, _y, cell) => {
      if (x >= shape.width / 2) return;
      open[cell] = 0;
      body.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
    });
    expect(likeness.health(body)).toBeCloseTo(0.5, 6);
    expect(likeness.health(body, IN_PLACE, open)).toBeCloseTo(1, 6);
  });

  test('sees a second picture, and none in a single body', () => {
    expect(likeness.isTwice(bodyAt(0, 0), IN_PLACE, SIDE / 2)).toBe(false);
    expect(likeness.isTwice(bodyAt(7, 0, bodyAt(0, 0)), IN_PLACE, SIDE / 2)).toBe(true);
  });
});

test('a picture can have more room around it, and stays in the middle', () => {
  const wide = padded(square, 20);
  expect([wide.shape.width, wide.shape.height]).toEqual([SIDE + 40, SIDE + 40]);
  for (const [x, y, alpha] of [
    [19, 20, 0],
    [20, 20, 1],
    [25, 25, 1],
    [26, 25, 0],
  ])
    expect(wide.rgba[cellIndex(wide.shape, x, y) * 4 + 3]).toBe(alpha);
});

describe('trials', () => {
  const seeds = { randomSeeds: 3, threads: 0 };

  test('a rule that spreads runs away in all of them', async () => {
    const trials = await runTrials(steadily({ 3: 0.05 }), square, seeds);
    for (const trial of TRIALS)
      expect(trials[trial]).toMatchObject({ explosions: 0, runaways: 3, badlyHealed: 0 });
  });

  test('a rule whose channels grow without end explodes in all of them', async () => {
    const trials = await runTrials(steadily({ 7: 1 }), square, seeds);
    for (const trial of TRIALS) expect(trials[trial]).toMatchObject({ explosions: 3, runaways: 0 });
  });

  test('a rule that does nothing neither explodes nor runs away, and counts as badly healed', async () => {
    const trials = await runTrials(steadily({}), square, seeds);
    for (const trial of TRIALS)
      expect(trials[trial]).toMatchObject({ explosions: 0, runaways: 0, twoBodied: 0, badlyHealed: 3 });
  });

  test('the same random seeds give the same figures with any number of threads', async () => {
    const rule = steadily({ 3: 0.004, 0: 0.002 });
    const one = await runTrials(rule, square, { ...seeds, only: ['battered'] });
    expect(await runTrials(rule, square, { ...seeds, threads: 2, only: ['battered'] })).toEqual(one);
  });
});

test('played strokes that a body does not heal are counted, and those that kill it are left out', async () => {
  const play = await runPlay(steadily({}), square, 0);
  // A seed that does nothing: a stroke over it kills it, and other strokes change nothing.
  expect(play.strokes).toBe(48);
  expect(play.killed).toBeGreaterThan(0);
  expect(play.notWhole).toBe(48 - play.killed);
  expect(play.wholeSoon).toBe(0);
});
