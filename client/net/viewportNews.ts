/**
 * When a viewport is told to the server: as soon as it touches other pages than the one before. What else depends on it
 * (the waiting seeds in view) may be a second late: reading a message costs the server as much as sending a frame.
 */
import { type PageRect, pagesTouched, type Size, VIEW_MARGIN_PAGES } from '../../shared/geometry.ts';
import type { ViewportMessage } from '../../shared/protocol.ts';

const SAME_PAGES_MS = 1_000;

export class ViewportNews {
  #told: ViewportMessage | null = null;
  #pages: PageRect | null = null;
  #toldMs = 0;

  /** The server knows none. */
  forget(): void {
    this.#told = this.#pages = null;
  }

  /** @param nowMs - of a monotonic clock @returns whether it is to be told now; it counts as told then */
  isDue(viewport: ViewportMessage, world: Size, nowMs: number): boolean {
    const told = this.#told;
    const { x, y, width, height, level } = viewport;
    const isOther =
      told?.x !== x || told.y !== y || told.width !== width || told.height !== height || told.level !== level;
    if (!isOther) return false;
    const pages = pagesTouched(viewport, world, level, VIEW_MARGIN_PAGES);
    const before = this.#pages;
    const isSame =
      told?.level === level &&
      pages.left === before?.left &&
      pages.top === before.top &&
      pages.right === before.right &&
      pages.bottom === before.bottom;
    if (isSame && nowMs - this.#toldMs < SAME_PAGES_MS) return false;
    this.#told = viewport;
    this.#pages = pages;
    this.#toldMs = nowMs;
    return true;
  }
}
