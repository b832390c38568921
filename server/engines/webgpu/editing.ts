/**
 * Writes many cells at once between steps: perturbations, removals, restored pages. Finds the pages that a write
 * touches, and keeps what the CPU knows of them true until the GPU reports again. `edits.ts` says what is written.
 */
import { PAGE_CELLS, type Size } from '../../../shared/geometry.ts';
import type { Extent } from '../bounds.ts';
import { type Span, strokeRows } from '../capsule.ts';
import type { Capsule, Noise, OrganismId, PageState, Perturbation, Piece } from '../engine.ts';
import type { Commands } from './commands.ts';
import { type EditBatch, Edits, type NoiseEdit, spansIn } from './edits.ts';
import type { Page, PageTable } from './pages.ts';

export class Editing {
  /** Pages were written since their last report. */
  isPending = false;
  readonly #pages: PageTable;
  readonly #commands: Commands;
  readonly #world: Size;
  readonly #apply: () => void;
  readonly #edits = new Edits();

  /** @param apply - called when many edits wait: takes them (`take`) and applies them */
  constructor(pages: PageTable, commands: Commands, world: Size, apply: () => void) {
    this.#pages = pages;
    this.#commands = commands;
    this.#world = world;
    this.#apply = apply;
  }

  /** Whether no edit waits to be applied. */
  get isEmpty(): boolean {
    return this.#edits.isEmpty;
  }

  /** The edits that wait; none waits any more. */
  take(): EditBatch {
    return this.#edits.take();
  }

  /** @param page - the one with the cell (x, y) */
  plant(page: Page, organism: OrganismId, x: number, y: number): void {
    const [column, row] = [x & (PAGE_CELLS - 1), y & (PAGE_CELLS - 1)];
    this.#edits.plant(page, organism, column, row);
    inhabit(page, organism);
    page.stretch(column, row);
    this.#edited(page);
  }

  /** Zeroes an organism's cells outside a rectangle of the world. */
  confine(organism: OrganismId, extent: Extent): void {
    for (const page of this.#pages.list) {
      if (!page.mayHold(organism)) continue;
      this.#edits.confine(page, organism, extent);
      this.#edited(page);
    }
  }

  /** Zeroes an organism's cells. */
  clear(organism: OrganismId): void {
    for (const page of this.#pages.list) {
      if (!page.mayHold(organism)) continue;
      this.#edits.remove(page, organism);
      // A page with only this organism is empty now; the GPU reports on the others after the next step.
      if (page.sole === organism) {
        page.hasLife = false;
        page.sole = 0;
      }
      this.#edited(page);
    }
  }

  /**
   * Writes an organism's cells where nobody owns one.
   *
   * @returns false, with nothing changed, when there is no room for their pages
   */
  lay(organism: OrganismId, pieces: readonly Piece[]): boolean {
    const pages = pieces.map(({ page }) => this.#obtain(page));
    // Pages that were made in vain are freed by the next step.
    if (pages.includes(undefined)) return false;
    pieces.forEach((piece, i) => {
      const page = pages[i]!;
      this.#edits.lay(page, organism, piece);
      inhabit(page, organism);
      stretchFully(page);
      this.#edited(page);
    });
    return true;
  }

  ablate(capsule: Capsule): void {
    this.#visitStroke(strokeRows([capsule], this.#world), (page, spans) => this.#edits.clear(page, spans));
  }

  addNoise({ capsules, except }: Noise, noise: NoiseEdit): void {
    this.#visitStroke(strokeRows(capsules, this.#world, except), (page, spans) => {
      this.#edits.noise(page, spans, noise);
      // Noise may have made any owned cell opaque.
      stretchFully(page);
    });
  }

  truncate({ organism, x, y, radius }: Extract<Perturbation, { kind: 'truncate' }>): void {
    for (const page of this.#pages.list) {
      if (!page.mayHold(organism)) continue;
      this.#edits.truncate(page, organism, x, y, radius);
      this.#edited(page);
    }
  }

  /** Writes a saved page, for which there must be room. @returns the page */
  restore(saved: PageState): Page {
    const page = this.#obtain(saved.page)!;
    this.#commands.memory.reserve(page.slot);
    this.#commands.writeState(page, saved);
    this.#edits.init(page);
    this.#edited(page);
    return page;
  }

  /** Finds or makes a page; undefined when no more pages may exist. @param index - row-major */
  #obtain(index: number): Page | undefined {
    const { across } = this.#pages;
    return this.#pages.obtain(index % across, Math.floor(index / across));
  }

  #edited(page: Page): void {
    page.isBusy = true;
    page.isUnsaved = true;
    this.isPending = true;
    if (this.#edits.isFull) this.#apply();
  }

  /** Visits the existing pages under the spans: the cost grows with the pages, not with the stroke's area. */
  #visitStroke(spans: readonly Span[], visit: (page: Page, spans: ReturnType<typeof spansIn>) => void): void {
    for (const page of this.#pages.list) {
      const inPage = spansIn(page, spans);
      if (inPage.length === 0) continue;
      visit(page, inPage);
      this.#edited(page);
    }
  }
}

/** The organism has a cell in the page. */
function inhabit(page: Page, organism: OrganismId): void {
  page.sole = page.hasLife && page.sole !== organism ? -1 : organism;
  page.hasLife = true;
}

/** Any cell of the page may be opaque. */
function stretchFully(page: Page): void {
  page.stretch(0, 0);
  page.stretch(PAGE_CELLS - 1, PAGE_CELLS - 1);
}
