/**
 * The player's budget now: what the server said last, plus what has refilled since, minus the strokes that it has not
 * answered yet. Pure; `now` is the caller's clock, in ms.
 */
import { energyFault } from '../../shared/energy.ts';
import type { Budget as ServerBudget } from '../../shared/protocol.ts';

export class Budget {
  /** What the server said last, and when. */
  #known: ServerBudget;
  #at: number;
  /** Strokes sent and not yet answered: id → cost. */
  readonly #pending = new Map<number, number>();

  constructor(budget: ServerBudget, now: number) {
    this.#known = budget;
    this.#at = now;
  }

  available(now: number): number {
    let pending = 0;
    for (const cost of this.#pending.values()) pending += cost;
    const { cells, capacity, perSecond } = this.#known;
    const refilled = cells + (perSecond * (now - this.#at)) / 1_000;
    return Math.max(0, Math.min(capacity, refilled) - pending);
  }

  /** @returns the available part of what may be saved up: 0..1 */
  share(now: number): number {
    const { capacity } = this.#known;
    return capacity > 0 ? this.available(now) / capacity : 0;
  }

  /** @returns why a stroke cannot be paid now, for the player to read; null: it can */
  fault(cost: number, now: number): string | null {
    return energyFault({ ...this.#known, cells: this.available(now) }, cost);
  }

  spend(id: number, cost: number): void {
    this.#pending.set(id, cost);
  }

  /** The server has answered stroke `id`, and sent its budget. */
  settle(id: number, budget: ServerBudget, now: number): void {
    this.#pending.delete(id);
    this.learn(budget, now);
  }

  learn(budget: ServerBudget, now: number): void {
    this.#known = budget;
    this.#at = now;
  }

  /** The connection is lost: the strokes sent on it will not be answered. */
  forgetPending(): void {
    this.#pending.clear();
  }
}
