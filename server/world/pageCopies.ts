/**
 * The pages of a save, copied while the world goes on. Pages that stand still are copied a few at a time between frames;
 * only those that change all the time are left for the moment that the save holds.
 */
import type { Engine, EngineFacts, PageState } from '../engines/engine.ts';

/** Pages that are copied between two frames: 9 MB, a few milliseconds. */
const PIECE = 32;
/** Up to this many are all copied at the moment that the save holds. */
export const FEW = 128;
/** Pages that are copied at once and are in memory together: 277 MB. */
export const MAX_COPIED = 1_024;
/** While more are left than that. */
const COPIED_AT_ONCE = 64;
/** Each gives pages that have come to rest meanwhile another chance. */
const MAX_ROUNDS = 4;
/** A round that leaves more than this share of the pages is the last one. */
const WORTHWHILE = 0.75;

export interface CopyOptions {
  /** Whether a page that the engine does not call changed must be copied all the same. */
  readonly isUnsaved: (page: number) => boolean;
  /** Runs work between two frames. */
  readonly between: <T>(work: () => Promise<T>) => Promise<T>;
  /** Lets a few frames pass. */
  readonly pause: () => Promise<void>;
  /** Whether the world has stopped: then nothing changes, and nothing need be copied ahead. */
  readonly hasStopped: () => boolean;
  /** Called at the moment that the save holds, between two frames. */
  readonly atMoment: (facts: EngineFacts) => void;
  /** Called with pages that the engine calls changed. */
  readonly noteUnsaved: (pages: Iterable<number>) => void;
}

export class PageCopies {
  readonly #engine: Engine;
  readonly #options: CopyOptions;
  /** Pages to be copied. */
  readonly #wanted = new Set<number>();
  /** Pages of `#wanted` that have changed in this round. */
  readonly #moving = new Set<number>();
  readonly #copied = new Set<number>();
  /** Pages with an owned cell, as of the last look. */
  #here: readonly number[] = [];
  #hasLooked = false;

  constructor(engine: Engine, options: CopyOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /** Pages that were copied or are to be. */
  get count(): number {
    return this.#copied.size + without(this.#wanted, this.#copied).length;
  }

  /** As of the last look: pages that are not copied and need not be. */
  keptPages(): number[] {
    return this.#here.filter((page) => !this.#copied.has(page) && !this.#wanted.has(page));
  }

  /** As of the last look: pages that were copied and have ceased to exist. */
  gonePages(): number[] {
    return without(this.#copied, new Set(this.#here));
  }

  /**
   * Yields copies; a page that has changed since comes again. Memory holds at most `MAX_COPIED` of them. Of more that
   * never stand still, all but the last `MAX_COPIED` are copied as they are read, and the world waits meanwhile.
   *
   * @throws Error of the engine
   */
  async *read(): AsyncGenerator<PageState> {
    const { between, pause, hasStopped } = this.#options;
    if (!hasStopped()) {
      await between(() => this.#look());
      for (let round = 0; round < MAX_ROUNDS && this.#wanted.size > FEW && !hasStopped(); round++) {
        const before = this.#wanted.size;
        this.#moving.clear();
        await pause();
        yield* this.#still();
        if (this.#wanted.size > before * WORTHWHILE) break;
      }
    }
    yield* this.#rest();
  }

  /** Pages that stand still, a piece between two frames. */
  async *#still(): AsyncGenerator<PageState> {
    const { between, hasStopped } = this.#options;
    while (!hasStopped()) {
      const piece = await between(async () => {
        await this.#look();
        return this.#copy(without(this.#wanted, this.#moving).slice(0, PIECE));
      });
      if (piece.length === 0) return;
      yield* piece;
    }
  }

  /** All that is left, as it is at one moment between two frames. */
  async *#rest(): AsyncGenerator<PageState> {
    const { between, atMoment } = this.#options;
    const begun = Promise.withResolvers<void>();
    const copied = Promise.withResolvers<void>();
    between(async () => {
      atMoment(await this.#look());
      begun.resolve();
      await copied.promise;
    }).catch(begun.reject);
    try {
      await begun.promise;
      while (this.#wanted.size > MAX_COPIED)
        yield* await this.#copy([...this.#wanted].slice(0, COPIED_AT_ONCE));
      const last = await this.#copy([...this.#wanted]);
      copied.resolve();
      // What has been read is dropped.
      for (let page = last.pop(); page !== undefined; page = last.pop()) yield page;
    } finally {
      copied.resolve();
    }
  }

  /** Asks the engine what has changed since the last look. */
  async #look(): Promise<EngineFacts> {
    const { changed, kept, ...facts } = await this.#engine.takeChanges();
    const { isUnsaved, noteUnsaved } = this.#options;
    const wanted = this.#hasLooked ? changed : [...changed, ...kept.filter(isUnsaved)];
    noteUnsaved(wanted);
    for (const page of wanted) this.#wanted.add(page);
    if (this.#hasLooked) for (const page of changed) this.#moving.add(page);
    this.#here = [...changed, ...kept];
    const here = new Set(this.#here);
    for (const page of this.#wanted) if (!here.has(page)) this.#wanted.delete(page);
    this.#hasLooked = true;
    return facts;
  }

  async #copy(pages: readonly number[]): Promise<PageState[]> {
    if (pages.length === 0) return [];
    for (const page of pages) {
      this.#wanted.delete(page);
      this.#copied.add(page);
    }
    return this.#engine.copyPages(pages);
  }
}

const without = (pages: ReadonlySet<number>, others: ReadonlySet<number>): number[] =>
  [...pages].filter((page) => !others.has(page));
