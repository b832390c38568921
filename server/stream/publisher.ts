/**
 * What clients hold of each watched page, and how it moves. Runs in the simulation thread, knows nothing
 * of sockets. A page's version is the number of the frame in which it was last published.
 */

import { encodeUpdate, KEYFRAME } from '../../shared/frame.ts';
import { PAGE_BYTES } from '../../shared/geometry.ts';
import { encodeKeyframe, encodePage, pagesEqual } from '../../shared/pageCodec.ts';
import type { PublishedFrame, PublishedUpdate } from '../world/messages.ts';

interface WatchedPage {
  /** [64, 64, 4], what clients hold; null while that is nothing but zeros (most of a large world). */
  published: Uint8Array | null;
  /** 0 until the first truth was seen and published. */
  version: number;
  seen: boolean;
  exact: boolean;
  keyframe: boolean;
  /** How often it moved since the last frame closed, and the first time by what. */
  moves: number;
  delta: Uint8Array | null;
  /** When the truth last changed. */
  movedMs: number;
  /** Its truth is on the way, to be published without loss. */
  refining: boolean;
}

export interface PublisherOptions {
  /** Pages a row of the world. */
  readonly across: number;
  /** 0..255: how far a published channel may be from the truth. */
  readonly epsilon: number;
  /** A page that stood still so long is published exactly. */
  readonly refineMs?: number;
}

const ZEROS = new Uint8Array(PAGE_BYTES);

export class Publisher {
  readonly #across: number;
  readonly #epsilon: number;
  readonly #refineMs: number;
  readonly #pages = new Map<number, WatchedPage>();
  /** Pages with something to say when the frame closes. */
  readonly #open = new Set<number>();
  /** Pages whose first truth has not been seen. */
  readonly #unseen = new Set<number>();
  /** Pages whose published pixels may differ from the truth. */
  readonly #inexact = new Set<number>();
  #nowMs = 0;

  constructor(options: PublisherOptions) {
    this.#across = options.across;
    this.#epsilon = options.epsilon;
    this.#refineMs = options.refineMs ?? 1_000;
  }

  watch(pages: readonly number[]): void {
    for (const page of pages) {
      if (this.#pages.has(page)) continue;
      this.#pages.set(page, {
        published: null,
        version: 0,
        seen: false,
        exact: false,
        keyframe: true,
        moves: 0,
        delta: null,
        movedMs: this.#nowMs,
        refining: false,
      });
      this.#unseen.add(page);
    }
  }

  unwatch(pages: readonly number[]): void {
    for (const page of pages) {
      this.#pages.delete(page);
      this.#open.delete(page);
      this.#unseen.delete(page);
      this.#inexact.delete(page);
    }
  }

  /** Answered in the next frame, for all who asked at once; pages that nobody watches are passed over. */
  requestKeyframes(pages: readonly number[]): void {
    for (const page of pages) {
      const watched = this.#pages.get(page);
      if (watched === undefined) continue;
      watched.keyframe = true;
      if (watched.seen) this.#open.add(page);
    }
  }

  watches(page: number): boolean {
    return this.#pages.has(page);
  }

  /** Pages whose truth it needs now: newly watched, or due to be refined to exact. */
  due(nowMs: number): readonly number[] {
    this.#nowMs = nowMs;
    const due = [...this.#unseen];
    for (const page of this.#inexact) {
      const watched = this.#pages.get(page)!;
      if (nowMs - watched.movedMs < this.#refineMs) continue;
      watched.refining = true;
      due.push(page);
    }
    return due;
  }

  /**
   * @param page - others than watched ones are passed over
   * @param rgba - [64, 64, 4], its true pixels; read only, not kept
   */
  see(page: number, rgba: Uint8Array): void {
    const watched = this.#pages.get(page);
    if (watched === undefined) return;
    const first = !watched.seen;
    if (first) {
      watched.seen = true;
      this.#unseen.delete(page);
    }
    const epsilon = first || watched.refining ? 0 : this.#epsilon;
    if (!watched.refining) watched.movedMs = this.#nowMs;
    watched.refining = false;

    // A page of zeros is known without a buffer of its own.
    if (watched.published === null) {
      if (!pagesEqual(ZEROS, rgba)) watched.published = new Uint8Array(PAGE_BYTES);
    }
    const delta = watched.published === null ? null : encodePage(watched.published, rgba, epsilon);
    watched.exact = epsilon === 0 || pagesEqual(watched.published ?? ZEROS, rgba);
    if (watched.exact) this.#inexact.delete(page);
    else this.#inexact.add(page);

    if (first) {
      this.#open.add(page);
    } else if (delta !== null) {
      // Two deltas in one frame have no common base: say where it stands instead.
      if (watched.moves++ === 0) watched.delta = delta;
      else watched.keyframe = true;
      this.#open.add(page);
    }
  }

  /** Closes the frame; null when there is nothing to say. */
  collect(frame: number, step: number, nowMs: number): PublishedFrame | null {
    this.#nowMs = nowMs;
    if (this.#open.size === 0) return null;
    const updates: PublishedUpdate[] = [];
    const encoded: Uint8Array[] = [];
    let total = 0;
    for (const page of this.#open) {
      const watched = this.#pages.get(page)!;
      const base = watched.version;
      if (watched.moves > 0 || base === 0) watched.version = frame;
      const delta = watched.moves === 1 && base !== 0 ? watched.delta : null;
      watched.moves = 0;
      watched.delta = null;
      const wantsKeyframe = watched.keyframe || base === 0;
      watched.keyframe = false;
      const add = (from: number, payload: Uint8Array): void => {
        const bytes = this.#encode(page, watched, from, payload);
        updates.push({ page, version: watched.version, base: from, offset: total, length: bytes.length });
        encoded.push(bytes);
        total += bytes.length;
      };
      // The delta first: who can use it does not take the longer keyframe.
      if (delta !== null) add(base, delta);
      if (wantsKeyframe) {
        add(KEYFRAME, watched.published === null ? ZEROS.subarray(0, 0) : encodeKeyframe(watched.published));
      }
    }
    this.#open.clear();
    const bytes = new Uint8Array(total);
    let at = 0;
    for (const part of encoded) {
      bytes.set(part, at);
      at += part.length;
    }
    return { type: 'frame', frame, step, updates, bytes };
  }

  #encode(page: number, watched: WatchedPage, base: number, payload: Uint8Array): Uint8Array {
    return encodeUpdate({
      level: 0,
      px: page % this.#across,
      py: Math.floor(page / this.#across),
      version: watched.version,
      base,
      epsilon: watched.exact ? 0 : this.#epsilon,
      payload,
    });
  }
}
