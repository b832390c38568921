/** Who watches which pages, and the union that the world has to publish. */

/** A page left for less than this is still watched: panning back and forth costs nothing. */
const LINGER_MS = 3_000;

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
