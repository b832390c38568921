/**
 * The levels above 0: pages of averages, kept up to date while they are watched.
 *
 * A pixel of level L is the average of the 2^L x 2^L true pixels under it (premultiplied, all four channels alike),
 * rounded half up once: sums are exact, so no error grows from level to level. Every pixel up to level 6 lies within
 * one level-0 page, so a changed page replaces its own block in each watched level, and no other page is needed. Above
 * level 6 a pixel spans whole pages, whose sums are kept.
 *
 * Cost: one pass over each changed page that lies under a watched page. Empty space costs nothing. A newly watched page
 * waits for one visit of all existing pages (`startFill`).
 */
import {
  PAGE_BYTES,
  PAGE_CELLS,
  PAGE_SHIFT,
  pagesAcross,
  type Size,
  topLevel,
} from '../../../shared/geometry.ts';
import { pageKey } from '../pageKey.ts';

interface Averages {
  readonly level: number;
  readonly key: number;
  /** [64, 64, 4]; null: all zeros. */
  pixels: Uint8Array | null;
  /** It has the pixels of every page under it; `change` keeps it up to date. */
  filled: boolean;
  filling: boolean;
  /** Above level 6: [64, 64, 4] sums of the true pixels, and each page's part in them. */
  readonly sums: Uint32Array | null;
  readonly given: Map<number, Uint32Array> | null;
}

/** [4]: the sums of a page without life. */
const NOTHING = new Uint32Array(4);
/** Masks two channels of a pixel, with room to add 256 values of each. */
const PAIR = 0x00ff00ff;

export class Levels {
  readonly #top: number;
  readonly #across: readonly number[];
  /** By level, then by page index. */
  readonly #watched: readonly Map<number, Averages>[];
  #count = 0;
  readonly #unfilled = new Set<Averages>();
  /** Pages whose pixels moved since the last `drain`. */
  readonly #moved = new Set<Averages>();
  /** [n, n, 4]: sums of one page; n is halved from 32 to 1. */
  readonly #sums = new Uint32Array((PAGE_CELLS / 2) ** 2 * 4);
  readonly #aligned = new Uint8Array(PAGE_BYTES);

  constructor(world: Size) {
    this.#top = topLevel(world);
    this.#across = Array.from({ length: this.#top + 1 }, (_, level) => pagesAcross(world.width, level));
    this.#watched = this.#across.map(() => new Map());
  }

  /** @param level - 1..topLevel(world) */
  watch(level: number, index: number): void {
    const watched = this.#watched[level];
    if (watched.has(index)) return;
    const isWide = level > PAGE_SHIFT;
    const averages: Averages = {
      level,
      key: pageKey(level, index),
      pixels: null,
      filled: false,
      filling: false,
      sums: isWide ? new Uint32Array(PAGE_CELLS * PAGE_CELLS * 4) : null,
      given: isWide ? new Map() : null,
    };
    watched.set(index, averages);
    this.#unfilled.add(averages);
    this.#count++;
  }

  unwatch(level: number, index: number): void {
    const averages = this.#watched[level].get(index);
    if (averages === undefined) return;
    this.#watched[level].delete(index);
    this.#unfilled.delete(averages);
    this.#moved.delete(averages);
    this.#count--;
  }

  /** @returns [64, 64, 4], read only, valid until the next change; null: all zeros; undefined: not filled yet */
  pixelsOf(level: number, index: number): Uint8Array | null | undefined {
    const averages = this.#watched[level].get(index);
    return averages?.filled ? averages.pixels : undefined;
  }

