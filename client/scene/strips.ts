/**
 * Texture memory for pages: tall strips, in each of which pages are stacked. The least recently drawn pages are dropped
 * first, and their places are used again. A page's rows are contiguous, so it is uploaded as one range, and neighbours
 * in a strip together. The strips' bytes stay in memory: a lost context is filled from them, and `cellAt` reads them.
 */
import { BufferImageSource } from 'pixi.js';
import { PAGE_BYTES, PAGE_CELLS } from '../../shared/geometry.ts';
import { MAX_VIEWPORT_PAGES } from '../../shared/limits.ts';
import type { Batch } from '../stream/messages.ts';
import { type Bounds, type Entry, PageCache } from '../stream/pageCache.ts';
import type { Pyramid } from '../stream/pyramid.ts';

/** 4,096 rows: almost every GPU with WebGL 2 allows them; a few allow only 2,048. */
const PAGES_PER_STRIP = 64;
const TEXELS = PAGE_CELLS * PAGE_CELLS;
/** Bytes for the largest view and a quarter more: all of the view, and some of the level before. */
const BOUNDS: Bounds = { bytes: MAX_VIEWPORT_PAGES * 1.25 * PAGE_BYTES, entries: 32_768 };

export interface Strip {
  readonly source: BufferImageSource;
  /** [PAGES_PER_STRIP · 64, 64, 4] */
  readonly pixels: Uint8Array;
}

interface Slot {
  /** Index in `strips`. */
  readonly strip: number;
  /** Place within the strip, in pages. */
  readonly row: number;
}

export interface PageTexture extends Entry {
  /** Null when nothing lives in the page. */
  slot: Slot | null;
}

export class Strips extends PageCache<PageTexture> {
  readonly strips: Strip[] = [];
  readonly pagesPerStrip: number;
  readonly #free: Slot[] = [];
  #clock = 0;

  /** @param maxRows - most rows that the GPU allows in a texture */
  constructor(pyramid: Pyramid, maxRows: number, bounds: Bounds = BOUNDS) {
    super(pyramid, bounds);
    this.pagesPerStrip = Math.min(PAGES_PER_STRIP, Math.floor(maxRows / PAGE_CELLS));
  }

  /** A drawing begins: pages that are touched from now on are in use. */
  begin(): void {
    this.#clock++;
  }

  touch(page: PageTexture): void {
    page.usedAt = this.#clock;
  }

  /**
   * Takes a batch and uploads it.
   *
   * @returns the keys of pages that were dropped for it
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

  /** @returns the premultiplied RGBA of a texel of a page */
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

  /** Uploads each run of neighbours in one call, since every call has a cost of its own. */
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
      // Pages come premultiplied.
      alphaMode: 'premultiplied-alpha',
      // The shader keeps cells sharp.
      scaleMode: 'linear',
      autoGarbageCollect: false,
    });
    const strip = this.strips.push({ source, pixels }) - 1;
    for (let row = this.pagesPerStrip - 1; row >= 0; row--) this.#free.push({ strip, row });
  }
}
