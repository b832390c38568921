/**
 * How the server ends. A signal, or an error that nothing caught, stops the parts that were started, one after another
 * and each once. A part that fails or hangs does not keep the others from stopping.
 *
 * One Ctrl-C may arrive twice, from the terminal and from npm, so signals within 2 s are one request.
 */

/** A part of the server that has something to finish. */
export interface Part {
  /** What its stop does, as the operator reads it: "saving the world". */
  readonly what: string;
  /** What it means when the process ends before this is done, as a sentence without a full stop. */
  readonly ifCutShort: string;
  /** Longest time without progress, ms; then the next part is stopped. */
  readonly patienceMs: number;
  /** @param progress - reports that something was done, and restarts `patienceMs`; the text is for the operator */
  stop(progress: (text: string) => void): Promise<void>;
}

/** The part of Node's `process` that is used here; tests fake it. */
export interface ProcessLike {
  on(event: string, listener: (error: Error) => void): unknown;
  exit(code: number): void;
}

// Node sets SIGHUP back to "end the process" even under nohup, so a closed terminal is a signal like the others.
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** Signals within this time of the first are the same request, ms. */
const SAME_REQUEST_MS = 2_000;
/** A stop that takes longer is reported, and again after each further period, ms. */
const REPORT_MS = 2_000;
/** After this time a second request ends at once, ms: by then reports have said what is going on. */
const LONG_STOP_MS = 10_000;
/** The request that ends at once however short the stop is. */
const IMPATIENT_REQUEST = 3;

export class Stopping {
  readonly #process: ProcessLike;
  readonly #log: (line: string) => void;
  readonly #parts: Part[] = [];
  /** Index in `#parts` of the part that is being stopped. */
  #at = 0;
  #begunMs: number | null = null;
  #requests = 0;
  #requestedMs = Number.NEGATIVE_INFINITY;
  #exitCode = 0;
  /** The last progress text of the part that is being stopped. */
  #progress = '';

  /** Signals and uncaught errors are handled from now on: as the first process of a container, an unhandled one is ignored. */
  constructor(process: ProcessLike, log: (line: string) => void) {
    this.#process = process;
    this.#log = log;
    for (const signal of SIGNALS) process.on(signal, () => this.#request());
    process.on('uncaughtException', (error) => {
      log(error instanceof Error ? (error.stack ?? error.message) : `uncaught: ${String(error)}`);
      void this.stop(1);
    });
  }

  /** A stop has begun. */
  get isUnderWay(): boolean {
    return this.#begunMs !== null;
  }

  /** Parts are stopped in the order in which they were added; one that is added during a stop is stopped, too. */
  add(part: Part): void {
    this.#parts.push(part);
  }

  /**
   * Stops all parts, then ends the process. A second call during the stop only raises the exit code.
   *
   * @param exitCode - 0 if nothing was wrong; a part that fails or hangs makes it 1
   */
  async stop(exitCode: number): Promise<void> {
    this.#exitCode = Math.max(this.#exitCode, exitCode);
    if (this.#begunMs !== null) return;
    this.#begunMs = performance.now();
    const reports = setInterval(() => this.#log(this.#report()), REPORT_MS);
    for (; this.#at < this.#parts.length; this.#at++) {
      const part = this.#parts[this.#at];
      this.#progress = '';
      try {
        await this.#patiently(part);
      } catch (error) {
        this.#exitCode = 1;
        this.#log(`${part.what}: ${(error as Error).message}; ${part.ifCutShort}`);
      }
    }
    clearInterval(reports);
    this.#process.exit(this.#exitCode);
  }

  #patiently(part: Part): Promise<void> {
    const { patienceMs } = part;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(new Error(`no progress within ${patienceMs / 1_000} s`));
      const timer = setTimeout(giveUp, patienceMs);
      const progress = (text: string): void => {
        this.#progress = text;
        timer.refresh();
      };
      part
        .stop(progress)
        .finally(() => clearTimeout(timer))
        .then(resolve, reject);
    });
  }

  /** Takes a signal: the first starts the stop, a later one may end it at once. */
  #request(): void {
    const nowMs = performance.now();
    if (nowMs - this.#requestedMs < SAME_REQUEST_MS) return;
    this.#requestedMs = nowMs;
    this.#requests++;
    if (this.#begunMs === null) return void this.stop(0);
    if (this.#requests >= IMPATIENT_REQUEST || nowMs - this.#begunMs >= LONG_STOP_MS) {
      this.#log(`ended at once: ${this.#leftOver()}`);
      this.#process.exit(1);
      return;
    }
    this.#log(`${this.#report()}; one more signal may end at once: ${this.#leftOver()}`);
  }

  /** "saving the world: 1,200 of 8,192 pages, 6 s …" */
  #report(): string {
    const seconds = Math.round((performance.now() - this.#begunMs!) / 1_000);
    const { what } = this.#parts[this.#at];
    return `${what}: ${this.#progress && `${this.#progress}, `}${seconds} s …`;
  }

  #leftOver(): string {
    return this.#parts
      .slice(this.#at)
      .map(({ ifCutShort }) => ifCutShort)
      .join('; ');
  }
}
