/** When the stage draws, and when it asks for new light. */

/** The browser is slow when it needs longer than this for a frame; a screen of 30 Hz is ready sooner. */
const SLOW_MS = 40;
const MAX_PAUSE_MS = 120;
/** Light and map are renewed about five times per second, a little behind the cells. */
const LIGHT_EVERY_MS = 220;

/** Draws once at the browser's next frame, however often it is asked to until then. */
export class DrawSchedule {
  readonly #draw: () => void;
  #isDue = false;
  #frame = 0;
  #pause: ReturnType<typeof setTimeout> | undefined;
  /** Running mean of the time from asking for a frame to drawing it. */
  #lateMs = 0;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  request(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    // On a slow browser (without a GPU), other work gets as much time as drawing takes.
    if (this.#lateMs < SLOW_MS) this.#ask();
    else this.#pause = setTimeout(() => this.#ask(), Math.min(MAX_PAUSE_MS, this.#lateMs));
  }

  dispose(): void {
    clearTimeout(this.#pause);
    cancelAnimationFrame(this.#frame);
  }

  #ask(): void {
    const askedAt = performance.now();
    this.#frame = requestAnimationFrame(() => {
      this.#lateMs = this.#lateMs * 0.8 + (performance.now() - askedAt) * 0.2;
      this.#isDue = false;
      this.#draw();
    });
  }
}

/** Asks for light at most every `LIGHT_EVERY_MS`, and once more after the last request. */
export class LightSchedule {
  readonly #ask: () => void;
  #askedAt = Number.NEGATIVE_INFINITY;
  #due: ReturnType<typeof setTimeout> | undefined;

  constructor(ask: () => void) {
    this.#ask = ask;
  }

  request(now: number): void {
    const dueMs = this.#askedAt + LIGHT_EVERY_MS - now;
    clearTimeout(this.#due);
    if (dueMs > 0) {
      // The last drawing before the world stands still must get its light, too.
      this.#due = setTimeout(() => this.request(performance.now()), dueMs);
      return;
    }
    this.#askedAt = now;
    this.#ask();
  }

  dispose(): void {
    clearTimeout(this.#due);
  }
}
