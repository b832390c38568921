/**
 * Pages of all levels by key; the least recently used are forgotten first. The worker keeps its pixels in one, the view
 * its textures. It knows under which pages it holds finer ones, so `cover.ts` need not look at them all.
 */
import { PAGE_BYTES } from '../../shared/geometry.ts';
import type { Pyramid } from './pyramid.ts';

export interface Entry {
  readonly key: number;
  /** Time of the last use, by the clock of the cache's owner; the smallest is forgotten first. */
  usedAt: number;
}

export interface Bounds {
  /** Most bytes of pixels. Pages without life cost none. */
  readonly bytes: number;
  /** Most pages, with and without pixels. */
  readonly entries: number;
}

/** Share of a bound that is freed when it is passed: pages are then sorted once for many that are forgotten. */
const SLACK = 1 / 16;

export class PageCache<T extends Entry> {
  readonly pyramid: Pyramid;
  readonly #bounds: Bounds;
  readonly #entries = new Map<number, T>();
  readonly #solid = new Set<number>();
  /** Page → how many finer pages with pixels lie within it. Pages without any are left out. */
  readonly #below = new Map<number, number>();

  constructor(pyramid: Pyramid, bounds: Bounds) {
    this.pyramid = pyramid;
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#solid.size * PAGE_BYTES;
  }

  get(key: number): T | undefined {
    return this.#entries.get(key);
  }

  values(): IterableIterator<T> {
    return this.#entries.values();
  }

  /** @returns whether the page is held with pixels */
  isSolid(key: number): boolean {
    return this.#solid.has(key);
  }

  /** @returns whether a finer page with pixels is held within this one */
  hasBelow(key: number): boolean {
    return this.#below.has(key);
  }

  /** @param isSolid - true when the page has pixels, false when nothing lives in it */
  set(entry: T, isSolid: boolean): void {
    this.#entries.set(entry.key, entry);
    if (isSolid !== this.#solid.has(entry.key)) this.#count(entry.key, isSolid);
  }

  delete(key: number): void {
    if (!this.#entries.delete(key)) return;
    if (this.#solid.has(key)) this.#count(key, false);
  }

  /**
   * Forgets the least recently used pages until the bounds hold.
   *
   * @param keep - whether a page must be kept, even beyond the bounds
   * @returns the forgotten pages
   */
  trim(keep: (entry: T) => boolean): T[] {
    const { bytes, entries } = this.#bounds;
    if (this.bytes <= bytes && this.size <= entries) return [];
    const goalBytes = bytes * (1 - SLACK);
    const goalEntries = entries * (1 - SLACK);
    const gone: T[] = [];
    for (const entry of [...this.#entries.values()].sort((a, b) => a.usedAt - b.usedAt)) {
      const isOverBytes = this.bytes > goalBytes;
      if (!isOverBytes && this.size <= goalEntries) break;
      // A page without pixels frees no bytes.
      if ((this.size <= goalEntries && !this.#solid.has(entry.key)) || keep(entry)) continue;
      this.delete(entry.key);
      gone.push(entry);
    }
    return gone;
  }

  #count(key: number, isSolid: boolean): void {
    if (isSolid) this.#solid.add(key);
    else this.#solid.delete(key);
    for (let at = this.pyramid.parent(key); at >= 0; at = this.pyramid.parent(at)) {
      const count = (this.#below.get(at) ?? 0) + (isSolid ? 1 : -1);
      if (count > 0) this.#below.set(at, count);
      else this.#below.delete(at);
    }
  }
}
