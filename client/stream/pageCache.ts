/**
 * Pages of all levels by key, least recently used first to go. Both ends keep one: the worker its pixels,
 * the view its textures. Knows where it holds something below a page, so that a picture can be put together
 * from finer ones without looking at them all.
 */
import { PAGE_BYTES } from '../../shared/geometry.ts';
import type { Pyramid } from './pyramid.ts';

export interface Entry {
  readonly key: number;
  /** Of the owner's clock, whatever it counts; the smallest goes first. */
  usedAt: number;
}

export interface Bounds {
  /** Of pixels. Pages without life cost none. */
  readonly bytes: number;
  /** Pages with and without pixels. */
  readonly entries: number;
}

/** Freed at once when a bound is passed, so that the sorting is paid once for many pages. */
const SLACK = 1 / 16;

export class PageCache<T extends Entry> {
  readonly pyramid: Pyramid;
  readonly #bounds: Bounds;
  readonly #entries = new Map<number, T>();
  readonly #solid = new Set<number>();
  /** Pages with pixels somewhere below, and how many. */
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

  isSolid(key: number): boolean {
    return this.#solid.has(key);
  }

  hasBelow(key: number): boolean {
    return this.#below.has(key);
  }

  /** @param isSolid - whether it holds pixels, or is known to be without life */
  set(entry: T, isSolid: boolean): void {
    this.#entries.set(entry.key, entry);
    if (isSolid !== this.#solid.has(entry.key)) this.#count(entry.key, isSolid);
  }

  delete(key: number): void {
    if (!this.#entries.delete(key)) return;
    if (this.#solid.has(key)) this.#count(key, false);
  }

  /**
   * Forgets the least recently used beyond the bounds.
   *
   * @param keep - never forgotten, whatever the bounds
   * @returns what went
   */
  trim(keep: (entry: T) => boolean): T[] {
    const { bytes, entries } = this.#bounds;
    if (this.bytes <= bytes && this.size <= entries) return [];
    const mostBytes = bytes * (1 - SLACK);
    const mostEntries = entries * (1 - SLACK);
    const gone: T[] = [];
    for (const entry of [...this.#entries.values()].sort((a, b) => a.usedAt - b.usedAt)) {
      const isOverBytes = this.bytes > mostBytes;
      if (!isOverBytes && this.size <= mostEntries) break;
      // A page without pixels frees no bytes.
      if ((this.size <= mostEntries && !this.#solid.has(entry.key)) || keep(entry)) continue;
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
