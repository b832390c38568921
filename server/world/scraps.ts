/**
 * Scraps: pieces that an eraser leaves and that are next to nothing. They die. A scrap would grow into a body of its own,
 * beside its place or beside that of a larger piece. A body of which nothing but scraps is left has been killed.
 */
import type { Rect } from '../../shared/geometry.ts';
import type { Engine } from '../engines/engine.ts';
import { type MatureForm, matureCells } from './mature.ts';
import { visitPieces } from './pieces.ts';

/** A piece is a scrap when it owns fewer cells than this part of the mature form's. */
export const SCRAP_SHARE = 0.05;

/** Owned cells that a piece must have to live. */
export const leastPiece = (form: MatureForm): number => SCRAP_SHARE * matureCells(form);

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

/** Clears these cells of a rectangle of the world. @param cells - indices, ascending */
export function clearCells(engine: Engine, { x, y, width }: Rect, cells: readonly number[]): void {
  for (const { first, last } of runsOf(cells, width)) {
    const [x0, y0] = [x + (first % width), y + Math.floor(first / width)];
    engine.perturb({ kind: 'ablate', x0, y0, x1: x0 + last - first, y1: y0, radius: 0 });
  }
}

/** Cells that follow each other in a row. @param cells - ascending */
function runsOf(cells: readonly number[], width: number): { first: number; last: number }[] {
  const runs: { first: number; last: number }[] = [];
  for (const cell of cells) {
    const run = runs.at(-1);
    if (run !== undefined && cell === run.last + 1 && cell % width !== 0) run.last = cell;
    else runs.push({ first: cell, last: cell });
  }
  return runs;
}
