/**
 * What each address (or guest) may ask for: one allowance each, of which only those that are not full are remembered. What
 * an address takes comes off its network's as well, which is that of several addresses.
 */
import { Allowance } from '../shared/allowance.ts';
import { MAX_ADDRESSES_OF_NETWORK, networkOf } from './address.ts';

export interface AllowancesOptions {
  /** What one has that has asked for nothing in a while. */
  readonly most: number;
  readonly perSecond: number;
  /** A monotonic clock, ms. */
  readonly now: () => number;
}

/** Beyond these, those that asked least recently are forgotten: their allowance is full again. */
const MAX_REMEMBERED = 16_384;

export class Allowances {
  readonly #options: AllowancesOptions;
  /** By address and by network, in the order of the last request. */
  readonly #known = new Map<string, Allowance>();

  constructor(options: AllowancesOptions) {
    this.#options = options;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** What an address has now: of its own and its network's, the lesser. */
  left(address: string): number {
    return this.scarcest(address).left;
  }

  /** What an address has now, and how fast that is refilled: of its own and its network's, the lesser. */
  scarcest(address: string): { readonly left: number; readonly perSecond: number } {
    const [own, shared] = this.#keysOf(address).map((key) => this.#of(key));
    return shared !== undefined && shared.left < own.left ? shared : own;
  }

  /** @returns 0: there is as much; otherwise, the ms until there is. A cost above `most` counts as `most` */
  msUntil(address: string, cost: number): number {
    const { most } = this.#options;
    const waits = this.#keysOf(address).map((key) => {
      const { left, perSecond } = this.#of(key);
      const lacking = Math.min(cost, most) - left;
      // Rounding must not make somebody wait for a billionth of the cost.
      return lacking > most * 1e-9 ? (lacking / perSecond) * 1_000 : 0;
    });
    return Math.max(...waits);
  }

  /** Takes the cost off, if there is as much. @returns 0: taken; otherwise, the ms until there is as much */
  take(address: string, cost: number): number {
    const waitMs = this.msUntil(address, cost);
    if (waitMs === 0) this.charge(address, cost);
    return waitMs;
  }

  /** Takes the cost off, or what there is. */
  charge(address: string, cost: number): void {
    const nowMs = this.#options.now();
    for (const key of this.#keysOf(address)) {
      const { most, perSecond } = this.#sizeOf(key);
      const allowance = this.#known.get(key) ?? new Allowance(most, perSecond, nowMs);
      allowance.owe(Math.min(cost, Math.max(0, allowance.left(nowMs))));
      // Who asked last comes last, so those at the front are the fullest.
      this.#known.delete(key);
      this.#known.set(key, allowance);
    }
    for (const [key, oldest] of this.#known) {
      if (oldest.left(nowMs) < oldest.most && this.#known.size <= MAX_REMEMBERED) break;
      this.#known.delete(key);
    }
  }

  giveBack(address: string, cost: number): void {
    for (const key of this.#keysOf(address)) this.#known.get(key)?.giveBack(cost);
  }

  #keysOf(address: string): string[] {
    const network = networkOf(address);
    return network === '' ? [address] : [address, network];
  }

  #sizeOf(key: string): { readonly most: number; readonly perSecond: number } {
    const { most, perSecond } = this.#options;
    const share = key.endsWith('/48') ? MAX_ADDRESSES_OF_NETWORK : 1;
    return { most: most * share, perSecond: perSecond * share };
  }

  #of(key: string): { readonly left: number; readonly perSecond: number } {
    const { most, perSecond } = this.#sizeOf(key);
    return { left: this.#known.get(key)?.left(this.#options.now()) ?? most, perSecond };
  }
}
