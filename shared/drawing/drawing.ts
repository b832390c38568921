/** A drawing of a creature, cell by cell, and its bounds. Pure; the page draws it, the nursery grows it. */
import type { Rect } from '../geometry.ts';

/** Cells along a side of the board. */
export const MIN_BOARD_SIDE = 8;
/** Larger bodies fit neither the rules' 16 channels nor a trainer's minutes. */
export const MAX_DRAWING_SIDE = 64;
/** Colours beside clear, so that an index fits a byte. */
export const MAX_COLOURS = 255;
/** 0..255: a cell lives if its alpha is above 0.1, as in `server/rules/rule.ts`. */
export const MIN_LIVING_ALPHA = 26;

export interface Drawing {
  /** Cells, 1..64. */
  readonly width: number;
  readonly height: number;
  /** [height, width, 4] straight RGBA. A clear cell is 0, 0, 0, 0. */
  readonly rgba: Uint8Array;
}

/** A drawing that is not one; the message says why, for the one who sent it to read. */
export class DrawingError extends Error {
  override readonly name = 'DrawingError';
}

export const blankDrawing = (width: number, height = width): Drawing => ({
  width,
  height,
  rgba: new Uint8Array(width * height * 4),
});

export const isLiving = ({ rgba }: Drawing, cell: number): boolean => rgba[cell * 4 + 3] >= MIN_LIVING_ALPHA;

/** @returns the smallest rectangle that holds every cell with any alpha; null: all are clear */
export function contentOf({ width, height, rgba }: Drawing): Rect | null {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let cell = 0; cell < width * height; cell++) {
    if (rgba[cell * 4 + 3] === 0) continue;
    const [x, y] = [cell % width, Math.floor(cell / width)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return right < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** @param area - may reach beyond the drawing: what lies there is clear */
export function cutOut({ width, height, rgba }: Drawing, area: Rect): Drawing {
  const part = blankDrawing(area.width, area.height);
  const left = Math.max(0, area.x);
  const right = Math.min(width, area.x + area.width);
  for (let y = Math.max(0, area.y); y < Math.min(height, area.y + area.height); y++) {
    if (left >= right) break;
    const row = rgba.subarray((y * width + left) * 4, (y * width + right) * 4);
    part.rgba.set(row, ((y - area.y) * area.width + left - area.x) * 4);
  }
  return part;
}
