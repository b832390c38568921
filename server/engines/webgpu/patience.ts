/**
 * While Dawn's binding waits for a buffer it turns the event loop without a pause, which takes a core, on SwiftShader
 * from the one that does the work. So the engine sleeps for most of the time that a submission will take, and asks
 * for the buffer then.
 */

/** Of the quickest of the last submissions, by step: one that was held up must not hold up the next. */
const SLEPT = 0.9;
const REMEMBERED = 4;
/** Timers ring up to so much late. Where that is much of the time, as on a GPU, nothing is slept. */
const LATE_MS = 1;
const MIN_MS = 3;
/** A wrong guess costs no more. */
const MAX_MS = 250;

export class Patience {
  /** Milliseconds of a step; 0 until as many are known. */
  readonly #stepMs = new Float64Array(REMEMBERED);
  #next = 0;

  /** Whole milliseconds, at least `MIN_MS` or 0. */
  sleepMs(steps: number): number {
    let least = MAX_MS;
    for (let i = 0; i < REMEMBERED; i++) least = Math.min(least, this.#stepMs[i]);
    const ms = Math.floor(Math.min(MAX_MS, least * steps * SLEPT)) - LATE_MS;
    return ms < MIN_MS ? 0 : ms;
  }

  /** @param tookMs - from the submission to its report, the sleep included */
  learn(steps: number, tookMs: number): void {
    if (steps === 0) return;
    this.#stepMs[this.#next] = tookMs / steps;
    this.#next = (this.#next + 1) % REMEMBERED;
  }
}
