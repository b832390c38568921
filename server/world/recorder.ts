/**
 * Hands the world's acts to the journal, and holds acknowledgements back until their entries are on disk. When entries
 * are lost, nothing is acknowledged until two saves hold the world.
 *
 * A save begins a segment of the journal, and takes its place only when the journal that leads to it is on disk: so both
 * saves that are kept lead to the present. While the disk is in trouble, a save begins its segment only when all of the
 * save is on disk: a disk that stays full gets no segment per try. Entries wait in memory meanwhile. If the save fails,
 * they follow the segment before.
 */
import type { WorldLog } from './worldLog.ts';
import type { JournalPlace } from './worldSave.ts';

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** @param signal - ends it early */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** What the simulation needs of its journal (`storage/journal.ts`). */
export interface WorldJournal {
  /** @param isAwaited - false: nobody waits for it */
  append(entry: Uint8Array, isAwaited: boolean): void;
  /** Resolves when all entries are on disk; rejects when that has become impossible. */
  flushed(): Promise<void>;
  /**
   * What follows goes into a new segment.
   *
   * @param isAfterGap - entries before it are lost: it can only follow a save of this moment
   * @returns its number
   */
  rotate(isAfterGap: boolean): number;
  /** The number that `rotate` gives next. */
  readonly nextSegment: number;
  /** Why nothing can be written at the moment, for people; null: all is well. */
  readonly trouble: string | null;
  /** Entries were lost. */
  readonly isBroken: boolean;
}

/**
 * How often what nobody waits for goes to the disk: steps, deaths, bodies that moved. A kill or a power cut takes no more
 * of the world's time than this.
 */
const HEARTBEAT_MS = 1_000;
/** Longest wait of an answer for a disk that does not take its entry. */
const MAX_DISK_WAIT_MS = 5_000;
/** Between two tries to save a world that is in trouble. */
const SAVE_AGAIN_MS = 5_000;
/** Longest wait of a save for the journal that leads to it. */
const MAX_JOURNAL_WAIT_MS = 5_000;
/** Entries that wait in memory for a save: an hour of 64 strokes per second. */
const MAX_HELD_BYTES = 64 * 2 ** 20;

type Log = Pick<WorldLog, 'take' | 'hasActs' | 'isOverfull' | 'lose' | 'start'>;

/** The disk does not take it. */
export class NotSavedError extends Error {
  override name = 'NotSavedError';
}

const mayBeLost = (): NotSavedError =>
  new NotSavedError('it was done, but the disk does not take it: it may be lost');

interface Waiting {
  readonly sinceMs: number;
  readonly giveUp: () => void;
}

/** An entry that waits for a save. */
interface Held {
  readonly entry: Uint8Array | null;
  readonly isAwaited: boolean;
  /** Settled when it is on disk, or lost. */
  readonly waiting: PromiseWithResolvers<void> | null;
}

/** A save under way. */
interface Try extends JournalPlace {
  /** What happened since its moment; null: its segment has begun, and has that. */
  held: Held[] | null;
  heldBytes: number;
}

export class Recorder {
  readonly #log: Log;
  readonly #journal: WorldJournal;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  /** Settled when the acts since the last entry are on disk; null: there are none. */
  #nextFlush: PromiseWithResolvers<void> | null = null;
  /** When an entry was last sent to the disk, and not only to the journal. */
  #lastFlushMs: number;
  /** Entries were lost, and no save has been written since; `closing`: one has, and the save before it leads nowhere. */
  #gap: 'open' | 'closing' | null = null;
  #try: Try | null = null;
  /** Why the last save failed; null: it did not. */
  #saveTrouble: string | null = null;
  #lastTryMs = Number.NEGATIVE_INFINITY;

  /** @param isAfterGap - the world was restored from a save to which the one before does not lead */
  constructor(log: Log, journal: WorldJournal, clock: Clock, isAfterGap = false) {
    this.#log = log;
    this.#journal = journal;
    this.#clock = clock;
    this.#lastFlushMs = clock.now();
    if (isAfterGap) this.#gap = 'closing';
  }

  /** Why the world cannot be saved now, for people; null: all is well. */
  get trouble(): string | null {
    const gap = this.#isWhole && this.#gap === null ? null : 'its journal has a gap until it is saved';
    return this.#journal.trouble ?? this.#saveTrouble ?? gap;
  }

  /** Called before something is done that must not be lost. @throws NotSavedError with the disk's trouble */
  check(): void {
    const { trouble } = this;
    if (trouble !== null)
      throw new NotSavedError(`Nothing can be changed now: the world cannot be saved (${trouble}).`);
  }

  /** Whether what happens next follows from what the journal has. */
  get #isWhole(): boolean {
    return !(this.#gap === 'open' || this.#journal.isBroken || this.#log.isOverfull);
  }

  /** Between two acts, never within one. Writes what happened since the last call, and a heartbeat when one is due. */
  record(): void {
    this.#record(this.#clock.now() - this.#lastFlushMs >= HEARTBEAT_MS);
  }

  /** @param isForced - an entry is written although nothing happened */
  #record(isForced: boolean): void {
    const entry = this.#log.take(isForced);
    const waiting = this.#nextFlush;
    this.#nextFlush = null;
    const isAwaited = waiting !== null || isForced;
    if (entry !== null && isAwaited) this.#lastFlushMs = this.#clock.now();
    if (this.#try?.held && !this.#log.isOverfull) this.#hold(entry, isAwaited, waiting);
    else this.#append(entry, isAwaited, waiting);
  }

