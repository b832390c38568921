/**
 * The cells of bodies that sleep, in ordinary memory: lists of cells, by page and body. It knows no awake body and takes
 * no step.
 */
import { PAGE_CELLS, PAGE_SHIFT, pagesAcross, type Rect, type Size } from '../../shared/geometry.ts';
import { CHANNELS } from '../rules/rule.ts';
import { boundCell } from './bounds.ts';
import type { Span } from './capsule.ts';
import { OPAQUE_ABOVE, type OrganismId, type PageState, type Piece, REACH, toByte } from './engine.ts';
import { type NoiseDraw, noiseAt } from './fire.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;
const ALPHA = 3;

/** A body's cells in one page. */
interface Part extends Piece {
  readonly organism: OrganismId;
  /** [n], each cell's RGBA8 as it lies in memory */
  readonly pixels: Uint32Array;
}

/** First and last columns and rows, inclusive; first > last: no cell. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const NOWHERE: Box = { left: 1, top: 1, right: 0, bottom: 0 };

interface Sleeper {
  readonly pages: number[];
  readonly box: Box;
  cells: number;
  /** [box and REACH cells around it]: 1 within REACH of a cell. null: not asked for yet. */
  reach: Uint8Array | null;
}

export class Sleepers {
  readonly #across: number;
  readonly #byPage = new Map<number, Part[]>();
  readonly #sleepers = new Map<OrganismId, Sleeper>();
  /** Pages that changed here since a save asked last. */
  readonly unsaved = new Set<number>();
  /** Pages whose pixels changed here since they were drawn last. A page may be without sleepers now. */
  readonly repainted = new Set<number>();

  constructor(world: Size) {
    this.#across = pagesAcross(world.width);
  }

  get size(): number {
    return this.#sleepers.size;
  }

  has(organism: OrganismId): boolean {
    return this.#sleepers.has(organism);
  }

  /** Indices of the pages in which a sleeper has a cell. */
  pages(): Iterable<number> {
    return this.#byPage.keys();
  }

  hasPage(page: number): boolean {
    return this.#byPage.has(page);
  }

  /** How many cells an organism has here. */
  count(organism: OrganismId): number {
    return this.#sleepers.get(organism)?.cells ?? 0;
  }

  boxOf(organism: OrganismId): Box {
    return this.#sleepers.get(organism)?.box ?? NOWHERE;
  }

