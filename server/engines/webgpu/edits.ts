/**
 * Collects edits, by page and in the order of the calls, until the engine steps or reads; one pass then applies them
 * all (`kernels/edit.ts`).
 */
import { PAGE_CELLS, PAGE_SHIFT } from '../../../shared/geometry.ts';
import { CHANNELS } from '../../rules/rule.ts';
import type { Extent } from '../bounds.ts';
import { firstSpanFrom, type Span } from '../capsule.ts';
import type { OrganismId, Piece } from '../engine.ts';
import { type NoiseDraw, noiseAt } from '../fire.ts';
import * as at from './layout.ts';
import type { Page } from './pages.ts';

const { EDIT_WORDS, EDIT_HEAD, SPAN_VALID } = at;

/** When more edits than this are waiting, the engine applies them. */
const MAX_RECORDS = 4096;
const MAX_NOISES = 1 << 17; // 8 MiB

/** The noise of a perturbation. */
export interface NoiseEdit extends NoiseDraw {
  readonly amplitude: number;
  /** true: channels are clamped to their range, and cells that are not finite are cleared. */
  readonly bounds: boolean;
}

/** All pages' edits, as the GPU reads them. */
export interface EditBatch {
  /** [pages, 4]: slot, first record, records */
  readonly visits: Uint32Array<ArrayBuffer>;
  /** [records, EDIT_WORDS] */
  readonly records: Uint32Array<ArrayBuffer>;
  /** [cells, 16] */
  readonly noises: Float32Array<ArrayBuffer>;
}

