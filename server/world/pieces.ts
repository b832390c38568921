/** The pieces that a body is in. Pure. */
import { type MatureForm, ownedBy } from './mature.ts';

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

const inOnePiece = new WeakMap<MatureForm, boolean>();

/** Whether all cells that a mature body owns hang together: then what is apart of it has come loose. */
export function isInOnePiece(form: MatureForm): boolean {
  const known = inOnePiece.get(form);
  if (known !== undefined) return known;
  let pieces = 0;
  visitPieces(ownedBy(form), form.width + 2, () => pieces++);
  inOnePiece.set(form, pieces === 1);
  return pieces === 1;
}
