/**
 * Texture memory for pages: tall strips of pages stacked one on another, pooled. A page's rows are then
 * contiguous, so that a change is one upload of one range.
 */
import { BufferImageSource, Container, Rectangle, Sprite, Texture } from 'pixi.js';
import { PAGE_BYTES, PAGE_CELLS } from '../shared/geometry.ts';
import type { Page } from './page-store.ts';

/** 2,048 rows: within every GPU's limit. */
const PAGES_PER_STRIP = 32;
const TEXELS = PAGE_CELLS * PAGE_CELLS;

interface Strip {
  readonly source: BufferImageSource;
  readonly pixels: Uint8Array;
  /** The sprites in use, so that all of one texture are drawn at once. */
  readonly sprites: Container;
}

export interface Slot {
  readonly strip: Strip;
  /** Place within the strip, counted in pages. */
  readonly row: number;
  readonly sprite: Sprite;
}

export class Strips {
  readonly #free: Slot[] = [];
  readonly #all: Strip[] = [];
  #isSmooth = false;

  /** A sprite that shows the page at its place in the world. */
  take(page: Page): Slot {
    if (this.#free.length === 0) this.#grow();
    const slot = this.#free.pop() as Slot;
    slot.sprite.position.set(page.px * PAGE_CELLS, page.py * PAGE_CELLS);
    this.write(slot, page);
    return slot;
  }

  write(slot: Slot, page: Page): void {
    slot.strip.pixels.set(page.pixels, slot.row * PAGE_BYTES);
    slot.strip.source.update(slot.row * TEXELS, (slot.row + 1) * TEXELS);
  }

  /** Cells larger than a pixel are sharp; smaller ones are averaged, else they would flicker. */
  set isSmooth(isSmooth: boolean) {
    if (isSmooth === this.#isSmooth) return;
    this.#isSmooth = isSmooth;
    for (const { source } of this.#all) source.scaleMode = isSmooth ? 'linear' : 'nearest';
  }

  /** The sprite must have been taken off the stage. */
  give(slot: Slot): void {
    this.#free.push(slot);
  }

  #grow(): void {
    const pixels = new Uint8Array(PAGES_PER_STRIP * PAGE_BYTES);
    const source = new BufferImageSource({
      resource: pixels,
      width: PAGE_CELLS,
      height: PAGE_CELLS * PAGES_PER_STRIP,
      format: 'rgba8unorm',
      // They are premultiplied as they come. 'no-premultiply-alpha' would make Pixi multiply in the blend.
      alphaMode: 'premultiplied-alpha',
      scaleMode: this.#isSmooth ? 'linear' : 'nearest',
      autoGarbageCollect: false,
    });
    const strip: Strip = { source, pixels, sprites: new Container() };
    this.#all.push(strip);
    for (let row = PAGES_PER_STRIP - 1; row >= 0; row--) {
      const frame = new Rectangle(0, row * PAGE_CELLS, PAGE_CELLS, PAGE_CELLS);
      this.#free.push({ strip, row, sprite: new Sprite(new Texture({ source, frame })) });
    }
  }
}
