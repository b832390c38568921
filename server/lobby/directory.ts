/**
 * Which worlds a relay serves. Those that the operator has named are there always, at rest while nobody owns them; those
 * that were found are there from when they first answered until they have been gone for ten minutes.
 */

/** A world that was found and is gone is forgotten after this. */
export const GONE_MS = 10 * 60_000;

/** A relay's way to a world. */
export interface Place {
  /** The world answers. */
  readonly isUp: boolean;
  /** Ends the way, and what is served over it. */
  close(): Promise<void>;
}

export interface DirectoryOptions<P extends Place> {
  /** Worlds that the operator has named. */
  readonly named: readonly string[];
  /** Names of the worlds that can be found at the moment. */
  readonly found: () => readonly string[];
  /** Begins to look for a world. */
  readonly open: (name: string) => P;
  /** Where there are more worlds, those that were found last are not served. */
  readonly maxPlaces: number;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** Takes a line for the operator. */
  readonly log: (line: string) => void;
}

interface Entry<P> {
  readonly place: P;
  readonly isNamed: boolean;
  hasAnswered: boolean;
  /** Since when it does not answer; null: it does. */
  downSinceMs: number | null;
}

export class Directory<P extends Place> {
  readonly #options: DirectoryOptions<P>;
  readonly #entries = new Map<string, Entry<P>>();
  #isFull = false;

  constructor(options: DirectoryOptions<P>) {
    this.#options = options;
    for (const name of options.named) this.#open(name, true);
  }

  /** Looks who has come and who is gone; called every second or so. */
  sweep(): void {
    const { found, now, maxPlaces, log } = this.#options;
    const names = found();
    const nowMs = now();
    for (const [name, entry] of this.#entries) {
      if (entry.place.isUp) {
        entry.hasAnswered = true;
        entry.downSinceMs = null;
        continue;
      }
      entry.downSinceMs ??= nowMs;
      const isKept = entry.isNamed || names.includes(name) || this.#isShown(entry, nowMs);
      if (!isKept) this.#close(name, entry);
    }
    const others = names.filter((name) => !this.#entries.has(name));
    const room = Math.max(0, maxPlaces - this.#entries.size);
    for (const name of others.slice(0, room)) this.#open(name, false);
    const isFull = others.length > room;
    if (isFull && !this.#isFull)
      log(`more than ${maxPlaces} worlds are found: the others are not served here`);
    this.#isFull = isFull;
  }

  /** By name. */
  get all(): [name: string, place: P][] {
    const nowMs = this.#options.now();
    return [...this.#entries]
      .filter(([, entry]) => this.#isShown(entry, nowMs))
      .map(([name, { place }]): [string, P] => [name, place])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** @returns undefined: there is no such world */
  get(name: string): P | undefined {
    const entry = this.#entries.get(name);
    return entry !== undefined && this.#isShown(entry, this.#options.now()) ? entry.place : undefined;
  }

  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map(({ place }) => place.close()));
  }

  #isShown({ place, isNamed, hasAnswered, downSinceMs }: Entry<P>, nowMs: number): boolean {
    if (isNamed || place.isUp) return true;
    return hasAnswered && (downSinceMs === null || nowMs - downSinceMs <= GONE_MS);
  }

  #open(name: string, isNamed: boolean): void {
    const place = this.#options.open(name);
    this.#entries.set(name, { place, isNamed, hasAnswered: false, downSinceMs: null });
  }

  #close(name: string, { place }: Entry<P>): void {
    this.#entries.delete(name);
    place.close().catch((error: Error) => this.#options.log(`leaving the world ${name}: ${error.message}`));
  }
}
