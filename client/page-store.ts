/**
 * What this viewer holds of the world: pages of pixels by row-major index, each at a version.
 * Applies frames, finds gaps, forgets what was used longest ago. Knows no DOM and no socket.
 */
import type { PageUpdate } from '../shared/frame.ts';
import { KEYFRAME } from '../shared/frame.ts';
import { PAGE_BYTES, PAGE_CELLS, PAGE_SHIFT, pageIndex, pagesAcross, type Size } from '../shared/geometry.ts';
import { decodePage, PageCodecError } from '../shared/pageCodec.ts';

export interface Page {
  readonly index: number;
  readonly px: number;
  readonly py: number;
  /** [64, 64, 4] RGBA, premultiplied. Owned by the store; others only read. `BLANK` while nothing lives there. */
  pixels: Uint8Array;
  /** 0: of an earlier connection, shown until its keyframe arrives. */
  version: number;
}

export interface Applied {
  /** Indexes of pages whose pixels moved. */
  readonly changed: number[];
  /** Indexes of pages whose base version is not held: a keyframe must be asked for. */
  readonly gaps: number[];
}

/** What every page without life shares: most of a world costs no memory and no texture. */
export const BLANK: Uint8Array = new Uint8Array(PAGE_BYTES);

const STALE = 0;
/** 64 MB of pixels: more than the largest viewport, with room to pan back without waiting. */
const DEFAULT_CAPACITY = 4_096;

export class PageStore {
  readonly across: number;
  readonly down: number;
  /** Insertion order is order of use, oldest first. */
  readonly #pages = new Map<number, Page>();
  readonly #capacity: number;

  constructor(world: Size, capacity = DEFAULT_CAPACITY) {
    this.across = pagesAcross(world.width);
    this.down = pagesAcross(world.height);
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#pages.size;
  }

  get(index: number): Page | undefined {
    return this.#pages.get(index);
  }

  pages(): IterableIterator<Page> {
    return this.#pages.values();
  }

  /** Applies what can be applied. A delta on a version that is not held, or a payload that does not decode, is a gap. */
  apply(updates: readonly PageUpdate[]): Applied {
    const changed: number[] = [];
    const gaps: number[] = [];
    for (const update of updates) {
      if (update.level !== 0 || update.px >= this.across || update.py >= this.down) continue;
      const index = pageIndex(update.px, update.py, this.across);
      const held = this.#pages.get(index);
      if (update.base !== KEYFRAME && held?.version !== update.base) {
        gaps.push(index);
        continue;
      }
      const pixels = decode(update, held?.pixels ?? BLANK);
      if (pixels === null) {
        gaps.push(index);
        continue;
      }
      const page = held ?? { index, px: update.px, py: update.py, pixels, version: STALE };
      page.pixels = pixels;
      page.version = update.version;
      this.#touch(page);
      changed.push(index);
    }
    return { changed, gaps };
  }

  /** Forgets the least recently updated pages beyond the bound, but none that `keep` names. */
  evict(keep: (page: Page) => boolean): number[] {
    const gone: number[] = [];
    for (const page of this.#pages.values()) {
      if (this.#pages.size - gone.length <= this.#capacity) break;
      if (!keep(page)) gone.push(page.index);
    }
    for (const index of gone) this.#pages.delete(index);
    return gone;
  }

  /** A new connection knows none of our versions. The old picture stays until keyframes replace it. */
  expire(): void {
    for (const page of this.#pages.values()) page.version = STALE;
  }

  /** Forgets what no keyframe has replaced since `expire`; returns which pages went. */
  dropStale(): number[] {
    const gone: number[] = [];
    for (const page of this.#pages.values()) if (page.version === STALE) gone.push(page.index);
    for (const index of gone) this.#pages.delete(index);
    return gone;
  }

  /** Premultiplied RGBA of a cell; zeros where nothing is held. */
  cellAt(x: number, y: number): [r: number, g: number, b: number, a: number] {
    const cx = Math.floor(x);
    const cy = Math.floor(y);
    if (!(cx >= 0 && cy >= 0 && cx < this.across * PAGE_CELLS && cy < this.down * PAGE_CELLS))
      return [0, 0, 0, 0];
    const px = cx >> PAGE_SHIFT;
    const py = cy >> PAGE_SHIFT;
    const page = this.#pages.get(pageIndex(px, py, this.across));
    if (page === undefined) return [0, 0, 0, 0];
    const at = ((cy % PAGE_CELLS) * PAGE_CELLS + (cx % PAGE_CELLS)) * 4;
    const p = page.pixels;
    return [p[at], p[at + 1], p[at + 2], p[at + 3]];
  }

  #touch(page: Page): void {
    this.#pages.delete(page.index);
    this.#pages.set(page.index, page);
  }
}

/**
 * Where the page's pixels are now: `pixels` itself when it could be changed in place. Null, and nothing
 * changed, when the payload is not of the grammar.
 */
function decode(update: PageUpdate, pixels: Uint8Array): Uint8Array | null {
  if (update.payload.length === 0) return update.base === KEYFRAME ? BLANK : pixels;
  // A keyframe is decoded aside: one that fails must not have wiped the picture.
  const into = update.base === KEYFRAME || pixels === BLANK ? new Uint8Array(PAGE_BYTES) : pixels;
  try {
    decodePage(update.payload, into);
  } catch (error) {
    if (error instanceof PageCodecError) return null;
    throw error;
  }
  return into;
}
