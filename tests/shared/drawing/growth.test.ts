import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALIVE_THRESHOLD } from '../../../server/rules/rule.ts';
import { cellIndex } from '../../../server/training/kernel.ts';
import { forEachCell, seedX, seedY } from '../../../server/training/states.ts';
import { fromPixels, type Target } from '../../../server/training/target.ts';
import {
  blankDrawing,
  contentOf,
  type Drawing,
  isLiving,
  MIN_LIVING_ALPHA,
} from '../../../shared/drawing/drawing.ts';
import { growthFaults, MIN_BODY_CELLS, pictureToGrow, seedOf } from '../../../shared/drawing/growth.ts';
import { anyDrawing, block, drawn } from './drawings.ts';

const kinds = (drawing: Drawing): string[] => growthFaults(drawing).map(({ kind }) => kind);
const stops = (drawing: Drawing): string[] =>
  growthFaults(drawing)
    .filter((fault) => fault.stops)
    .map(({ kind }) => kind);

function paint(drawing: Drawing, x: number, y: number, alpha = 255): Drawing {
  drawing.rgba.set([10, 20, 30, alpha], (y * drawing.width + x) * 4);
  return drawing;
}

function clear(drawing: Drawing, x: number, y: number, width: number, height: number): Drawing {
  for (let v = y; v < y + height; v++)
    for (let u = x; u < x + width; u++)
      drawing.rgba.fill(0, (v * drawing.width + u) * 4, (v * drawing.width + u) * 4 + 4);
  return drawing;
}

/** A trainer's target of the drawing. */
const targetOf = (drawing: Drawing): Target => {
  const picture = pictureToGrow(drawing);
  if (picture === null) throw new Error('it has no seed');
  return fromPixels(
    picture.rgba,
    picture.width,
    picture.height,
    { scale: 1, padding: 12, crop: false },
    'it',
  );
};

/** Cells that life reaches from the target's seed when it spreads, as the alive mask lets it, through the body alone. */
function reached(target: Target): number {
  const { shape, rgba } = target;
  const lives = (x: number, y: number): boolean => {
    const isInside = x >= 0 && y >= 0 && x < shape.width && y < shape.height;
    return isInside && rgba[cellIndex(shape, x, y) * 4 + 3] > ALIVE_THRESHOLD;
  };
  const front = [[seedX(shape), seedY(shape)]];
  const seen = new Set<string>([front[0].join()]);
  for (const [x, y] of front)
    for (let v = y - 1; v <= y + 1; v++)
      for (let u = x - 1; u <= x + 1; u++) {
        if (!lives(u, v) || seen.has(`${u},${v}`)) continue;
        seen.add(`${u},${v}`);
        front.push([u, v]);
      }
  return seen.size;
}

function livingIn({ shape, rgba }: Target): number {
  let count = 0;
  forEachCell(shape, (_x, _y, cell) => {
    if (rgba[cell * 4 + 3] > ALIVE_THRESHOLD) count++;
  });
  return count;
}

describe('what stops a drawing', () => {
  test('nothing stops a plain body', () => {
    expect(growthFaults(block(12, 10))).toEqual([]);
  });

  test('an empty board', () => {
    expect(kinds(blankDrawing(32))).toEqual(['empty']);
  });

  test('a body fainter than the alive bar', () => {
    const drawing = block(10, 10);
    for (let cell = 0; cell < drawing.rgba.length / 4; cell++)
      if (drawing.rgba[cell * 4 + 3] > 0) drawing.rgba[cell * 4 + 3] = MIN_LIVING_ALPHA - 1;
    expect(growthFaults(drawing)[0].text).toMatch(/too faint to live/);
    for (let cell = 0; cell < drawing.rgba.length / 4; cell++)
      if (drawing.rgba[cell * 4 + 3] > 0) drawing.rgba[cell * 4 + 3] = MIN_LIVING_ALPHA;
    expect(kinds(drawing)).toEqual([]);
  });

  test('too few cells', () => {
    expect(stops(block(8, MIN_BODY_CELLS / 8))).toEqual([]);
    const few = block(8, MIN_BODY_CELLS / 8);
    expect(kinds(clear(few, 2, 2, 1, 1))).toEqual(['small']);
  });

  test('a part that does not touch the body, and the cells of it are named', () => {
    const drawing = block(10, 10, 8);
    for (const [x, y] of [
      [20, 9],
      [21, 9],
      [20, 10],
      [21, 10],
    ])
      paint(drawing, x, y);
    const [fault] = growthFaults(drawing);
    expect(fault).toMatchObject({ kind: 'parts', stops: true });
    expect(fault.cells).toHaveLength(4);
    expect(fault.text).toBe('1 part touches nothing: growth cannot reach it.');
    // At a corner it touches.
    expect(stops(paint(paint(drawing, 18, 18), 19, 19))).toEqual(['parts']);
    expect(stops(paint(paint(drawing, 18, 9), 19, 9))).toEqual([]);
  });

  test('a part of three cells is a speck, one of four is a part', () => {
    const three = paint(paint(paint(block(10, 10, 8), 1, 1), 2, 1), 3, 1);
    expect(stops(three)).toEqual(['specks']);
    expect(stops(paint(three, 4, 1))).toEqual(['parts']);
  });

  test('lone pixels', () => {
    const [fault] = growthFaults(paint(paint(block(10, 10, 8), 1, 1), 24, 3));
    expect(fault).toMatchObject({
      kind: 'specks',
      text: '2 specks touch nothing: growth cannot reach them.',
    });
    expect(fault.cells).toHaveLength(2);
  });

  test('faint cells where nothing lives, but not those that the body holds', () => {
    expect(stops(paint(block(10, 10, 8), 2, 2, 20))).toEqual(['faint']);
    expect(kinds(paint(block(10, 10, 8), 7, 9, 20))).toEqual([]);
  });

  test('a hole in the middle of more than 8 cells each way: as far as the seed may be moved', () => {
    // Walls of 4 cells around a hole of an odd side: the middle is the hole's middle.
    const ring = (hole: number): Drawing => clear(block(hole + 8, hole + 8), 6, 6, hole, hole);
    expect(stops(ring(15))).toEqual([]);
    expect(stops(ring(17))).toEqual(['hole']);
  });
});

