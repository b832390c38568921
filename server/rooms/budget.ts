/** How much a player may hurt: a token bucket, in cells. */
import { BUDGET_CELLS, BUDGET_CELLS_PER_SECOND } from '../../shared/limits.ts';
import type { Budget } from '../../shared/protocol.ts';

/** Fills continuously up to its capacity; also what limits a client's messages. */
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

  giveBack(tokens: number): void {
    this.#tokens = Math.min(this.capacity, this.#tokens + tokens);
  }
}

export const strokeBudget = (nowMs: number): TokenBucket =>
  new TokenBucket(BUDGET_CELLS, BUDGET_CELLS_PER_SECOND, nowMs);

export function budgetOf(bucket: TokenBucket, nowMs: number): Budget {
  return {
    cells: Math.floor(bucket.tokens(nowMs)),
    capacity: bucket.capacity,
    perSecond: bucket.perSecond,
  };
}
