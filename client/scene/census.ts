/**
 * The census: where organisms live in the whole world. Pages are streamed only for the view, at one level. The census is
 * asked for every 15 s, so that the map, and the world from far away, show where there is life.
 */
export interface Settler {
  /** Seed position, cells. */
  readonly x: number;
  readonly y: number;
}

const EVERY_MS = 15_000;
/** Relative to the page, which a proxy may serve under a path. */
const URL = 'api/organisms';

export class Census {
  #settlers: readonly Settler[] = [];
  #askedAt = Number.NEGATIVE_INFINITY;
  readonly #changed: () => void;

  /** @param changed - called when there is a new answer */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get settlers(): readonly Settler[] {
    return this.#settlers;
  }

  /** Called at every drawing, so a hidden page asks nothing. */
  refresh(now: number): void {
    if (now - this.#askedAt < EVERY_MS) return;
    this.#askedAt = now;
    void this.#ask();
  }

  /** Without an answer there are no spots, and everything else goes on. */
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
