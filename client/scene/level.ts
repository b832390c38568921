/** Which level of the pyramid a view asks for. Pure. */
import { PAGE_CELLS, pagesAcross, type Size, topLevel } from '../../shared/geometry.ts';
import { MAX_VIEWPORT_PAGES } from '../../shared/limits.ts';

/**
 * Device pixels a texel of the level may take. The range is wider than the factor of two between levels, so
 * that a zoom held near a border does not go back and forth, and asks for every page anew each time.
 */
const MIN_PIXELS = 0.75;
const MAX_PIXELS = 1.75;
/** Pages around the view that the server streams too: half a one on each side. */
const MARGIN_PAGES = 1;

/** The most pages that a view can touch at this zoom, wherever it looks. */
export function pagesInView(zoom: number, view: Size, world: Size, level: number): number {
  const touched = (pixels: number, cells: number): number =>
    Math.min(
      Math.ceil(pixels / zoom / (PAGE_CELLS * 2 ** level)) + 1 + MARGIN_PAGES,
      pagesAcross(cells, level),
    );
  return touched(view.width, world.width) * touched(view.height, world.height);
}

/**
 * @param last - the level so far; null: none
 * @param zoom - CSS pixels a cell
 * @returns 0..topLevel(world), such that a texel takes 0.75 to 1.75 device pixels and the view no more pages
 * than the server streams; `last` where it still fits
 */
export function chooseLevel(
  last: number | null,
  zoom: number,
  pixelRatio: number,
  view: Size,
  world: Size,
): number {
  const top = topLevel(world);
  const pixels = (level: number): number => zoom * pixelRatio * 2 ** level;
  let level = Math.min(top, last ?? 0);
  while (level > 0 && pixels(level) > MAX_PIXELS) level--;
  while (level < top && pixels(level) < MIN_PIXELS) level++;
  while (level < top && pagesInView(zoom, view, world, level) > MAX_VIEWPORT_PAGES) level++;
  return level;
}
