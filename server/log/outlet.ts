/**
 * One stream that lines go to, standard output or error. It never makes the process wait: not for a reader who has
 * stopped reading, nor for a terminal that Ctrl-S has stopped. What cannot be taken is dropped and counted.
 */

/** The part of `process.stdout` that is used; tests fake it. */
export interface OutletStream {
  readonly isTTY?: boolean;
  readonly writableLength: number;
  write(text: string): unknown;
  on(event: 'error', listener: () => void): unknown;
  /** Node's own, which a terminal has. */
  readonly _handle?: { setBlocking?(isBlocking: boolean): unknown } | null;
}

/** Bytes that wait for a reader. */
export const MAX_WAITING_BYTES = 2 ** 20;
/** A bug that is met with every message must not fill a disk. */
export const MAX_LINES_AT_ONCE = 1_000;
export const LINES_PER_SECOND = 100;

export class Outlet {
  readonly #stream: OutletStream;
  readonly #now: () => number;
  #dropped = 0;
  /** `#dropped` when `takeUntold` was last asked. */
  #told = 0;
  #allowed = MAX_LINES_AT_ONCE;
  #lastMs: number;

  /** @param now - a monotonic clock, ms */
  constructor(stream: OutletStream, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
    this.#lastMs = now();
    // Whoever read it may have gone, or its disk may be full: neither stops a server, or keeps it from stopping.
    stream.on('error', () => {});
    // Node waits for terminals, and so would the world.
    if (stream.isTTY === true && process.platform !== 'win32') stream._handle?.setBlocking?.(false);
  }

  /** Lines that were left out. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @param line - with its line feed @returns false: it was left out */
  write(line: string): boolean {
    const now = this.#now();
    const earned = ((now - this.#lastMs) / 1_000) * LINES_PER_SECOND;
    this.#allowed = Math.min(MAX_LINES_AT_ONCE, this.#allowed + earned);
    this.#lastMs = now;
    if (this.#allowed < 1 || this.#stream.writableLength > MAX_WAITING_BYTES) {
      this.#dropped++;
      return false;
    }
    this.#allowed--;
    this.#stream.write(line);
    return true;
  }

  /** How many lines were left out since this was last asked. */
  takeUntold(): number {
    const untold = this.#dropped - this.#told;
    this.#told = this.#dropped;
    return untold;
  }
}
