/**
 * The world on disk: its newest save, and the journal of what happened since. The save's header holds the world's
 * records; its pages hold cells and owners, and behind them, from `ASIDE_PAGES` on, bodies that watched swaps have set aside.
 */
import { join } from 'node:path';
import { DISK, type Disk, diskReason } from '../files/disk.ts';
import { type Durability, Journal } from '../storage/journal.ts';
import { JournalReader } from '../storage/journalReader.ts';
import { packNumber } from '../storage/manifest.ts';
import { SaveError, Saves, SaveVersionError } from '../storage/saves.ts';
import { JournalError, JournalVersionError, segmentName, segmentsAmong } from '../storage/segment.ts';
import { EntryError } from './acts.ts';
import type { Bodies } from './bodies.ts';
import type { SwapOutcome } from './messages.ts';
import type { WorldJournal } from './recorder.ts';
import { type JournalEntry, ReplayError } from './replay.ts';
import { BodyPages, entryOf, type Facts, readOld, type SegmentFacts, stateIn } from './savedFiles.ts';
import type { SavedSwap } from './savedSwap.ts';
import { type DiskFigures, NO_DISK } from './vitals.ts';
import type { SavedWorld, WorldSave, WorldStore, WriteOptions } from './worldSave.ts';

export type SwapFate = 'watched' | SwapOutcome;

/** Where a world's files are, for who reads what is wrong with them. */
export interface FilesPlace {
  readonly folder: string;
  /** The folder is one of a store. Default: of a data directory. */
  readonly isStored?: boolean;
}

export interface WorldFilesOptions extends FilesPlace {
  readonly durability: Durability;
  /** Takes lines for the operator. */
  readonly log: (line: string) => void;
  /** Called after each page of a save. @param pages - written, of those that it has to look at */
  readonly progress?: (pages: number, of: number) => void;
  /** Default: the machine's. */
  readonly disk?: Disk;
}

/** The world's files cannot be used as they are. Nothing was changed; the message says what to do. */
export class RuinError extends Error {
  override name = 'RuinError';
}

export class WorldFiles implements WorldJournal, WorldStore {
  readonly #hasSave: boolean;
  readonly #wasLast: boolean;
  /** The save before it does not lead to it. */
  readonly #isAfterGap: boolean;
  /** A newer save is unsound. */
  readonly #isOlder: boolean;
  #state: SavedWorld | null;
  readonly #options: WorldFilesOptions;
  readonly #disk: Disk;
  readonly #saves: Saves;
  readonly #firstSegment: number;
  #notes: string[];
  #kernel = '';
  #journal: Journal | null = null;
  /** As the newest save has them. */
  #aside: readonly Bodies[] = [];
  #saveFigures: Pick<
    DiskFigures,
    'savesWritten' | 'savesFailed' | 'saveSeconds' | 'savedAtSeconds' | 'saveBytes'
  > = NO_DISK;

  /**
   * Looks for the newest sound save.
   *
   * @throws RuinError when there are saves and none is sound, when one is of a newer format, or when only a journal or
   * pages are left
   */
  static async open(options: WorldFilesOptions): Promise<WorldFiles> {
    const { folder, log, disk = DISK } = options;
    const saves = new Saves(folder, { readOld, log, files: disk });
    try {
      const { saved, isOlder, notes } = await saves.read();
      if (saved !== null) {
        const { isLast = false, isAfterGap = false } = saved.facts as Facts;
        const found = { firstSegment: saved.journal, isLast, isAfterGap, isOlder, notes };
        return new WorldFiles(options, saves, await stateIn(saved), found);
      }
      const firstSegment = (await lastUnused(folder, disk)) + 1;
      const found = { firstSegment, isLast: false, isAfterGap: false, isOlder, notes };
      return new WorldFiles(options, saves, null, found);
    } catch (error) {
      throw withAdvice(error, options);
    }
  }

  private constructor(
    options: WorldFilesOptions,
    saves: Saves,
    state: SavedWorld | null,
    found: {
      readonly firstSegment: number;
      readonly isLast: boolean;
      readonly isAfterGap: boolean;
      readonly isOlder: boolean;
      readonly notes: readonly string[];
    },
  ) {
    this.#options = options;
    this.#disk = options.disk ?? DISK;
    this.#saves = saves;
    this.#hasSave = state !== null;
    this.#state = state;
    this.#firstSegment = found.firstSegment;
    this.#wasLast = found.isLast;
    this.#isAfterGap = found.isAfterGap;
    this.#isOlder = found.isOlder;
    this.#notes = [...found.notes];
  }

