/**
 * The world on disk: its newest save, and the journal of what happened since. The save's header holds the world's
 * records; its pages hold cells and owners, and behind them, from `ASIDE` on, bodies that watched swaps have set aside.
 */
import type { PageState } from '../engines/engine.ts';
import { type Durability, Journal } from '../storage/journal.ts';
import { JournalReader } from '../storage/journalReader.ts';
import { JournalError } from '../storage/segment.ts';
import { type OldSave, Snapshots } from '../storage/snapshots.ts';
import { decodeEntry } from './acts.ts';
import type { SwapOutcome } from './messages.ts';
import type { WorldJournal } from './recorder.ts';
import type { JournalEntry } from './replay.ts';
import type { SavedSwap } from './savedSwap.ts';
import { readSnapshot, type WorldState } from './snapshot.ts';

/** Index of the first page that is not the world's. A world has at most 2^20 pages. */
const ASIDE = 2 ** 24;

/** Number of a world's first segment. */
const FIRST_SEGMENT = 1;

/** What a save's header holds. */
interface Facts extends Omit<WorldState, 'pages' | 'aside'> {
  /** By swap: the pages of its bodies, which are saved from `ASIDE` on, one after another. */
  readonly aside?: readonly (readonly number[])[];
  /** It was written when the world stopped. */
  readonly isLast?: boolean;
}

/** What a segment's header holds. */
interface SegmentFacts {
  /** Which arithmetic stepped the world: another one comes to slightly other cells. */
  readonly kernel: string;
}

export type SwapFate = 'watched' | SwapOutcome;

export interface WorldFilesOptions {
  readonly folder: string;
  readonly durability: Durability;
  /** Takes lines for the operator. */
  readonly log: (line: string) => void;
}

export class WorldFiles implements WorldJournal {
  /** null: there is no save. */
  readonly state: WorldState | null;
  readonly #wasLast: boolean;
  readonly #options: WorldFilesOptions;
  readonly #snapshots: Snapshots;
  readonly #firstSegment: number;
  #notes: string[];
  #kernel = '';
  #journal: Journal | null = null;

  /**
   * Reads the newest sound save.
   *
   * @throws SnapshotError when there are saves and none is sound, or one is of a newer format
   */
  static async open(options: WorldFilesOptions): Promise<WorldFiles> {
    const snapshots = new Snapshots(options.folder, { readOld, log: options.log });
    const { saved, notes } = await snapshots.read();
    if (saved === null) return new WorldFiles(options, snapshots, null, 0, notes);
    const pages: PageState[] = [];
    for await (const page of saved.pages()) pages.push(page);
    return new WorldFiles(options, snapshots, { facts: saved.facts as Facts, pages }, saved.journal, notes);
  }

  private constructor(
    options: WorldFilesOptions,
    snapshots: Snapshots,
    saved: { readonly facts: Facts; readonly pages: readonly PageState[] } | null,
    firstSegment: number,
    notes: readonly string[],
  ) {
    this.#options = options;
    this.#snapshots = snapshots;
    // A save of format 1 names none.
    this.#firstSegment = Math.max(FIRST_SEGMENT, firstSegment);
    this.#notes = [...notes];
    this.state = saved === null ? null : stateOf(saved.facts, saved.pages);
    this.#wasLast = saved?.facts.isLast === true;
  }

