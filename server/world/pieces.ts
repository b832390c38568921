/**
 * The pieces that a body is in, and what each is by its size. Pure.
 *
 * A *scrap* is next to nothing: when an eraser leaves one, it dies at once, in the world and in training (`scraps.ts`). A
 * *loose* piece is any but the largest: of a body that does not become whole it is shed (`shedding.ts`), unless it is so
 * large that it is a second body. A *speck* is what does not count when parts of a body are counted (`twoBodies.ts`).
 */
import { type MatureForm, ownedBy } from './mature.ts';

/** A scrap owns fewer cells than this part of the mature form's. */
const SCRAP_SHARE = 0.05;
/** A loose piece owns at most this part of the mature form's cells. */
export const LOOSE_SHARE = 0.25;
/** A speck has less than this part of the form's opaque cells. Opaque, because rims of two parts may touch. */
export const SPECK_SHARE = 0.05;

/**
 * Calls `visit` with each group of cells that touch at an edge or a corner.
 *
 * @param open - [height, width], 1 where a cell is; emptied
 * @param visit - indices of a piece's cells, in no order; its own to keep
 */
export function visitPieces(
  open: Uint8Array,
  width: number,
  visit: (cells: readonly number[]) => void,
): void {
  const height = open.length / width;
  for (let start = 0; start < open.length; start++) {
    if (open[start] === 0) continue;
    open[start] = 0;
    const cells = [start];
    for (let next = 0; next < cells.length; next++) {
      const x = cells[next] % width;
      const y = Math.floor(cells[next] / width);
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const cell = ny * width + nx;
          if (open[cell] === 0) continue;
          open[cell] = 0;
          cells.push(cell);
        }
      }
    }
    visit(cells);
  }
}

/**
 * Owned cells that a piece must have to be no scrap; 0: the mature form is in several pieces, and a small one may be its
 * own.
 *
 * @param owned - [height, width], 1 where the mature form owns a cell; emptied
 */
export function leastPieceOf(owned: Uint8Array, width: number): number {
  let pieces = 0;
  let cells = 0;
  visitPieces(owned, width, ({ length }) => {
    pieces++;
    cells += length;
  });
  return pieces === 1 ? SCRAP_SHARE * cells : 0;
}

const leastPieces = new WeakMap<MatureForm, number>();

/**
 * @see leastPieceOf
 * @param forms - those that the body may have: its rule's, and while a swap is watched the old rule's, too
 */
export function leastPiece(forms: readonly MatureForm[]): number {
  return Math.min(
    ...forms.map((form) => {
      const known = leastPieces.get(form);
      if (known !== undefined) return known;
      const least = leastPieceOf(ownedBy(form), form.width + 2);
      leastPieces.set(form, least);
      return least;
    }),
  );
}

/** Whether all cells that a mature body owns hang together: then what is apart of it has come loose. */
export const isInOnePiece = (form: MatureForm): boolean => leastPiece([form]) > 0;
