/** What has a key in common, found by that key. A key without anything takes no memory. */

const NOTHING: ReadonlySet<never> = new Set();

export class Groups<Key, Member> {
  readonly #groups = new Map<Key, Set<Member>>();

  /** How many keys have something. */
  get size(): number {
    return this.#groups.size;
  }

  /** What has this key, in the order in which it was added. */
  of(key: Key): ReadonlySet<Member> {
    return this.#groups.get(key) ?? NOTHING;
  }

  has(key: Key): boolean {
    return this.#groups.has(key);
  }

  keys(): IterableIterator<Key> {
    return this.#groups.keys();
  }

  [Symbol.iterator](): IterableIterator<[Key, ReadonlySet<Member>]> {
    return this.#groups.entries();
  }

  add(key: Key, member: Member): void {
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, new Set([member]));
    else group.add(member);
  }

  delete(key: Key, member: Member): void {
    const group = this.#groups.get(key);
    group?.delete(member);
    if (group?.size === 0) this.#groups.delete(key);
  }

  clear(): void {
    this.#groups.clear();
  }
}
