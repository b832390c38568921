/**
 * Texture memory for pages: tall strips of pages stacked one on another, pooled, least recently drawn first
 * to go. A page's rows are contiguous, so that a change is one upload of one range, and neighbours in the
 * strip go in one upload together. The strips' own bytes stay: a lost context is filled from them, and what
 * is under the pointer is read there.
 */
import { BufferImageSource } from 'pixi.js';
import { PAGE_BYTES, PAGE_CELLS } from '../../shared/geometry.ts';
import { MAX_VIEWPORT_PAGES } from '../../shared/limits.ts';
import type { Batch } from '../stream/messages.ts';
import { type Bounds, type Entry, PageCache } from '../stream/pageCache.ts';
import type { Pyramid } from '../stream/pyramid.ts';

/** 4,096 rows: within the limit of every GPU that has WebGL 2, but for a few of 2,048. */
const PAGES_PER_STRIP = 64;
const TEXELS = PAGE_CELLS * PAGE_CELLS;
/** The largest view and a quarter: what is in view is always held, and some of the level before. */
const BOUNDS: Bounds = { bytes: MAX_VIEWPORT_PAGES * 1.25 * PAGE_BYTES, entries: 32_768 };

export interface Strip {
  readonly source: BufferImageSource;
  /** [PAGES_PER_STRIP · 64, 64, 4] */
  readonly pixels: Uint8Array;
}

interface Slot {
  /** Which strip, counted in the order they were made. */
  readonly strip: number;
  /** Place within the strip, counted in pages. */
  readonly row: number;
}

export interface PageTexture extends Entry {
  /** Null: nothing lives there. */
  slot: Slot | null;
}

export class Strips extends PageCache<PageTexture> {
  readonly strips: Strip[] = [];
  readonly pagesPerStrip: number;
  readonly #free: Slot[] = [];
  #clock = 0;

  /** @param mostRows - of a texture, by the GPU */
  constructor(pyramid: Pyramid, mostRows: number, bounds: Bounds = BOUNDS) {
    super(pyramid, bounds);
    this.pagesPerStrip = Math.min(PAGES_PER_STRIP, Math.floor(mostRows / PAGE_CELLS));
  }

  /** A drawing begins; what is touched from now on is in use. */
  begin(): void {
    this.#clock++;
  }

  touch(page: PageTexture): void {
    page.usedAt = this.#clock;
  }

  /**
   * Takes in a batch and uploads it.
   *
   * @returns the keys of pages that had to go for it
   */
  write(batch: Batch): number[] {
    const touched: Slot[] = [];
    batch.keys.forEach((key, i) => {
      const slot = this.#hold(key, true) as Slot;
      const pixels = new Uint8Array(batch.buffer, i * PAGE_BYTES, PAGE_BYTES);
      this.strips[slot.strip].pixels.set(pixels, slot.row * PAGE_BYTES);
      touched.push(slot);
    });
    for (const key of batch.blanks) this.#hold(key, false);
    this.#upload(touched);
    const gone = this.trim((page) => page.usedAt >= this.#clock - 1);
    for (const { slot } of gone) if (slot !== null) this.#free.push(slot);
    return gone.map(({ key }) => key);
  }

  /** Premultiplied RGBA of a texel of a page. */
  texel({ slot }: PageTexture, u: number, v: number): [r: number, g: number, b: number, a: number] {
    if (slot === null) return [0, 0, 0, 0];
    const { pixels } = this.strips[slot.strip];
    const at = slot.row * PAGE_BYTES + (v * PAGE_CELLS + u) * 4;
    return [pixels[at], pixels[at + 1], pixels[at + 2], pixels[at + 3]];
  }

  dispose(): void {
    for (const { source } of this.strips) source.destroy();
  }

  #hold(key: number, isSolid: boolean): Slot | null {
    const page = this.get(key) ?? { key, slot: null, usedAt: 0 };
    page.usedAt = this.#clock;
    if (isSolid) page.slot ??= this.#take();
    else if (page.slot !== null) {
      this.#free.push(page.slot);
      page.slot = null;
    }
    this.set(page, isSolid);
    return page.slot;
  }

  /** One call for every run of neighbours: each has a price of its own. */
  #upload(slots: Slot[]): void {
    slots.sort((a, b) => a.strip - b.strip || a.row - b.row);
    for (let i = 0; i < slots.length; ) {
      const { strip, row } = slots[i];
      let end = row;
      for (; i < slots.length && slots[i].strip === strip && slots[i].row <= end; i++) end = slots[i].row + 1;
      this.strips[strip].source.update(row * TEXELS, end * TEXELS);
    }
  }

  #take(): Slot {
    if (this.#free.length === 0) this.#grow();
    return this.#free.pop() as Slot;
  }

  #grow(): void {
    const pixels = new Uint8Array(this.pagesPerStrip * PAGE_BYTES);
    const source = new BufferImageSource({
      resource: pixels,
      width: PAGE_CELLS,
      height: PAGE_CELLS * this.pagesPerStrip,
      format: 'rgba8unorm',
      // They are premultiplied as they come.
      alphaMode: 'premultiplied-alpha',
      // The shader keeps cells sharp by itself.
      scaleMode: 'linear',
      autoGarbageCollect: false,
    });
    const strip = this.strips.push({ source, pixels }) - 1;
    for (let row = this.pagesPerStrip - 1; row >= 0; row--) this.#free.push({ strip, row });
  }
}
