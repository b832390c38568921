/**
 * Hands the world's acts to the journal, and holds acknowledgements back until their entries are on disk. When entries
 * are lost, nothing is acknowledged until a save holds the world.
 */
import type { WorldLog } from './worldLog.ts';

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

export class Recorder {
  readonly #log: WorldLog;
  readonly #journal: WorldJournal;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  /** Of the acts since the last entry. */
  #nextFlush: PromiseWithResolvers<void> | null = null;
  /** When an entry was last sent to the disk, and not only to the journal. */
  #lastFlushMs: number;
  /** Entries were lost, and no save has been written since. */
  #hasGap = false;
  /** Why the last save failed; null: it did not. */
  #saveTrouble: string | null = null;
  #lastTryMs = Number.NEGATIVE_INFINITY;

  constructor(log: WorldLog, journal: WorldJournal, clock: Clock) {
    this.#log = log;
    this.#journal = journal;
    this.#clock = clock;
    this.#lastFlushMs = clock.now();
  }

  /** Why the world cannot be saved now, for people; null: all is well. */
  get trouble(): string | null {
    const gap = this.#isWhole ? null : 'its journal has a gap until it is saved';
    return this.#journal.trouble ?? this.#saveTrouble ?? gap;
  }

  /** Called before something is done that must not be lost. @throws NotSavedError with the disk's trouble */
  check(): void {
    const { trouble } = this;
    if (trouble !== null)
      throw new NotSavedError(`Nothing can be changed now: the world cannot be saved (${trouble}).`);
  }

  get #isWhole(): boolean {
    return !(this.#hasGap || this.#journal.isBroken || this.#log.isOverfull);
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
    if (entry !== null) {
      const isAwaited = waiting !== null || isForced;
      if (isAwaited) this.#lastFlushMs = this.#clock.now();
      this.#journal.append(entry, isAwaited);
    }
    if (waiting === null) return;
    if (this.#isWhole) this.#journal.flushed().then(waiting.resolve, waiting.reject);
    else waiting.reject(mayBeLost());
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

  /**
   * True when only a save ends the trouble, at most every 5 s. A journal that tries again by itself is waited for: a
   * save would not find room either.
   */
  takeSaveDue(): boolean {
    const now = this.#clock.now();
    const isNeeded = !this.#isWhole || (this.#saveTrouble !== null && this.#journal.trouble === null);
    if (!isNeeded || now - this.#lastTryMs < SAVE_AGAIN_MS) return false;
    this.#lastTryMs = now;
    return true;
  }

  /** Begins a segment at the moment that a save holds. @returns its number */
  beginSegment(): number {
    // So that the save before leads to the very step of this save.
    this.#record(true);
    this.#hasGap = !this.#isWhole;
    if (this.#log.isOverfull) this.#log.start();
    return this.#journal.rotate(this.#hasGap);
  }

  /** The save of the last segment's beginning is on disk. */
  saved(): void {
    this.#hasGap = false;
    this.#saveTrouble = null;
  }

  /** @param reason - for people, with the file's name */
  notSaved(reason: string): void {
    this.#saveTrouble = reason;
    this.#lastTryMs = this.#clock.now();
  }
}