describe('what makes a drawing grow badly', () => {
  test('a body of more than 44 cells a side', () => {
    expect(kinds(block(44, 20))).toEqual([]);
    expect(growthFaults(block(45, 20))).toMatchObject([{ kind: 'large', stops: false }]);
  });

  test('lines of one cell', () => {
    const outline = clear(block(12, 12), 3, 3, 10, 10);
    expect(growthFaults(outline)).toMatchObject([{ kind: 'thin', stops: false }]);
  });

  test('lines of one cell from an eighth of the body on', () => {
    const whiskers = (cells: number): Drawing => {
      const drawing = block(10, 10, 20);
      for (let i = 0; i < cells; i++) paint(drawing, 19 - (i % 7), i < 7 ? 21 : 25);
      return drawing;
    };
    expect(kinds(whiskers(13))).toEqual([]);
    expect(kinds(whiskers(14))).toEqual(['thin']);
  });

  test('a thread to a limb of a twentieth of the body', () => {
    const limb = (width: number): Drawing => {
      const drawing = block(10, 10, 20);
      for (let x = 30; x < 33; x++) paint(drawing, x, 25);
      for (let x = 33; x < 33 + width; x++) paint(paint(drawing, x, 25), x, 26);
      return drawing;
    };
    expect(kinds(limb(2))).toEqual([]);
    expect(growthFaults(limb(3))).toMatchObject([
      { kind: 'thin', text: 'A line one cell thin holds it together.' },
    ]);
  });

  test('a thread between two limbs, but not a whisker', () => {
    const two = ['######....######', '######....######', '######....######'];
    const rows = [...two, '################'.replace(/#{16}/, '######....######'), ...two];
    expect(kinds(drawn(rows.map((row, y) => (y === 3 ? '################' : row))))).toContain('thin');
    expect(kinds(paint(paint(block(12, 12), 14, 5), 15, 5))).toEqual([]);
  });
});

describe('what a trainer is given', () => {
  test('has its seed in the middle, and the seed lives, for every drawing that nothing stops', () => {
    let grown = 0;
    fc.assert(
      fc.property(anyDrawing, fc.boolean(), (drawing, isAmended) => {
        // Random boards are mostly of many parts: a cross through the middle joins most of them.
        if (isAmended) {
          for (let x = 0; x < drawing.width; x++) paint(drawing, x, drawing.height >> 1);
          for (let y = 0; y < drawing.height; y++) paint(drawing, drawing.width >> 1, y);
        }
        if (stops(drawing).length > 0) return;
        grown++;
        const target = targetOf(drawing);
        const seed = cellIndex(target.shape, seedX(target.shape), seedY(target.shape));
        expect(target.rgba[seed * 4 + 3]).toBeGreaterThan(ALIVE_THRESHOLD);
        expect(target.width).toBeLessThanOrEqual(80);
        expect(target.height).toBeLessThanOrEqual(80);
        // The same cells live for both, and life reaches each of them.
        let living = 0;
        for (let cell = 0; cell < drawing.width * drawing.height; cell++)
          if (isLiving(drawing, cell)) living++;
        expect(livingIn(target)).toBe(living);
        expect(reached(target)).toBe(living);
      }),
      { numRuns: 120, seed: 6 },
    );
    expect(grown).toBeGreaterThan(10);
  });

  test('is what a trainer that crops finds by itself, where the middle lives', () => {
    for (const drawing of [block(12, 9, 5), block(9, 12, 0), paint(block(10, 10, 6), 5, 9)]) {
      const own = fromPixels(drawing.rgba, drawing.width, drawing.height, { scale: 1, padding: 12 }, 'it');
      const given = targetOf(drawing);
      expect([given.width, given.height]).toEqual([own.width, own.height]);
      expect(given.rgba).toEqual(own.rgba);
    }
  });

  test('has margins that bring the nearest living cell to the middle, where the middle is empty', () => {
    const drawing = clear(block(16, 16, 0), 5, 4, 11, 8);
    const seed = seedOf(drawing);
    expect(seed).toBe(8 * 16 + 4);
    const target = targetOf(drawing);
    expect([target.width, target.height]).toEqual([23, 16]);
    expect(contentOf(drawing)).toEqual({ x: 0, y: 0, width: 16, height: 16 });
  });
});
