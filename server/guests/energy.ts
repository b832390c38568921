/**
 * Energy: the cells that a guest may still hurt. It is held per guest and, several guests' worth of it, per address; a
 * stroke is paid from both. Both refill more slowly while the world cannot keep up.
 */
import { Allowance } from '../../shared/allowance.ts';
import { energyFault } from '../../shared/energy.ts';
import { BUDGET_CELLS, BUDGET_CELLS_PER_SECOND } from '../../shared/limits.ts';
import type { Budget } from '../../shared/protocol.ts';
import { Allowances } from '../allowances.ts';

export interface EnergyOptions {
  /** How many guests' energy an address has. */
  readonly perAddress: number;
  /** A monotonic clock, ms. */
  readonly now: () => number;
}

export class EnergyStore {
  readonly #options: EnergyOptions;
  readonly #ofAddresses: Allowances;
  #scale = 1;
  /** Milliseconds of refilling until `#atMs`. */
  #refillMs = 0;
  #atMs: number;

  constructor(options: EnergyOptions) {
    this.#options = options;
    this.#atMs = options.now();
    this.#ofAddresses = new Allowances({
      most: BUDGET_CELLS * options.perAddress,
      perSecond: BUDGET_CELLS_PER_SECOND * options.perAddress,
      now: () => this.#now(),
    });
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
  ofGuest(cells = BUDGET_CELLS): Allowance {
    const energy = new Allowance(BUDGET_CELLS, BUDGET_CELLS_PER_SECOND, this.#now());
    energy.owe(BUDGET_CELLS - Math.min(BUDGET_CELLS, Math.max(0, cells)));
    return energy;
  }

  cellsOf(guest: Allowance): number {
    return guest.left(this.#now());
  }

  /** @returns why the cost cannot be paid, for the player to read, and nothing is taken; null: it is paid */
  spend(guest: Allowance, address: string, cost: number): string | null {
    const fault = energyFault(this.budget(guest, address), cost);
    if (fault !== null) return fault;
    guest.take(cost, this.#now());
    this.#ofAddresses.charge(address, cost);
    return null;
  }

  /** Gives back what a refused stroke had cost. */
  giveBack(guest: Allowance, address: string, cost: number): void {
    guest.giveBack(cost);
    this.#ofAddresses.giveBack(address, cost);
  }

  /** What a guest may spend from an address, now. */
  budget(guest: Allowance, address: string): Budget {
    const own = guest.left(this.#now());
    const shared = this.#ofAddresses.scarcest(address);
    const isShared = shared.left < own;
    return {
      cells: Math.max(0, Math.floor(isShared ? shared.left : own)),
      capacity: guest.most,
      perSecond: (isShared ? shared.perSecond : guest.perSecond) * this.#scale,
      limit: isShared ? 'address' : 'guest',
    };
  }

  /** How many addresses are remembered: those whose energy is not full. */
  get addresses(): number {
    return this.#ofAddresses.size;
  }
}
