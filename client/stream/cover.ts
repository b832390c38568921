/**
 * Chooses which pages to draw. Every place of a view is drawn once: from the wanted level; where that has not arrived,
 * from finer pages; where there are none, from a part of a coarser page. So no place flashes empty while the level
 * changes. Pure.
 */
import { PAGE_CELLS, type PageRect } from '../../shared/geometry.ts';
import type { Entry, PageCache } from './pageCache.ts';

/**
 * A square to draw. `x`, `y` and `size` are in pages of the wanted level, counted from the rectangle's top left page;
 * `u`, `v` and `span` are in texels of the page `entry`, whose level is `level`.
 */
export type Emit<T> = (
  entry: T,
  level: number,
  x: number,
  y: number,
  size: number,
  u: number,
  v: number,
  span: number,
) => void;

export function cover<T extends Entry>(
  held: PageCache<T>,
  wanted: number,
  rect: PageRect,
  emit: Emit<T>,
): void {
  const { pyramid } = held;
  const draw = (entry: T, level: number, px: number, py: number): void => {
    if (!held.isSolid(entry.key)) return;
    const size = 2 ** (level - wanted);
    emit(entry, level, px * size - rect.left, py * size - rect.top, size, 0, 0, PAGE_CELLS);
  };
  /** Draws the page itself, else the finer pages below it, else a part of a coarser page. */
  const fill = (level: number, px: number, py: number): void => {
    const key = pyramid.key(level, px, py);
    const entry = held.get(key);
    if (entry !== undefined) {
      draw(entry, level, px, py);
      return;
    }
    if (!held.hasBelow(key)) {
      coarser(level, px, py);
      return;
    }
    for (let child = 0; child < 4; child++) {
      const cx = px * 2 + (child & 1);
      const cy = py * 2 + (child >> 1);
      if (pyramid.has(level - 1, cx, cy)) fill(level - 1, cx, cy);
    }
  };
  const coarser = (level: number, px: number, py: number): void => {
    for (let above = wanted + 1; above <= pyramid.top; above++) {
      const shift = above - level;
      const entry = held.get(pyramid.key(above, px >> shift, py >> shift));
      if (entry === undefined) continue;
      if (!held.isSolid(entry.key)) return;
      const size = 2 ** (level - wanted);
      const span = PAGE_CELLS / 2 ** shift;
      const u = (px & ((1 << shift) - 1)) * span;
      const v = (py & ((1 << shift) - 1)) * span;
      emit(entry, above, px * size - rect.left, py * size - rect.top, size, u, v, span);
      return;
    }
  };
  for (let py = rect.top; py <= rect.bottom; py++)
    for (let px = rect.left; px <= rect.right; px++) fill(wanted, px, py);
}
