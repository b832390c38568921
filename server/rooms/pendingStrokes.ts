/**
 * Strokes that the world has not answered yet. One visit's, one guest's and one address's are bounded, so that a guest
 * with many tabs leaves room for the others of their address.
 */
import { MAX_ADDRESSES_OF_NETWORK, networkOf } from '../address.ts';
import type { Waiter } from '../fairQueue.ts';

const MAX_OF = {
  /** A client sends at most ten per second. */
  visit: 8,
  /** As many as may wait for their turn (`world/strokes.ts`): more would only be refused there. */
  guest: 16,
  address: 64,
  network: 64 * MAX_ADDRESSES_OF_NETWORK,
} as const;

export class PendingStrokes {
  /** By visit, guest, address and network; none of them is 0. */
  readonly #counts = new Map<string, number>();

  /**
   * Counts one until `end`.
   *
   * @param visit - its id
   * @returns false when there are too many, and it is not counted
   */
  begin(visit: string, by: Waiter): boolean {
    const keys = keysOf(visit, by);
    if (keys.some(([kind, key]) => (this.#counts.get(key) ?? 0) >= MAX_OF[kind])) return false;
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

function keysOf(visit: string, { guest, address }: Waiter): [kind: keyof typeof MAX_OF, key: string][] {
  const network = networkOf(address);
  return [
    ['visit', `visit ${visit}`],
    ['guest', `guest ${guest}`],
    ['address', `address ${address}`],
    ...(network === '' ? [] : [['network', `network ${network}`] as ['network', string]]),
  ];
}
