/**
 * The page table: which pages exist, where they lie in memory, and their links to neighbours. A page exists where a
 * cell is owned, and where life can reach in one step (beside an opaque cell). Every other page is zeros.
 */
import { PAGE_CELLS, PAGE_SHIFT, pagesAcross, type Size } from '../../../shared/geometry.ts';
import type { Extent } from '../bounds.ts';
import * as at from './assembly/layout.ts';
import type { EngineMemory } from './memory.ts';

export class PageTable {
  /** Addresses of the pages that exist, in the order of their creation. */
  readonly list: number[] = [];
  /** Indices of pages that ceased to exist with a change that has not been visited yet. */
  readonly ceased = new Set<number>();
  readonly across: number;
  readonly #world: Size;
  readonly #memory: EngineMemory;
  readonly #maxPages: number;
  /** Addresses by page, with a border of one page so that neighbours need no checks. */
  readonly #table: Uint32Array;
  readonly #stride: number;
  readonly #free: number[] = [];
  /** By record: the last round of `prune` that wanted the page. */
  readonly #wanted: Uint32Array;
  #round = 0;

  constructor(memory: EngineMemory, world: Size, maxPages: number) {
    this.#memory = memory;
    this.#world = world;
    this.#maxPages = maxPages;
    this.across = pagesAcross(world.width);
    this.#stride = this.across + 2;
    this.#table = new Uint32Array(this.#stride * (pagesAcross(world.height) + 2));
    this.#wanted = new Uint32Array(memory.maxPages + 1);
  }

  /** The address of a page; 0 where none exists. */
  find(px: number, py: number): number {
    return this.#table[(py + 1) * this.#stride + px + 1];
  }

  /** Addresses of the pages with a cell in a rectangle of the world; perhaps of all pages, where that is as cheap. */
  under({ left, top, right, bottom }: Extent): readonly number[] {
    if (left > right) return [];
    const [first, last] = [left >> PAGE_SHIFT, right >> PAGE_SHIFT];
    const [above, below] = [top >> PAGE_SHIFT, bottom >> PAGE_SHIFT];
    if ((last - first + 1) * (below - above + 1) >= this.list.length) return this.list;
    const found: number[] = [];
    for (let py = above; py <= below; py++) {
      for (let px = first; px <= last; px++) {
        const page = this.find(px, py);
        if (page !== 0) found.push(page);
      }
    }
    return found;
  }

  px(page: number): number {
    return this.#memory.ints[(page + at.PAGE_X_AT) >>> 2];
  }

  py(page: number): number {
    return this.#memory.ints[(page + at.PAGE_Y_AT) >>> 2];
  }

  index(page: number): number {
    return this.py(page) * this.across + this.px(page);
  }