  #append(entry: Uint8Array | null, isAwaited: boolean, waiting: Held['waiting']): void {
    // Behind a gap, nothing follows from what is written.
    if (!this.#isWhole) {
      waiting?.reject(mayBeLost());
      return;
    }
    if (entry !== null) this.#journal.append(entry, isAwaited);
    if (waiting !== null) this.#journal.flushed().then(waiting.resolve, waiting.reject);
  }

  #hold(entry: Uint8Array | null, isAwaited: boolean, waiting: Held['waiting']): void {
    const tried = this.#try!;
    tried.held!.push({ entry, isAwaited, waiting });
    tried.heldBytes += entry?.length ?? 0;
    if (tried.heldBytes > MAX_HELD_BYTES) this.#log.lose();
  }

  /** As `record`, if the engine or a swap was acted on: so that the disk works while the engine steps. */
  recordActs(): void {
    if (this.#log.hasActs) this.record();
  }

  /** Resolves when everything done so far is on disk. @throws NotSavedError when the disk does not take it */
  onDisk(): Promise<void> {
    this.#nextFlush ??= Promise.withResolvers<void>();
    const { promise } = this.#nextFlush;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(mayBeLost());
      const waiting = { sinceMs: this.#clock.now(), giveUp };
      this.#waiting.add(waiting);
      promise.then(resolve, giveUp).finally(() => this.#waiting.delete(waiting));
    });
  }

  /** Once per frame: answers what has waited too long. */
  pass(): void {
    const now = this.#clock.now();
    for (const waiting of this.#waiting) {
      if (now - waiting.sinceMs < MAX_DISK_WAIT_MS) break;
      this.#waiting.delete(waiting);
      waiting.giveUp();
    }
  }

  // --- saves ---

  /**
   * True when only a save ends the trouble, at most every 5 s. A journal that tries again by itself is waited for: a
   * save would not find room either.
   */
  takeSaveDue(): boolean {
    const now = this.#clock.now();
    const hasGap = !this.#isWhole || this.#gap !== null;
    const isNeeded = hasGap || (this.#saveTrouble !== null && this.#journal.trouble === null);
    if (!isNeeded || now - this.#lastTryMs < SAVE_AGAIN_MS) return false;
    this.#lastTryMs = now;
    return true;
  }

  /** Whether one more save is due at once: the one before the newest does not lead to the present. */
  get isSecondDue(): boolean {
    return this.#gap === 'closing';
  }

  /**
   * Called at the moment that a save holds; `ready`, and `saved` or `notSaved`, follow.
   *
   * @param isLast - there is no later save that could close a gap
   */
  beginSave(isLast: boolean): JournalPlace {
    // So that the save before leads to the very step of this save.
    this.#record(true);
    if (this.trouble === null) {
      const segment = this.#journal.rotate(false);
      this.#try = { segment, isAfterGap: false, held: null, heldBytes: 0 };
      return this.#try;
    }
    const isAfterGap = !this.#isWhole || (isLast && this.#journal.trouble !== null);
    if (!this.#isWhole) this.#gap = 'open';
    if (this.#log.isOverfull) this.#log.start();
    this.#try = { segment: this.#journal.nextSegment, isAfterGap, held: [], heldBytes: 0 };
    return this.#try;
  }

  /**
   * To be awaited when all of the save is on disk and only its name is missing.
   *
   * @throws NotSavedError when the journal that leads to it is not on disk within 5 s
   */
  async ready(): Promise<void> {
    const tried = this.#try!;
    if (tried.held !== null && this.#log.isOverfull)
      throw new NotSavedError('more happened meanwhile than can be held');
    // The segment that nothing leads to need not be there: the save itself says so.
    if (tried.isAfterGap) return this.#go(tried);
    if (tried.held !== null) {
      await this.#onJournal();
      this.#go(tried);
    }
    await this.#onJournal();
  }

  /** Begins the segment of a save, with what happened since. */
  #go(tried: Try): void {
    if (tried.held === null) return;
    this.#journal.rotate(tried.isAfterGap);
    // What happens from here on follows from the save, if that takes its place.
    if (tried.isAfterGap) this.#gap = 'closing';
    this.#release(tried, true);
  }

  #release(tried: Try, isKept: boolean): void {
    const { held } = tried;
    tried.held = null;
    for (const { entry, isAwaited, waiting } of held ?? []) {
      if (!isKept) waiting?.reject(mayBeLost());
      else {
        if (entry !== null) this.#journal.append(entry, isAwaited);
        if (waiting !== null) this.#journal.flushed().then(waiting.resolve, waiting.reject);
      }
    }
  }

  async #onJournal(): Promise<void> {
    const fault = `the journal that leads to it is not on disk (${this.#journal.trouble ?? 'the disk is too slow'})`;
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new NotSavedError(fault)), MAX_JOURNAL_WAIT_MS);
    try {
      await Promise.race([this.#journal.flushed(), promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The save is on disk. */
  saved(): void {
    const tried = this.#try!;
    this.#go(tried);
    this.#try = null;
    this.#gap = tried.isAfterGap ? 'closing' : null;
    this.#saveTrouble = null;
  }

  /** @param reason - for people, with the file's name */
  notSaved(reason: string): void {
    const tried = this.#try;
    this.#try = null;
    if (tried?.isAfterGap && tried.held === null) this.#gap = 'open';
    // What happened since follows the segment before; behind a gap, it follows from nothing.
    if (tried !== null) this.#release(tried, this.#isWhole);
    this.#saveTrouble = reason;
    this.#lastTryMs = this.#clock.now();
  }
}
