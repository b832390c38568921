/** When processes that have ended are started again: soon, and ever later where they end early. */

export interface RestartTimes {
  readonly firstWaitMs: number;
  readonly maxWaitMs: number;
  /** A process that ran for so long was well: the next wait is the shortest again. */
  readonly wellMs: number;
}

export class Restarts {
  readonly #times: RestartTimes;
  readonly #waits = new Set<NodeJS.Timeout>();

  constructor(times: RestartTimes) {
    this.#times = times;
  }

  /**
   * @param failures - how often the process had ended early before, without being well in between
   * @param ranMs - how long it ran
   * @param begin - starts it again, with what is then its `failures`
   * @returns the wait, ms
   */
  after(failures: number, ranMs: number, begin: (failures: number) => void): number {
    const { firstWaitMs, maxWaitMs, wellMs } = this.#times;
    const next = ranMs > wellMs ? 0 : failures + 1;
    const waitMs = Math.min(maxWaitMs, firstWaitMs * 2 ** next);
    const wait = setTimeout(() => {
      this.#waits.delete(wait);
      begin(next);
    }, waitMs);
    this.#waits.add(wait);
    return waitMs;
  }

  /** Starts nothing any more that waits. */
  cancel(): void {
    for (const wait of this.#waits) clearTimeout(wait);
    this.#waits.clear();
  }
}
