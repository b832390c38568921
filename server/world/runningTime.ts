/**
 * World time: the seconds and steps in which the world ran. It passes only with steps, so that nothing of a paused world
 * changes by itself, and nothing that is timed is due all at once when the world runs again. Pure.
 */
import { stepsBetween } from '../../shared/numbers.ts';

/**
 * Between two steps, at most this much counts, and the frame of the second one. In a world slower than one step per second,
 * time passes more slowly, too.
 */
const MAX_STILL_SECONDS = 1;

export class RunningTime {
  #seconds = 0;
  #steps = 0;
  #lastStep: number;
  /** Time since the last step; counted when the next one comes. */
  #stillSeconds = 0;

  /** @param step - current, uint32 */
  constructor(step: number) {
    this.#lastStep = step;
  }

  get seconds(): number {
    return this.#seconds;
  }

  /** Since this process began. */
  get steps(): number {
    return this.#steps;
  }

  /** Whether the world is paused, or so slow that some of the time since its last step will not count. */
  get isStill(): boolean {
    return this.#stillSeconds >= MAX_STILL_SECONDS;
  }

  /** The world was replaced by one that ran for so long. @param step - its, uint32 */
  restore(seconds: number, step: number): void {
    this.#seconds = seconds;
    this.#lastStep = step;
    this.#stillSeconds = 0;
  }

  /** @returns the seconds by which world time has grown: 0 if no step was taken since the last call */
  pass(elapsedSeconds: number, step: number): number {
    const steps = stepsBetween(this.#lastStep, step);
    this.#lastStep = step;
    if (steps === 0) {
      this.#stillSeconds = Math.min(this.#stillSeconds + elapsedSeconds, MAX_STILL_SECONDS);
      return 0;
    }
    const passed = this.#stillSeconds + elapsedSeconds;
    this.#stillSeconds = 0;
    this.#steps += steps;
    this.#seconds += passed;
    return passed;
  }
}
