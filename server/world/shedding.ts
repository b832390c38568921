/**
 * Shedding: a body that has been neither whole nor struck for a while loses what has come loose of it. A loose piece
 * would stay as a smear beside the body, or grow into a second one.
 */
import type { Engine } from '../engines/engine.ts';
import { type MatureForm, matureCells, territoryOf } from './mature.ts';
import type { Organism } from './organism.ts';
import { isInOnePiece, LOOSE_SHARE, visitPieces } from './pieces.ts';
import { clearCells } from './scraps.ts';

/** Takes the loose pieces of a body: all but the largest, if they are small. */
export async function shed(engine: Engine, body: Organism, form: MatureForm): Promise<void> {
  if (!isInOnePiece(form)) return;
  const rect = body.territory ?? territoryOf([form], body.x, body.y);
  const owners = new Uint16Array(rect.width * rect.height);
  await engine.readOwners(rect, owners);
  const owned = Uint8Array.from(owners, (owner) => (owner === body.id ? 1 : 0));
  clearCells(engine, rect, looseIn(owned, rect.width, LOOSE_SHARE * matureCells(form)));
}

/**
 * @param owned - [height, width], 1 where the body owns a cell; emptied
 * @param most - cells of a loose piece
 * @returns the cells of all loose pieces, ascending
 */
export function looseIn(owned: Uint8Array, width: number, most: number): number[] {
  const pieces: (readonly number[])[] = [];
  visitPieces(owned, width, (cells) => pieces.push(cells));
  pieces.sort((a, b) => b.length - a.length);
  return pieces
    .slice(1)
    .filter(({ length }) => length <= most)
    .flat()
    .sort((a, b) => a - b);
}
