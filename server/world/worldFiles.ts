/**
 * The world on disk: its newest save, and the journal of what happened since. The save's header holds the world's
 * records; its pages hold cells and owners, and behind them, from `ASIDE` on, bodies that watched swaps have set aside.
 */
import type { PageState } from '../engines/engine.ts';
import { type Durability, Journal } from '../storage/journal.ts';
import { JournalReader } from '../storage/journalReader.ts';
import { type OldSave, type Saved, Snapshots } from '../storage/snapshots.ts';
import { decodeEntry } from './acts.ts';
import type { Bodies } from './bodies.ts';
import type { SwapOutcome } from './messages.ts';
import type { WorldJournal } from './recorder.ts';
import type { JournalEntry } from './replay.ts';
import type { SavedSwap } from './savedSwap.ts';
import { readSnapshot } from './snapshot.ts';
import type { SavedWorld, WorldFacts, WorldSave, WorldStore } from './worldSave.ts';

/** Index of the first page that is not the world's. A world has at most 2^20 pages. */
const ASIDE = 2 ** 24;

/** What a save's header holds. */
interface Facts extends WorldFacts {
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

export class WorldFiles implements WorldJournal, WorldStore {
  readonly #hasSave: boolean;
  readonly #wasLast: boolean;
  #state: SavedWorld | null;
  readonly #options: WorldFilesOptions;
  readonly #snapshots: Snapshots;
  readonly #firstSegment: number;
  #notes: string[];
  #kernel = '';
  #journal: Journal | null = null;
  /** As the newest save has them. */
  #aside: readonly Bodies[] = [];

  /**
   * Looks for the newest sound save.
   *
   * @throws SnapshotError when there are saves and none is sound, or one is of a newer format
   */
  static async open(options: WorldFilesOptions): Promise<WorldFiles> {
    const snapshots = new Snapshots(options.folder, { readOld, log: options.log });
    const { saved, notes } = await snapshots.read();
    if (saved === null) return new WorldFiles(options, snapshots, null, 0, notes);
    return new WorldFiles(options, snapshots, await stateOf(saved), saved.journal, notes);
  }

  private constructor(
    options: WorldFilesOptions,
    snapshots: Snapshots,
    saved: { readonly state: SavedWorld; readonly wasLast: boolean } | null,
    firstSegment: number,
    notes: readonly string[],
  ) {
    this.#options = options;
    this.#snapshots = snapshots;
    this.#firstSegment = firstSegment;
    this.#notes = [...notes];
    this.#hasSave = saved !== null;
    this.#state = saved?.state ?? null;
    this.#wasLast = saved?.wasLast === true;
  }

  /** To be read before `begin`, which lets go of it. Pages are read from disk as they are asked for. null: no save */
  get state(): SavedWorld | null {
    return this.#state;
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
    if (!this.#hasSave) return;
    const reader = new JournalReader(this.#options.folder, this.#firstSegment);
    for await (const { record, facts } of reader.entries())
      yield { ...decodeEntry(record), kernel: (facts as SegmentFacts).kernel };
  }

  /** Whether the process that wrote it ended without saving. @param entries - of the journal */
  diedWith(entries: number): boolean {
    return this.#hasSave && (entries > 0 || !this.#wasLast);
  }

  /** What became of swaps, as the journal has it: swap → `watched`, or its outcome. */
  async swaps(): Promise<Map<number, SwapFate>> {
    const fates = new Map<number, SwapFate>();
    const note = (swaps: readonly SavedSwap[]): void => {
      for (const { order } of swaps) if (!fates.has(order.id)) fates.set(order.id, 'watched');
    };
    note(this.#state?.swaps ?? []);
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
   */
  async begin(kernel: string): Promise<number> {
    this.#kernel = kernel;
    this.#state = null;
    const { folder, durability, log } = this.#options;
    const reader = new JournalReader(folder, this.#firstSegment);
    for await (const _ of reader.entries());
    await reader.cutTail();
    this.#notes.push(...reader.notes);
    const seq = Math.max(1, reader.nextSeq);
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

  canKeep(page: number): boolean {
    return this.#snapshots.canKeep(page);
  }

  /** @throws SnapshotError, and what `save.changed` throws */
  async write(save: WorldSave, segment: number, isLast: boolean): Promise<void> {
    const aside = save.aside.map(({ pageIndices }) => pageIndices);
    const facts: Facts = { ...save.facts, ...(aside.length > 0 && { aside }), ...(isLast && { isLast }) };
    const behind = aside.flat().map((_, i) => ASIDE + i);
    const isSame =
      save.aside.length === this.#aside.length && save.aside.every((one, i) => one === this.#aside[i]);
    const isKept = isSame && behind.every((page) => this.canKeep(page));
    await this.#snapshots.write({
      facts,
      journal: segment,
      changed: isKept ? save.changed : withAside(save),
      kept: isKept ? [...save.kept, ...behind] : save.kept,
    });
    this.#aside = save.aside;
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

async function stateOf(saved: Saved): Promise<{ state: SavedWorld; wasLast: boolean }> {
  const { aside, isLast = false, ...facts } = saved.facts as Facts;
  const behind = new Map<number, PageState>();
  for await (const page of saved.pages((index) => index >= ASIDE)) behind.set(page.page, page);
  let next = ASIDE;
  const restored = aside?.map((indices) => indices.map((page) => ({ ...behind.get(next++)!, page })));
  const state = {
    ...facts,
    ...(restored && { aside: restored }),
    pages: saved.pages((index) => index < ASIDE),
  };
  return { state, wasLast: isLast };
}

async function* withAside({ changed, aside }: WorldSave): AsyncGenerator<PageState> {
  yield* changed;
  let next = ASIDE;
  for (const bodies of aside) for (const page of bodies.pages()) yield { ...page, page: next++ };
}