  /** To be read before `begin`, which lets go of it. Pages are read from disk as they are asked for. null: no save */
  get state(): SavedWorld | null {
    return this.#state;
  }

  /** What the operator should know. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** Whether the save before does not lead to the world as it is. Once another save is written, both do. */
  get isAfterGap(): boolean {
    return this.#isAfterGap;
  }

  /**
   * What happened since the save, in order. May be read more than once.
   *
   * @throws RuinError where it is damaged
   */
  async *entries(): AsyncGenerator<JournalEntry & { readonly kernel: string }> {
    if (this.state === null) return;
    const { folder } = this.#options;
    const reader = new JournalReader(folder, this.#firstSegment, this.#disk);
    try {
      for await (const { seq, at, record, facts } of reader.entries())
        yield {
          ...entryOf(record, join(folder, segmentName(seq)), at),
          kernel: (facts as SegmentFacts).kernel,
        };
      this.#checkGap(reader);
    } catch (error) {
      throw withAdvice(error, this.#options);
    }
  }

  /** What follows a gap was acknowledged if a save was written: it may be the one that is unsound. */
  #checkGap({ leftOut: [first] }: JournalReader): void {
    if (first === undefined || !this.#isOlder) return;
    const path = join(this.#options.folder, segmentName(first));
    throw new JournalError(
      `${path} follows a save that is unsound: records before it were dropped when the disk failed, so that the save before does not lead to it`,
    );
  }

  /** Whether the process that wrote it ended without saving. @param entries - of the journal */
  diedWith(entries: number): boolean {
    return this.#hasSave && (entries > 0 || !this.#wasLast);
  }

  /** What became of swaps, as the save and the journal have it: swap → `watched`, or its outcome. */
  async swaps(): Promise<Map<number, SwapFate>> {
    const fates = new Map<number, SwapFate>();
    const note = (swaps: readonly SavedSwap[]): void => {
      for (const { order } of swaps) if (!fates.has(order.id)) fates.set(order.id, 'watched');
    };
    for (const outcome of this.#state?.outcomes ?? []) fates.set(outcome.id, outcome);
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
    const { folder, durability } = this.#options;
    const reader = new JournalReader(folder, this.#firstSegment, this.#disk);
    try {
      for await (const _ of reader.entries());
      this.#checkGap(reader);
    } catch (error) {
      throw withAdvice(error, this.#options);
    }
    await reader.cutTail();
    this.#notes.push(...reader.notes);
    const seq = reader.nextSeq;
    // Its trouble is the world's, which is told as one.
    const log = (): void => {};
    const isAfterGap = this.#isAfterGap && seq === this.#firstSegment;
    const disk = this.#disk;
    this.#journal = await Journal.open({
      folder,
      seq,
      facts: this.#facts,
      durability,
      log,
      isAfterGap,
      disk,
    });
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

  get nextSegment(): number {
    return this.#journal!.nextSeq;
  }

  get trouble(): string | null {
    return this.#journal!.trouble;
  }

  get isBroken(): boolean {
    return this.#journal!.isBroken;
  }

  /** What saves and the journal have done since `open`. */
  get figures(): DiskFigures {
    const journal = this.#journal;
    return {
      ...this.#saveFigures,
      journalRecords: journal?.records ?? 0,
      journalBytes: journal?.flushedBytes ?? 0,
      journalFlushes: journal?.flushes ?? 0,
      journalWaitingBytes: journal?.waitingBytes ?? 0,
    };
  }

  // --- saves ---

  canKeep(page: number): boolean {
    return this.#saves.canKeep(page);
  }

  /** @throws SaveError, and what `save.changed` and `ready` throw */
  async write(save: WorldSave, options: WriteOptions = {}): Promise<void> {
    const beganMs = performance.now();
    const { savesWritten, savesFailed, saveBytes } = this.#saveFigures;
    try {
      const bytes = await this.#write(save, options);
      this.#saveFigures = {
        savesWritten: savesWritten + 1,
        savesFailed,
        saveSeconds: (performance.now() - beganMs) / 1_000,
        savedAtSeconds: Date.now() / 1_000,
        saveBytes: saveBytes + bytes,
      };
    } catch (error) {
      this.#saveFigures = { ...this.#saveFigures, savesFailed: savesFailed + 1 };
      throw error;
    }
  }

  /** @returns how many bytes were written */
  async #write(save: WorldSave, { isLast = false, ready }: WriteOptions): Promise<number> {
    const bodies = new BodyPages(this.#aside, (page) => this.canKeep(page));
    const { bytesWritten } = await this.#saves.write({
      changed: (async function* () {
        yield* save.changed;
        yield* bodies.changed(save.moment().aside);
      })(),
      moment: () => {
        const { facts, segment, kept, gone, aside, isAfterGap } = save.moment();
        return {
          facts: {
            ...facts,
            ...(aside.length > 0 && { aside: aside.map(({ pageIndices }) => pageIndices) }),
            ...(isLast && { isLast }),
            ...(isAfterGap && { isAfterGap }),
          } satisfies Facts,
          journal: segment,
          kept: [...kept, ...bodies.kept],
          gone,
        };
      },
      ready,
      progress: (pages) => this.#options.progress?.(pages, save.changedCount() + bodies.changedCount),
    });
    this.#aside = save.moment().aside;
    try {
      await this.#journal!.removeBefore(this.#saves.oldestJournal);
    } catch (error) {
      // The save is on disk: they are removed after the next one.
      this.#options.log(`segments of the journal that no save needs cannot be removed: ${diskReason(error)}`);
    }
    return bytesWritten;
  }

  /** @throws JournalError when something could not be written */
  async close(): Promise<void> {
    await this.#journal?.close();
  }
}

/**
 * A folder without a save holds at most what a planting that was cut short has left: a segment without a record, and a
 * pack.
 *
 * @returns the number of its last segment; 0: there is none
 * @throws SaveError when it holds more: a world was here
 */
async function lastUnused(folder: string, disk: Disk): Promise<number> {
  const names = await disk.list(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const segments = segmentsAmong(names);
  const packs = names.filter((name) => packNumber(name) !== null);
  let isUsed = packs.length > 1;
  if (segments.length > 0)
    for await (const _ of new JournalReader(folder, segments[0], disk).entries()) isUsed = true;
  if (isUsed) {
    const left = `${segments.length} segments of a journal and ${packs.length} packs of pages are there`;
    throw new SaveError(join(folder, 'world.regrow'), new Error(`it is missing, though ${left}`));
  }
  return segments.at(-1) ?? 0;
}

/** What the operator can do about files that stop a start. Other errors are passed on. */
export function withAdvice(error: unknown, place: FilesPlace): unknown {
  const { message } = error as Error;
  const because = (advice: string): RuinError => new RuinError(`${message}. ${advice}`, { cause: error });
  const { restore, saveAlone, recover } = place.isStored ? STORE_ADVICE : adviceFor(place.folder);
  if (error instanceof SaveVersionError || error instanceof JournalVersionError)
    return because(
      `A newer version of Regrow wrote it: start that one, or bring back an older backup (${restore})`,
    );
  if (error instanceof SaveError && error.code !== undefined)
    return because('The save may be sound: nothing is planted in its place until it can be read');
  if (error instanceof ReplayError) return because(`Nothing was changed. ${saveAlone}`);
  if (error instanceof SaveError || error instanceof JournalError || error instanceof EntryError)
    return because(`Nothing was changed. ${recover}`);
  return error;
}

interface Advice {
  /** A command that brings a backup back. */
  readonly restore: string;
  /** How to go on without the journal. */
  readonly saveAlone: string;
  /** What to do about damage. */
  readonly recover: string;
}

const adviceFor = (folder: string): Advice => ({
  restore: `npm run world -- restore BACKUP ${folder} --replace`,
  saveAlone: `\`npm run world -- recover ${folder} --without-journal\` goes on from the save alone`,
  recover: `\`npm run world -- recover ${folder}\` says what can be saved`,
});

/** `recover` works on data directories only. */
const STORE_ADVICE: Advice = {
  restore: 'npm run world -- restore BACKUP --store … --replace',
  saveAlone:
    'To go on from the save alone, take the world out and bring it back: `npm run world -- backup --store …`, `restore` to a data directory, `recover --without-journal` and `backup` there, `restore --store … --replace`',
  recover:
    '`npm run world -- verify --store …` says what is damaged; `npm run world -- restore BACKUP --store … --replace` brings a backup back',
};
