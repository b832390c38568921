/** The true pixels of a rectangle of the world, put together from the engine's pages. */
import {
  PAGE_BYTES,
  PAGE_CELLS,
  pageIndex,
  pagesAcross,
  pagesTouched,
  type Rect,
} from '../../shared/geometry.ts';
import { MAX_PNG_SIDE } from '../../shared/limits.ts';
import type { Engine } from '../engines/engine.ts';

/**
 * @returns [height, width, 4]; zeros outside the world
 * @throws RangeError when the rectangle is empty, not of whole numbers, or too large
 */
export async function readPixels(engine: Engine, rect: Rect): Promise<Uint8Array<ArrayBuffer>> {
  const { x, y, width, height } = rect;
  if (![x, y, width, height].every(Number.isSafeInteger) || width < 1 || height < 1)
    throw new RangeError('a rectangle needs whole numbers and at least one cell');
  if (width > MAX_PNG_SIDE || height > MAX_PNG_SIDE)
    throw new RangeError(`a rectangle has at most ${MAX_PNG_SIDE} cells per side`);
  const pixels = new Uint8Array(width * height * 4);
  const page = new Uint8Array(PAGE_BYTES);
  const { left, top, right, bottom } = pagesTouched(rect, engine, 0, 0);
  const across = pagesAcross(engine.width);
  for (let py = top; py <= bottom; py++) {
    for (let px = left; px <= right; px++) {
      await engine.readPage(pageIndex(px, py, across), page);
      copyOverlap(page, px * PAGE_CELLS, py * PAGE_CELLS, pixels, rect);
    }
  }
  return pixels;
}

/** Copies the part of a page at (left, top) that lies in the rectangle. */
function copyOverlap(page: Uint8Array, left: number, top: number, into: Uint8Array, rect: Rect): void {
  const fromX = Math.max(left, rect.x);
  const toX = Math.min(left + PAGE_CELLS, rect.x + rect.width);
  const toY = Math.min(top + PAGE_CELLS, rect.y + rect.height);
  for (let y = Math.max(top, rect.y); y < toY; y++) {
    const from = ((y - top) * PAGE_CELLS + fromX - left) * 4;
    const row = page.subarray(from, from + (toX - fromX) * 4);
    into.set(row, ((y - rect.y) * rect.width + fromX - rect.x) * 4);
  }
}
