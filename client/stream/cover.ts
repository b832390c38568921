/**
 * Which pages to draw so that every place of a view shows the best that is held, once: the wanted level;
 * where it has not arrived, finer pages; where there are none either, a part of a coarser one. So nothing
 * flashes empty while the level changes, and nothing is drawn twice. Pure.
 */
import { PAGE_CELLS } from '../../shared/geometry.ts';
import type { Entry, PageCache } from './pageCache.ts';
import type { PageRect } from './pyramid.ts';

/**
 * A square to draw. Places are in pages of the wanted level, from the rectangle's top left one; sources in
 * texels of the page `entry`, whose level is `level`.
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
  /** The page itself, or what there is of finer ones, or a part of a coarser one. */
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
