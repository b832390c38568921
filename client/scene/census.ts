/**
 * Who lives where, in the whole world. Pages are streamed only where one looks, and at one level; the rest is
 * asked for now and then, so that the map, and the world seen from far, show that there is life.
 */
export interface Settler {
  /** Seed position, cells. */
  readonly x: number;
  readonly y: number;
}

const EVERY_MS = 15_000;
const URL = '/api/organisms';

export class Census {
  #settlers: readonly Settler[] = [];
  #askedAt = Number.NEGATIVE_INFINITY;
  readonly #changed: () => void;

  /** @param changed - there is a new answer */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get settlers(): readonly Settler[] {
    return this.#settlers;
  }

  /** Called while somebody looks: a page that nobody sees asks nothing. */
  refresh(now: number): void {
    if (now - this.#askedAt < EVERY_MS) return;
    this.#askedAt = now;
    void this.#ask();
  }

  /** It is a help, not a need: without an answer there are no spots. */
  async #ask(): Promise<void> {
    try {
      const response = await fetch(URL);
      const settlers: unknown = response.ok ? await response.json() : [];
      this.#settlers = Array.isArray(settlers) ? settlers : [];
    } catch {
      this.#settlers = [];
    }
    this.#changed();
  }
}
