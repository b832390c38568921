/**
 * The page table: which pages exist and in which slots. The CPU decides; after each batch of steps the GPU reports how
 * far life extends in every page, so that the pages of the next steps are made before they are needed.
 */
import { PAGE_CELLS, pagesAcross, type Size } from '../../../shared/geometry.ts';
import * as at from './layout.ts';

export class Page {
  readonly index: number;
  readonly px: number;
  readonly py: number;
  readonly slot: number;
  /** Whether a cell is owned, as far as the CPU knows. */
  hasLife = false;
  /** Whether a word of the page is not zero: it must be stepped and kept. */
  isBusy = false;
  /** Its pixels changed since the last visit. */
  isChanged = false;
  /** A cell or an owner may have changed since the last `takeChanges`. */
  isUnsaved = true;
  /** The only organism in the page; 0: none, -1: several, or not known. */
  sole = 0;
  /** The smallest box around all opaque cells, in the page's own cells; empty when left > right. */
  left = PAGE_CELLS;
  top = PAGE_CELLS;
  right = -1;
  bottom = -1;
  /** The last round of `prepare` that wanted the page. */
  round = 0;

  constructor(index: number, px: number, py: number, slot: number) {
    this.index = index;
    this.px = px;
    this.py = py;
    this.slot = slot;
  }

  /** Whether the organism may have cells in this page. */
  mayHold(organism: number): boolean {
    return this.sole === organism || this.sole < 0;
  }

  /** Updates the page from its part of a report (`kernels/status.ts`), which begins at `from`. */
  learn(report: Uint32Array, from: number): void {
    const flags = report[from];
    const box = report[from + 1];
    const owners = report[from + 2];
    this.isBusy = (flags & at.STATUS_BUSY) !== 0;
    this.isChanged = (flags & at.STATUS_CHANGED) !== 0;
    if ((flags & at.STATUS_MOVED) !== 0) this.isUnsaved = true;
    this.hasLife = flags >>> 8 > 0;
    this.sole = (owners & 0xffff) === owners >>> 16 ? owners >>> 16 : -1;
    this.left = box & 0xff;
    this.top = (box >>> 8) & 0xff;
    this.right = (flags & at.STATUS_OPAQUE) !== 0 ? (box >>> 16) & 0xff : -1;
    this.bottom = box >>> 24;
  }

  /** Extends the box of opaque cells to (x, y), in the page's own cells. */
  stretch(x: number, y: number): void {
    this.left = Math.min(this.left, x);
    this.top = Math.min(this.top, y);
    this.right = Math.max(this.right, x);
    this.bottom = Math.max(this.bottom, y);
  }
}

export class PageTable {
  /** In the order of their creation. */
  list: Page[] = [];
  /** Indices of pages that ceased with a change that has not been visited; a page may exist there again. */
  readonly ceased = new Set<number>();
  readonly across: number;
  readonly down: number;
  /** [slots, HEAD_WORDS], as the kernels read it. */
  heads = new Uint32Array(0);
  /** Heads or the list changed since they were uploaded. */
  isStale = true;
  readonly #world: Size;
  readonly #byIndex = new Map<number, Page>();
  readonly maxPages: number;
  readonly #free: number[] = [];
  #lastSlot = 0;
  #round = 0;

  constructor(world: Size, maxPages: number) {
    this.#world = world;
    this.maxPages = maxPages;
    this.across = pagesAcross(world.width);
    this.down = pagesAcross(world.height);
  }

  at(index: number): Page | undefined {
    return this.#byIndex.get(index);
  }

  find(px: number, py: number): Page | undefined {
    return this.#isInside(px, py) ? this.#byIndex.get(py * this.across + px) : undefined;
  }