  /** Finds or makes the page at (px, py). @returns its address; 0 when no more pages may exist */
  obtain(px: number, py: number): number {
    const found = this.find(px, py);
    if (found !== 0) return found;
    if (this.list.length >= this.#maxPages) return 0;
    const page = this.#free.pop() ?? this.#memory.addRecord();
    if (page === 0) return 0;
    this.list.push(page);
    this.#table[(py + 1) * this.#stride + px + 1] = page;
    this.#writeHead(page, px, py);
    this.#link(page, px, py, page);
    return page;
  }

  /** Makes the pages that life can reach in the next step, and frees those without life that it cannot reach. */
  prune(): void {
    const round = ++this.#round;
    const length = this.list.length; // pages made below hold no life yet
    for (let i = 0; i < length; i++) {
      const page = this.list[i];
      const head = page >>> 2;
      const edges = this.#memory.ints[head + (at.EDGES_AT >> 2)];
      if (this.#memory.ints[head + (at.OWNED_COUNT_AT >> 2)] > 0) this.#want(page, round);
      if (edges === 0) continue;
      const px = this.px(page);
      const py = this.py(page);
      for (let n = 0; n < 9; n++) {
        if ((edges & (1 << n)) === 0) continue;
        const nx = px + (n % 3) - 1;
        const ny = py + Math.floor(n / 3) - 1;
        if (!this.#isInside(nx, ny)) continue;
        const neighbour = this.obtain(nx, ny);
        if (neighbour !== 0) this.#want(neighbour, round);
      }
    }
    this.#freeUnwanted(round);
  }

  /** Ends the rest of every cell in the page. */
  wake(page: number): void {
    this.#memory.bytes.fill(0, page + at.STILL_AT, page + at.STILL_AT + PAGE_CELLS * 8);
    this.#memory.ints[(page + at.CALM_AT) >>> 2] = 0;
  }

  /** Ends the rest of every cell in the page and in its neighbours. */
  wakeAround(page: number): void {
    const links = (page + at.LINKS_AT) >>> 2;
    for (let n = 0; n < 9; n++) this.wake(this.#memory.ints[links + n] >>> 0);
  }

  /** Zeroes and frees every page. */
  clear(): void {
    const { bytes, ints } = this.#memory;
    for (const page of this.list) {
      if (ints[(page + at.OWNED_COUNT_AT) >>> 2] > 0) {
        ints[(page + at.CHANGED_AT) >>> 2] = 1;
        this.#clearCells(page);
        bytes.fill(0, page + at.OWNERS_AT, page + at.FIRED_AT);
      }
      bytes.fill(0, page + at.OWNED_AT, page + at.PAGE_X_AT);
    }
    this.#freeUnwanted(++this.#round);
  }

  /** Zeroes the rows with owned cells. The others are zeros already, and writing them would commit memory. */
  #clearCells(page: number): void {
    const { bytes, ints } = this.#memory;
    const owned = (page + at.OWNED_AT) >>> 2;
    for (let row = 0; row < PAGE_CELLS; row++) {
      if ((ints[owned + 2 * row] | ints[owned + 2 * row + 1]) === 0) continue;
      const start = page + at.CELLS_AT + row * at.ROW_BYTES;
      bytes.fill(0, start, start + at.ROW_BYTES);
    }
  }

  #isInside(px: number, py: number): boolean {
    return px >= 0 && py >= 0 && px < this.across && py * PAGE_CELLS < this.#world.height;
  }

  #want(page: number, round: number): void {
    this.#wanted[this.#memory.recordOf(page)] = round;
  }

  #freeUnwanted(round: number): void {
    let kept = 0;
    for (const page of this.list) {
      if (this.#wanted[this.#memory.recordOf(page)] === round) this.list[kept++] = page;
      else this.#release(page);
    }
    this.list.length = kept;
  }

  /** Frees a page, which must be zeros: its cells were cleared as they died. */
  #release(page: number): void {
    const px = this.px(page);
    const py = this.py(page);
    if (this.#memory.ints[(page + at.CHANGED_AT) >>> 2] !== 0) this.ceased.add(py * this.across + px);
    // Neighbours must recompute beside the cells that died here, and this page can no longer wake them.
    if (this.#memory.ints[(page + at.ANY_MOVED_AT) >>> 2] !== 0) this.wakeAround(page);
    this.#table[(py + 1) * this.#stride + px + 1] = 0;
    this.#link(page, px, py, this.#memory.zeroPage);
    this.#free.push(page);
  }

  #writeHead(page: number, px: number, py: number): void {
    const { ints } = this.#memory;
    const columns = Math.min(PAGE_CELLS, this.#world.width - px * PAGE_CELLS);
    ints[(page + at.PAGE_X_AT) >>> 2] = px;
    ints[(page + at.PAGE_Y_AT) >>> 2] = py;
    ints[(page + at.ROWS_AT) >>> 2] = Math.min(PAGE_CELLS, this.#world.height - py * PAGE_CELLS);
    ints[(page + at.COLUMNS_AT) >>> 2] = columns >= 32 ? -1 : 2 ** columns - 1;
    ints[(page + at.COLUMNS_AT + 4) >>> 2] = columns >= 64 ? -1 : columns > 32 ? 2 ** (columns - 32) - 1 : 0;
    ints[(page + at.OWNED_COUNT_AT) >>> 2] = 0;
    ints[(page + at.EDGES_AT) >>> 2] = 0;
    ints[(page + at.SOLE_AT) >>> 2] = 0;
    ints[(page + at.ANY_MOVED_AT) >>> 2] = 0;
    ints[(page + at.UNSAVED_AT) >>> 2] = 1;
    this.#memory.bytes.fill(0, page + at.MOVED_AT, page + at.MOVED_AT + PAGE_CELLS * 8);
    this.wake(page);
    // A page that ceased and came back between two visits has still changed.
    ints[(page + at.CHANGED_AT) >>> 2] = this.ceased.delete(py * this.across + px) ? 1 : 0;
  }

  /** Points the neighbours of (px, py) at `target`, and the page at its neighbours. */
  #link(page: number, px: number, py: number, target: number): void {
    const { ints } = this.#memory;
    for (let n = 0; n < 9; n++) {
      const neighbour = this.find(px + (n % 3) - 1, py + Math.floor(n / 3) - 1);
      ints[((page + at.LINKS_AT) >>> 2) + n] = neighbour === 0 ? this.#memory.zeroPage : neighbour;
      if (neighbour !== 0) ints[((neighbour + at.LINKS_AT) >>> 2) + 8 - n] = target;
    }
  }
}
