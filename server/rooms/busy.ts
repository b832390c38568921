/**
 * Whether a thread that serves viewers has so much to do that those who only watch should cost it less: its event loop
 * had nothing to wait for in most of the last seconds.
 */

/** How often `note` is called. */
export const BUSY_SAMPLE_MS = 500;
/** One sample's weight: a burst of joins, two seconds long, is not enough. */
const WEIGHT = 0.1;
const BUSY_SHARE = 0.8;
/** Well below the first, because those who cost less now will cost more again. */
const CALM_SHARE = 0.5;
/** It counts as busy at least this long, and twice as long each time that it was calm for less than that. */
const MIN_BUSY_MS = 30_000;
const MAX_BUSY_MS = 480_000;

export class Busy {
  #share = 0;
  #isBusy = false;
  #changedMs = Number.NEGATIVE_INFINITY;
  #holdMs = MIN_BUSY_MS;

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** @param share - 0..1 of the time since the last call in which the event loop was not idle */
  note(share: number, nowMs: number): void {
    this.#share += (share - this.#share) * WEIGHT;
    const forMs = nowMs - this.#changedMs;
    if (!this.#isBusy && this.#share > BUSY_SHARE) {
      this.#holdMs = forMs < this.#holdMs ? Math.min(MAX_BUSY_MS, 2 * this.#holdMs) : MIN_BUSY_MS;
      this.#change(true, nowMs);
    } else if (this.#isBusy && this.#share < CALM_SHARE && forMs >= this.#holdMs) {
      this.#change(false, nowMs);
    }
  }

  #change(isBusy: boolean, nowMs: number): void {
    this.#isBusy = isBusy;
    this.#changedMs = nowMs;
  }
}
