/**
 * What this player may still hurt: the server's last word, less what is on its way, plus what has refilled
 * since. Pure; the clock is the caller's, in ms.
 */
import type { Budget as ServerBudget } from '../../shared/protocol.ts';

export class Budget {
  capacity: number;
  perSecond: number;
  #cells: number;
  #at: number;
  /** Strokes sent and not yet answered: id → cost. */
  readonly #pending = new Map<number, number>();

  constructor(budget: ServerBudget, now: number) {
    this.capacity = budget.capacity;
    this.perSecond = budget.perSecond;
    this.#cells = budget.cells;
    this.#at = now;
  }

  available(now: number): number {
    let pending = 0;
    for (const cost of this.#pending.values()) pending += cost;
    const refilled = this.#cells + (this.perSecond * (now - this.#at)) / 1_000;
    return Math.max(0, Math.min(this.capacity, refilled) - pending);
  }

  /** 0..1 of what may be saved up. */
  share(now: number): number {
    return this.capacity > 0 ? this.available(now) / this.capacity : 0;
  }

  spend(id: number, cost: number): void {
    this.#pending.set(id, cost);
  }

  /** The server has answered stroke `id`; its budget is the truth. */
  settle(id: number, budget: ServerBudget, now: number): void {
    this.#pending.delete(id);
    this.reset(budget, now);
  }

  reset(budget: ServerBudget, now: number): void {
    this.capacity = budget.capacity;
    this.perSecond = budget.perSecond;
    this.#cells = budget.cells;
    this.#at = now;
  }

  /** A new connection has never heard of what was sent on the old one. */
  forgetPending(): void {
    this.#pending.clear();
  }
}
