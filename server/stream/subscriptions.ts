/** Who watches which pages, and the union that the world has to publish. */
import { PAGE_CELLS, pageIndex, pagesAcross, type Rect, type Size } from '../../shared/geometry.ts';
import { MAX_VIEWPORT_PAGES } from '../../shared/limits.ts';

/** Of a page, around the viewport, so that a short pan finds its pixels there. */
const MARGIN = 1 / 2;
/** A page left for less than this is still watched: panning back and forth costs nothing. */
const LINGER_MS = 3_000;

/**
 * The indexes of the pages of one level that a viewport shows, nearest to its centre first: cut to the world,
 * and around the centre to `MAX_VIEWPORT_PAGES`.
 *
 * @param viewport - cells, finite numbers; it may lie outside the world (then nothing is in view)
 * @param level - 0..topLevel(world)
 */
export function pagesInView(viewport: Rect, world: Size, level: number): number[] {
  const across = pagesAcross(world.width, level);
  const down = pagesAcross(world.height, level);
  const side = PAGE_CELLS * 2 ** level;
  const first = (from: number): number => Math.max(0, Math.floor(from / side - MARGIN));
  const last = (to: number, pages: number): number => Math.min(pages - 1, Math.ceil(to / side + MARGIN) - 1);
  let px0 = first(viewport.x);
  let px1 = last(viewport.x + viewport.width, across);
  let py0 = first(viewport.y);
  let py1 = last(viewport.y + viewport.height, down);
  if (px1 < px0 || py1 < py0) return [];

  // The centre of what is really in view, in pages.
  const cx = (px0 + px1) / 2;
  const cy = (py0 + py1) / 2;
  const wide = px1 - px0 + 1;
  const high = py1 - py0 + 1;
  if (wide * high > MAX_VIEWPORT_PAGES) {
    const shrink = Math.sqrt(MAX_VIEWPORT_PAGES / (wide * high));
    const keptWide = Math.max(1, Math.min(MAX_VIEWPORT_PAGES, Math.floor(wide * shrink)));
    const keptHigh = Math.max(1, Math.min(Math.floor(MAX_VIEWPORT_PAGES / keptWide), high));
    px0 = Math.max(px0, Math.ceil(cx - keptWide / 2));
    px1 = Math.min(px1, px0 + keptWide - 1);
    py0 = Math.max(py0, Math.ceil(cy - keptHigh / 2));
    py1 = Math.min(py1, py0 + keptHigh - 1);
  }

  // Twice the distance to the centre is whole, and so is its square: with the place in the rectangle beside
  // it, one number sorts both.
  const keptWide = px1 - px0 + 1;
  const count = keptWide * (py1 - py0 + 1);
  const order = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const dx = 2 * (px0 + (i % keptWide) - cx);
    const dy = 2 * (py0 + Math.floor(i / keptWide) - cy);
    order[i] = (dx * dx + dy * dy) * count + i;
  }
  order.sort();
  const pages: number[] = [];
  for (const one of order) {
    const i = one % count;
    pages.push(pageIndex(px0 + (i % keptWide), py0 + Math.floor(i / keptWide), across));
  }
  return pages;
}

/** Somebody's watching of one page. */
export interface Subscription {
  /** `pageKey` */
  readonly key: number;
}

export class Subscriptions<S extends Subscription> {
  readonly #watch: (add: readonly number[], remove: readonly number[]) => void;
  readonly #watchers = new Map<number, Set<S>>();
  /** Pages that nobody watches any more, and when. */
  readonly #lingering = new Map<number, number>();

  /** @param watch - tells the world what to publish, and what no longer */
  constructor(watch: (add: readonly number[], remove: readonly number[]) => void) {
    this.#watch = watch;
  }

  watchersOf(key: number): ReadonlySet<S> | undefined {
    return this.#watchers.get(key);
  }

  /** Pages that the world publishes, lingering ones too. */
  get pages(): number {
    return this.#watchers.size + this.#lingering.size;
  }

  enter(subscriptions: Iterable<S>): void {
    const add: number[] = [];
    for (const subscription of subscriptions) {
      const { key } = subscription;
      const watchers = this.#watchers.get(key);
      if (watchers !== undefined) {
        watchers.add(subscription);
        continue;
      }
      this.#watchers.set(key, new Set([subscription]));
      if (!this.#lingering.delete(key)) add.push(key);
    }
    if (add.length > 0) this.#watch(add, []);
  }

  leave(subscriptions: Iterable<S>, nowMs: number): void {
    for (const subscription of subscriptions) {
      const { key } = subscription;
      const watchers = this.#watchers.get(key);
      if (!watchers?.delete(subscription) || watchers.size > 0) continue;
      this.#watchers.delete(key);
      this.#lingering.set(key, nowMs);
    }
  }

  /** Ends what has lingered long enough; called about once a second. */
  sweep(nowMs: number): void {
    const remove: number[] = [];
    for (const [key, sinceMs] of this.#lingering) {
      // Insertion order is the order of leaving.
      if (nowMs - sinceMs < LINGER_MS) break;
      this.#lingering.delete(key);
      remove.push(key);
    }
    if (remove.length > 0) this.#watch([], remove);
  }
}
