/** The pages of all levels of a world. Each has a number of its own, its key. Pure. */
import {
  PAGE_CELLS,
  type PageRect,
  pageIndex,
  pagesAcross,
  pagesTouched,
  type Rect,
  type Size,
  topLevel,
} from '../../shared/geometry.ts';

/** A page index fits 20 bits at level 0, and fewer above. */
const LEVEL_KEYS = 2 ** 20;

export class Pyramid {
  readonly top: number;
  readonly #world: Size;
  readonly #across: number[] = [];
  readonly #down: number[] = [];

  constructor(world: Size) {
    this.#world = world;
    this.top = topLevel(world);
    for (let level = 0; level <= this.top; level++) {
      this.#across.push(pagesAcross(world.width, level));
      this.#down.push(pagesAcross(world.height, level));
    }
  }

  across(level: number): number {
    return this.#across[level];
  }

  /** @returns whether the world has such a page */
  has(level: number, px: number, py: number): boolean {
    return level <= this.top && px < this.#across[level] && py < this.#down[level];
  }

  key(level: number, px: number, py: number): number {
    return level * LEVEL_KEYS + pageIndex(px, py, this.#across[level]);
  }

  levelOf(key: number): number {
    return Math.floor(key / LEVEL_KEYS);
  }

  /** @returns the page's row-major index within its level, as in the protocol */
  indexOf(key: number): number {
    return key % LEVEL_KEYS;
  }

  px(key: number): number {
    return (key % LEVEL_KEYS) % this.#across[this.levelOf(key)];
  }

  py(key: number): number {
    return Math.floor((key % LEVEL_KEYS) / this.#across[this.levelOf(key)]);
  }

  /** @returns the key of the page one level up that shows the same cells; -1 at the top level */
  parent(key: number): number {
    const level = this.levelOf(key) + 1;
    return level > this.top ? -1 : this.key(level, this.px(key) >> 1, this.py(key) >> 1);
  }

  /** The cells that a page shows; some may lie beyond the world's edge. */
  cellsOf(key: number): Rect {
    const side = PAGE_CELLS * 2 ** this.levelOf(key);
    return { x: this.px(key) * side, y: this.py(key) * side, width: side, height: side };
  }

  /** The pages that show a rectangle of cells: see `pagesTouched`. */
  pagesOf(cells: Rect, level: number, margin: number): PageRect {
    return pagesTouched(cells, this.#world, level, margin);
  }
}
