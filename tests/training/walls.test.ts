import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHANNELS } from '../../server/rules/rule.ts';
import { cellIndex, gridShape } from '../../server/training/kernel.ts';
import { Random } from '../../server/training/random.ts';
import { OPEN } from '../../server/training/rollouts.ts';
import { forEachCell, seedX, seedY } from '../../server/training/states.ts';
import {
  buildWalls,
  clearWalled,
  drawEdge,
  drawNeighbours,
  SIDES,
  type Walls,
  without,
} from '../../server/training/walls.ts';

const shape = gridShape(31, 26);
const [x0, y0] = [seedX(shape), seedY(shape)];
const openCells = (walls: Walls | null): Uint8Array => {
  const open = new Uint8Array(shape.cellCount);
  buildWalls(open, shape, walls);
  return open;
};
const isOpen = (open: Uint8Array, x: number, y: number): boolean => open[cellIndex(shape, x, y)] !== 0;
const NONE: Walls = { left: null, right: null, top: null, bottom: null, roughCells: 0, randomSeed: 1 };

describe('walls', () => {
  test('without walls, everything is open', () => {
    expect(openCells(null).every((value) => value === OPEN)).toBe(true);
  });

  test('a smooth wall begins at its distance from the seed, on its own side only', () => {
    const open = openCells({ ...NONE, left: 4, bottom: 7 });
    expect([isOpen(open, x0 - 3, y0), isOpen(open, x0 - 4, y0)]).toEqual([true, false]);
    expect([isOpen(open, x0, y0 + 6), isOpen(open, x0, y0 + 7)]).toEqual([true, false]);
    expect([isOpen(open, shape.width - 1, y0), isOpen(open, x0, 0)]).toEqual([true, true]);
    expect(isOpen(open, x0 - 4, y0 + 9)).toBe(false);
  });

  test('every draw leaves the seed cell open, closes some cell, and builds the same walls again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.boolean(), (randomSeed, isEdge) => {
        const random = new Random(randomSeed);
        const walls = isEdge ? drawEdge(10, random) : drawNeighbours(10, random);
        const open = openCells(walls);
        expect(isOpen(open, x0, y0)).toBe(true);
        let closed = 0;
        forEachCell(shape, (_x, _y, cell) => {
          if (open[cell] === 0) closed++;
        });
        expect(closed).toBeGreaterThan(0);
        expect(openCells(walls)).toEqual(open);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  test('the edge of the world is straight, on one side or on two that meet', () => {
    const random = new Random(3);
    for (let i = 0; i < 50; i++) {
      const walls = drawEdge(15, random);
      expect(walls.roughCells).toBe(0);
      expect([walls.left, walls.right].filter((away) => away !== null).length).toBeLessThan(2);
      expect([walls.top, walls.bottom].filter((away) => away !== null).length).toBeLessThan(2);
    }
  });

  test('sides can be removed until none is left', () => {
    const walls: Walls = { ...NONE, left: 4, top: 5 };
    expect(without(walls, ['left'])).toEqual({ ...walls, left: null });
    expect(without(walls, ['left', 'top'])).toBeNull();
    expect(without(walls, SIDES)).toBeNull();
  });

  test('cells in a wall are cleared, and no others', () => {
    const open = openCells({ ...NONE, right: 2 });
    const state = new Float32Array(shape.cellCount * CHANNELS).fill(1);
    clearWalled(state, open, shape);
    forEachCell(shape, (_x, _y, cell) => {
      expect(state[cell * CHANNELS + 15]).toBe(open[cell] === 0 ? 0 : 1);
    });
  });
});
