/** What undo and redo go back and forth between: whole drawings, each at most 16 KiB. */
import type { Drawing } from '../../shared/drawing/drawing.ts';

/** 2 × 100 drawings of 64 x 64 are 3.2 MB. */
export const MAX_UNDO = 100;

export class History {
  #past: Drawing[] = [];
  #future: Drawing[] = [];

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  /** @param before - the drawing as it was; must not change any more */
  note(before: Drawing): void {
    this.#past.push(before);
    if (this.#past.length > MAX_UNDO) this.#past.shift();
    this.#future = [];
  }

  /** @returns the drawing before `now`; null: there is none */
  undo(now: Drawing): Drawing | null {
    return step(this.#past, this.#future, now);
  }

  redo(now: Drawing): Drawing | null {
    return step(this.#future, this.#past, now);
  }

  forget(): void {
    this.#past = [];
    this.#future = [];
  }
}

function step(from: Drawing[], to: Drawing[], now: Drawing): Drawing | null {
  const next = from.pop();
  if (next === undefined) return null;
  to.push(now);
  return next;
}
