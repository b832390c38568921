/**
 * The whole world, small: block averages of the pages held. It lights the ground around what lives and is
 * the minimap's picture. Pure; the view and the minimap draw it.
 */
import { PAGE_CELLS, type Size } from '../shared/geometry.ts';
import type { Page } from './page-store.ts';

/** Texels a side at most: a quarter of a megapixel is uploaded at once without being felt. */
const MAX_SIDE = 512;
/** Finest useful block: an organism is then about five texels wide. */
const MIN_BLOCK = 8;

export class Overview {
  /** Cells a texel; a power of two, at most a page. */
  readonly block: number;
  readonly width: number;
  readonly height: number;
  /** [height, width, 4] RGBA, premultiplied, averaged. */
  readonly pixels: Uint8Array;

  constructor(world: Size) {
    let block = MIN_BLOCK;
    while (block < PAGE_CELLS && Math.max(world.width, world.height) / block > MAX_SIDE) block *= 2;
    this.block = block;
    this.width = Math.ceil(world.width / block);
    this.height = Math.ceil(world.height / block);
    this.pixels = new Uint8Array(this.width * this.height * 4);
  }

  /** Averages a page into its texels. */
  draw(page: Page): void {
    this.#fill(page.px, page.py, page.pixels);
  }

  /** A page that is no longer held. */
  clear(px: number, py: number): void {
    this.#fill(px, py, null);
  }

  #fill(px: number, py: number, source: Uint8Array | null): void {
    const { block, width, height, pixels } = this;
    const side = PAGE_CELLS / block;
    const area = block * block;
    for (let by = 0; by < side; by++) {
      const ty = py * side + by;
      if (ty >= height) break;
      for (let bx = 0; bx < side; bx++) {
        const tx = px * side + bx;
        if (tx >= width) break;
        let r = 0;
        let g = 0;
        let b = 0;
        let a = 0;
        if (source !== null) {
          for (let y = 0; y < block; y++) {
            const row = ((by * block + y) * PAGE_CELLS + bx * block) * 4; // source[by·block + y, bx·block]
            for (let at = row; at < row + block * 4; at += 4) {
              r += source[at];
              g += source[at + 1];
              b += source[at + 2];
              a += source[at + 3];
            }
          }
        }
        const to = (ty * width + tx) * 4; // pixels[ty, tx]
        pixels[to] = r / area;
        pixels[to + 1] = g / area;
        pixels[to + 2] = b / area;
        pixels[to + 3] = a / area;
      }
    }
  }

  /** A softened copy: the halo. Three box passes come close to a bell curve. */
  soften(out: Uint8Array, scratch: Uint8Array): void {
    out.set(this.pixels);
    for (let pass = 0; pass < 2; pass++) {
      blur(out, scratch, this.width, this.height, 4, this.width * 4);
      blur(scratch, out, this.height, this.width, this.width * 4, 4);
    }
  }
}

/** [1 2 1]/4 along one axis: `count` texels `stride` bytes apart, in `lines` lines `lineStride` apart. */
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
