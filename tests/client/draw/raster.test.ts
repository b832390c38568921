import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  areaAround,
  brushed,
  type Cell,
  flipped,
  lineCells,
  mirrored,
  onBoard,
  paint,
  shifted,
} from '../../../client/draw/raster.ts';
import { blankDrawing, contentOf } from '../../../shared/drawing/drawing.ts';
import { anyDrawing, block, drawn } from '../../shared/drawing/drawings.ts';

const cell = fc.tuple(fc.integer({ min: -40, max: 100 }), fc.integer({ min: -40, max: 100 }));

describe('a line', () => {
  test('has both ends, one cell for each step of its longer way, and no gap', () => {
    fc.assert(
      fc.property(cell, cell, (from, to) => {
        const cells = lineCells(from, to);
        expect(cells[0]).toEqual(from);
        expect(cells.at(-1)).toEqual(to);
        expect(cells).toHaveLength(Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])) + 1);
        for (let i = 1; i < cells.length; i++)
          expect(
            Math.max(Math.abs(cells[i][0] - cells[i - 1][0]), Math.abs(cells[i][1] - cells[i - 1][1])),
          ).toBe(1);
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});

describe('a brush', () => {
  test.each([
    [1, 1],
    [2, 4],
    [3, 9],
  ])('of %i covers %i cells around each', (size, count) => {
    const cells = brushed([[10, 10]], size);
    expect(new Set(cells.map(String)).size).toBe(count);
    expect(cells.map(String)).toContain('10,10');
  });

  test('beside the board paints nothing', () => {
    const drawing = blankDrawing(8);
    paint(
      drawing,
      [
        [-1, 0],
        [8, 3],
        [3, 8],
        [0, -1],
      ],
      [1, 2, 3, 255],
    );
    expect(contentOf(drawing)).toBeNull();
  });
});

test('symmetry repeats cells across, below, and at the opposite corner', () => {
  const board = blankDrawing(8, 6);
  const of = (across: boolean, down: boolean): string[] =>
    mirrored([[1, 2]], board, { across, down })
      .map(String)
      .sort();
  expect(of(false, false)).toEqual(['1,2']);
  expect(of(true, false)).toEqual(['1,2', '6,2']);
  expect(of(false, true)).toEqual(['1,2', '1,3']);
  expect(of(true, true)).toEqual(['1,2', '1,3', '6,2', '6,3']);
});

test('a fill reaches the cells of one colour over their sides, not their corners', () => {
  const drawing = drawn(['a.a', '.a.', 'aa.']);
  const area = (at: Cell): string[] => areaAround(drawing, at).map(String).sort();
  expect(area([1, 0])).toEqual(['1,0']);
  expect(area([1, 1])).toEqual(['0,2', '1,1', '1,2']);
  expect(area([2, 1])).toEqual(['2,1', '2,2']);
  expect(area([-1, 0])).toEqual([]);
});

test('flipping twice, and moving out and back without losing anything, changes nothing', () => {
  fc.assert(
    fc.property(anyDrawing, fc.boolean(), (drawing, isAcross) => {
      expect(flipped(flipped(drawing, isAcross), isAcross)).toEqual(drawing);
    }),
    { numRuns: 40, seed: 2 },
  );
  const drawing = block(6, 5, 4);
  expect(shifted(shifted(drawing, 3, -2), -3, 2)).toEqual(drawing);
  expect(contentOf(shifted(drawing, 100, 0))).toBeNull();
});

test('another board has the drawing in its middle, and only a smaller one cuts it', () => {
  const drawing = block(10, 6, 3);
  expect(contentOf(onBoard(drawing, 20))).toEqual({ x: 5, y: 7, width: 10, height: 6 });
  expect(contentOf(onBoard(drawing, 8))).toEqual({ x: 0, y: 1, width: 8, height: 6 });
  expect(onBoard(blankDrawing(9), 12)).toEqual(blankDrawing(12));
});
