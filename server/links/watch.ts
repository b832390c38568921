/** Processes that say every few seconds that they are well, and which of them hang. */

/** Sent by a process from when it serves, every `WELL_MS`, unless only a new start would help it. */
export const WELL = 'well';
export const WELL_MS = 5_000;

/** Says so to the process that has started this one, now and from now on. @param isWell - asked each time */
export function sayWell(isWell: () => boolean = () => true): void {
  const say = (): void => {
    if (isWell() && process.connected) process.send?.(WELL);
  };
  say();
  setInterval(say, WELL_MS).unref();
}

export interface WatchOptions {
  /** A process that says nothing for so many looks, one per `WELL_MS`, hangs. */
  readonly maxLooks: number;
  /** Called once for a process that hangs. @param silent - for how long, as the operator reads it */
  readonly onHang: (name: string, silent: string) => void;
}

/** Looks are counted, not time, because the process that looks may have been paused with the others. */
export class Watch {
  readonly #options: WatchOptions;
  /** Looks since each has last said something. */
  readonly #silent = new Map<string, number>();
  readonly #timer = setInterval(() => this.#look(), WELL_MS);

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** A process has said that it is well; from the first time on, it is watched. */
  heard(name: string): void {
    this.#silent.set(name, 0);
  }

  forget(name: string): void {
    this.#silent.delete(name);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { maxLooks, onHang } = this.#options;
    for (const [name, looks] of this.#silent) {
      this.#silent.set(name, looks + 1);
      if (looks + 1 === maxLooks) onHang(name, `${(maxLooks * WELL_MS) / 1_000} s`);
    }
  }
}
