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

/** @returns the row-major index of a page, in a level that is `across` pages wide */
export const pageIndex = (px: number, py: number, across: number): number => py * across + px;
