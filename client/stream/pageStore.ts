/**
 * The pages that this client holds, each with its pixels and version. Applies updates, finds gaps, forgets the least
 * recently used. Runs in the decode worker; knows no DOM and no socket.
 */
import { KEYFRAME, type PageUpdate } from '../../shared/frame.ts';
import { PAGE_BYTES } from '../../shared/geometry.ts';
import { decodePage, PageCodecError } from '../../shared/pageCodec.ts';
import { type Bounds, type Entry, PageCache } from './pageCache.ts';
import type { Pyramid } from './pyramid.ts';

export interface Page extends Entry {
  /** [64, 64, 4] RGBA, premultiplied. Only the store writes to it. `BLANK` while nothing lives there. */
  pixels: Uint8Array;
  /** At `UNKNOWN` the pixels are shown until a keyframe replaces them, and no delta fits them. */
  version: number;
}

export interface Applied {
  /** Keys of pages that were updated. */
  readonly changed: number[];
  /** Keys of pages whose base version is not held, or whose payload was damaged: they need a keyframe. */
  readonly gaps: number[];
}

/** The pixels that all pages without life share, so that empty space costs no memory and no texture. */
export const BLANK: Uint8Array = new Uint8Array(PAGE_BYTES);

const UNKNOWN = 0;
/**
 * Bytes: three of the largest viewports (2,400 pages each), so that a player who goes back a level or a screen finds its
 * pixels. Entries: the pages without life that about a minute of panning passes.
 */
const BOUNDS: Bounds = { bytes: 7_200 * PAGE_BYTES, entries: 65_536 };

export class PageStore extends PageCache<Page> {
  #clock = 0;

  constructor(pyramid: Pyramid, bounds: Bounds = BOUNDS) {
    super(pyramid, bounds);
  }

  /**
   * Applies updates. A delta on a version that is not held, or a payload that cannot be decoded, is a gap, and leaves
   * its page unchanged. Versions do not say which of two states is newer, so every keyframe is taken; if it came in the
   * wrong order, the next delta is a gap. Pages outside the world are ignored.
   */
  apply(updates: readonly PageUpdate[]): Applied {
    const changed: number[] = [];
    const gaps: number[] = [];
    this.#clock++;
    for (const update of updates) {
      if (!this.pyramid.has(update.level, update.px, update.py)) continue;
      const key = this.pyramid.key(update.level, update.px, update.py);
      const held = this.get(key);
      if (update.base !== KEYFRAME && held?.version !== update.base) {
        // An update that comes twice is not a gap.
        if (held?.version !== update.version) gaps.push(key);
        continue;
      }
      const pixels = decode(update, held?.pixels ?? BLANK);
      if (pixels === null) {
        gaps.push(key);
        continue;
      }
      const page = held ?? { key, pixels, version: UNKNOWN, usedAt: 0 };
      page.pixels = pixels;
      page.version = update.version;
      page.usedAt = this.#clock;
      this.set(page, pixels !== BLANK);
      changed.push(key);
    }
    return { changed, gaps };
  }

  /** Marks the page as used now. */
  touch(page: Page): void {
    page.usedAt = this.#clock;
  }

  /** A new connection's server knows none of our versions. The old pixels stay until keyframes replace them. */
  expire(): void {
    for (const page of this.values()) page.version = UNKNOWN;
  }
}

/**
 * @param pixels - the page's pixels so far; a delta changes them in place, unless they are `BLANK`
 * @returns the array that has the page's pixels now; null, with nothing changed, when the payload cannot be decoded
 */
function decode(update: PageUpdate, pixels: Uint8Array): Uint8Array | null {
  if (update.payload.length === 0) return update.base === KEYFRAME ? BLANK : pixels;
  // A keyframe is decoded into an array of its own, so that one that fails does not wipe the page.
  const into = update.base === KEYFRAME || pixels === BLANK ? new Uint8Array(PAGE_BYTES) : pixels;
  try {
    decodePage(update.payload, into);
  } catch (error) {
    if (error instanceof PageCodecError) return null;
    throw error;
  }
  return into;
}
