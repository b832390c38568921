/** Who watches which pages, and the union that the world has to publish. */

/** A page left for less than this is still watched: panning back and forth costs nothing. */
const LINGER_MS = 3_000;

/** Somebody's watching of one page. */
export interface Subscription {
  /** `pageKey` */
  readonly key: number;
  /** Among the watchers of its page; -1: it is not one of them. Kept here. */
  place: number;
}

export class Subscriptions<S extends Subscription> {
  readonly #watch: (add: readonly number[], remove: readonly number[]) => void;
  /** Lists, not sets: a thousand viewers' are gone through in every frame. */
  readonly #watchers = new Map<number, S[]>();
  /** Pages that nobody watches any more, and when. */
  readonly #lingering = new Map<number, number>();

  /** @param watch - tells the world what to publish, and what no longer */
  constructor(watch: (add: readonly number[], remove: readonly number[]) => void) {
    this.#watch = watch;
  }

  /** @returns in no order; valid until the next `enter` or `leave` */
  watchersOf(key: number): readonly S[] | undefined {
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
      // The last one takes its place.
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
