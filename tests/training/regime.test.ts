import { describe, expect, test } from 'vitest';
import { CHANNELS } from '../../server/rules/rule.ts';
import { cellIndex, gridShape } from '../../server/training/kernel.ts';
import { Likeness } from '../../server/training/likeness.ts';
import { Random } from '../../server/training/random.ts';
import * as regime from '../../server/training/regime.ts';
import {
  clearWhere,
  forEachCell,
  livingCells,
  meanSquareError,
  plantSeed,
  seedX,
  seedY,
} from '../../server/training/states.ts';

const shape = gridShape(31, 26);
const states = (): Float32Array => new Float32Array(shape.cellCount * CHANNELS);
const fullTarget = (): Float32Array => {
  const target = new Float32Array(shape.cellCount * 4);
  forEachCell(shape, (x, y, cell) => {
    if (x > 2 && y > 2 && x < 28 && y < 23) target.set([0.5, 0.25, 0.1, 1], cell * 4);
  });
  return target;
};
const living = (state: Float32Array): number => livingCells(state, shape);

describe('the curriculum', () => {
  test('only gets harder, within its bounds, and ends at a seed', () => {
    let difficulty = regime.firstDifficulty(shape);
    let passes = 0;
    while (!regime.isSeed(difficulty)) {
      const next = regime.harder(difficulty);
      expect(next.radiusCells).toBeLessThan(difficulty.radiusCells);
      expect(next.steps).toBeGreaterThanOrEqual(difficulty.steps);
      expect(next.noise).toBeGreaterThanOrEqual(difficulty.noise);
      expect(next.biteCells).toBeGreaterThanOrEqual(difficulty.biteCells);
      expect(regime.progress(next, shape)).toBeGreaterThan(regime.progress(difficulty, shape));
      difficulty = next;
      passes++;
    }
    expect(passes).toBeLessThan(300);
    expect(difficulty.steps).toBe(regime.CURRICULUM.mostSteps);
    expect(difficulty.noise).toBe(regime.CURRICULUM.mostNoise);
    expect(regime.progress(difficulty, shape)).toBe(1);
  });

  test('begins with the whole picture and ends with one cell', () => {
    const state = states();
    const first = regime.firstDifficulty(shape);
    regime.plantTarget(state, shape, fullTarget(), first, new Random(1));
    expect(living(state)).toBe(25 * 20);
    const last = { ...first, radiusCells: 0.4, noise: 0.2, biteCells: 8 };
    regime.plantTarget(state, shape, fullTarget(), last, new Random(1));
    const seed = states();
    plantSeed(seed, shape);
    expect(state).toEqual(seed);
  });

  test('never erases the seed cell', () => {
    const difficulty = { radiusCells: 9, steps: 30, noise: 0.1, biteCells: 8 };
    const seed = cellIndex(shape, seedX(shape), seedY(shape)) * CHANNELS;
    for (let randomSeed = 0; randomSeed < 50; randomSeed++) {
      const state = states();
      regime.plantTarget(state, shape, fullTarget(), difficulty, new Random(randomSeed));
      expect(state[seed + 3]).toBe(1);
    }
  });
});

test('the seed is one cell in the middle: RGB 0, everything else 1', () => {
  const state = states();
  plantSeed(state, shape);
  expect(living(state)).toBe(1);
  const seed = cellIndex(shape, 15, 13) * CHANNELS;
  expect([...state.subarray(seed, seed + CHANNELS)]).toEqual([0, 0, 0, ...Array(13).fill(1)]);
});

describe('a body beside its place', () => {
  const target = fullTarget();
  const bodyAt = (dx: number, dy: number): Float32Array => {
    const state = states();
    forEachCell(shape, (x, y, cell) => {
      if (x < 5 || y < 5 || x > 25 || y > 20) return;
      const to = cellIndex(shape, x + dx, y + dy) * CHANNELS;
      state.set(target.subarray(cell * 4, cell * 4 + 4), to);
      state.fill(0.5 + x / 100, to + 4, to + CHANNELS);
    });
    return state;
  };
  const picture = new Float32Array(shape.cellCount * 4);
  forEachCell(shape, (x, y, cell) => {
    if (x >= 5 && y >= 5 && x <= 25 && y <= 20)
      picture.set(target.subarray(cell * 4, cell * 4 + 4), cell * 4);
  });

  const likeness = new Likeness({ shape, rgba: picture });

  test('is moved back with all its channels, from every side within reach', () => {
    for (let dy = -3; dy <= 3; dy++) {
      for (let dx = -3; dx <= 3; dx++) {
        const state = bodyAt(dx, dy);
        expect(likeness.align(state, 3)).toBe(dx !== 0 || dy !== 0);
        expect(state).toEqual(bodyAt(0, 0));
      }
    }
  });

  test('is moved by at most `reach` cells, and not at all for 0', () => {
    const near = bodyAt(3, 0);
    likeness.align(near, 2);
    expect(near).toEqual(bodyAt(1, 0));
    const same = bodyAt(3, 0);
    expect(likeness.align(same, 0)).toBe(false);
    expect(same).toEqual(bodyAt(3, 0));
  });

  test('stays where it is when it is wounded there', () => {
    const wounded = bodyAt(0, 0);
    clearWhere(wounded, shape, (x) => x > 14);
    const before = wounded.slice();
    expect(likeness.align(wounded, 3)).toBe(false);
    expect(wounded).toEqual(before);
    expect(meanSquareError(wounded, picture, shape)).toBeGreaterThan(0.01);
  });
});

test('rollouts of the pool begin as long as the curriculum ended, and grow to the longest of the plan', () => {
  expect(regime.mostPoolSteps(0, 144)).toBe(regime.CURRICULUM.mostSteps);
  const steps = Array.from({ length: 2_000 }, (_, done) => regime.mostPoolSteps(done, 144));
  for (const [i, most] of steps.slice(1).entries()) expect(most - steps[i]).toBeGreaterThanOrEqual(0);
  expect(steps.at(-1)).toBe(144);
  expect(regime.mostPoolSteps(0, regime.POOL.fewestSteps)).toBe(regime.POOL.fewestSteps);
});
