/**
 * While Dawn's binding waits for a buffer, it spins the event loop and keeps a core busy; on SwiftShader it takes that
 * time from the work itself. So the engine sleeps for most of the expected time of a submission, and only then asks for
 * the buffer.
 */

/** Sleeps this share of the shortest time per step of the last submissions: a delayed one must not delay the next. */
const SLEPT_SHARE = 0.9;
const REMEMBERED = 4;
/** Timers fire up to this late. Where that is a large part of the time, as on a GPU, the engine does not sleep. */
const LATE_MS = 1;
const MIN_MS = 3;
/** The longest sleep, and so the most that a wrong guess costs. */
const MAX_MS = 250;

export class Patience {
  /** Milliseconds per step of the last submissions; 0: not known yet. */
  readonly #stepMs = new Float64Array(REMEMBERED);
  #next = 0;

  /** How long to sleep for a submission: 0, or whole milliseconds from `MIN_MS` on. */
  sleepMs(steps: number): number {
    let least = MAX_MS;
    for (let i = 0; i < REMEMBERED; i++) least = Math.min(least, this.#stepMs[i]);
    const ms = Math.floor(Math.min(MAX_MS, least * steps * SLEPT_SHARE)) - LATE_MS;
    return ms < MIN_MS ? 0 : ms;
  }

  /** @param tookMs - from the submission to its report, including the sleep */
  learn(steps: number, tookMs: number): void {
    if (steps === 0) return;
    this.#stepMs[this.#next] = tookMs / steps;
    this.#next = (this.#next + 1) % REMEMBERED;
  }
}
