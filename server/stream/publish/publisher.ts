/**
 * Decides what clients get of each watched page, and encodes it once. Runs in the simulation thread and knows nothing
 * of sockets. One frame:
 * ```
 * begin → see (each level-0 page that changed)
 *       → if startFill: fill (each page that exists), endFill
 *       → due: read (each page it names)
 *       → collect
 * ```
 */
import { PAGE_CELLS, pageIndex, pagesAcross, type Size } from '../../../shared/geometry.ts';
import { indexOf, LANES, Lane, laneOf, levelOf, pageKey, twinOf } from '../pageKey.ts';
import type { PublishedFrame, PublishedUpdate } from '../published.ts';
import { Levels } from './levels.ts';
import { PublishedPage } from './publishedPage.ts';

export interface PublisherOptions {
  readonly world: Size;
  /** 0..255: the largest difference between a published and a true channel, in the fine lane. */
  readonly epsilon: number;
  /** A page that stood still for this long is published exactly. */
  readonly refineMs?: number;
  /** Number of the first frame. Default: 1. */
  readonly firstFrame?: number;
}

/** The coarse lane publishes in every fourth frame, five times per second at 20 Hz, with up to four times the error. */
export const COARSE_EVERY = 4;
const COARSE_EPSILON = 4;

export class Publisher {
  readonly #world: Size;
  readonly #epsilons: readonly number[];
  readonly #refineMs: number;
  readonly #levels: Levels;
  readonly #pages = new Map<number, PublishedPage>();
  /** Pages with an update in this frame. */
  readonly #open = new Set<PublishedPage>();
  /** Pages that have not been published yet. */
  readonly #unseen = new Set<PublishedPage>();
  /** Pages whose published pixels may differ from the truth. */
  readonly #inexact = new Set<PublishedPage>();
  /** Level-0 pages that `due` named. */
  readonly #reading = new Set<PublishedPage>();
  /** The next frame must be closed even if it has no updates. */
  #isAwaited = false;
  #frame = 0;
  #nowMs = 0;

