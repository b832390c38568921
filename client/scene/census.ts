/**
 * The census: where organisms live in the whole world, and who of them sleeps. Pages are streamed only for the view, at
 * one level. The census is asked for every 15 s, so that the map, and the world from far away, show where there is life.
 */
import { type Census, decodeCensus, EMPTY_CENSUS } from '../../shared/census.ts';

const EVERY_MS = 15_000;
/** Relative to the page, which a proxy may serve under a path. */
const URL = 'api/census';

export class CensusTaker {
  #census = EMPTY_CENSUS;
  /** The server's name for `#census`. */
  #tag: string | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  readonly #changed: () => void;
  readonly #timer: ReturnType<typeof setInterval>;

  /** @param changed - called when there is a new census */
  constructor(changed: () => void) {
    this.#changed = changed;
    // In a world in which everyone sleeps, nothing is drawn.
    this.#timer = setInterval(() => {
      if (!document.hidden) this.refresh(performance.now());
    }, EVERY_MS);
  }

  get census(): Census {
    return this.#census;
  }

  /** Called at every drawing, so a hidden page asks nothing. */
  refresh(now: number): void {
    if (now - this.#askedAt < EVERY_MS) return;
    this.#askedAt = now;
    void this.#ask();
  }

  /** Without an answer the last census stays. */
  async #ask(): Promise<void> {
    try {
      // The browser sends the tag of the last answer, and gives that one again when the server says that it still holds.
      const response = await fetch(URL, { cache: 'no-cache' });
      if (!response.ok) return;
      const tag = response.headers.get('ETag');
      if (tag !== null && tag === this.#tag) return;
      this.#census = decodeCensus(new Uint8Array(await response.arrayBuffer()));
      this.#tag = tag;
      this.#changed();
    } catch {
      // Asked for again.
    }
  }

  dispose(): void {
    clearInterval(this.#timer);
  }
}
