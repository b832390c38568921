/** Which pages a viewport shows. */
import {
  pageIndex,
  pagesAcross,
  pagesTouched,
  type Rect,
  type Size,
  VIEW_MARGIN_PAGES,
} from '../../../shared/geometry.ts';
import { MAX_VIEWPORT_PAGES } from '../../../shared/limits.ts';

/** A rectangle of one level's pages; empty when `wide` or `high` is 0. */
export interface View {
  readonly level: number;
  readonly left: number;
  readonly top: number;
  readonly wide: number;
  readonly high: number;
  /** Twice the middle of the pages that the viewport touches, which makes it a whole number. */
  readonly middleX2: number;
  readonly middleY2: number;
}

/**
 * The pages that a viewport shows, cut to the world, and cut around the middle to `MAX_VIEWPORT_PAGES`.
 *
 * @param viewport - in cells, finite; if it lies outside the world, the view is empty
 * @param level - 0..topLevel(world)
 */
export function viewOf(viewport: Rect, world: Size, level: number): View {
  const touched = pagesTouched(viewport, world, level, VIEW_MARGIN_PAGES);
  const { right, bottom } = touched;
  let { left, top } = touched;
  let wide = Math.max(0, right - left + 1);
  let high = Math.max(0, bottom - top + 1);
  const middleX2 = left + right;
  const middleY2 = top + bottom;
  if (wide * high > MAX_VIEWPORT_PAGES) {
    const shrink = Math.sqrt(MAX_VIEWPORT_PAGES / (wide * high));
    wide = Math.max(1, Math.min(MAX_VIEWPORT_PAGES, Math.floor(wide * shrink)));
    high = Math.max(1, Math.min(Math.floor(MAX_VIEWPORT_PAGES / wide), high));
    left = Math.max(left, Math.ceil((middleX2 - wide) / 2));
    top = Math.max(top, Math.ceil((middleY2 - high) / 2));
  }
  return { level, left, top, wide, high, middleX2, middleY2 };
}

export const sameView = (a: View, b: View): boolean =>
  a.level === b.level && a.left === b.left && a.top === b.top && a.wide === b.wide && a.high === b.high;

/** The view's page indexes, row-major in their level, nearest to the middle first. */
export function pagesOf({ level, left, top, wide, high, middleX2, middleY2 }: View, world: Size): number[] {
  const across = pagesAcross(world.width, level);
  const count = wide * high;
  // The square of twice the distance is whole, so one number holds it and the page's place in the rectangle.
  const order = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const dx = 2 * (left + (i % wide)) - middleX2;
    const dy = 2 * (top + Math.floor(i / wide)) - middleY2;
    order[i] = (dx * dx + dy * dy) * count + i;
  }
  order.sort();
  return Array.from(order, (one) => {
    const i = one % count;
    return pageIndex(left + (i % wide), top + Math.floor(i / wide), across);
  });
}
