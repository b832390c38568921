import { describe, expect, test } from 'vitest';
import { type Evaluation, evaluate, type Frames, targetOf } from '../../server/evaluation/evaluate.ts';
import { evaluationPage } from '../../server/evaluation/page.ts';
import { contactSheet } from '../../server/evaluation/sheet.ts';
import { HARMS, type Harmed, harm } from '../../server/evaluation/suite.ts';
import { describeEvaluations, missedBars } from '../../server/evaluation/verdict.ts';
import { readRule } from '../../server/rules/load.ts';
import { ALIVE_THRESHOLD, CHANNELS, PERCEPTION, type Rule } from '../../server/rules/rule.ts';
import { drawnTarget } from '../../server/training/learning.ts';
import { strike } from '../../server/training/recorded.ts';
import { plantSeed } from '../../server/training/states.ts';
import { fromPixels, type Target } from '../../server/training/target.ts';

/** An opaque square in the middle of an empty grid. */
function square(side: number, padding: number): Target {
  const pixels = new Uint8Array(side * side * 4).fill(255);
  return fromPixels(pixels, side, side, { scale: 1, padding }, 'square');
}

/** Hidden unit 0 is always 1, the others are silent: every cell's channels change by `deltas`. */
function steadily(name: string, deltas: Partial<Record<number, number>>): Rule {
  const hidden = 4;
  const b1 = Float32Array.of(1, 0, 0, 0);
  const w2 = new Float32Array(CHANNELS * hidden);
  for (const [channel, delta] of Object.entries(deltas)) w2[Number(channel) * hidden] = delta!;
  const [w1, b2] = [new Float32Array(hidden * PERCEPTION), new Float32Array(CHANNELS)];
  return { name, hidden, w1, b1, w2, b2, fireRate: 0.5, metadata: {} };
}

const run = (rule: Rule, target: Target, randomSeeds = 3, threads = 0) =>
  evaluate(rule, { label: 'a square', target }, { randomSeeds, threads });

describe('deaths, runaways and changing cells are counted', () => {
  test('for a rule that does nothing: its seed lives and stands still', async () => {
    const { evaluation } = await run(steadily('idle', {}), square(6, 3));
    expect([evaluation.deaths, evaluation.runaways]).toEqual([0, 0]);
    expect(evaluation.changingCells).toEqual({ median: 0, worst: 0 });
    expect(evaluation.cells).toEqual({ target: 36, median: 1 });
    expect(evaluation.mse[200]).toEqual(evaluation.mse[10_000]);
  });

  test('for a rule that fades', async () => {
    const { evaluation } = await run(steadily('fading', { 3: -0.01 }), square(6, 3));
    expect([evaluation.deaths, evaluation.runaways]).toEqual([3, 0]);
  });

  test('for a rule that spreads over everything', async () => {
    const { evaluation } = await run(steadily('spreading', { 3: 0.05 }), square(6, 3));
    expect([evaluation.deaths, evaluation.runaways]).toEqual([0, 3]);
    expect(evaluation.cells.median).toBe(144);
  });
});

test('changing cells are counted per step', async () => {
  // Nine cells around the seed live. Half fire per step, and every fourth time their red moves by 1 of 255.
  const { evaluation } = await run(steadily('reddening', { 0: 1e-3 }), square(6, 3), 4);
  expect(Math.abs(evaluation.changingCells.median - 9 * 0.5 * 0.255)).toBeLessThan(0.5);
});

test('figures are the same with any number of threads', async () => {
  const rule = steadily('spreading', { 3: 0.01, 1: 0.003 });
  const one = await run(rule, square(6, 3), 3, 0);
  const two = await run(rule, square(6, 3), 3, 2);
  expect(two).toEqual(one);
});

describe('the picture that a rule is judged by', () => {
  const rule = readRule('weights/starters/axolotl.safetensors');

  test('is the drawing that it carries', () => {
    const { drawing: packed = '' } = rule.metadata;
    const { label, target } = targetOf(rule)!;
    expect(label).toBe('the drawing of Axolotl');
    expect(target.rgba).toEqual(drawnTarget({ title: 'Axolotl', drawing: packed }).rgba);
  });

  test.each(['!', ''])('a damaged drawing (%j) is no picture, and no error', (drawing) => {
    expect(targetOf({ ...rule, metadata: { ...rule.metadata, drawing } })).toBeUndefined();
  });

  test('a given image counts before it', () => {
    expect(() => targetOf(rule, { image: 'none.png' })).toThrow('none.png');
  });
});

