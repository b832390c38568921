/**
 * Strokes that the world has not answered yet. One visit's, one guest's and one address's are bounded, so that a guest
 * with many tabs leaves room for the others of their address.
 */
import type { Waiter } from '../fairQueue.ts';

/** A client sends at most ten per second. */
const MAX_OF_VISIT = 8;
/** As many as may wait for their turn (`world/strokes.ts`): more would only be refused there. */
const MAX_OF_GUEST = 16;
const MAX_OF_ADDRESS = 64;

export class PendingStrokes {
  /** By visit, guest and address; none of them is 0. */
  readonly #counts = new Map<string, number>();

  /**
   * Counts one until `end`.
   *
   * @param visit - its id
   * @returns false when there are too many, and it is not counted
   */
  begin(visit: string, by: Waiter): boolean {
    const most = { visit: MAX_OF_VISIT, guest: MAX_OF_GUEST, address: MAX_OF_ADDRESS };
    const keys = keysOf(visit, by);
    if (keys.some(([kind, key]) => (this.#counts.get(key) ?? 0) >= most[kind])) return false;
    for (const [, key] of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    return true;
  }

  end(visit: string, by: Waiter): void {
    for (const [, key] of keysOf(visit, by)) {
      const left = (this.#counts.get(key) ?? 0) - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    }
  }

  /** How many of a visit there are. */
  of(visit: string): number {
    return this.#counts.get(`visit ${visit}`) ?? 0;
  }
}

const keysOf = (visit: string, { guest, address }: Waiter) =>
  [
    ['visit', `visit ${visit}`],
    ['guest', `guest ${guest}`],
    ['address', `address ${address}`],
  ] as const;