  /** What the operator should know. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /**
   * What happened since the save, in order. May be read more than once.
   *
   * @throws JournalError where it is damaged
   */
  async *entries(): AsyncGenerator<JournalEntry & { readonly kernel: string }> {
    if (this.state === null) return;
    const reader = new JournalReader(this.#options.folder, this.#firstSegment);
    for await (const { record, facts } of reader.entries())
      yield { ...decodeEntry(record), kernel: (facts as SegmentFacts).kernel };
  }

  /** Whether the process that wrote it ended without saving. @param entries - of the journal */
  diedWith(entries: number): boolean {
    return this.state !== null && (entries > 0 || !this.#wasLast);
  }

  /** What became of swaps, as the save and the journal have it: swap → `watched`, or its outcome. */
  async swaps(): Promise<Map<number, SwapFate>> {
    const fates = new Map<number, SwapFate>();
    const note = (swaps: readonly SavedSwap[]): void => {
      for (const { order } of swaps) if (!fates.has(order.id)) fates.set(order.id, 'watched');
    };
    for (const outcome of this.state?.outcomes ?? []) fates.set(outcome.id, outcome);
    note(this.state?.swaps ?? []);
    for await (const { entry } of this.entries()) {
      for (const [, act] of entry.acts) {
        if (act.act === 'swaps') note(act.swaps);
        else if (act.act === 'outcome') fates.set(act.outcome.id, act.outcome);
      }
    }
    return fates;
  }

  /**
   * Cuts off what a crash has torn, and begins a segment.
   *
   * @param kernel - which arithmetic steps the world
   * @returns the segment's number
   * @throws JournalError when there is a journal and no save that it follows
   */
  async begin(kernel: string): Promise<number> {
    this.#kernel = kernel;
    const { folder, durability, log } = this.#options;
    const reader = new JournalReader(folder, this.#firstSegment);
    for await (const _ of reader.entries()) {
      // A first start that was killed leaves a segment, but nothing in it.
      if (this.state === null)
        throw new JournalError(
          `${folder} has the journal of a world, and no save: put world.regrow back, or move the journal away`,
        );
    }
    await reader.cutTail();
    this.#notes.push(...reader.notes);
    const seq = reader.nextSeq;
    this.#journal = await Journal.open({ folder, seq, facts: this.#facts, durability, log });
    return seq;
  }

  get #facts(): SegmentFacts {
    return { kernel: this.#kernel };
  }

  // --- the journal ---

  append(entry: Uint8Array, isAwaited: boolean): void {
    this.#journal!.append(entry, { flush: isAwaited });
  }

  flushed(): Promise<void> {
    return this.#journal!.flushed();
  }

  rotate(isAfterGap: boolean): number {
    if (isAfterGap) this.#journal!.drop('more happened than an entry holds');
    return this.#journal!.rotate(this.#facts);
  }

  get trouble(): string | null {
    return this.#journal!.trouble;
  }

  get isBroken(): boolean {
    return this.#journal!.isBroken;
  }

  // --- saves ---

  /**
   * @param segment - the first one to replay on top of it
   * @param isLast - the world has stopped
   * @throws SnapshotError
   */
  async write(state: WorldState, segment: number, isLast: boolean): Promise<void> {
    const { pages, aside = [], ...rest } = state;
    const facts: Facts = {
      ...rest,
      ...(aside.length > 0 && { aside: aside.map((one) => one.map(({ page }) => page)) }),
      ...(isLast && { isLast }),
    };
    const behind = aside.flat().map((page, i) => ({ ...page, page: ASIDE + i }));
    await this.#snapshots.write({ facts, journal: segment, changed: [...pages, ...behind], kept: [] });
    await this.#journal!.removeBefore(this.#snapshots.oldestJournal);
  }

  /** @throws JournalError when something could not be written */
  async close(): Promise<void> {
    await this.#journal?.close();
  }
}

const readOld = async (path: string): Promise<OldSave> => {
  const { pages, ...facts } = await readSnapshot(path);
  return { facts, pages };
};

function stateOf({ aside, isLast: _, ...facts }: Facts, pages: readonly PageState[]): WorldState {
  const behind = new Map(pages.filter(({ page }) => page >= ASIDE).map((page) => [page.page - ASIDE, page]));
  let next = 0;
  const restored = aside?.map((indices) => indices.map((page) => ({ ...behind.get(next++)!, page })));
  return {
    ...facts,
    ...(restored && { aside: restored }),
    pages: pages.filter(({ page }) => page < ASIDE),
  };
}
