/**
 * The cells of the reference's world, all of them in two arrays, and how pages, rectangles and neighbourhoods are read from
 * them. It knows no rule and no step.
 */
import { PAGE_BYTES, PAGE_CELLS, pagesAcross, type Rect, type Size } from '../../shared/geometry.ts';
import { CHANNELS } from '../rules/rule.ts';
import type { Extent } from './bounds.ts';
import type { Span } from './capsule.ts';
import { OPAQUE_ABOVE, type OrganismId, type PageState, toByte } from './engine.ts';
import type { Neighbourhood } from './updateRule.ts';

export const ALPHA = 3;

export class DenseCells {
  readonly width: number;
  readonly height: number;
  readonly pageCount: number;
  readonly #across: number;
  /** [height, width, 16] */
  state: Float32Array;
  /** [height, width]; 0: nobody */
  owners: Uint16Array;

  constructor({ width, height }: Size) {
    this.width = width;
    this.height = height;
    this.#across = pagesAcross(width);
    this.pageCount = this.#across * pagesAcross(height);
    this.state = new Float32Array(width * height * CHANNELS);
    this.owners = new Uint16Array(width * height);
  }

  /** 0 outside the world. */
  ownerAt(x: number, y: number): OrganismId {
    return x < 0 || y < 0 || x >= this.width || y >= this.height ? 0 : this.owners[y * this.width + x];
  }

  isOpaque(cell: number): boolean {
    return this.state[cell * CHANNELS + ALPHA] > OPAQUE_ABOVE;
  }

  /** Every cell that the organism owns. */
  *of(organism: OrganismId): Generator<number> {
    for (let cell = 0; cell < this.owners.length; cell++) if (this.owners[cell] === organism) yield cell;
  }

  *in(spans: readonly Span[]): Generator<number> {
    for (const { y, first, last } of spans) {
      for (let x = first; x <= last; x++) yield y * this.width + x;
    }
  }

  /** @param channels - [16] */
  set(cell: number, organism: OrganismId, channels: Float32Array): void {
    this.owners[cell] = organism;
    this.state.set(channels, cell * CHANNELS);
  }

  clear(cell: number): void {
    this.owners[cell] = 0;
    this.state.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
  }

  clearAll(): void {
    this.state.fill(0);
    this.owners.fill(0);
  }

  /** A box of all cells that live or can live in one step; empty in an empty world. */
  reachOfLife(): Extent {
    const { width, height } = this;
    let [left, right, top, bottom] = [width, -1, height, -1];
    for (let cell = 0; cell < this.owners.length; cell++) {
      if (this.owners[cell] === 0) continue;
      const x = cell % width;
      bottom = Math.floor(cell / width);
      top = Math.min(top, bottom);
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
    if (right < 0) return { left, right, top, bottom };
    return {
      left: Math.max(0, left - 1),
      right: Math.min(width - 1, right + 1),
      top: Math.max(0, top - 1),
      bottom: Math.min(height - 1, bottom + 1),
    };
  }

  /** The states that a cell of an organism perceives. */
  neighbourhood(x: number, y: number, organism: OrganismId): Neighbourhood {
    const near = new Float32Array(9 * CHANNELS);
    let place = 0;
    for (let ny = y - 1; ny <= y + 1; ny++) {
      for (let nx = x - 1; nx <= x + 1; nx++) {
        if (this.ownerAt(nx, ny) === organism) {
          const from = (ny * this.width + nx) * CHANNELS;
          for (let c = 0; c < CHANNELS; c++) near[place + c] = this.state[from + c];
        }
        place += CHANNELS;
      }
    }
    return near;
  }

  pageOf(x: number, y: number): number {
    return Math.floor(y / PAGE_CELLS) * this.#across + Math.floor(x / PAGE_CELLS);
  }

  pageRect(page: number): Rect {
    const x = (page % this.#across) * PAGE_CELLS;
    return { x, y: Math.floor(page / this.#across) * PAGE_CELLS, width: PAGE_CELLS, height: PAGE_CELLS };
  }

  /** Copies a page; null: no cell of it is owned. */
  copy(page: number): PageState | null {
    const cells = new Float32Array(PAGE_CELLS * PAGE_CELLS * CHANNELS);
    const owners = new Uint16Array(PAGE_CELLS * PAGE_CELLS);
    const rect = this.pageRect(page);
    this.readOwners(rect, owners);
    this.#visitRows(rect, (cell, offset, count) => {
      cells.set(this.state.subarray(cell * CHANNELS, (cell + count) * CHANNELS), offset * CHANNELS);
    });
    return owners.some((owner) => owner !== 0) ? { page, cells, owners } : null;
  }

  /** Copies of the pages in which a cell is owned. */
  copies(): PageState[] {
    const pages = Array.from({ length: this.pageCount }, (_, page) => this.copy(page));
    return pages.filter((page) => page !== null);
  }

  put({ page, cells, owners }: PageState): void {
    this.#visitRows(this.pageRect(page), (cell, offset, count) => {
      this.owners.set(owners.subarray(offset, offset + count), cell);
      this.state.set(cells.subarray(offset * CHANNELS, (offset + count) * CHANNELS), cell * CHANNELS);
    });
  }

  /** @returns [64, 64, 4] */
  pixels(page: number): Uint8Array {
    const rgba = new Uint8Array(PAGE_BYTES);
    this.#visitRows(this.pageRect(page), (cell, offset, count) => {
      for (let i = 0; i < count; i++)
        for (let c = 0; c < 4; c++)
          rgba[(offset + i) * 4 + c] = toByte(this.state[(cell + i) * CHANNELS + c]);
    });
    return rgba;
  }

  /** @param into - [rect.height, rect.width]; cells outside the world are left as they are */
  readOwners(rect: Rect, into: Uint16Array): void {
    this.#visitRows(rect, (cell, offset, count) => {
      into.set(this.owners.subarray(cell, cell + count), offset);
    });
  }

  /** @param into - [rect.height, rect.width, 4]; only cells of the organism are written */
  readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): void {
    this.#visitRows(rect, (cell, offset, count) => {
      for (let i = 0; i < count; i++) {
        if (this.owners[cell + i] !== organism) continue;
        for (let c = 0; c < 4; c++) into[(offset + i) * 4 + c] = this.state[(cell + i) * CHANNELS + c];
      }
    });
  }

  /**
   * Visits the rows of a rectangle, without the cells outside the world.
   *
   * @param visit - `cell` is the first of `count` cells of a row, `offset` its place in `rect`, row-major
   */
  #visitRows(rect: Rect, visit: (cell: number, offset: number, count: number) => void): void {
    const left = Math.max(0, rect.x);
    const count = Math.min(this.width, rect.x + rect.width) - left;
    if (count <= 0) return;
    const bottom = Math.min(this.height, rect.y + rect.height);
    for (let y = Math.max(0, rect.y); y < bottom; y++)
      visit(y * this.width + left, (y - rect.y) * rect.width + left - rect.x, count);
  }
}
