/** Chooses the level that a view is shown at. Pure. */
import { PAGE_CELLS, pagesAcross, type Size, topLevel, VIEW_MARGIN_PAGES } from '../../shared/geometry.ts';
import { MAX_VIEWPORT_PAGES } from '../../shared/limits.ts';

/**
 * Device pixels per texel. The range is wider than the factor of two between levels, so a zoom near a border does not
 * switch to and fro, which would ask for every page again each time.
 */
const MIN_PIXELS = 0.75;
const MAX_PIXELS = 1.75;

/** @returns the most pages that a view of this zoom and level can touch, at any place */
export function pagesInView(zoom: number, view: Size, world: Size, level: number): number {
  const touched = (pixels: number, cells: number): number =>
    Math.min(
      Math.ceil(pixels / zoom / (PAGE_CELLS * 2 ** level)) + 1 + 2 * VIEW_MARGIN_PAGES,
      pagesAcross(cells, level),
    );
  return touched(view.width, world.width) * touched(view.height, world.height);
}

/**
 * @param last - the level until now; null when there is none
 * @param zoom - CSS pixels per cell
 * @returns 0..topLevel(world): a level at which a texel takes 0.75 to 1.75 device pixels and the view no more pages than
 * the server streams; `last` when it still fits
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
