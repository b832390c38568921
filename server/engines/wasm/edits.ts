/** Writes many cells at once between steps: perturbations, removals, restored pages. */
import { PAGE_CELLS, PAGE_SHIFT, type Size } from '../../../shared/geometry.ts';
import { CHANNELS } from '../../rules/rule.ts';
import { firstSpanFrom, type Span, strokeRows } from '../capsule.ts';
import type { Capsule, Noise, OrganismId, PageState, Piece } from '../engine.ts';
import type { NoiseDraw } from '../fire.ts';
import { cellIn, type PageCells } from './cells.ts';
import type { PageTable } from './pages.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;
const SEED = Float32Array.from({ length: CHANNELS }, (_, channel) => (channel < 3 ? 0 : 1));

export class Edits {
  /** Cells were written since the last `settle`: pages may be missing beside life, or be empty. */
  isPending = false;
  readonly #pages: PageTable;
  readonly #cells: PageCells;
  readonly #world: Size;

  constructor(pages: PageTable, cells: PageCells, world: Size) {
    this.#pages = pages;
    this.#cells = cells;
    this.#world = world;
  }

  /** Makes the pages that the writes need, and frees the empty ones. */
  settle(): void {
    this.#pages.prune();
    this.isPending = false;
  }

  /** @returns false, with nothing changed, when no page may be made for the cell */
  plant(organism: OrganismId, x: number, y: number): boolean {
    let page = this.#pages.obtain(x >> PAGE_SHIFT, y >> PAGE_SHIFT);
    if (page === 0 && this.isPending) {
      this.settle(); // may free pages that were emptied since the last step
      page = this.#pages.obtain(x >> PAGE_SHIFT, y >> PAGE_SHIFT);
    }
    if (page === 0) return false;
    this.#cells.write(page, cellIn(x, y), organism, SEED);
    this.#edited(page);
    return true;
  }

  ablate(capsule: Capsule): void {
    this.#visitSpans(strokeRows([capsule], this.#world), (page, cell) => this.#cells.clear(page, cell));
  }

  addNoise({ capsules, except, amplitude }: Noise, draw: NoiseDraw): void {
    this.#visitSpans(strokeRows(capsules, this.#world, except), (page, cell, x, y) =>
      this.#cells.addNoise(page, cell, x, y, draw, amplitude),
    );
  }

  /** Zeroes the organism's cells for which `isGone` is true. @param pages - addresses of those that may hold some */
  clearWhere(
    organism: OrganismId,
    pages: readonly number[],
    isGone: (x: number, y: number) => boolean,
  ): void {
    for (const page of pages) {
      if (!this.#cells.mayHold(page, organism)) continue;
      const left = this.#pages.px(page) << PAGE_SHIFT;
      const top = this.#pages.py(page) << PAGE_SHIFT;
      for (let cell = 0; cell < CELLS; cell++) {
        if (this.#cells.owner(page, cell) !== organism) continue;
        if (isGone(left + (cell & (PAGE_CELLS - 1)), top + (cell >> PAGE_SHIFT)))
          this.#cells.clear(page, cell);
      }
      this.#edited(page);
    }
  }

  /** Ends the rest of every page that may hold a cell of the organism, and of the pages beside those. */
  wakeAround(organism: OrganismId): void {
    for (const page of this.#pages.list)
      if (this.#cells.mayHold(page, organism)) this.#pages.wakeAround(page);
  }

  /** Writes a saved page where none exists. @returns its address; 0, with nothing changed, when there is no room */
  restore({ page: index, cells, owners }: PageState): number {
    const page = this.#pages.obtain(index % this.#pages.across, Math.floor(index / this.#pages.across));
    if (page === 0) return 0;
    for (let cell = 0; cell < CELLS; cell++) {
      if (owners[cell] === 0) continue;
      this.#cells.write(page, cell, owners[cell], cells.subarray(cell * CHANNELS, (cell + 1) * CHANNELS));
    }
    this.#edited(page);
    return page;
  }

  /**
   * Writes an organism's cells where nobody owns one.
   *
   * @returns false, with nothing changed, when there is no room for their pages
   */
  lay(organism: OrganismId, pieces: readonly Piece[]): boolean {
    let pages = this.#obtainAll(pieces);
    if (pages.includes(0) && this.isPending) {
      this.settle(); // may free pages that were emptied since the last step
      pages = this.#obtainAll(pieces);
    }
    this.isPending = true; // frees pages that were made in vain
    if (pages.includes(0)) return false;
    pieces.forEach(({ cells, values }, i) => {
      for (let k = 0; k < cells.length; k++) {
        if (this.#cells.owner(pages[i], cells[k]) !== 0) continue;
        this.#cells.write(pages[i], cells[k], organism, values.subarray(k * CHANNELS, (k + 1) * CHANNELS));
      }
      this.#edited(pages[i]);
    });
    return true;
  }

  #obtainAll(pieces: readonly Piece[]): number[] {
    const { across } = this.#pages;
    return pieces.map(({ page }) => this.#pages.obtain(page % across, Math.floor(page / across)));
  }

  #edited(page: number): void {
    this.#cells.recount(page);
    this.isPending = true;
  }

  /** Visits the spans' cells that lie in existing pages. @param spans - in reading order */
  #visitSpans(
    spans: readonly Span[],
    visit: (page: number, cell: number, x: number, y: number) => void,
  ): void {
    if (spans.length === 0) return;
    // By page, not by row: the cost of a stroke across a huge world then grows with the pages, not with its area.
    for (const page of this.#pages.list) {
      const left = this.#pages.px(page) << PAGE_SHIFT;
      const top = this.#pages.py(page) << PAGE_SHIFT;
      let isTouched = false;
      for (let s = firstSpanFrom(spans, top); s < spans.length && spans[s].y < top + PAGE_CELLS; s++) {
        const { y, first, last } = spans[s];
        const end = Math.min(last, left + PAGE_CELLS - 1);
        for (let x = Math.max(first, left); x <= end; x++) {
          visit(page, cellIn(x, y), x, y);
          isTouched = true;
        }
      }
      if (isTouched) this.#edited(page);
    }
  }
}
