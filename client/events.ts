/** Calls its listeners with every value that is emitted. */
export class Signal<T extends readonly unknown[]> {
  readonly #listeners = new Set<(...args: T) => void>();

  /** @returns a function that removes the listener */
  on(listener: (...args: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(...args: T): void {
    for (const listener of this.#listeners) listener(...args);
  }
}
