/** Work that must not overlap: one piece after another, in order of arrival. A piece that fails does not stop the next. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** @returns what the work returns or throws, once its turn has come */
  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}
