/**
 * What this viewer holds of the world: pages of pixels, each at a version. Applies updates, finds gaps,
 * forgets what was used longest ago. Lives in the decode worker; knows no DOM and no socket.
 */
import { KEYFRAME, type PageUpdate } from '../../shared/frame.ts';
import { PAGE_BYTES } from '../../shared/geometry.ts';
import { decodePage, PageCodecError } from '../../shared/pageCodec.ts';
import { type Bounds, type Entry, PageCache } from './pageCache.ts';
import type { Pyramid } from './pyramid.ts';

export interface Page extends Entry {
  /** [64, 64, 4] RGBA, premultiplied. Owned by the store; others only read. `BLANK` while nothing lives there. */
  pixels: Uint8Array;
  /** `UNKNOWN`: its pixels are shown until a keyframe replaces them, and no delta fits them. */
  version: number;
}

export interface Applied {
  /** Keys of pages whose pixels moved. */
  readonly changed: number[];
  /** Keys of pages whose base version is not held: a keyframe must be asked for. */
  readonly gaps: number[];
}

/** What every page without life shares: most of a world costs no memory and no texture. */
export const BLANK: Uint8Array = new Uint8Array(PAGE_BYTES);

const UNKNOWN = 0;
/**
 * Three of the largest viewports (2,400 pages), so that going back a level or a screen finds its pixels; and
 * as many pages without life as a minute of panning passes.
 */
const BOUNDS: Bounds = { bytes: 7_200 * PAGE_BYTES, entries: 65_536 };

export class PageStore extends PageCache<Page> {
  #clock = 0;

  constructor(pyramid: Pyramid, bounds: Bounds = BOUNDS) {
    super(pyramid, bounds);
  }

  /**
   * Applies what can be applied. A delta on a version that is not held, or a payload that does not decode,
   * is a gap, and the page stays as it was. A version only names a state: which of two is newer it does not
   * say, so every keyframe is taken, and what came in the wrong order shows as a gap at the next delta.
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
        // Twice the same is no gap.
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

  /** The page has been looked at. */
  touch(page: Page): void {
    page.usedAt = this.#clock;
  }

  /** A new connection knows none of our versions. The old picture stays until keyframes replace it. */
  expire(): void {
    for (const page of this.values()) page.version = UNKNOWN;
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