  constructor({ world, epsilon, refineMs = 1_000, firstFrame = 1 }: PublisherOptions) {
    this.#frame = firstFrame - 1;
    this.#world = world;
    this.#epsilons = LANES.map((lane) =>
      lane === Lane.fine ? epsilon : Math.min(255, COARSE_EPSILON * epsilon),
    );
    this.#refineMs = refineMs;
    this.#levels = new Levels(world);
  }

  /** Starts to publish pages; each comes as a keyframe in the next frame. @param keys - `pageKey`s */
  watch(keys: readonly number[]): void {
    for (const key of keys) {
      if (this.#pages.has(key)) continue;
      const page = new PublishedPage(key, this.#world, this.#epsilons[laneOf(key)], this.#nowMs);
      this.#pages.set(key, page);
      this.#unseen.add(page);
      if (levelOf(key) > 0) this.#levels.watch(levelOf(key), indexOf(key));
    }
  }

  unwatch(keys: readonly number[]): void {
    for (const key of keys) {
      const page = this.#pages.get(key);
      if (page === undefined) continue;
      this.#pages.delete(key);
      for (const set of [this.#open, this.#unseen, this.#inexact, this.#reading]) set.delete(page);
      if (levelOf(key) > 0 && !this.#pages.has(twinOf(key))) this.#levels.unwatch(levelOf(key), indexOf(key));
    }
  }

  /**
   * Adds keyframes to the next frame; pages that are not watched are ignored. That frame is closed even if it has no
   * updates, because viewers wait for its number.
   */
  requestKeyframes(keys: readonly number[]): void {
    this.#isAwaited = true;
    for (const key of keys) {
      const page = this.#pages.get(key);
      if (page === undefined) continue;
      page.wantsKeyframe = true;
      if (page.seen) this.#open.add(page);
    }
  }

  /** Whether the next frames are empty as long as no page changes and nobody asks for one. */
  get isSettled(): boolean {
    const waiting = this.#open.size + this.#unseen.size + this.#inexact.size;
    return waiting === 0 && !this.#isAwaited;
  }

  /** Whether a page is watched that shows a cell at a level up to `maxLevel`. */
  isInView(x: number, y: number, maxLevel: number): boolean {
    for (let level = 0; level <= maxLevel; level++) {
      const side = PAGE_CELLS * 2 ** level;
      const index = pageIndex(
        Math.floor(x / side),
        Math.floor(y / side),
        pagesAcross(this.#world.width, level),
      );
      for (const lane of LANES) if (this.#pages.has(pageKey(level, index, lane))) return true;
    }
    return false;
  }

  begin(nowMs: number): void {
    this.#frame++;
    this.#nowMs = nowMs;
  }

  /** Takes a changed level-0 page. @param rgba - [64, 64, 4], its true pixels; read only, not kept */
  see(index: number, rgba: Uint8Array): void {
    for (const lane of LANES) {
      const page = this.#pages.get(pageKey(0, index, lane));
      if (page !== undefined) this.#change(page, rgba);
    }
    this.#levels.change(index, rgba);
  }

  /** @returns whether the caller must now give every existing page to `fill`, then call `endFill` */
  startFill(): boolean {
    return this.#levels.startFill();
  }
  fill(index: number, rgba: Uint8Array): void {
    this.#levels.fill(index, rgba);
  }
  endFill(): void {
    this.#levels.endFill();
  }

  /** @returns level-0 pages whose true pixels the caller must now give to `read` */
  due(): ReadonlySet<number> {
    this.#levels.drain((key, pixels) => {
      for (const one of [key, twinOf(key)]) {
        const page = this.#pages.get(one);
        if (page !== undefined) this.#change(page, pixels);
      }
    });
    const reads = new Set<number>();
    const need = (page: PublishedPage): void => {
      const index = indexOf(page.key);
      const level = levelOf(page.key);
      if (level > 0) {
        const truth = this.#levels.pixelsOf(level, index);
        // undefined: it was watched after this frame's visit of all pages, and comes in the next frame.
        if (truth !== undefined) this.#publish(page, truth);
        return;
      }
      reads.add(index);
      this.#reading.add(page);
    };
    for (const page of this.#unseen) need(page);
    for (const page of this.#inexact)
      if (this.#isStill(page) || (page.late && this.#hasTurn(page))) need(page);
    return reads;
  }

  /** Takes a page that `due` returned. @param rgba - [64, 64, 4], its true pixels; read only, not kept */
  read(index: number, rgba: Uint8Array): void {
    for (const lane of LANES) {
      const page = this.#pages.get(pageKey(0, index, lane));
      if (page !== undefined && this.#reading.delete(page)) this.#publish(page, rgba);
    }
  }

  /** Closes the frame. @returns null when it has no updates and none was asked for */
  collect(step: number): PublishedFrame | null {
    if (this.#open.size === 0 && !this.#isAwaited) return null;
    this.#isAwaited = false;
    const updates: PublishedUpdate[] = [];
    const encoded: Uint8Array[] = [];
    let total = 0;
    // Sorted row by row, the updates for one viewer mostly lie together.
    const open = [...this.#open].sort((a, b) => a.key - b.key);
    for (const page of open) {
      page.close(this.#frame, (version, base, bytes) => {
        updates.push({ key: page.key, version, base, offset: total, length: bytes.length });
        encoded.push(bytes);
        total += bytes.length;
      });
    }
    this.#open.clear();
    const bytes = new Uint8Array(total);
    let at = 0;
    for (const part of encoded) {
      bytes.set(part, at);
      at += part.length;
    }
    return { type: 'frame', frame: this.#frame, step, updates, bytes };
  }

  /** Handles a change of a page's truth. */
  #change(page: PublishedPage, truth: Uint8Array | null): void {
    page.movedMs = this.#nowMs;
    if (!page.seen || this.#hasTurn(page)) {
      this.#publish(page, truth);
    } else {
      page.late = true;
      this.#inexact.add(page);
    }
  }

  #publish(page: PublishedPage, truth: Uint8Array | null): void {
    if (page.publish(truth, this.#isStill(page))) this.#open.add(page);
    this.#unseen.delete(page);
    if (page.exact) this.#inexact.delete(page);
    else this.#inexact.add(page);
  }

  #isStill(page: PublishedPage): boolean {
    return this.#nowMs - page.movedMs >= this.#refineMs;
  }

  /** Coarse pages take turns, so that frames have about equal lengths. */
  #hasTurn(page: PublishedPage): boolean {
    return laneOf(page.key) === Lane.fine || (this.#frame + page.key) % COARSE_EVERY === 0;
  }
}
