import { expect, test } from 'vitest';
import { contentOf, isLiving } from '../../../shared/drawing/drawing.ts';
import { growthFaults } from '../../../shared/drawing/growth.ts';
import { coloursOf, packDrawing } from '../../../shared/drawing/packed.ts';
import { creatureNameFault } from '../../../shared/drawing/submission.ts';
import { drawingOf } from '../../../shared/starters/art.ts';
import { STARTERS } from '../../../shared/starters/starters.ts';

test('there is a dozen of them, each with a name of its own that a creature may have', () => {
  expect(STARTERS.length).toBeGreaterThanOrEqual(12);
  expect(new Set(STARTERS.map(({ name }) => name)).size).toBe(STARTERS.length);
  expect(STARTERS.map(({ name }) => creatureNameFault(name)).filter((fault) => fault !== null)).toEqual([]);
});

test.each(STARTERS.map(({ name, drawing }) => ({ name, drawing })))(
  '$name grows well: of one part, opaque, of 200 to 700 cells, and a short link',
  ({ drawing }) => {
    expect(growthFaults(drawing)).toEqual([]);
    const { width, height } = drawing;
    expect(contentOf(drawing)).toEqual({ x: 0, y: 0, width, height });
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(16);
    expect(Math.max(width, height)).toBeLessThanOrEqual(32);
    const living = Array.from({ length: width * height }, (_, cell) => cell).filter((cell) =>
      isLiving(drawing, cell),
    );
    expect(living.length).toBeGreaterThanOrEqual(200);
    expect(living.length).toBeLessThanOrEqual(700);
    expect(coloursOf(drawing).every((colour) => (colour & 255) === 255)).toBe(true);
    expect(packDrawing(drawing).length).toBeLessThan(2_000);
  },
);

test('art with a row too long, or a letter without a colour, is an error that names it', () => {
  const art = { name: 'X', colours: 'a#010203', cells: '\naa\na.' };
  expect([...drawingOf(art).rgba.slice(0, 4)]).toEqual([1, 2, 3, 255]);
  expect(() => drawingOf({ ...art, cells: '\naa\naaa' })).toThrow('X: row 2 has 3 cells');
  expect(() => drawingOf({ ...art, cells: '\nab' })).toThrow('X: b has no colour');
});
