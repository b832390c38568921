/** Drawings for tests: from text, and at random. */
import fc from 'fast-check';
import { blankDrawing, type Drawing } from '../../../shared/drawing/drawing.ts';

/** One letter per cell; `.` is clear, and a letter without a colour of its own is opaque green. */
export function drawn(
  rows: readonly string[],
  colours: Readonly<Record<string, readonly number[]>> = {},
): Drawing {
  const drawing = blankDrawing(rows[0].length, rows.length);
  rows.forEach((row, y) => {
    [...row].forEach((letter, x) => {
      if (letter === '.') return;
      drawing.rgba.set(colours[letter] ?? [60, 160, 90, 255], (y * drawing.width + x) * 4);
    });
  });
  return drawing;
}

/** An opaque rectangle in the middle of a clear board. */
export function block(width: number, height: number, margin = 2): Drawing {
  const drawing = blankDrawing(width + 2 * margin, height + 2 * margin);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      drawing.rgba.set([200, 90, 40, 255], ((y + margin) * drawing.width + x + margin) * 4);
  return drawing;
}

const side = fc.integer({ min: 1, max: 64 });

/** Flat runs and noise, of 1 to 255 colours with any alpha. */
export const anyDrawing: fc.Arbitrary<Drawing> = fc
  .record({
    width: side,
    height: side,
    palette: fc.array(fc.uint8Array({ minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 255 }),
    isOpaque: fc.boolean(),
    runs: fc.array(fc.record({ index: fc.nat(), cells: fc.integer({ min: 1, max: 300 }) }), {
      maxLength: 60,
    }),
    noise: fc.uint8Array({ maxLength: 600 }),
  })
  .map(({ width, height, palette, isOpaque, runs, noise }) => {
    const drawing = blankDrawing(width, height);
    const set = (cell: number, index: number): void => {
      if (cell >= width * height || index === 0) return;
      const [r, g, b, alpha] = palette[(index - 1) % palette.length];
      const a = isOpaque ? 255 : alpha;
      drawing.rgba.set(a === 0 ? [0, 0, 0, 0] : [r, g, b, a], cell * 4);
    };
    let cell = 0;
    for (const { index, cells } of runs)
      for (const end = cell + cells; cell < end; cell++) set(cell, index % (palette.length + 1));
    noise.forEach((index, i) => {
      set(cell + i, index % (palette.length + 1));
    });
    return drawing;
  });