describe('the damage of the suite', () => {
  const target = square(20, 8);
  const whole = new Float32Array(target.shape.cellCount * CHANNELS);
  for (let cell = 0; cell < target.shape.cellCount; cell++) {
    whole.fill(target.rgba[cell * 4 + 3], cell * CHANNELS, (cell + 1) * CHANNELS);
  }
  const living = (state: Float32Array): number => {
    let count = 0;
    for (let i = 3; i < state.length; i += CHANNELS) if (state[i] > ALIVE_THRESHOLD) count++;
    return count;
  };
  const left = { left: 200, right: 200, top: 200, bottom: 200, centre: 144, scrub: 220, noise: 400 };
  test.each(Object.entries(left))('%s leaves %i of 400 cells', (kind, cells) => {
    const state = whole.slice();
    harm(kind as keyof typeof left, state, target, 1);
    expect(Math.abs(living(state) - cells)).toBeLessThanOrEqual(
      kind === 'noise' ? 8 : kind === 'scrub' ? 20 : 0,
    );
  });

  test('truncate leaves the inner half of the radius', () => {
    const state = whole.slice();
    harm('truncate', state, target, 1);
    const radiusCells = Math.hypot(9.5, 9.5) / 2;
    expect(Math.abs(living(state) - Math.PI * radiusCells ** 2)).toBeLessThan(12);
  });

  /** Deals all damage at once, also the kinds that take time. */
  function harmed(kind: Harmed, randomSeed: number): Float32Array {
    const state = whole.slice();
    for (const blow of harm(kind, state, target, randomSeed))
      strike(state, target.shape, blow, { randomSeed, salt: 0, step: 0 });
    return state;
  }

  test.each(HARMS)('%s is the same for one random seed, hurts, and leaves the border alone', (kind) => {
    const one = harmed(kind, 7);
    expect(harmed(kind, 7)).toEqual(one);
    expect(one).not.toEqual(whole);
    expect(one.subarray(0, target.shape.stride * CHANNELS).every((value) => value === 0)).toBe(true);
  });

  test('a stroke removes a band right across, step by step', () => {
    const blows = harm('stroke', whole.slice(), target, 1);
    expect(blows.map(({ afterSteps }) => afterSteps)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    // 20 cells square: 7.6 cells wide, as long as the line crosses the square.
    const removed = 400 - living(harmed('stroke', 1));
    expect(removed).toBeGreaterThan(7.6 * 12);
    expect(removed).toBeLessThan(7.6 * 29);
  });

  test('circles differ from seed to seed, and work on an empty grid', () => {
    const [one, two] = [whole.slice(), whole.slice()];
    harm('circles', one, target, 7);
    harm('circles', two, target, 8);
    expect(two).not.toEqual(one);
    const empty = new Float32Array(whole.length);
    plantSeed(empty, target.shape);
    empty.fill(0);
    harm('circles', empty, target, 7);
    expect(empty.every((value) => value === 0)).toBe(true);
  });
});

describe('what people read', () => {
  const evaluated: { evaluation: Evaluation; frames: Frames }[] = [];
  const perfect = (evaluation: Evaluation): Evaluation => ({
    ...evaluation,
    mse: { 200: { median: 1e-4, worst: 1e-3 } },
    recovery: { left: { median: 0.99, worst: 0.95 }, noise: { median: 0.1, worst: -3 } },
    samples: { ...evaluation.samples, recovery: { stroke: Array(32).fill(1) } },
    changingCells: { median: 9, worst: 30 },
    deaths: 0,
    runaways: 0,
    trials: { crowded: calm, edge: calm, battered: calm },
    play: { strokes: 48, killed: 2, wholeSoon: 0.95, steps: 40, notWhole: 1 },
  });
  const calm = { explosions: 0, runaways: 0, twoBodied: 0, badlyHealed: 3, health: [] };

  test('a rule that meets every bar misses none, and each bar can be missed', async () => {
    const measured = await run(steadily('<b>wild</b>', { 3: 0.05, 0: 1e25 }), square(6, 3), 2);
    evaluated.push(measured);
    const good = perfect(measured.evaluation);
    expect(missedBars(good)).toEqual([]);
    expect(missedBars({ ...good, mse: { 200: { median: Number.NaN, worst: 0 } } })).toHaveLength(1);
    expect(missedBars({ ...good, recovery: { left: { median: 0.97, worst: 0.89 } } })).toEqual([
      'left: median 0.970 < 0.98',
      'left: worst 0.890 < 0.9',
    ]);
    expect(missedBars({ ...good, recovery: { left: { median: Number.NaN, worst: 1 } } })).toHaveLength(1);
    expect(missedBars({ ...good, deaths: 1, runaways: 2 })).toEqual(['1 died', '2 ran away']);
    expect(missedBars({ ...good, changingCells: { median: 10.5, worst: 11 } })).toEqual([
      '10.5 cells change per step > 10',
    ]);
    const strokes = Array.from({ length: 32 }, (_, i) => (i < 2 ? 0.89 : 1));
    expect(missedBars({ ...good, samples: { ...good.samples, recovery: { stroke: strokes } } })).toEqual([
      '6 % of strokes badly healed > 1 of 32',
    ]);
    const wild = { ...calm, explosions: 1, runaways: 2 };
    expect(missedBars({ ...good, trials: { ...good.trials, battered: wild } })).toEqual([
      'battered: 1 exploded',
      'battered: 2 ran away',
    ]);
    expect(missedBars({ ...good, play: { ...good.play!, wholeSoon: 0.94 } })).toEqual([
      'play: 94 % whole soon < 95 %',
    ]);
  });

  test('table, sheet and page are made for bodies whose error is NaN, too', () => {
    const [{ evaluation }] = evaluated;
    expect(evaluation.mse[1000].median).toBe(Number.POSITIVE_INFINITY);
    const table = describeEvaluations(Array.from({ length: 7 }, () => evaluation));
    expect(table.match(/^recovery, scrub/gm)).toHaveLength(2);
    expect(Buffer.from(contactSheet(evaluated)).subarray(1, 4).toString()).toBe('PNG');
    const page = evaluationPage(evaluated);
    expect(page).toContain('&#60;b&#62;wild');
    expect(page.replaceAll(/base64,[^"]*/g, '')).not.toMatch(/<b>wild|NaN|Infinity|undefined|https?:/);
  });

  test('the page of a rule that grows has a dot for every seed and damage', async () => {
    const measured = await run(steadily('spreading', { 3: 0.01 }), square(6, 3), 4);
    const dots = evaluationPage([measured]).match(/<circle/g) ?? [];
    const finite = Object.values(measured.evaluation.samples.recovery).flat().filter(Number.isFinite);
    expect(dots).toHaveLength(finite.length);
    expect(finite.length).toBeGreaterThan(0);
  });
});
