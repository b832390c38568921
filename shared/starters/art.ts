/** A starter as it is written in a source file: rows of letters, and a colour for each letter. */
import { blankDrawing, type Drawing } from '../drawing/drawing.ts';

export interface StarterArt {
  readonly name: string;
  /** `a#3d2418 b#8a5a3a`: a letter and its opaque colour. */
  readonly colours: string;
  /** Rows of equal length from the second line on; `.` is clear. */
  readonly cells: string;
}

/** @throws Error when a row has another length, or a letter has no colour */
export function drawingOf({ name, colours, cells }: StarterArt): Drawing {
  const palette = new Map(
    colours.split(' ').map((colour) => {
      const rgb = [2, 4, 6].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
      return [colour[0], [...rgb, 255]];
    }),
  );
  const rows = cells.trim().split('\n');
  const drawing = blankDrawing(rows[0].length, rows.length);
  rows.forEach((row, y) => {
    if (row.length !== drawing.width) throw new Error(`${name}: row ${y + 1} has ${row.length} cells`);
    [...row].forEach((letter, x) => {
      if (letter === '.') return;
      const colour = palette.get(letter);
      if (colour === undefined) throw new Error(`${name}: ${letter} has no colour`);
      drawing.rgba.set(colour, (y * drawing.width + x) * 4);
    });
  });
  return drawing;
}
