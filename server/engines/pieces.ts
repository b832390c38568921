/** The cells of bodies as lists (`Piece`): taken out of pages, checked, and brought within bounds. */
import { PAGE_CELLS, PAGE_SHIFT, pagesAcross, type Rect, type Size } from '../../shared/geometry.ts';
import { CHANNELS } from '../rules/rule.ts';
import { boundCell, holds } from './bounds.ts';
import { EngineError, MAX_ORGANISMS, type OrganismId, type PageState, type Piece } from './engine.ts';
import { checkPlanted } from './validate.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;

/** The cells of some organisms, by organism, as `Engine.copyBodies` and `Engine.putBodies` have them. */
export type PiecesByOrganism = ReadonlyMap<OrganismId, readonly Piece[]>;

/** Copies the cells of some organisms out of pages. Organisms without a cell there are left out. */
export function piecesIn(
  pages: Iterable<PageState>,
  organisms: Iterable<OrganismId>,
): Map<OrganismId, Piece[]> {
  // [id], 1 for each of these organisms: a look-up per cell of the world must be cheap.
  const isMeant = new Uint8Array(MAX_ORGANISMS + 1);
  for (const organism of organisms) isMeant[organism] = 1;
  const pieces = new Map<OrganismId, Piece[]>();
  for (const { page, cells, owners } of pages) {
    for (const [organism, found] of cellsByOwner(owners, isMeant)) {
      const values = new Float32Array(found.length * CHANNELS);
      for (let i = 0; i < found.length; i++)
        for (let c = 0; c < CHANNELS; c++) values[i * CHANNELS + c] = cells[found[i] * CHANNELS + c];
      const piece = { page, cells: Uint16Array.from(found), values };
      const others = pieces.get(organism);
      if (others === undefined) pieces.set(organism, [piece]);
      else others.push(piece);
    }
  }
  return pieces;
}

/** @param isMeant - [id], 1 for each organism whose cells are asked for */
function cellsByOwner(owners: Uint16Array, isMeant: Uint8Array): Map<OrganismId, number[]> {
  const found = new Map<OrganismId, number[]>();
  for (let cell = 0; cell < owners.length; cell++) {
    const owner = owners[cell];
    if (isMeant[owner] === 0) continue;
    const cells = found.get(owner);
    if (cells === undefined) found.set(owner, [cell]);
    else cells.push(cell);
  }
  return found;
}

/** @throws EngineError for an id that is not in use, a page outside the world, and lists that do not fit each other */
export function checkBodies(
  bodies: PiecesByOrganism,
  planted: Pick<ReadonlySet<OrganismId>, 'has'>,
  world: Size,
): void {
  const pages = pagesAcross(world.width) * pagesAcross(world.height);
  for (const [organism, pieces] of bodies) {
    checkPlanted(organism, planted);
    for (const { page, cells, values } of pieces) {
      if (!(page >= 0 && page < pages)) throw new EngineError(`page ${page} is not in the world`);
      if (values.length !== cells.length * CHANNELS)
        throw new EngineError(
          `a piece of organism ${organism} has ${values.length} values for ${cells.length} cells`,
        );
      if (cells.some((cell) => cell >= CELLS))
        throw new EngineError(`a piece of organism ${organism} has a cell outside its page`);
    }
  }
}

/** What a piece may have in a world. */
export interface PieceRoom {
  /** [64, 64] of its page: who is there already. */
  readonly owners: Uint16Array;
  /** The world cell at which its page begins. */
  readonly x: number;
  readonly y: number;
  readonly world: Size;
  /** As `EngineOptions.bounds`. */
  readonly bounds: boolean;
  readonly territory: Rect | undefined;
}

/** A copy with those of the piece's cells that lie in the world and where nobody is yet; with bounds on, within them. */
export function pieceWithin({ page, cells, values }: Piece, room: PieceRoom): Piece {
  const { owners, x, y, world, bounds, territory } = room;
  const kept: number[] = [];
  const channels = values.slice();
  for (let i = 0; i < cells.length; i++) {
    const cellX = x + (cells[i] & (PAGE_CELLS - 1));
    const cellY = y + (cells[i] >> PAGE_SHIFT);
    if (owners[cells[i]] !== 0 || cellX >= world.width || cellY >= world.height) continue;
    if (bounds && !(holds(territory, cellX, cellY) && boundCell(channels, i * CHANNELS))) continue;
    kept.push(i);
  }
  const left = new Float32Array(kept.length * CHANNELS);
  kept.forEach((i, to) => {
    left.set(channels.subarray(i * CHANNELS, (i + 1) * CHANNELS), to * CHANNELS);
  });
  return { page, cells: Uint16Array.from(kept, (i) => cells[i]), values: left };
}
