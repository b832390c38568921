/** Which pages a viewport shows. */
import { PAGE_CELLS, pageIndex, pagesAcross, type Rect, type Size } from '../../../shared/geometry.ts';
import { MAX_VIEWPORT_PAGES } from '../../../shared/limits.ts';

/** Pages around the viewport that count as in view, so that a short pan finds its pixels already there. */
const MARGIN = 1 / 2;

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
  const side = PAGE_CELLS * 2 ** level;
  const first = (from: number): number => Math.max(0, Math.floor(from / side - MARGIN));
  const last = (to: number, pages: number): number => Math.min(pages - 1, Math.ceil(to / side + MARGIN) - 1);
  let left = first(viewport.x);
  let top = first(viewport.y);
  const right = last(viewport.x + viewport.width, pagesAcross(world.width, level));
  const bottom = last(viewport.y + viewport.height, pagesAcross(world.height, level));
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
