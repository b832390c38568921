/** Counts things that are begun and done in the same order, and lets callers wait until they are done. */
export class Progress {
  #begun = 0;
  #done = 0;
  readonly #waiters: { upTo: number; resolve: () => void; reject: (error: Error) => void }[] = [];

  get begun(): number {
    return this.#begun;
  }

  get done(): number {
    return this.#done;
  }

  begin(): void {
    this.#begun++;
  }

  finish(count: number): void {
    this.#done += count;
    while (this.#waiters.length > 0 && this.#waiters[0].upTo <= this.#done) this.#waiters.shift()!.resolve();
  }

  /** Rejects everybody who waits: nothing begun so far will be done any more. */
  drop(error: Error): void {
    this.#done = this.#begun;
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  /**
   * Resolves when everything begun so far is done.
   *
   * @throws Error of `drop`
   */
  async wait(): Promise<void> {
    if (this.#done === this.#begun) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ upTo: this.#begun, resolve, reject });
    return promise;
  }
}