export class Edits {
  /** Records by slot; within a page in the order of the calls. */
  readonly #byPage = new Map<number, Uint32Array[]>();
  #count = 0;
  #noises = new Float32Array(64 * CHANNELS);
  #noiseCount = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get isFull(): boolean {
    return this.#count >= MAX_RECORDS || this.#noiseCount >= MAX_NOISES;
  }

  /** Writes a seed at a cell of the page. */
  plant(page: Page, organism: OrganismId, column: number, row: number): void {
    this.#setSpan(this.#add(page, at.EDIT_PLANT, organism), row, column, column);
  }

  /** Derives the page's bits, pixels and counts from its owners and cells, which were just written. */
  init(page: Page): void {
    this.#add(page, at.EDIT_INIT, 0);
  }

  /** Zeroes an organism's cells. */
  remove(page: Page, organism: OrganismId): void {
    this.#add(page, at.EDIT_KEEP, organism);
  }

  /** Zeroes an organism's cells further than `radius` from (x, y), compared in float64 as in the reference. */
  truncate(page: Page, organism: OrganismId, x: number, y: number, radius: number): void {
    const record = this.#add(page, at.EDIT_KEEP, organism);
    const left = page.px << PAGE_SHIFT;
    for (let row = 0; row < PAGE_CELLS; row++) {
      const dy = (page.py << PAGE_SHIFT) + row - y;
      const isKept = (column: number) => (left + column - x) ** 2 + dy ** 2 <= radius * radius;
      let first = 0;
      let last = PAGE_CELLS - 1;
      while (first <= last && !isKept(first)) first++;
      while (last >= first && !isKept(last)) last--;
      if (first <= last) this.#setSpan(record, row, first, last);
    }
  }

  /** Zeroes an organism's cells outside a rectangle of the world, and wakes the others and the cells beside them. */
  confine(page: Page, organism: OrganismId, { left, right, top, bottom }: Extent): void {
    const record = this.#add(page, at.EDIT_KEEP, organism);
    record[at.EDIT_WAKES] = 1; // there may now be room beside cells that rest
    const first = Math.max(0, left - (page.px << PAGE_SHIFT));
    const last = Math.min(PAGE_CELLS - 1, right - (page.px << PAGE_SHIFT));
    if (first > last) return;
    for (let row = 0; row < PAGE_CELLS; row++) {
      const y = (page.py << PAGE_SHIFT) + row;
      if (y >= top && y <= bottom) this.#setSpan(record, row, first, last);
    }
  }

  /** Zeroes the cells of the spans. @param spans - in the page's own cells */
  clear(page: Page, spans: readonly Span[]): void {
    const record = this.#add(page, at.EDIT_CLEAR, 0);
    for (const { y, first, last } of spans) this.#setSpan(record, y, first, last);
  }

  /** Adds noise to the spans' living cells. @param spans - disjoint, in reading order, in the page's own cells */
  noise(page: Page, spans: readonly Span[], noise: NoiseEdit): void {
    const { randomSeed, salt, step, amplitude, bounds } = noise;
    // A record holds one span per row, so a row's other spans go into more records.
    const records: Uint32Array[] = [];
    let inRow = 0;
    for (const [s, { y: row, first, last }] of spans.entries()) {
      inRow = s > 0 && spans[s - 1].y === row ? inRow + 1 : 0;
      if (inRow === records.length) {
        records.push(this.#add(page, at.EDIT_NOISE, 0));
        records[inRow][at.EDIT_BOUNDS] = bounds ? 1 : 0;
      }
      const record = records[inRow];
      this.#setSpan(record, row, first, last);
      record[EDIT_HEAD + 2 * row + 1] = this.#noiseCount;
      this.#reserveNoises(last - first + 1);
      const y = (page.py << PAGE_SHIFT) + row;
      for (let column = first; column <= last; column++) {
        const x = (page.px << PAGE_SHIFT) + column;
        const values = this.#noiseCount++ * CHANNELS;
        for (let c = 0; c < CHANNELS; c++) {
          this.#noises[values + c] = noiseAt(randomSeed, salt, step, x, y, c) * amplitude;
        }
      }
    }
  }

  /** Gives an organism cells of the page that nobody owns. */
  lay(page: Page, organism: OrganismId, { cells, values }: Piece): void {
    // A record holds one span per row, so a row's other runs of cells go into more records.
    const records: Uint32Array[] = [];
    let inRow = -1;
    for (let first = 0, end = 0; first < cells.length; first = end) {
      const row = cells[first] >> PAGE_SHIFT;
      for (end = first + 1; end < cells.length; end++)
        if (cells[end] !== cells[end - 1] + 1 || cells[end] >> PAGE_SHIFT !== row) break;
      inRow = first > 0 && cells[first - 1] >> PAGE_SHIFT === row ? inRow + 1 : 0;
      if (inRow === records.length) records.push(this.#add(page, at.EDIT_LAY, organism));
      const column = cells[first] & (PAGE_CELLS - 1);
      this.#setSpan(records[inRow], row, column, column + end - first - 1);
      records[inRow][EDIT_HEAD + 2 * row + 1] = this.#noiseCount;
      this.#reserveNoises(end - first);
      this.#noises.set(values.subarray(first * CHANNELS, end * CHANNELS), this.#noiseCount * CHANNELS);
      this.#noiseCount += end - first;
    }
  }

  /** Removes and returns all edits. */
  take(): EditBatch {
    const visits = new Uint32Array(this.#byPage.size * 4);
    const records = new Uint32Array(this.#count * EDIT_WORDS);
    let visit = 0;
    let first = 0;
    for (const [slot, list] of this.#byPage) {
      visits.set([slot, first, list.length], visit);
      visit += 4;
      for (const record of list) records.set(record, EDIT_WORDS * first++);
    }
    const noises = this.#noises.slice(0, Math.max(1, this.#noiseCount) * CHANNELS);
    this.#byPage.clear();
    this.#count = 0;
    this.#noiseCount = 0;
    return { visits, records, noises };
  }

  /** Adds a record without spans. */
  #add(page: Page, kind: number, organism: OrganismId): Uint32Array {
    const record = new Uint32Array(EDIT_WORDS);
    record[0] = kind;
    record[1] = organism;
    const list = this.#byPage.get(page.slot);
    if (list === undefined) this.#byPage.set(page.slot, [record]);
    else list.push(record);
    this.#count++;
    return record;
  }

  #setSpan(record: Uint32Array, row: number, first: number, last: number): void {
    record[EDIT_HEAD + 2 * row] = first | (last << 8) | SPAN_VALID;
  }

  #reserveNoises(cells: number): void {
    const wanted = (this.#noiseCount + cells) * CHANNELS;
    if (wanted <= this.#noises.length) return;
    const larger = new Float32Array(Math.max(wanted, this.#noises.length * 2));
    larger.set(this.#noises);
    this.#noises = larger;
  }
}

/** Cuts spans in reading order, in cells of the world, to spans in the page's own cells. */
export function spansIn({ px, py }: Page, spans: readonly Span[]): Span[] {
  const left = px << PAGE_SHIFT;
  const top = py << PAGE_SHIFT;
  const inPage: Span[] = [];
  for (let s = firstSpanFrom(spans, top); s < spans.length && spans[s].y < top + PAGE_CELLS; s++) {
    const y = spans[s].y - top;
    const first = Math.max(0, spans[s].first - left);
    const last = Math.min(PAGE_CELLS - 1, spans[s].last - left);
    if (first <= last) inPage.push({ y, first, last });
  }
  return inPage;
}
