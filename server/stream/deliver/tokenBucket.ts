/** Fills continuously up to its capacity: cells a player may hurt, messages a client may send, bytes it is sent. */
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

  /** Below 0 while a debt is paid off. */
  tokens(nowMs: number): number {
    this.#tokens = Math.min(
      this.capacity,
      this.#tokens + (Math.max(0, nowMs - this.#atMs) / 1_000) * this.perSecond,
    );
    this.#atMs = nowMs;
    return this.#tokens;
  }

  /** @returns false, and takes nothing, when there are too few */
  take(tokens: number, nowMs: number): boolean {
    if (this.tokens(nowMs) < tokens) return false;
    this.#tokens -= tokens;
    return true;
  }

  /** Takes them whether or not they are there. */
  owe(tokens: number): void {
    this.#tokens -= tokens;
  }

  giveBack(tokens: number): void {
    this.#tokens = Math.min(this.capacity, this.#tokens + tokens);
  }
}
