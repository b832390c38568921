/**
 * Keeps a value, and asks for it again when somebody wants it and it is too old. All who want it meanwhile wait for the
 * same answer.
 */
export class Aged<T> {
  readonly #maxAgeMs: number;
  readonly #now: () => number;
  readonly #ask: () => Promise<T>;
  #askedMs = Number.NEGATIVE_INFINITY;
  #answer: Promise<T> | null = null;
  #isAnswered = false;

  /** @param now - monotonic, ms */
  constructor(maxAgeMs: number, now: () => number, ask: () => Promise<T>) {
    this.#maxAgeMs = maxAgeMs;
    this.#now = now;
    this.#ask = ask;
  }

  /** A failure is an answer, too: it is not asked again before its time. */
  get(): Promise<T> {
    const nowMs = this.#now();
    const isOld = this.#isAnswered && nowMs - this.#askedMs >= this.#maxAgeMs;
    if (this.#answer !== null && !isOld) return this.#answer;
    this.#askedMs = nowMs;
    this.#isAnswered = false;
    const answer = this.#ask();
    this.#answer = answer;
    const settle = (): void => {
      this.#isAnswered = true;
    };
    answer.then(settle, settle);
    return answer;
  }
}
