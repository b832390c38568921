/** How many viewers watch each page, and the union of pages that the world has to publish. */

/** A page stays watched for this long after its last viewer left, so that panning back and forth costs nothing. */
const LINGER_MS = 3_000;

export class Subscriptions {
  readonly #watch: (add: readonly number[], remove: readonly number[]) => void;
  /** By `pageKey`. */
  readonly #watchers = new Map<number, number>();
  /** When the last viewer of each lingering page left. */
  readonly #lingering = new Map<number, number>();

  /** @param watch - tells the world which pages to start and to stop publishing */
  constructor(watch: (add: readonly number[], remove: readonly number[]) => void) {
    this.#watch = watch;
  }

  /** How many pages the world publishes, including lingering ones. */
  get pages(): number {
    return this.#watchers.size + this.#lingering.size;
  }

  /** Whether the world publishes this page. */
  has(key: number): boolean {
    return this.#watchers.has(key) || this.#lingering.has(key);
  }

  /** One more viewer of each of these pages. */
  enter(keys: Iterable<number>): void {
    const add: number[] = [];
    for (const key of keys) {
      const watchers = this.#watchers.get(key) ?? 0;
      this.#watchers.set(key, watchers + 1);
      if (watchers === 0 && !this.#lingering.delete(key)) add.push(key);
    }
    if (add.length > 0) this.#watch(add, []);
  }

  /** One viewer less of each of these pages. */
  leave(keys: Iterable<number>, nowMs: number): void {
    for (const key of keys) {
      const left = this.#watchers.get(key)! - 1;
      if (left > 0) {
        this.#watchers.set(key, left);
        continue;
      }
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
