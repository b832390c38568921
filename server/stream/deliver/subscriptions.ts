/** Which viewers watch which pages, and the union of pages that the world has to publish. */

/** A page stays watched for this long after its last viewer left, so that panning back and forth costs nothing. */
const LINGER_MS = 3_000;

/** One viewer's subscription to one page. */
export interface Subscription {
  /** `pageKey` */
  readonly key: number;
  /** Index in the list of its page's watchers, set by `Subscriptions`; -1: not in the list. */
  place: number;
}

export class Subscriptions<S extends Subscription> {
  readonly #watch: (add: readonly number[], remove: readonly number[]) => void;
  /** Arrays rather than sets, because every frame iterates over a thousand viewers'. */
  readonly #watchers = new Map<number, S[]>();
  /** When the last viewer of each lingering page left. */
  readonly #lingering = new Map<number, number>();

  /** @param watch - tells the world which pages to start and to stop publishing */
  constructor(watch: (add: readonly number[], remove: readonly number[]) => void) {
    this.#watch = watch;
  }

  /** @returns watchers in no particular order; valid until the next `enter` or `leave` */
  watchersOf(key: number): readonly S[] | undefined {
    return this.#watchers.get(key);
  }

  /** How many pages the world publishes, including lingering ones. */
  get pages(): number {
    return this.#watchers.size + this.#lingering.size;
  }

  enter(subscriptions: Iterable<S>): void {
    const add: number[] = [];
    for (const subscription of subscriptions) {
      const { key } = subscription;
      const watchers = this.#watchers.get(key);
      subscription.place = watchers?.length ?? 0;
      if (watchers !== undefined) {
        watchers.push(subscription);
        continue;
      }
      this.#watchers.set(key, [subscription]);
      if (!this.#lingering.delete(key)) add.push(key);
    }
    if (add.length > 0) this.#watch(add, []);
  }

  leave(subscriptions: Iterable<S>, nowMs: number): void {
    for (const subscription of subscriptions) {
      const { key, place } = subscription;
      const watchers = this.#watchers.get(key);
      if (watchers === undefined || place < 0) continue;
      // The last watcher takes its place in the list.
      const last = watchers.pop()!;
      subscription.place = -1;
      if (last !== subscription) {
        watchers[place] = last;
        last.place = place;
      }
      if (watchers.length > 0) continue;
      this.#watchers.delete(key);
      this.#lingering.set(key, nowMs);
    }
  }

  /** Stops publishing pages that have lingered long enough. */
  sweep(nowMs: number): void {
    const remove: number[] = [];
    for (const [key, sinceMs] of this.#lingering) {
      // A map keeps insertion order: the page that was left first comes first.
      if (nowMs - sinceMs < LINGER_MS) break;
      this.#lingering.delete(key);
      remove.push(key);
    }
    if (remove.length > 0) this.#watch([], remove);
  }
}
