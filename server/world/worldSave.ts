/** The world on its way to disk and back: its records, and its pages one after another. */
import type { PageState } from '../engines/engine.ts';
import type { Bodies } from './bodies.ts';
import type { Loss } from './losses.ts';
import type { SwapOutcome } from './messages.ts';
import type { OrganismRecord } from './organismRecord.ts';
import type { SavedSwap } from './savedSwap.ts';

/**
 * In saves of earlier versions: a place where an organism of the garden died, and the world time at which it was to be
 * sown again.
 */
export interface FallowBed {
  readonly species: string;
  readonly x: number;
  readonly y: number;
  readonly dueSeconds: number;
}

/** Everything of a save except cells. */
export interface WorldFacts {
  readonly width: number;
  readonly height: number;
  readonly stepNumber: number;
  readonly randomSeed: number;
  /** World time, over all processes. */
  readonly runSeconds: number;
  /** The id that the next organism gets, if it is free. */
  readonly nextId: number;
  readonly organisms: readonly OrganismRecord[];
  /** Only in saves of earlier versions. Absent: none. */
  readonly fallow?: readonly FallowBed[];
  /** Absent: none is watched. */
  readonly swaps?: readonly SavedSwap[];
  /** What became of the swaps that ended last, oldest first: the registry may not have them yet. Absent: none has. */
  readonly outcomes?: readonly SwapOutcome[];
  /** What can be brought back, oldest first. Absent: nothing. */
  readonly lost?: readonly Loss[];
  /** As an admin has set it; absent: the server's own setting. */
  readonly stepsPerSecond?: number;
}

/** Where a save stands in the journal. */
export interface JournalPlace {
  /** Number of the first segment to replay on top of it. */
  readonly segment: number;
  /** Entries before it are lost: the save before does not lead to it. */
  readonly isAfterGap: boolean;
}

/** The moment that a save holds: all but its cells. */
export interface SavedMoment extends JournalPlace {
  readonly facts: WorldFacts;
  /** Indices of the pages that the store holds as they are. */
  readonly kept: readonly number[];
  /** Indices of pages that were copied and have ceased to exist since. */
  readonly gone: readonly number[];
  /** By swap of the facts: the bodies that it has set aside. */
  readonly aside: readonly Bodies[];
}

/** A save under way. */
export interface WorldSave {
  /**
   * Pages that the store does not hold as they are. One that has changed since it was copied comes again. To be read
   * once; whoever stops reading lets the world go on.
   */
  readonly changed: AsyncIterable<PageState>;
  /** How many pages that is, as far as it is known by now. */
  changedCount(): number;
  /** To be called when `changed` has been read to its end. */
  moment(): SavedMoment;
  /** To be called when the save is on disk. */
  written(): void;
}

export interface WriteOptions {
  /** The world has stopped. Default: it has not. */
  readonly isLast?: boolean;
  /** Awaited when all of the save is on disk and only its name is missing. Default: nothing is waited for. */
  readonly ready?: () => Promise<void>;
}

/** Where saves go. */
export interface WorldStore {
  /** Whether it holds a page that has not changed since the last save. */
  canKeep(page: number): boolean;
  /** Resolves when the save is on disk. */
  write(save: WorldSave, options?: WriteOptions): Promise<void>;
}

/** A save as it is read. */
export interface SavedWorld extends WorldFacts {
  /** By swap: pages that hold the bodies it has set aside, and nothing else. */
  readonly aside?: readonly (readonly PageState[])[];
  /** The reader may change their arrays. */
  readonly pages: AsyncIterable<PageState> | Iterable<PageState>;
}
