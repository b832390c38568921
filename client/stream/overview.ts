/** Small pictures of many pages: the map of the world, and the light around the bodies in view. Pure. */
import { PAGE_CELLS, type PageRect, type Rect, type Size } from '../../shared/geometry.ts';
import { cover } from './cover.ts';
import type { Picture } from './messages.ts';
import type { Page, PageStore } from './pageStore.ts';

/** Most texels along a side of the map, which is shown about 160 pixels wide. */
const MAP_SIDE = 256;
/** Cells along a side of the smallest block that becomes one texel. */
const MIN_BLOCK = 4;
/** Texels of light along a page's side: few, because light is soft. */
const GLOW_TEXELS = 8;

/** The whole world, each place as it was last seen, at any level. */
export class WorldMap {
  /** Cells along a texel's side. */
  readonly block: number;
  readonly width: number;
  readonly height: number;
  /** [height, width, 4] RGBA, premultiplied. */
  readonly pixels: Uint8Array;

  constructor(world: Size) {
    let block = MIN_BLOCK;
    while (Math.max(world.width, world.height) / block > MAP_SIDE) block *= 2;
    this.block = block;
    this.width = Math.ceil(world.width / block);
    this.height = Math.ceil(world.height / block);
    this.pixels = new Uint8Array(this.width * this.height * 4);
  }

  /** Averages a page into its texels. A page smaller than a texel is left out: it covers only a part of one. */
  draw(page: Uint8Array, level: number, px: number, py: number): void {
    const side = (PAGE_CELLS * 2 ** level) / this.block;
    if (side < 1) return;
    shrink(page, 0, 0, PAGE_CELLS, this.pixels, this.width, this.height, px * side, py * side, side);
  }

  picture(boost: number): Picture {
    return develop(this.pixels, this.width, this.height, boost);
  }
}

/** @returns the softened picture of a rectangle of pages, each from the best page that the store has (`cover.ts`) */
export function glow(
  store: PageStore,
  level: number,
  rect: PageRect,
): { readonly cells: Rect; readonly image: Picture } {
  const width = (rect.right - rect.left + 1) * GLOW_TEXELS;
  const height = (rect.bottom - rect.top + 1) * GLOW_TEXELS;
  const pixels = new Uint8Array(width * height * 4);
  cover<Page>(store, level, rect, (page, _level, x, y, size, u, v, span) => {
    const side = size * GLOW_TEXELS;
    // A page far below the wanted level is smaller than a texel.
    if (side < 1) return;
    shrink(page.pixels, u, v, span, pixels, width, height, x * GLOW_TEXELS, y * GLOW_TEXELS, side);
  });
  soften(pixels, width, height);
  const cells = PAGE_CELLS * 2 ** level;
  return {
    cells: {
      x: rect.left * cells,
      y: rect.top * cells,
      width: (width / GLOW_TEXELS) * cells,
      height: (height / GLOW_TEXELS) * cells,
    },
    image: develop(pixels, width, height, 1),
  };
}

/**
 * Draws a square of a page, `span` texels wide at [v, u], as `side` x `side` texels of `to` [height, width, 4]
 * at [ty, tx]. Each averages the texels that it covers; where it covers less than one, it takes the nearest.
 */
export function shrink(
  page: Uint8Array,
  u: number,
  v: number,
  span: number,
  to: Uint8Array,
  width: number,
  height: number,
  tx: number,
  ty: number,
  side: number,
): void {
  const step = span / side;
  const block = Math.max(1, Math.floor(step));
  const area = block * block;
  const most = PAGE_CELLS - block;
  for (let y = 0; y < side && ty + y < height; y++) {
    const fromY = Math.min(most, Math.floor(v + y * step));
    for (let x = 0; x < side && tx + x < width; x++) {
      const fromX = Math.min(most, Math.floor(u + x * step));
      let r = 0;
      let g = 0;
      let b = 0;
      let a = 0;
      for (let row = fromY; row < fromY + block; row++) {
        const end = (row * PAGE_CELLS + fromX + block) * 4;
        for (let at = end - block * 4; at < end; at += 4) {
          r += page[at];
          g += page[at + 1];
          b += page[at + 2];
          a += page[at + 3];
        }
      }
      const out = ((ty + y) * width + tx + x) * 4; // to[ty + y, tx + x]
      to[out] = r / area;
      to[out + 1] = g / area;
      to[out + 2] = b / area;
      to[out + 3] = a / area;
    }
  }
}

/** Blurs in place: two passes of [1 2 1] along each axis come close to a bell curve. */
export function soften(pixels: Uint8Array, width: number, height: number): void {
  const scratch = new Uint8Array(pixels.length);
  for (let pass = 0; pass < 2; pass++) {
    blur(pixels, scratch, width, height, 4, width * 4);
    blur(scratch, pixels, height, width, width * 4, 4);
  }
}

/** [1 2 1]/4 along one axis: `count` texels that are `stride` bytes apart, in `lines` lines `lineStride` bytes apart. */
function blur(
  from: Uint8Array,
  to: Uint8Array,
  count: number,
  lines: number,
  stride: number,
  lineStride: number,
): void {
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < count; i++) {
      const at = line * lineStride + i * stride;
      const before = i > 0 ? at - stride : at;
      const after = i < count - 1 ? at + stride : at;
      for (let c = 0; c < 4; c++) to[at + c] = (from[before + c] + 2 * from[at + c] + from[after + c]) >> 2;
    }
  }
}

/** Undoes premultiplication, as a canvas wants it. @param boost - factor of alpha */
function develop(from: Uint8Array, width: number, height: number, boost: number): Picture {
  const pixels = new Uint8ClampedArray(from.length);
  for (let at = 0; at < from.length; at += 4) {
    const alpha = from[at + 3];
    if (alpha === 0) continue;
    const scale = 255 / alpha;
    pixels[at] = from[at] * scale;
    pixels[at + 1] = from[at + 1] * scale;
    pixels[at + 2] = from[at + 2] * scale;
    pixels[at + 3] = alpha * boost;
  }
  return { width, height, pixels };
}
