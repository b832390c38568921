/** Where organisms are, so that those near a place are found without looking at all. */
import { Groups } from '../groups.ts';

/** Cells along a side of a square: somewhat more than a body. */
const SQUARE = 64;
/** Squares of a row have numbers that follow each other. A place may lie outside the world by a body's width. */
const ROW = 2 ** 20;

interface Placed {
  readonly x: number;
  readonly y: number;
}

export class Places<T extends Placed> {
  readonly #squares = new Groups<number, T>();

  clear(): void {
    this.#squares.clear();
  }

  add(one: T): void {
    this.#squares.add(keyOf(squareOf(one.x), squareOf(one.y)), one);
  }

  /** @param x - its place when it was added, or moved last */
  remove(one: T, x = one.x, y = one.y): void {
    this.#squares.delete(keyOf(squareOf(x), squareOf(y)), one);
  }

  /** @param fromX - its place before */
  moved(one: T, fromX: number, fromY: number): void {
    if (squareOf(fromX) === squareOf(one.x) && squareOf(fromY) === squareOf(one.y)) return;
    this.remove(one, fromX, fromY);
    this.add(one);
  }

  /** Those at most `reach` columns and rows from a place, in any order. The cost is that of the squares in reach. */
  *within(x: number, y: number, reach: number): Generator<T> {
    const [left, right] = [squareOf(x - reach), squareOf(x + reach)];
    const [top, bottom] = [squareOf(y - reach), squareOf(y + reach)];
    const isNear = (one: T): boolean => Math.abs(one.x - x) <= reach && Math.abs(one.y - y) <= reach;
    if ((right - left + 1) * (bottom - top + 1) > this.#squares.size) {
      for (const [, square] of this.#squares) for (const one of square) if (isNear(one)) yield one;
      return;
    }
    for (let row = top; row <= bottom; row++)
      for (let column = left; column <= right; column++)
        for (const one of this.#squares.of(keyOf(column, row))) if (isNear(one)) yield one;
  }

  /** The `limit` nearest to a place, nearest first; of two as near, in any order. */
  nearest(x: number, y: number, limit: number): T[] {
    const distance = (one: T): number => Math.hypot(one.x - x, one.y - y);
    // Squares that are nearer than the farthest found so far may hold nearer ones.
    for (let reach = SQUARE; ; reach *= 2) {
      const found = [...this.within(x, y, reach)].filter((one) => distance(one) <= reach);
      const isAll = found.length >= limit || this.#isWithin(x, y, reach);
      if (isAll) return found.sort((a, b) => distance(a) - distance(b)).slice(0, limit);
    }
  }

  /** Whether all lie at most `reach` from a place. */
  #isWithin(x: number, y: number, reach: number): boolean {
    for (const [, square] of this.#squares)
      for (const one of square) if (Math.hypot(one.x - x, one.y - y) > reach) return false;
    return true;
  }
}

const squareOf = (cells: number): number => Math.floor(cells / SQUARE);
const keyOf = (column: number, row: number): number => row * ROW + column;
