/** The world on its way to disk and back: its records, and its pages one after another. */
import type { Engine, PageState } from '../engines/engine.ts';
import type { Bodies } from './bodies.ts';
import type { Loss } from './losses.ts';
import type { SwapOutcome } from './messages.ts';
import type { OrganismRecord } from './organisms.ts';
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
  /** Of saves of earlier versions. Absent: none. */
  readonly fallow?: readonly FallowBed[];
  /** Absent: none is watched. */
  readonly swaps?: readonly SavedSwap[];
  /** Of the swaps that ended last, oldest first: the registry may not have them yet. Absent: none has. */
  readonly outcomes?: readonly SwapOutcome[];
  /** What can be brought back, oldest first. Absent: nothing. */
  readonly lost?: readonly Loss[];
  /** As an admin has set it; absent: the server's own setting. */
  readonly stepsPerSecond?: number;
}

/** A save under way. */
export interface WorldSave {
  readonly facts: WorldFacts;
  /** Pages that the store does not hold as they are. To be read once. */
  readonly changed: AsyncIterable<PageState>;
  /** How many they are. */
  readonly changedCount: number;
  /** Indices of the pages that it does. */
  readonly kept: readonly number[];
  /** By swap of the facts: the bodies that it has set aside. */
  readonly aside: readonly Bodies[];
  /** Resolves when all pages are copied. Until then, the world must not change. */
  readonly copied: Promise<void>;
  /** To be called when the save is on disk. */
  written(): void;
}

/** Where saves go. */
export interface WorldStore {
  /** Whether it holds a page that has not changed since the last save. */
  canKeep(page: number): boolean;
  /**
   * Resolves when the save is on disk.
   *
   * @param segment - the first one of the journal to replay on top of it
   * @param isLast - the world has stopped
   */
  write(save: WorldSave, segment: number, isLast: boolean): Promise<void>;
}

/** A save as it is read. */
export interface SavedWorld extends WorldFacts {
  /** By swap: pages that hold the bodies it has set aside, and nothing else. */
  readonly aside?: readonly (readonly PageState[])[];
  /** The reader may change their arrays. */
  readonly pages: AsyncIterable<PageState> | Iterable<PageState>;
}

/** Pages that are copied at once: 277 MB. */
export const MAX_COPIED = 1_024;
/** While more are left than that. */
const COPIED_AT_ONCE = 64;

/**
 * Copies pages. Up to `MAX_COPIED` are copied before this resolves. Of more, all but the last `MAX_COPIED` are copied
 * as they are read, so that no more than that are ever in memory.
 *
 * @param isCopied - called when the last page has been copied
 */
export async function copiesOf(
  pages: readonly number[],
  engine: Engine,
  isCopied: () => void,
): Promise<AsyncIterable<PageState>> {
  const early = Math.ceil(Math.max(0, pages.length - MAX_COPIED) / COPIED_AT_ONCE) * COPIED_AT_ONCE;
  const copyRest = async (): Promise<PageState[]> => {
    const rest = await engine.copyPages(pages.slice(early));
    isCopied();
    return rest;
  };
  const atOnce = early === 0 ? await copyRest() : null;
  return (async function* () {
    for (let at = 0; at < early; at += COPIED_AT_ONCE)
      yield* await engine.copyPages(pages.slice(at, at + COPIED_AT_ONCE));
    const rest = atOnce ?? (await copyRest());
    // What has been read is dropped.
    for (let page = rest.pop(); page !== undefined; page = rest.pop()) yield page;
  })();
}
