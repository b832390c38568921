/**
 * Edits wait here, page by page and in the order of the calls, until something is stepped or read; then one
 * small pass applies them all (`kernels/edit.ts`).
 */
import { CHANNELS } from '../../rules/rule.ts';
import * as at from './layout.ts';
import type { Page } from './pages.ts';

const { EDIT_WORDS, EDIT_HEAD, SPAN_VALID } = at;

/** Bounds of what may wait: beyond them the engine applies what there is. */
const MOST_RECORDS = 4096;
const MOST_NOISES = 1 << 17; // 8 MiB

export class Edits {
  /** By slot; the order of the calls within a page. */
  readonly #byPage = new Map<number, Uint32Array[]>();
  #count = 0;
  #noises = new Float32Array(64 * CHANNELS);
  #noiseCount = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get isFull(): boolean {
    return this.#count >= MOST_RECORDS || this.#noiseCount >= MOST_NOISES;
  }

  /** An edit without spans yet. */
  add(page: Page, kind: number, organism: number): Uint32Array {
    const record = new Uint32Array(EDIT_WORDS);
    record[0] = kind;
    record[1] = organism;
    const list = this.#byPage.get(page.slot);
    if (list === undefined) this.#byPage.set(page.slot, [record]);
    else list.push(record);
    this.#count++;
    return record;
  }

  /** Cells first..last of a row, in cells of the page, both included. */
  setSpan(record: Uint32Array, row: number, first: number, last: number): void {
    record[EDIT_HEAD + 2 * row] = first | (last << 8) | SPAN_VALID;
  }

  /** Before the noises of a row's span are added. */
  startNoises(record: Uint32Array, row: number): void {
    record[EDIT_HEAD + 2 * row + 1] = this.#noiseCount;
  }

  /** Room for one more cell's noise: 16 values from the returned index on, in the returned array. */
  addNoise(): { readonly into: Float32Array; readonly from: number } {
    const from = this.#noiseCount++ * CHANNELS;
    if (from + CHANNELS > this.#noises.length) {
      const larger = new Float32Array(this.#noises.length * 2);
      larger.set(this.#noises);
      this.#noises = larger;
    }
    return { into: this.#noises, from };
  }

  /** Takes everything out: [pages, 4] visits, [records, EDIT_WORDS], [cells, 16] noises. */
  take(): {
    visits: Uint32Array<ArrayBuffer>;
    records: Uint32Array<ArrayBuffer>;
    noises: Float32Array<ArrayBuffer>;
  } {
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
}
