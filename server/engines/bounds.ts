/**
 * The two bounds of a body: the range of its channels, and its territory. A healthy body never reaches them, so a lone
 * organism inside them equals the plain model to the bit.
 */
import { PAGE_CELLS, PAGE_SHIFT, pagesAcross, type Rect, type Size } from '../../shared/geometry.ts';
import { CHANNELS } from '../rules/rule.ts';
import { CHANNEL_LIMIT, type OrganismId, type PageState } from './engine.ts';

/**
 * Clamps a cell's 16 channels to ±CHANNEL_LIMIT, in place.
 *
 * @returns false when a channel is not finite: the cell is left as it is, and the caller must clear it
 */
export function boundCell(cells: Float32Array, from: number): boolean {
  for (let c = from; c < from + CHANNELS; c++) if (!Number.isFinite(cells[c])) return false;
  for (let c = from; c < from + CHANNELS; c++) {
    cells[c] = Math.min(Math.max(cells[c], -CHANNEL_LIMIT), CHANNEL_LIMIT);
  }
  return true;
}

/** Whether a cell lies in a territory; an undefined territory is the whole world. */
export const holds = (territory: Rect | undefined, x: number, y: number): boolean =>
  territory === undefined ||
  (x >= territory.x &&
    y >= territory.y &&
    x < territory.x + territory.width &&
    y < territory.y + territory.height);

/** First and last columns and rows of a territory inside the world, inclusive; first > last: none lies inside. */
export interface Extent {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export function extentOf(territory: Rect | undefined, { width, height }: Size): Extent {
  if (territory === undefined) return { left: 0, right: width - 1, top: 0, bottom: height - 1 };
  const extent = {
    left: Math.max(0, territory.x),
    right: Math.min(width, territory.x + territory.width) - 1,
    top: Math.max(0, territory.y),
    bottom: Math.min(height, territory.y + territory.height) - 1,
  };
  const isOutside = extent.left > extent.right || extent.top > extent.bottom;
  return isOutside ? { left: 1, right: 0, top: 1, bottom: 0 } : extent;
}

/**
 * Brings a saved page within the bounds: clamps channels, and clears cells that are not finite or lie outside their
 * organism's territory.
 *
 * @returns `page`'s own arrays when nothing had to change, else copies
 */
export function mendedPage(
  page: PageState,
  world: Size,
  territoryOf: (organism: OrganismId) => Rect | undefined,
): PageState {
  const across = pagesAcross(world.width);
  const left = (page.page % across) * PAGE_CELLS;
  const top = Math.floor(page.page / across) * PAGE_CELLS;
  let { cells, owners } = page;
  for (let cell = 0; cell < owners.length; cell++) {
    if (owners[cell] === 0) continue;
    const from = cell * CHANNELS;
    const x = left + (cell & (PAGE_CELLS - 1));
    const isHome = holds(territoryOf(owners[cell]), x, top + (cell >> PAGE_SHIFT));
    if (isHome && isInRange(cells, from)) continue;
    if (cells === page.cells) {
      cells = cells.slice();
      owners = owners.slice();
    }
    if (isHome && boundCell(cells, from)) continue;
    cells.fill(0, from, from + CHANNELS);
    owners[cell] = 0;
  }
  return { page: page.page, cells, owners };
}

function isInRange(cells: Float32Array, from: number): boolean {
  for (let c = from; c < from + CHANNELS; c++) if (!(Math.abs(cells[c]) <= CHANNEL_LIMIT)) return false;
  return true;
}
