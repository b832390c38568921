/** The drawings that wait to be learned: whose turn comes when. */
import type { Drawings } from './drawings.ts';
import type { DrawingRow } from './drawingTable.ts';
import { Estimate } from './estimate.ts';
import type { LearningProcess } from './learningProcess.ts';
import { turnOrder } from './turnOrder.ts';

export class Queue {
  readonly estimate = new Estimate();
  readonly #drawings: Drawings;
  readonly #running: () => LearningProcess | null;

  /** @param running - the process that learns at the moment; null: none does */
  constructor(drawings: Drawings, running: () => LearningProcess | null) {
    this.#drawings = drawings;
    this.#running = running;
  }

  /** In the order of their turns. */
  get rows(): DrawingRow[] {
    const begun = this.#drawings.all.filter((row) => row.begun !== '');
    return turnOrder(this.#drawings.in('queued'), begun);
  }

  /** @returns how many come before it; null: it is not in the queue */
  placeOf(id: number): number | null {
    const place = this.rows.findIndex((row) => row.id === id);
    return place < 0 ? null : place;
  }

  waitSeconds(place: number): number {
    return this.estimate.wait(place, this.#progressNow);
  }

  /** For the drawing that is learned at the moment; null: none is. */
  get secondsLeft(): number | null {
    const now = this.#progressNow;
    return now === null ? null : this.estimate.left(now.done, now.maxIterations);
  }

  get #progressNow(): { readonly done: number; readonly maxIterations: number } | null {
    const running = this.#running();
    if (running === null) return null;
    const { iterations, maxIterations } = running.progress ?? { iterations: 0, maxIterations: Infinity };
    return { done: iterations, maxIterations };
  }
}
