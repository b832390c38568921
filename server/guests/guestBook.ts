/**
 * Which guests are remembered, and what of them is on disk. Who has neither chosen a name nor done anything is soon
 * forgotten, because their token tells the rest. Memory decides; the disk follows, at most one write per 10 s.
 */
import { RegistryError } from '../rules/registryFile.ts';
import type { Guest } from './guest.ts';
import type { GuestKeep } from './guestTable.ts';

/** Guests who are kept: about 300 bytes each, in memory and on disk. */
export const MAX_KEPT = 10_000;
/** Guests who have left and have done nothing; they are remembered for those who keep order. */
export const MAX_FLEETING = 1_000;
const KEEP_MS = 10_000;
/** Rows in one write, which holds the main thread up. */
export const MAX_ROWS = 500;

export interface GuestBookOptions {
  /** null: guests live in memory only. */
  readonly keep: GuestKeep | null;
  /** Whether a guest must never be forgotten. */
  readonly isPinned: (id: string) => boolean;
  /** Ids of those who are not forgotten because bodies of theirs live. */
  readonly planters: () => Promise<ReadonlySet<string>>;
  /** Gets what the operator should read. */
  readonly log: (line: string) => void;
}

export class GuestBook {
  readonly #options: GuestBookOptions;
  readonly #here = new Map<string, Guest>();
  /** Who has acted, here or not; who was here last comes last. */
  readonly #acted = new Map<string, Guest>();
  /** Who has left and not acted; who left last comes last. */
  readonly #fleeting = new Map<string, Guest>();
  /** To be written. */
  readonly #changed = new Set<Guest>();
  /** To be removed from disk. */
  readonly #gone = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #isPruning = false;
  #isFailing = false;

  constructor(options: GuestBookOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.write();
      void this.prune();
    }, KEEP_MS).unref();
  }

  /** Writes what is to be kept; what the disk does not take now is lost. */
  close(): void {
    clearInterval(this.#timer);
    while (this.#isDue && this.write());
    if (this.#isDue) this.#options.log(`guests: not written: ${this.#changed.size}`);
    this.#options.keep?.close();
  }

  /** How many are remembered. */
  get size(): number {
    return this.count(() => true);
  }

  count(isCounted: (guest: Guest) => boolean): number {
    let count = 0;
    for (const guests of [this.#here, this.#acted, this.#fleeting])
      for (const [id, guest] of guests)
        if ((guests === this.#here || !this.#here.has(id)) && isCounted(guest)) count++;
    return count;
  }

  get here(): Iterable<Guest> {
    return this.#here.values();
  }

  get #isDue(): boolean {
    return this.#changed.size + this.#gone.size > 0;
  }

  find(id: string): Guest | undefined {
    return this.#here.get(id) ?? this.#acted.get(id) ?? this.#fleeting.get(id);
  }

  /** Guests who are not here, those who left last first. */
  left(most: number): Guest[] {
    const away = (guests: Iterable<Guest>): Guest[] =>
      [...guests].filter(({ visits }) => visits === 0).slice(-most);
    return [...away(this.#acted.values()), ...away(this.#fleeting.values())]
      .sort((a, b) => b.seenMs - a.seenMs)
      .slice(0, most);
  }

  /** From disk, in the order in which they were seen. */
  restore(guests: Iterable<Guest>): void {
    for (const guest of guests) this.#acted.set(guest.id, guest);
  }

  /** A visit of theirs has begun. */
  arrive(guest: Guest): void {
    this.#here.set(guest.id, guest);
    this.#fleeting.delete(guest.id);
    if (this.#acted.has(guest.id)) this.change(guest);
  }

  /** A visit of theirs has ended. */
  depart(guest: Guest): void {
    if (guest.visits > 0) return;
    this.#here.delete(guest.id);
    if (this.#acted.has(guest.id)) {
      this.change(guest);
      return;
    }
    this.#fleeting.set(guest.id, guest);
    if (this.#fleeting.size > MAX_FLEETING) this.#fleeting.delete(this.#fleeting.keys().next().value!);
  }

  /** There is something new to keep of them. */
  change(guest: Guest): void {
    this.#fleeting.delete(guest.id);
    this.#acted.delete(guest.id);
    this.#acted.set(guest.id, guest);
    this.#gone.delete(guest.id);
    if (this.#options.keep !== null) this.#changed.add(guest);
  }

  /** Writes what has changed, at most `MAX_ROWS`. @returns false when the disk did not take it: it waits */
  write(): boolean {
    const { keep, log } = this.#options;
    if (keep === null || !this.#isDue) return true;
    const guests = [...this.#changed].slice(0, MAX_ROWS);
    const gone = [...this.#gone].slice(0, MAX_ROWS);
    try {
      keep.keep(
        guests.map(({ row }) => row),
        gone,
      );
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      // Another program may hold the file for a moment.
      if (!this.#isFailing && error.fault !== 'locked') {
        this.#isFailing = true;
        log(`guests: not written yet: ${error.message}`);
      }
      return false;
    }
    for (const guest of guests) this.#changed.delete(guest);
    for (const id of gone) this.#gone.delete(id);
    if (this.#isFailing) log('guests: written again');
    this.#isFailing = false;
    return true;
  }

  /**
   * Forgets those beyond `MAX_KEPT`, who have been away for longest first. Nobody who is here, pinned, or whose body
   * lives; of the last, those beyond twice `MAX_KEPT` are forgotten, too.
   */
  async prune(): Promise<void> {
    if (this.#isPruning || this.#acted.size <= MAX_KEPT) return;
    this.#isPruning = true;
    try {
      const planters = await this.#options.planters().catch(() => null);
      for (const most of [MAX_KEPT, 2 * MAX_KEPT]) {
        // Without an answer, anybody may be a planter.
        if (most === MAX_KEPT && planters === null) continue;
        for (const [id, guest] of this.#acted) {
          if (this.#acted.size <= most) break;
          if (guest.visits > 0 || this.#options.isPinned(id)) continue;
          if (most === MAX_KEPT && planters!.has(id)) continue;
          this.#acted.delete(id);
          this.#changed.delete(guest);
          if (this.#options.keep !== null) this.#gone.add(id);
        }
      }
    } finally {
      this.#isPruning = false;
    }
  }
}
