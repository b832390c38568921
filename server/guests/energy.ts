/**
 * Energy: the cells that a guest may still hurt. It is held per guest and, several guests' worth of it, per address; a
 * stroke is paid from both. Both refill more slowly while the world cannot keep up.
 */
import { energyFault } from '../../shared/energy.ts';
import { BUDGET_CELLS, BUDGET_CELLS_PER_SECOND } from '../../shared/limits.ts';
import type { Budget } from '../../shared/protocol.ts';
import { TokenBucket } from '../stream/deliver/tokenBucket.ts';

/** Addresses whose energy is not full: each has spent some within the last seconds. */
const MAX_ADDRESSES = 16_384;

export interface EnergyOptions {
  /** How many guests' energy an address has. */
  readonly perAddress: number;
  /** A monotonic clock, ms. */
  readonly now: () => number;
}

export class EnergyStore {
  readonly #options: EnergyOptions;
  readonly #addresses = new Map<string, TokenBucket>();
  #scale = 1;
  /** Milliseconds of refilling until `#atMs`. */
  #refillMs = 0;
  #atMs: number;

  constructor(options: EnergyOptions) {
    this.#options = options;
    this.#atMs = options.now();
  }

  /** How fast all energy refills: 0 (not at all) to 1 (in full). */
  get scale(): number {
    return this.#scale;
  }

  set scale(scale: number) {
    if (!(scale >= 0 && scale <= 1)) throw new RangeError(`the scale of energy is ${scale}, not 0 to 1`);
    this.#now();
    this.#scale = scale;
  }

  /** A clock that passes as fast as energy refills, ms. */
  #now(): number {
    const now = this.#options.now();
    this.#refillMs += Math.max(0, now - this.#atMs) * this.#scale;
    this.#atMs = now;
    return this.#refillMs;
  }

  /** The energy of a guest. @param cells - default: all that a guest may save up */
  ofGuest(cells = BUDGET_CELLS): TokenBucket {
    const bucket = new TokenBucket(BUDGET_CELLS, BUDGET_CELLS_PER_SECOND, this.#now());
    bucket.owe(BUDGET_CELLS - Math.min(BUDGET_CELLS, Math.max(0, cells)));
    return bucket;
  }

  cellsOf(guest: TokenBucket): number {
    return guest.tokens(this.#now());
  }

  /** @returns why the cost cannot be paid, for the player to read, and nothing is taken; null: it is paid */
  spend(guest: TokenBucket, address: string, cost: number): string | null {
    const now = this.#now();
    const shared = this.#ofAddress(address, now);
    const fault = energyFault(this.budget(guest, address), cost);
    if (fault !== null) return fault;
    guest.take(cost, now);
    shared.take(cost, now);
    this.#keep(address, shared, now);
    return null;
  }

  /** Gives back what a refused stroke had cost. */
  giveBack(guest: TokenBucket, address: string, cost: number): void {
    guest.giveBack(cost);
    this.#addresses.get(address)?.giveBack(cost);
  }

  /** What a guest may spend from an address, now. */
  budget(guest: TokenBucket, address: string): Budget {
    const now = this.#now();
    const own = guest.tokens(now);
    const shared = this.#ofAddress(address, now).tokens(now);
    return {
      cells: Math.max(0, Math.floor(Math.min(own, shared))),
      capacity: guest.capacity,
      perSecond: guest.perSecond * this.#scale * (shared < own ? Math.max(1, this.#options.perAddress) : 1),
      limit: shared < own ? 'address' : 'guest',
    };
  }

  #ofAddress(address: string, now: number): TokenBucket {
    const { perAddress } = this.#options;
    return (
      this.#addresses.get(address) ??
      new TokenBucket(BUDGET_CELLS * perAddress, BUDGET_CELLS_PER_SECOND * perAddress, now)
    );
  }

  /** An address is remembered while its energy is not full: then it is as one that was never here. */
  #keep(address: string, bucket: TokenBucket, now: number): void {
    // The last that spent comes last, so those at the front are the fullest.
    this.#addresses.delete(address);
    this.#addresses.set(address, bucket);
    for (const [other, oldest] of this.#addresses) {
      const isFull = oldest.tokens(now) >= oldest.capacity;
      if (!isFull && this.#addresses.size <= MAX_ADDRESSES) break;
      this.#addresses.delete(other);
    }
  }

  /** How many addresses are remembered. */
  get addresses(): number {
    return this.#addresses.size;
  }
}
