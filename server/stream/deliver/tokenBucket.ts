/** Tokens that refill continuously up to a capacity: a player's budget, a client's messages, a viewer's bytes. */
export class TokenBucket {
  readonly capacity: number;
  readonly perSecond: number;
  #tokens: number;
  #atMs: number;

  constructor(capacity: number, perSecond: number, nowMs: number) {
    this.capacity = capacity;
    this.perSecond = perSecond;
    this.#tokens = capacity;
    this.#atMs = nowMs;
  }

  /** Tokens there are now; negative after `owe` took more than there were, until they have refilled. */
  tokens(nowMs: number): number {
    this.#tokens = Math.min(
      this.capacity,
      this.#tokens + (Math.max(0, nowMs - this.#atMs) / 1_000) * this.perSecond,
    );
    this.#atMs = nowMs;
    return this.#tokens;
  }

  /** @returns false, with nothing taken, when there are too few */
  take(tokens: number, nowMs: number): boolean {
    if (this.tokens(nowMs) < tokens) return false;
    this.#tokens -= tokens;
    return true;
  }

  /** Takes tokens even if there are too few. */
  owe(tokens: number): void {
    this.#tokens -= tokens;
  }

  giveBack(tokens: number): void {
    this.#tokens = Math.min(this.capacity, this.#tokens + tokens);
  }
}
