/** Curves of training, as people see them. */
const MAX_POINTS = 240;

/** A curve of at most 240 points: when it is full, every other point is dropped. */
export class Series {
  #points: (readonly [number, number])[] = [];
  /** Keeps every n-th added point. */
  #every = 1;
  #skipped = 0;

  /** An x that is not beyond the last one removes the points after it: training has returned to a checkpoint. */
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
