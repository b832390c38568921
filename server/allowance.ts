/** What each address may ask for: requests use its allowance up, and time refills it. */
export interface AllowanceOptions {
  /** What an address has that has asked for nothing in a while. */
  readonly most: number;
  readonly perSecond: number;
  readonly now: () => number;
}

/** Addresses beyond these are forgotten, those first that asked least recently: their allowance is full again. */
const MAX_ADDRESSES = 10_000;

interface Left {
  readonly amount: number;
  readonly atMs: number;
}

export class Allowance {
  readonly #options: AllowanceOptions;
  /** In the order of the last request. */
  readonly #left = new Map<string, Left>();

  constructor(options: AllowanceOptions) {
    this.#options = options;
  }

  /**
   * Takes the cost off an address's allowance if that has as much; a cost above `most` counts as `most`.
   *
   * @returns 0: taken; otherwise, the ms until there is as much
   */
  take(address: string, cost: number): number {
    const { most, perSecond } = this.#options;
    const amount = this.#amount(address);
    const lacking = Math.min(cost, most) - amount;
    // Rounding must not make somebody wait for a billionth of the cost.
    if (lacking > most * 1e-9) return (lacking / perSecond) * 1_000;
    this.#leave(address, Math.max(0, -lacking));
    return 0;
  }

  /** Takes the cost off, or what there is. */
  charge(address: string, cost: number): void {
    this.#leave(address, Math.max(0, this.#amount(address) - cost));
  }

  #amount(address: string): number {
    const { most, perSecond, now } = this.#options;
    const before = this.#left.get(address);
    if (before === undefined) return most;
    return Math.min(most, before.amount + ((now() - before.atMs) / 1_000) * perSecond);
  }

  #leave(address: string, amount: number): void {
    this.#left.delete(address);
    this.#left.set(address, { amount, atMs: this.#options.now() });
    if (this.#left.size > MAX_ADDRESSES) this.#left.delete(this.#left.keys().next().value!);
  }
}