  piecesOf(organism: OrganismId): Piece[] {
    const { pages = [] } = this.#sleepers.get(organism) ?? {};
    return pages.map((page) => this.#part(page, organism)).filter((part) => part !== undefined);
  }

  pagesOf(organism: OrganismId): number[] {
    return this.piecesOf(organism).map(({ page }) => page);
  }

  /** Bodies with a cell in the page. */
  *inPage(page: number): Generator<OrganismId> {
    for (const { organism } of this.#byPage.get(page) ?? []) yield organism;
  }

  /** @param pieces - owned from now on */
  add(organism: OrganismId, pieces: readonly Piece[]): void {
    let { left, top, right, bottom } = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    let count = 0;
    for (const { page, cells, values } of pieces) {
      this.#put(makePart(organism, page, cells, values));
      count += cells.length;
      const { x, y } = this.#corner(page);
      top = Math.min(top, y + (cells[0] >> PAGE_SHIFT));
      bottom = Math.max(bottom, y + (cells[cells.length - 1] >> PAGE_SHIFT));
      for (const cell of cells) {
        left = Math.min(left, x + (cell & (PAGE_CELLS - 1)));
        right = Math.max(right, x + (cell & (PAGE_CELLS - 1)));
      }
    }
    const box = count === 0 ? NOWHERE : { left, top, right, bottom };
    this.#sleepers.set(organism, { pages: pieces.map(({ page }) => page), box, cells: count, reach: null });
  }

  /** As `add`, of cells that were not in the world. */
  place(organism: OrganismId, pieces: readonly Piece[]): void {
    this.add(organism, pieces);
    for (const { page } of pieces) this.#changed(page);
  }

  /** Drops a body that is in the world again. */
  release(organism: OrganismId): void {
    for (const page of this.#sleepers.get(organism)?.pages ?? []) this.#drop(page, organism);
    this.#sleepers.delete(organism);
  }

  /** Zeroes a body's cells, and drops it. */
  delete(organism: OrganismId): void {
    for (const page of this.pagesOf(organism)) this.#changed(page);
    this.release(organism);
  }

  clear(): void {
    for (const page of this.#byPage.keys()) this.#changed(page);
    this.#byPage.clear();
    this.#sleepers.clear();
  }

  // --- edits; each returns the bodies of which a cell changed ---

  /** Zeroes cells. @param spans - in reading order */
  ablate(spans: readonly Span[]): Set<OrganismId> {
    return this.#editSpans(spans, (part, isCovered) => keep(part, (cell) => isCovered[cell] === 0));
  }

  /** Adds noise to opaque cells. @param spans - in reading order; @param bounds - as `EngineOptions.bounds` */
  addNoise(spans: readonly Span[], draw: NoiseDraw, amplitude: number, bounds: boolean): Set<OrganismId> {
    return this.#editSpans(spans, (part, isCovered) =>
      withNoise(part, this.#corner(part.page), isCovered, draw, amplitude, bounds),
    );
  }

  /** Zeroes those of a body's cells for which `isGone` is true. */
  clearWhere(organism: OrganismId, isGone: (x: number, y: number) => boolean): Set<OrganismId> {
    const changed = new Set<OrganismId>();
    for (const page of [...(this.#sleepers.get(organism)?.pages ?? [])]) {
      const part = this.#part(page, organism);
      if (part === undefined) continue;
      const { x, y } = this.#corner(page);
      const left = keep(part, (cell) => !isGone(x + (cell & (PAGE_CELLS - 1)), y + (cell >> PAGE_SHIFT)));
      if (this.#replace(part, left)) changed.add(organism);
    }
    return changed;
  }

  #editSpans(spans: readonly Span[], edit: (part: Part, isCovered: Uint8Array) => Part): Set<OrganismId> {
    const changed = new Set<OrganismId>();
    const isCovered = new Uint8Array(CELLS);
    for (const page of this.#pagesUnder(spans)) {
      const { x: left, y: top } = this.#corner(page);
      isCovered.fill(0);
      for (const { y, first, last } of spans) {
        if (y < top || y >= top + PAGE_CELLS) continue;
        const row = (y - top) << PAGE_SHIFT;
        const from = Math.max(0, first - left);
        const to = Math.min(PAGE_CELLS - 1, last - left);
        if (from <= to) isCovered.fill(1, row + from, row + to + 1);
      }
      for (const part of [...(this.#byPage.get(page) ?? [])])
        if (this.#replace(part, edit(part, isCovered))) changed.add(part.organism);
    }
    return changed;
  }

  /** Indices of the pages with sleepers in the spans' box. */
  #pagesUnder(spans: readonly Span[]): number[] {
    if (spans.length === 0 || this.#byPage.size === 0) return [];
    let left = Infinity;
    let right = -Infinity;
    for (const { first, last } of spans) {
      left = Math.min(left, first);
      right = Math.max(right, last);
    }
    return this.pagesIn({ left, top: spans[0].y, right, bottom: spans[spans.length - 1].y });
  }

  /** Indices of the pages with sleepers that a box touches: the cost is that of the smaller of the two. */
  pagesIn({ left, top, right, bottom }: Box): number[] {
    if (left > right || top > bottom) return [];
    const [px, py] = [left >> PAGE_SHIFT, top >> PAGE_SHIFT];
    const [lastX, lastY] = [right >> PAGE_SHIFT, bottom >> PAGE_SHIFT];
    const across = this.#across;
    if ((lastX - px + 1) * (lastY - py + 1) > this.#byPage.size)
      return [...this.#byPage.keys()].filter((page) => {
        const [x, y] = [page % across, Math.floor(page / across)];
        return x >= px && x <= lastX && y >= py && y <= lastY;
      });
    const found: number[] = [];
    for (let y = py; y <= lastY; y++)
      for (let x = px; x <= lastX; x++) if (this.#byPage.has(y * across + x)) found.push(y * across + x);
    return found;
  }

  /** @returns whether a cell changed */
  #replace(part: Part, next: Part): boolean {
    if (next === part) return false;
    const sleeper = this.#sleepers.get(part.organism)!;
    sleeper.cells += next.cells.length - part.cells.length;
    sleeper.reach = null;
    this.#drop(part.page, part.organism);
    if (next.cells.length > 0) this.#put(next);
    this.#changed(part.page);
    return true;
  }

  #changed(page: number): void {
    this.unsaved.add(page);
    this.repainted.add(page);
  }

  #put(part: Part): void {
    const parts = this.#byPage.get(part.page);
    if (parts === undefined) this.#byPage.set(part.page, [part]);
    else parts.push(part);
  }

  #drop(page: number, organism: OrganismId): void {
    const parts = this.#byPage.get(page);
    if (parts === undefined) return;
    const left = parts.filter((part) => part.organism !== organism);
    if (left.length > 0) this.#byPage.set(page, left);
    else this.#byPage.delete(page);
  }

  #part(page: number, organism: OrganismId): Part | undefined {
    return this.#byPage.get(page)?.find((part) => part.organism === organism);
  }

  /** The world cell at which a page begins. */
  #corner(page: number): { readonly x: number; readonly y: number } {
    return {
      x: (page % this.#across) << PAGE_SHIFT,
      y: Math.floor(page / this.#across) << PAGE_SHIFT,
    };
  }

  // --- readings ---

  /** Draws the page's sleepers over its pixels. @param rgba - [64, 64] RGBA8 */
  draw(page: number, rgba: Uint32Array): void {
    for (const { cells, pixels } of this.#byPage.get(page) ?? [])
      for (let i = 0; i < cells.length; i++) rgba[cells[i]] = pixels[i];
  }

  /** @param into - as `Engine.readOrganism`; zeros, on which the body's cells are written */
  readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): void {
    for (const { page, cells, values } of this.piecesOf(organism)) {
      const { x, y } = this.#corner(page);
      for (let i = 0; i < cells.length; i++) {
        const column = x + (cells[i] & (PAGE_CELLS - 1)) - rect.x;
        const row = y + (cells[i] >> PAGE_SHIFT) - rect.y;
        if (column < 0 || row < 0 || column >= rect.width || row >= rect.height) continue;
        const to = (row * rect.width + column) * 4;
        for (let c = 0; c < 4; c++) into[to + c] = values[i * CHANNELS + c];
      }
    }
  }

  /** @param into - as `Engine.readOwners`; sleepers' cells are written */
  readOwners(rect: Rect, into: Uint16Array): void {
    const box = {
      left: rect.x,
      top: rect.y,
      right: rect.x + rect.width - 1,
      bottom: rect.y + rect.height - 1,
    };
    for (const page of this.pagesIn({ ...box, left: Math.max(0, box.left), top: Math.max(0, box.top) })) {
      const { x, y } = this.#corner(page);
      for (const { organism, cells } of this.#byPage.get(page)!) {
        for (const cell of cells) {
          const column = x + (cell & (PAGE_CELLS - 1)) - rect.x;
          const row = y + (cell >> PAGE_SHIFT) - rect.y;
          if (column < 0 || row < 0 || column >= rect.width || row >= rect.height) continue;
          into[row * rect.width + column] = organism;
        }
      }
    }
  }

  /** A page with its sleepers' cells. @param awake - the page's other cells; changed and returned. undefined: none */
  merge(page: number, awake?: PageState): PageState {
    const state = awake ?? {
      page,
      cells: new Float32Array(CELLS * CHANNELS),
      owners: new Uint16Array(CELLS),
    };
    for (const { organism, cells, values } of this.#byPage.get(page) ?? []) {
      for (let i = 0; i < cells.length; i++) {
        // A body that waits for room (`SleepingEngine`) may have lost a cell to a neighbour.
        if (state.owners[cells[i]] !== 0) continue;
        state.owners[cells[i]] = organism;
        for (let c = 0; c < CHANNELS; c++) state.cells[cells[i] * CHANNELS + c] = values[i * CHANNELS + c];
      }
    }
    return state;
  }

  /** Whether a world cell lies within `REACH` of a cell of the body. */
  isReached(organism: OrganismId, x: number, y: number): boolean {
    const sleeper = this.#sleepers.get(organism);
    if (sleeper === undefined) return false;
    const { left, top, right, bottom } = sleeper.box;
    const width = right - left + 1 + 2 * REACH;
    const column = x - left + REACH;
    const row = y - top + REACH;
    if (column < 0 || row < 0 || column >= width || row > bottom - top + 2 * REACH) return false;
    sleeper.reach ??= this.#reachOf(organism, sleeper, width);
    return sleeper.reach[row * width + column] !== 0;
  }

  #reachOf(organism: OrganismId, { box }: Sleeper, width: number): Uint8Array {
    const reach = new Uint8Array(width * (box.bottom - box.top + 1 + 2 * REACH));
    for (const { page, cells } of this.piecesOf(organism)) {
      const { x, y } = this.#corner(page);
      for (const cell of cells) {
        // The corner of the cell's reach.
        const column = x + (cell & (PAGE_CELLS - 1)) - box.left;
        const row = y + (cell >> PAGE_SHIFT) - box.top;
        for (let dy = 0; dy <= 2 * REACH; dy++)
          reach.fill(1, (row + dy) * width + column, (row + dy) * width + column + 2 * REACH + 1);
      }
    }
    return reach;
  }
}

function makePart(organism: OrganismId, page: number, cells: Uint16Array, values: Float32Array): Part {
  const pixels = new Uint32Array(cells.length);
  const bytes = new Uint8Array(pixels.buffer);
  for (let i = 0; i < cells.length; i++)
    for (let c = 0; c < 4; c++) bytes[i * 4 + c] = toByte(values[i * CHANNELS + c]);
  return { organism, page, cells, values, pixels };
}

/** The cells of a part that are kept; the part itself, if all are. */
function keep(part: Part, isKept: (cell: number, i: number) => boolean): Part {
  const kept: number[] = [];
  for (let i = 0; i < part.cells.length; i++) if (isKept(part.cells[i], i)) kept.push(i);
  if (kept.length === part.cells.length) return part;
  const values = new Float32Array(kept.length * CHANNELS);
  kept.forEach((i, to) => {
    values.set(part.values.subarray(i * CHANNELS, (i + 1) * CHANNELS), to * CHANNELS);
  });
  return makePart(
    part.organism,
    part.page,
    Uint16Array.from(kept, (i) => part.cells[i]),
    values,
  );
}

function withNoise(
  part: Part,
  corner: { readonly x: number; readonly y: number },
  isCovered: Uint8Array,
  { randomSeed, salt, step }: NoiseDraw,
  amplitude: number,
  bounds: boolean,
): Part {
  let values: Float32Array | null = null;
  const isDead = new Uint8Array(part.cells.length);
  for (let i = 0; i < part.cells.length; i++) {
    const cell = part.cells[i];
    if (isCovered[cell] === 0 || !(part.values[i * CHANNELS + ALPHA] > OPAQUE_ABOVE)) continue;
    values ??= part.values.slice();
    const x = corner.x + (cell & (PAGE_CELLS - 1));
    const y = corner.y + (cell >> PAGE_SHIFT);
    for (let c = 0; c < CHANNELS; c++)
      values[i * CHANNELS + c] += Math.fround(noiseAt(randomSeed, salt, step, x, y, c) * amplitude);
    if (bounds && !boundCell(values, i * CHANNELS)) isDead[i] = 1;
  }
  if (values === null) return part;
  return keep(makePart(part.organism, part.page, part.cells, values), (_, i) => isDead[i] === 0);
}