  /** Finds or makes the page; undefined when no more pages may exist. */
  obtain(px: number, py: number): Page | undefined {
    const index = py * this.across + px;
    const found = this.#byIndex.get(index);
    if (found !== undefined || this.list.length >= this.maxPages) return found;
    const page = new Page(index, px, py, this.#free.pop() ?? ++this.#lastSlot);
    this.list.push(page);
    this.#byIndex.set(index, page);
    this.#writeHead(page);
    this.#link(page, page.slot);
    this.isStale = true;
    return page;
  }

  /**
   * Makes the pages that life can reach within `steps` steps, and frees those without life that it cannot reach.
   *
   * @returns for how many steps the pages suffice: `steps`, or 1 when not all pages fit
   */
  prepare(steps: number): number {
    const round = ++this.#round;
    const missing = this.#want(steps, round, false);
    if (this.list.length + missing <= this.maxPages) {
      this.#want(steps, round, true);
      this.#freeUnwanted(round);
      return steps;
    }
    // Not all fit: first frees the pages that life cannot reach in one step, then makes those that it can.
    const last = ++this.#round;
    this.#want(1, last, false);
    this.#freeUnwanted(last);
    this.#want(1, last, true);
    return 1;
  }

  /** @returns how many pages within reach do not exist; with `make`, makes as many of them as fit */
  #want(steps: number, round: number, make: boolean): number {
    let missing = 0;
    const { length } = this.list; // pages made below hold no life yet
    for (let i = 0; i < length; i++) {
      const page = this.list[i];
      if (page.isBusy) page.round = round;
      if (page.left > page.right) continue;
      const west = page.left < steps ? -1 : 0;
      const east = page.right >= PAGE_CELLS - steps ? 1 : 0;
      const north = page.top < steps ? -1 : 0;
      const south = page.bottom >= PAGE_CELLS - steps ? 1 : 0;
      for (let dy = north; dy <= south; dy++) {
        for (let dx = west; dx <= east; dx++) {
          if (!this.#isInside(page.px + dx, page.py + dy)) continue;
          const reached = make
            ? this.obtain(page.px + dx, page.py + dy)
            : this.find(page.px + dx, page.py + dy);
          if (reached === undefined) missing++;
          else reached.round = round;
        }
      }
    }
    return missing;
  }

  #freeUnwanted(round: number): void {
    let kept = 0;
    for (const page of this.list) {
      if (page.round === round) this.list[kept++] = page;
      else this.#release(page);
    }
    this.list.length = kept;
  }

  /** Frees a page, which must be zeros. */
  release(page: Page): void {
    this.list.splice(this.list.indexOf(page), 1);
    this.#release(page);
  }

  #release(page: Page): void {
    if (page.isChanged) this.ceased.add(page.index);
    this.#byIndex.delete(page.index);
    this.#link(page, 0);
    this.#free.push(page.slot);
    this.isStale = true;
  }

  /** Frees every page; the slots must be zeros before they are used again. */
  clear(): void {
    for (const page of this.list) {
      if (page.hasLife) page.isChanged = true;
      this.#release(page);
    }
    this.list.length = 0;
  }

  /** The highest slot that was ever in use. */
  get lastSlot(): number {
    return this.#lastSlot;
  }

  #isInside(px: number, py: number): boolean {
    return px >= 0 && py >= 0 && px < this.across && py < this.down;
  }

  #writeHead({ slot, px, py }: Page): void {
    const head = slot * at.HEAD_WORDS;
    if (head >= this.heads.length) {
      const larger = new Uint32Array(Math.max(64, slot * 2) * at.HEAD_WORDS);
      larger.set(this.heads);
      this.heads = larger;
    }
    this.heads[head + at.HEAD_X] = px;
    this.heads[head + at.HEAD_Y] = py;
    this.heads[head + at.HEAD_COLUMNS] = Math.min(PAGE_CELLS, this.#world.width - px * PAGE_CELLS);
    this.heads[head + at.HEAD_ROWS] = Math.min(PAGE_CELLS, this.#world.height - py * PAGE_CELLS);
  }

  /** Points the neighbours of a page at `target`, and the page at its neighbours. */
  #link(page: Page, target: number): void {
    for (let n = 0; n < 9; n++) {
      const neighbour = this.find(page.px + (n % 3) - 1, page.py + Math.floor(n / 3) - 1);
      this.heads[page.slot * at.HEAD_WORDS + n] = neighbour?.slot ?? 0;
      if (neighbour !== undefined) this.heads[neighbour.slot * at.HEAD_WORDS + 8 - n] = target;
    }
  }
}
