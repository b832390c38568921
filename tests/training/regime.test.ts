import { describe, expect, test } from 'vitest';
import { CHANNELS } from '../../server/rules/rule.ts';
import { cellIndex, gridShape } from '../../server/training/kernel.ts';
import { Random } from '../../server/training/random.ts';
import * as regime from '../../server/training/regime.ts';
import { forEachCell, livingCells, plantSeed, seedX, seedY } from '../../server/training/states.ts';

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
  test('only ever gets harder, within its bounds, and ends at a seed', () => {
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

  test('never bites the seed cell away', () => {
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
