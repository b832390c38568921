/**
 * What may still be used of something: use takes it off, and time refills it up to a most. A guest's energy, a client's
 * messages, a viewer's bytes, what an address may ask for.
 */
export class Allowance {
  readonly most: number;
  readonly perSecond: number;
  #left: number;
  #atMs: number;

  /** @param nowMs - of a monotonic clock; it starts full */
  constructor(most: number, perSecond: number, nowMs: number) {
    this.most = most;
    this.perSecond = perSecond;
    this.#left = most;
    this.#atMs = nowMs;
  }

  /** What there is now; negative after `owe` took more than there was, until that has refilled. */
  left(nowMs: number): number {
    const refilled = (Math.max(0, nowMs - this.#atMs) / 1_000) * this.perSecond;
    this.#left = Math.min(this.most, this.#left + refilled);
    this.#atMs = Math.max(this.#atMs, nowMs);
    return this.#left;
  }

  /** @returns false, with nothing taken, when there is too little */
  take(amount: number, nowMs: number): boolean {
    if (this.left(nowMs) < amount) return false;
    this.#left -= amount;
    return true;
  }

  /** Takes it even if there is too little. */
  owe(amount: number): void {
    this.#left -= amount;
  }

  giveBack(amount: number): void {
    this.#left = Math.min(this.most, this.#left + amount);
  }
}
