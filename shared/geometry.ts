/** Coordinates and pages: what both sides must agree on about space. The origin is the top left cell. */

/** Side of a square page, in cells: the unit of allocation, of change and of transfer. */
export const PAGE_CELLS = 64;
export const PAGE_SHIFT = 6;
/** Bytes of one page of RGBA8 pixels. */
export const PAGE_BYTES = PAGE_CELLS * PAGE_CELLS * 4;

/** Largest world side, in cells (1,024 pages a side, so that a page index fits 20 bits). */
export const MAX_WORLD_CELLS = 65_536;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A rectangle of cells; `x`, `y` its top left corner. */
export interface Rect extends Size {
  readonly x: number;
  readonly y: number;
}

export const pagesAcross = (cells: number): number => Math.ceil(cells / PAGE_CELLS);

/** Row-major index of a page in a world that is `across` pages wide. */
export const pageIndex = (px: number, py: number, across: number): number => py * across + px;
