/** How long a learning takes, and a place in the queue. */

/** Iterations of learnings before there are any of one's own: as measured with ten drawings (`npm run bench -- nursery`). */
const FIRST_GUESS = [800, 1650, 2200];
/** Judging and planting cost about as much as so many iterations. */
const JUDGED_LIKE = 150;
/** Before the first iteration is timed. */
const FIRST_PACE_SECONDS = 0.2;
/** Newest learnings that count. */
const MAX_PAST = 24;
/** The pace follows the last minute or so. */
const PACE_PART = 0.05;

export class Estimate {
  #past: number[] = [];
  #paceSeconds = FIRST_PACE_SECONDS;

  /** A learning has ended. */
  ended(iterations: number): void {
    this.#past = [...this.#past, iterations].slice(-MAX_PAST);
  }

  /** @param seconds - that these iterations took */
  pass(iterations: number, seconds: number): void {
    if (iterations <= 0 || !(seconds > 0)) return;
    const part = 1 - (1 - PACE_PART) ** iterations;
    this.#paceSeconds += part * (seconds / iterations - this.#paceSeconds);
  }

  /**
   * The median of those past learnings that took more than this one has had, so that the estimate never runs out before
   * the learning does.
   *
   * @param done - iterations so far
   * @returns seconds that are left
   */
  left(done: number, maxIterations: number): number {
    const past = this.#past.length >= FIRST_GUESS.length ? this.#past : [...FIRST_GUESS, ...this.#past];
    const longer = past.filter((iterations) => iterations > done).sort((a, b) => a - b);
    const end = longer.length === 0 ? maxIterations : longer[longer.length >> 1];
    return Math.max(0, end - done + JUDGED_LIKE) * this.#paceSeconds;
  }

  /**
   * @param place - 0: it is next
   * @param running - iterations of the learning that is under way, and the most it may have; null: there is none
   */
  wait(place: number, running: { readonly done: number; readonly maxIterations: number } | null): number {
    const now = running === null ? 0 : this.left(running.done, running.maxIterations);
    return now + (place + 1) * this.left(0, Infinity);
  }
}
