/** Reads the paged world between steps: pixels, owners, one organism's cells, whole pages to save. */
import { PAGE_BYTES, PAGE_CELLS, PAGE_SHIFT, type Rect, type Size } from '../../../shared/geometry.ts';
import { CHANNELS } from '../../rules/rule.ts';
import { isSamePage, MAX_ORGANISMS, type OrganismId, type PageState, type Piece } from '../engine.ts';
import { piecesIn } from '../pieces.ts';
import * as at from './assembly/layout.ts';
import { cellIn, type PageCells } from './cells.ts';
import type { EngineMemory } from './memory.ts';
import type { PageTable } from './pages.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;

export class Readings {
  readonly #memory: EngineMemory;
  readonly #pages: PageTable;
  readonly #cells: PageCells;
  readonly #world: Size;

  constructor(memory: EngineMemory, pages: PageTable, cells: PageCells, world: Size) {
    this.#memory = memory;
    this.#pages = pages;
    this.#cells = cells;
    this.#world = world;
  }

  visitChanged(visit: (page: number, rgba: Uint8Array) => void): void {
    for (const page of this.#pages.list) {
      const changed = (page + at.CHANGED_AT) >>> 2;
      if (this.#memory.ints[changed] === 0) continue;
      this.#memory.ints[changed] = 0;
      visit(this.#pages.index(page), this.#pixels(page));
    }
    const zeros = new Uint8Array(PAGE_BYTES);
    for (const index of this.#pages.ceased) visit(index, zeros);
    this.#pages.ceased.clear();
  }

  visitAll(visit: (page: number, rgba: Uint8Array) => void): void {
    for (const page of this.#pages.list) visit(this.#pages.index(page), this.#pixels(page));
  }

  page(index: number, into: Uint8Array): void {
    const page = this.#pages.find(index % this.#pages.across, Math.floor(index / this.#pages.across));
    if (page === 0) into.fill(0);
    else into.set(this.#pixels(page));
  }

  organism(organism: OrganismId, rect: Rect, into: Float32Array): void {
    into.fill(0);
    const { floats, words } = this.#memory;
    this.#visitSpans(rect, (page, first, count, offset) => {
      if (!this.#cells.mayHold(page, organism)) return;
      const owners = (page + at.OWNERS_AT) >>> 1;
      for (let i = 0; i < count; i++) {
        if (words[owners + first + i] !== organism) continue;
        const channel = this.#cells.channel(page, first + i);
        const to = (offset + i) * 4;
        into[to] = floats[channel];
        into[to + 1] = floats[channel + 1];
        into[to + 2] = floats[channel + 2];
        into[to + 3] = floats[channel + 3];
      }
    });
  }

  owners(rect: Rect, into: Uint16Array): void {
    into.fill(0);
    this.#visitSpans(rect, (page, first, count, offset) => {
      const owners = ((page + at.OWNERS_AT) >>> 1) + first;
      into.set(this.#memory.words.subarray(owners, owners + count), offset);
    });
  }

  /** Copies an organism's cells, by page. @param pages - addresses of those that may hold some */
  pieces(organism: OrganismId, pages: readonly number[]): Piece[] {
    const pieces: Piece[] = [];
    if (this.count(organism) === 0) return pieces;
    const { floats, words } = this.#memory;
    for (const page of pages) {
      if (!this.#cells.mayHold(page, organism)) continue;
      const owners = (page + at.OWNERS_AT) >>> 1;
      const found: number[] = [];
      for (let cell = 0; cell < CELLS; cell++) if (words[owners + cell] === organism) found.push(cell);
      if (found.length === 0) continue;
      const values = new Float32Array(found.length * CHANNELS);
      found.forEach((cell, i) => {
        const channel = this.#cells.channel(page, cell);
        values.set(floats.subarray(channel, channel + CHANNELS), i * CHANNELS);
      });
      pieces.push({ page: this.#pages.index(page), cells: Uint16Array.from(found), values });
    }
    return pieces;
  }

  /** Copies the cells of organisms; those without a cell are left out. */
  bodies(organisms: Iterable<OrganismId>): Map<OrganismId, Piece[]> {
    return piecesIn(
      this.#owned().map((page) => this.#view(page)),
      organisms,
    );
  }

  /** How many cells an organism owns. */
  count(organism: OrganismId): number {
    return this.#memory.ints[(at.ORGANISM_CELLS_AT >>> 2) + organism];
  }

  /** The ids marked as moved since the last call; some may no longer be in use. */
  takeMoved(): OrganismId[] {
    const flags = this.#memory.bytes.subarray(at.ORGANISM_MOVED_AT, at.ORGANISM_MOVED_AT + MAX_ORGANISMS + 1);
    const moved: OrganismId[] = [];
    for (let id = flags.indexOf(1, 1); id > 0; id = flags.indexOf(1, id + 1)) {
      flags[id] = 0;
      moved.push(id);
    }
    return moved;
  }

  /** Copies every page that has an owned cell. */
  save(): PageState[] {
    return this.#owned().map((page) => this.#state(page));
  }

  /** Copies pages by index; those without an owned cell are left out. */
  states(indices: readonly number[]): PageState[] {
    const { across } = this.#pages;
    const pages = indices.map((index) => this.#pages.find(index % across, Math.floor(index / across)));
    return pages.filter((page) => page !== 0 && this.#isOwned(page)).map((page) => this.#state(page));
  }

  /** Indices of the pages that have an owned cell, by whether they may have changed since the last call. */
  takeChanges(): { readonly changed: number[]; readonly kept: number[] } {
    const taken = { changed: [] as number[], kept: [] as number[] };
    for (const page of this.#owned()) {
      const unsaved = (page + at.UNSAVED_AT) >>> 2;
      taken[this.#memory.ints[unsaved] === 0 ? 'kept' : 'changed'].push(this.#pages.index(page));
      this.#memory.ints[unsaved] = 0;
    }
    return taken;
  }

  /** Indices of the given pages that are in the world with the same bits and are not marked as changed. */
  savedAs(pages: readonly PageState[]): Set<number> {
    const { across } = this.#pages;
    const same = pages.filter((given) => {
      const page = this.#pages.find(given.page % across, Math.floor(given.page / across));
      if (page === 0 || this.#memory.ints[(page + at.UNSAVED_AT) >>> 2] !== 0) return false;
      return isSamePage(this.#view(page), given);
    });
    return new Set(same.map(({ page }) => page));
  }

  #isOwned(page: number): boolean {
    return this.#memory.ints[(page + at.OWNED_COUNT_AT) >>> 2] > 0;
  }

  #owned(): number[] {
    return this.#pages.list.filter((page) => this.#isOwned(page));
  }

  #state(page: number): PageState {
    const { page: index, cells, owners } = this.#view(page);
    return { page: index, cells: Float32Array.from(cells), owners: Uint16Array.from(owners) };
  }

  /** A page whose arrays are views of the engine's memory, not copies. */
  #view(page: number): PageState {
    const channel = this.#cells.channel(page, 0);
    const owner = (page + at.OWNERS_AT) >>> 1;
    return {
      page: this.#pages.index(page),
      cells: this.#memory.floats.subarray(channel, channel + CELLS * CHANNELS),
      owners: this.#memory.words.subarray(owner, owner + CELLS),
    };
  }

  #pixels(page: number): Uint8Array {
    return this.#memory.bytes.subarray(page + at.RGBA_AT, page + at.RGBA_AT + PAGE_BYTES);
  }

  /**
   * Visits a rectangle's rows, cut at page borders, in the pages that exist.
   *
   * @param visit - gets `count` cells from cell `first` of the page on; `offset` is the first one's row-major place in
   *   `rect`
   */
  #visitSpans(rect: Rect, visit: (page: number, first: number, count: number, offset: number) => void): void {
    const top = Math.max(0, rect.y);
    const bottom = Math.min(this.#world.height, rect.y + rect.height);
    const left = Math.max(0, rect.x);
    const right = Math.min(this.#world.width, rect.x + rect.width);
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; ) {
        const end = Math.min(right, (x | (PAGE_CELLS - 1)) + 1);
        const page = this.#pages.find(x >> PAGE_SHIFT, y >> PAGE_SHIFT);
        if (page !== 0) visit(page, cellIn(x, y), end - x, (y - rect.y) * rect.width + x - rect.x);
        x = end;
      }
    }
  }
}