  /** Takes the new true pixels of a level-0 page. @param rgba - [64, 64, 4], read only, not kept */
  change(page: number, rgba: Uint8Array): void {
    if (this.#count > this.#unfilled.size) this.#add(page, rgba, false);
  }

  /** @returns whether pages wait to be filled; then `fill` must get every existing page, and `endFill` follow */
  startFill(): boolean {
    for (const averages of this.#unfilled) averages.filling = true;
    return this.#unfilled.size > 0;
  }

  fill(page: number, rgba: Uint8Array): void {
    this.#add(page, rgba, true);
  }

  endFill(): void {
    for (const averages of this.#unfilled) {
      // Watched during this visit: it has not seen every page, and waits for the next visit.
      if (!averages.filling) continue;
      averages.filling = false;
      averages.filled = true;
      this.#unfilled.delete(averages);
      this.#moved.add(averages);
    }
  }

  /** Visits each page whose pixels moved since the last `drain`, or that was filled. null: all zeros. */
  drain(visit: (key: number, pixels: Uint8Array | null) => void): void {
    for (const { key, pixels } of this.#moved) visit(key, pixels);
    this.#moved.clear();
  }

  /** Adds a page's pixels to the watched pages above it. @param isFill - to pages being filled; else to filled ones */
  #add(page: number, rgba: Uint8Array, isFill: boolean): void {
    const px = page % this.#across[0];
    const py = Math.floor(page / this.#across[0]);
    let summed = 0;
    for (let level = 1; level <= this.#top; level++) {
      const watched = this.#watched[level];
      if (watched.size === 0) continue;
      const averages = watched.get((py >> level) * this.#across[level] + (px >> level));
      if (averages === undefined || !(isFill ? averages.filling : averages.filled)) continue;
      const wanted = Math.min(level, PAGE_SHIFT);
      if (summed === 0) {
        this.#sumPairs(rgba);
        summed = 1;
      }
      for (; summed < wanted; summed++) this.#halve(PAGE_CELLS >> summed);
      const moved =
        level > PAGE_SHIFT ? this.#addTotal(averages, page, px, py) : this.#replace(averages, px, py);
      if (moved && averages.filled) this.#moved.add(averages);
    }
  }

  /** [64, 64] pixels to [32, 32, 4] sums. */
  #sumPairs(rgba: Uint8Array): void {
    let from = rgba;
    if ((rgba.byteOffset & 3) !== 0) {
      this.#aligned.set(rgba);
      from = this.#aligned;
    }
    const words = new Uint32Array(from.buffer, from.byteOffset, PAGE_CELLS * PAGE_CELLS);
    const sums = this.#sums;
    let to = 0;
    for (let y = 0; y < PAGE_CELLS; y += 2) {
      let upper = y * PAGE_CELLS;
      for (let x = 0; x < PAGE_CELLS; x += 2, upper += 2, to += 4) {
        const a = words[upper];
        const b = words[upper + 1];
        const c = words[upper + PAGE_CELLS];
        const d = words[upper + PAGE_CELLS + 1];
        const redBlue = (a & PAIR) + (b & PAIR) + (c & PAIR) + (d & PAIR);
        const greenAlpha = ((a >>> 8) & PAIR) + ((b >>> 8) & PAIR) + ((c >>> 8) & PAIR) + ((d >>> 8) & PAIR);
        sums[to] = redBlue & 0xffff;
        sums[to + 1] = greenAlpha & 0xffff;
        sums[to + 2] = redBlue >>> 16;
        sums[to + 3] = greenAlpha >>> 16;
      }
    }
  }

  /** [side, side, 4] sums to [side / 2, side / 2, 4], in place: each value is read before its place is written. */
  #halve(side: number): void {
    const sums = this.#sums;
    const row = side * 4;
    let to = 0;
    for (let y = 0; y < side; y += 2) {
      let upper = y * row;
      for (let x = 0; x < side; x += 2, upper += 8) {
        for (let c = 0; c < 4; c++, to++) {
          const at = upper + c;
          sums[to] = sums[at] + sums[at + 4] + sums[at + row] + sums[at + row + 4];
        }
      }
    }
  }

  /** Up to level 6: replaces the page's own block of pixels. @returns whether one moved */
  #replace(averages: Averages, px: number, py: number): boolean {
    const { level } = averages;
    const side = PAGE_CELLS >> level;
    const inside = (1 << level) - 1;
    const left = (px & inside) * side;
    const top = (py & inside) * side;
    let moved = false;
    for (let y = 0; y < side; y++) {
      const row = ((top + y) * PAGE_CELLS + left) * 4;
      const from = y * side * 4;
      for (let i = 0; i < side * 4; i++)
        if (this.#write(averages, row + i, this.#sums[from + i])) moved = true;
    }
    return moved;
  }

  /** Above level 6: updates the pixel of which the page is a part. @returns whether it moved */
  #addTotal(averages: Averages, page: number, px: number, py: number): boolean {
    const { level } = averages;
    const sums = averages.sums!;
    const given = averages.given!;
    const shift = level - PAGE_SHIFT;
    const inside = PAGE_CELLS - 1;
    const at = (((py >> shift) & inside) * PAGE_CELLS + ((px >> shift) & inside)) * 4;
    const before = given.get(page) ?? NOTHING;
    let moved = false;
    let isEmpty = true;
    for (let c = 0; c < 4; c++) {
      const total = this.#sums[c];
      if (total !== 0) isEmpty = false;
      sums[at + c] += total - before[c];
      if (this.#write(averages, at + c, sums[at + c])) moved = true;
    }
    if (isEmpty) given.delete(page);
    else if (before === NOTHING) given.set(page, this.#sums.slice(0, 4));
    else before.set(this.#sums.subarray(0, 4));
    return moved;
  }

  /** Writes the average of a sum of 4^level true channels, at most 255 · 4^10 < 2^28. @returns whether it moved */
  #write(averages: Averages, at: number, sum: number): boolean {
    const bits = 2 * averages.level;
    const value = (sum + (1 << (bits - 1))) >>> bits;
    if (averages.pixels === null) {
      if (value === 0) return false;
      averages.pixels = new Uint8Array(PAGE_BYTES);
    }
    if (averages.pixels[at] === value) return false;
    averages.pixels[at] = value;
    return true;
  }
}
