import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isInCapsule } from '../../server/engines/capsule.ts';
import type { Engine, Perturbation } from '../../server/engines/engine.ts';
import { type MatureForm, matureCells } from '../../server/world/mature.ts';
import { leastPiece, visitPieces } from '../../server/world/pieces.ts';
import { clearCells, scrapsIn } from '../../server/world/scraps.ts';
import { loadBlob } from './makeWorld.ts';

/** '#' is a cell. */
const cellsOf = (...rows: string[]): Uint8Array =>
  Uint8Array.from(rows.join(''), (mark) => (mark === '#' ? 1 : 0));

/** '#' is opaque. */
function formOf(...rows: string[]): MatureForm {
  const rgba = Float32Array.from([...rows.join('')].flatMap((mark) => [0, 0, 0, mark === '#' ? 1 : 0]));
  return { x: 0, y: 0, width: rows[0].length, height: rows.length, rgba };
}

function piecesOf(open: Uint8Array, width: number): number[][] {
  const pieces: number[][] = [];
  visitPieces(open, width, (cells) => pieces.push(cells.toSorted((a, b) => a - b)));
  return pieces;
}

describe('pieces', () => {
  test('touch in themselves at edges and corners, and do not reach round the sides', () => {
    expect(piecesOf(cellsOf('#..#', '.#.#', '#...'), 4)).toEqual([
      [0, 5, 8],
      [3, 7],
    ]);
  });

  test('together are all cells, each once, and no two of them touch', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 9, maxLength: 90 }),
        (width, drawn) => {
          const open = Uint8Array.from(drawn.slice(0, drawn.length - (drawn.length % width)));
          const wanted = [...open.keys()].filter((cell) => open[cell] === 1);
          const pieces = piecesOf(open, width);
          expect(open.every((cell) => cell === 0)).toBe(true);
          expect(pieces.flat().sort((a, b) => a - b)).toEqual(wanted);
          const isNear = (a: number, b: number): boolean =>
            Math.abs((a % width) - (b % width)) <= 1 &&
            Math.abs(Math.floor(a / width) - Math.floor(b / width)) <= 1;
          for (const [i, piece] of pieces.entries())
            for (const other of pieces.slice(i + 1))
              expect(piece.some((a) => other.some((b) => isNear(a, b)))).toBe(false);
        },
      ),
      { seed: 1 },
    );
  });
});

describe('a scrap', () => {
  test('is a piece that owns less than a twentieth of the mature form, however many there are', () => {
    const owned = cellsOf('##..#', '##...', '....#', '#...#');
    expect(scrapsIn(owned.slice(), 5, 4)).toEqual([4, 14, 15, 19]);
    expect(scrapsIn(owned.slice(), 5, 4.5)).toEqual([0, 1, 4, 5, 6, 14, 15, 19]);
    expect(scrapsIn(owned.slice(), 5, 1)).toEqual([]);
  });

  test('is judged by the mature form', async () => {
    const { mature } = await loadBlob();
    expect(leastPiece([mature])).toBe(matureCells(mature) / 20);
  });

  test('is judged by the smaller form while a body may have either', async () => {
    const { mature } = await loadBlob();
    expect(leastPiece([formOf('#########', '#########'), mature])).toBe(
      leastPiece([formOf('#########', '#########')]),
    );
  });

  test('is nothing in a species whose picture is in several pieces: a small one may be its own', async () => {
    const { mature } = await loadBlob();
    const apart = formOf('#######...#', '#######....');
    const joined = formOf('#######..#.', '#######....');
    expect(leastPiece([apart])).toBe(0);
    expect(leastPiece([mature, apart])).toBe(0);
    expect(leastPiece([joined])).toBe(matureCells(joined) / 20);
  });
});

describe('cells', () => {
  const rect = { x: 100, y: 200, width: 7, height: 5 };

  /** @returns the cells that were cleared, as often as they were, and in how many acts */
  function clear(cells: readonly number[]): { readonly cleared: readonly number[]; readonly acts: number } {
    const acts: Perturbation[] = [];
    clearCells({ perturb: (act: Perturbation) => acts.push(act) } as unknown as Engine, rect, cells);
    const cleared = acts.flatMap((act) =>
      Array.from({ length: rect.width * rect.height }, (_, cell) => cell).filter((cell) =>
        isInCapsule(
          act as Extract<Perturbation, { kind: 'ablate' }>,
          rect.x + (cell % rect.width),
          rect.y + Math.floor(cell / rect.width),
        ),
      ),
    );
    return { cleared: cleared.sort((a, b) => a - b), acts: acts.length };
  }

  test('are cleared once each, and no others', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 34 })), (drawn) => {
        const cells = drawn.toSorted((a, b) => a - b);
        expect(clear(cells).cleared).toEqual(cells);
      }),
      { seed: 1 },
    );
  });

  test('in a row or a column are cleared by one act', () => {
    expect(clear([7, 8, 9, 10, 11, 12, 13]).acts).toBe(1);
    expect(clear([3, 10, 17, 24, 31]).acts).toBe(1);
    expect(clear([5, 6, 7]).acts).toBe(2);
  });
});
