/** When everybody's health was sampled, and so whose body has been steady for long enough to be settled. */
import { stepsBetween } from '../../shared/numbers.ts';
import { HISTORY_SAMPLES, type Organism } from './organism.ts';

/** A body is settled when its health was steady for this long: 2 s of samples, and steps as of 1.5 s by default. */
const SETTLED_SAMPLES = 8;
const SETTLED_STEPS = 45;

export class Samples {
  #count = 0;
  /** Step at each of the last `HISTORY_SAMPLES` samples since the world was opened, oldest first. */
  #steps: number[] = [];
  /** Samples that a settled body was steady for; null: there are not yet enough. */
  #settled: number | null = null;

  /** Samples since the world began. */
  get count(): number {
    return this.#count;
  }

  /** @param step - uint32 */
  take(step: number): void {
    this.#count++;
    this.#steps.push(step);
    if (this.#steps.length > HISTORY_SAMPLES) this.#steps.shift();
    this.#settled = settledSamplesOf(this.#steps);
  }

  /** The world was opened anew: nobody is settled before there are samples again. */
  forget(): void {
    this.#steps = [];
    this.#settled = null;
  }

  /**
   * Whether a body's health has lain within `within` for long enough: for eight samples, and for as many as it takes until
   * they span 45 steps. Of a body that grows in a slow world, a few seconds say nothing.
   */
  isSettled({ history }: Organism, within: number): boolean {
    return this.#settled !== null && history.isSteady(this.#settled, within);
  }
}

/** @param steps - at each sample, oldest first @returns the fewest newest ones that span long enough; null: none do */
function settledSamplesOf(steps: readonly number[]): number | null {
  for (let samples = SETTLED_SAMPLES; samples <= steps.length; samples++)
    if (stepsBetween(steps[steps.length - samples], steps[steps.length - 1]) >= SETTLED_STEPS) return samples;
  return null;
}
