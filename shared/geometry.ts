/** Coordinates and pages. The origin is the top left cell. */

/** Side of a square page, in cells: the unit of allocation, of change and of transfer. */
export const PAGE_CELLS = 64;
export const PAGE_SHIFT = 6;
/** Bytes of one page of RGBA8 pixels. */
export const PAGE_BYTES = PAGE_CELLS * PAGE_CELLS * 4;

/** Largest world side, in cells: 1,024 pages per side, so a page index fits 20 bits. */
export const MAX_WORLD_CELLS = 65_536;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A place in cells or in pixels; the name of the variable or its comment says which. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle; `x` and `y` are its top left corner. */
export interface Rect extends Size {
  readonly x: number;
  readonly y: number;
}

/**
 * Pages along a side of the world. At level L a page is 64 · 2^L cells wide: each pixel averages 2^L x 2^L cells.
 *
 * @param cells - the world's side, in cells of level 0
 */
export const pagesAcross = (cells: number, level = 0): number => Math.ceil(cells / (PAGE_CELLS * 2 ** level));

/** @returns the lowest level at which one page shows the whole world: 0..10 */
export function topLevel({ width, height }: Size): number {
  let level = 0;
  while (pagesAcross(Math.max(width, height), level) > 1) level++;
  return level;
}

/** A rectangle of pages of one level; `right` and `bottom` are included. */
export interface PageRect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Pages on every side of a viewport that are streamed and kept too: a short pan finds its pixels there. */
export const VIEW_MARGIN_PAGES = 0.5;

/**
 * @param margin - pages of that level to add on every side
 * @returns the pages that show a rectangle of cells, clipped to the world; `right < left` or `bottom < top` when the
 * rectangle lies outside it
 */
export function pagesTouched(cells: Rect, world: Size, level: number, margin: number): PageRect {
  const side = PAGE_CELLS * 2 ** level;
  const first = (from: number): number => Math.max(0, Math.floor(from / side - margin));
  const last = (to: number, count: number): number => Math.min(count - 1, Math.ceil(to / side + margin) - 1);
  return {
    left: first(cells.x),
    top: first(cells.y),
    right: last(cells.x + cells.width, pagesAcross(world.width, level)),
    bottom: last(cells.y + cells.height, pagesAcross(world.height, level)),
  };
}

/** @returns the row-major index of a page, in a level that is `across` pages wide */
export const pageIndex = (px: number, py: number, across: number): number => py * across + px;
