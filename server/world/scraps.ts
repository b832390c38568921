/**
 * Scraps: pieces that an eraser leaves and that are next to nothing. They die. A scrap would grow into a body of its own,
 * beside its place or beside that of a larger piece. A body of which nothing but scraps is left has been killed.
 */
import type { Rect } from '../../shared/geometry.ts';
import type { Engine } from '../engines/engine.ts';
import { visitPieces } from './pieces.ts';

/**
 * @param owned - [height, width], 1 where the body owns a cell; emptied
 * @param least - cells of a piece that is no scrap
 * @returns the cells of all scraps, ascending
 */
export function scrapsIn(owned: Uint8Array, width: number, least: number): number[] {
  const scraps: number[] = [];
  visitPieces(owned, width, (cells) => {
    if (cells.length < least) scraps.push(...cells);
  });
  return scraps.sort((a, b) => a - b);
}

/**
 * Clears these cells of a rectangle of the world, by rows or by columns, whichever are fewer: each is an act in the
 * journal.
 *
 * @param cells - indices, ascending
 */
export function clearCells(engine: Engine, { x, y, width, height }: Rect, cells: readonly number[]): void {
  const rows = runsOf(cells, width);
  const turned = cells.map((cell) => (cell % width) * height + Math.floor(cell / width));
  const columns = runsOf(
    turned.sort((a, b) => a - b),
    height,
  );
  const radius = 0;
  if (columns.length < rows.length) {
    for (const { line, first, last } of columns)
      engine.perturb({ kind: 'ablate', x0: x + line, y0: y + first, x1: x + line, y1: y + last, radius });
  } else {
    for (const { line, first, last } of rows)
      engine.perturb({ kind: 'ablate', x0: x + first, y0: y + line, x1: x + last, y1: y + line, radius });
  }
}

interface Run {
  readonly line: number;
  readonly first: number;
  last: number;
}

/** Cells that follow each other in a line. @param cells - indices, ascending */
function runsOf(cells: readonly number[], length: number): readonly Run[] {
  const runs: Run[] = [];
  for (const cell of cells) {
    const [line, place] = [Math.floor(cell / length), cell % length];
    const run = runs.at(-1);
    if (run?.line === line && place === run.last + 1) run.last = place;
    else runs.push({ line, first: place, last: place });
  }
  return runs;
}
