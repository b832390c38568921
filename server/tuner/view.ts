/** What an admin sees of the tuner. */
import type { TunerMode } from '../../shared/adminApi.ts';

export const TUNER_MODES = ['off', 'manual', 'auto'] as const satisfies readonly TunerMode[];

const MAX_POINTS = 240;

/** A curve of at most 240 points, however long it becomes: every other one is dropped when it is full. */
export class Series {
  #points: (readonly [number, number])[] = [];
  /** Of what is added, every so manieth is kept. */
  #every = 1;
  #skipped = 0;

  /** An x that is not beyond the last one takes back what came after: training has returned to a checkpoint. */
  add(x: number, y: number): void {
    while (this.#points.length > 0 && this.#points[this.#points.length - 1][0] >= x) this.#points.pop();
    if (++this.#skipped < this.#every) return;
    this.#skipped = 0;
    this.#points.push([x, Number(y.toPrecision(4))]);
    if (this.#points.length < MAX_POINTS) return;
    this.#points = this.#points.filter((_, i) => i % 2 === 0);
    this.#every *= 2;
  }

  get points(): readonly (readonly [number, number])[] {
    return this.#points;
  }
}
