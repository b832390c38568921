/** What a save and a segment of the journal hold, and how it is read. */
import type { PageState } from '../engines/engine.ts';
import type { OldSave, Saved } from '../storage/saves.ts';
import { decodeEntry, EntryError } from './acts.ts';
import type { Bodies } from './bodies.ts';
import { readOldSave } from './oldSave.ts';
import type { JournalEntry } from './replay.ts';
import type { SavedWorld, WorldFacts } from './worldSave.ts';

/** Index of the first page that is not the world's. A world has at most 2^20 pages. */
export const ASIDE_PAGES = 2 ** 24;

/** What a save's header holds. */
export interface Facts extends WorldFacts {
  /** By swap: the pages of its bodies, which are saved from `ASIDE_PAGES` on, one after another. */
  readonly aside?: readonly (readonly number[])[];
  /** It was written when the world stopped. */
  readonly isLast?: boolean;
  /** Entries of the journal before it are lost: the save before does not lead to it. */
  readonly isAfterGap?: boolean;
}

/** What a segment's header holds. */
export interface SegmentFacts {
  /** Which arithmetic stepped the world: another one comes to slightly other cells. */
  readonly kernel: string;
}

/** For `Saves`. */
export const readOld = async (path: string): Promise<OldSave> => {
  const { pages, ...facts } = await readOldSave(path);
  return { facts, pages };
};

/** @throws SaveError; reading its pages throws it, too */
export async function stateIn(saved: Saved): Promise<SavedWorld> {
  const { aside, isLast: _, isAfterGap: __, ...facts } = saved.facts as Facts;
  const behind = new Map<number, PageState>();
  for await (const page of saved.pages((index) => index >= ASIDE_PAGES)) behind.set(page.page, page);
  let next = ASIDE_PAGES;
  const restored = aside?.map((indices) => indices.map((page) => ({ ...behind.get(next++)!, page })));
  return {
    ...facts,
    ...(restored && { aside: restored }),
    pages: saved.pages((index) => index < ASIDE_PAGES),
  };
}

/** @throws EntryError that names the place */
export function entryOf(record: Uint8Array, path: string, at: number): JournalEntry {
  try {
    return decodeEntry(record);
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    throw new EntryError(`${path}, byte ${at}: ${error.message}`, { cause: error });
  }
}

/** Which arithmetic steps the world; threads and tiles make no difference. */
export const kernelOf = ({ description }: { readonly description: string }): string =>
  description.replace(/ in (wide|narrow) tiles|, \d+ threads?/g, '');

/** The pages of bodies that watched swaps have set aside, behind those of the world. */
export class BodyPages {
  /** Those that the store holds. */
  readonly kept: number[] = [];
  changedCount = 0;
  readonly #before: readonly Bodies[];
  readonly #canKeep: (page: number) => boolean;

  /** @param before - as the newest save has them */
  constructor(before: readonly Bodies[], canKeep: (page: number) => boolean) {
    this.#before = before;
    this.#canKeep = canKeep;
  }

  /** Yields the pages that the store does not hold: all or none of them. */
  *changed(aside: readonly Bodies[]): Generator<PageState> {
    const behind = aside.flatMap(({ pageIndices }) => pageIndices).map((_, i) => ASIDE_PAGES + i);
    const isSame = aside.length === this.#before.length && aside.every((one, i) => one === this.#before[i]);
    if (isSame && behind.every(this.#canKeep)) {
      this.kept.push(...behind);
      return;
    }
    this.changedCount = behind.length;
    let next = ASIDE_PAGES;
    for (const bodies of aside) for (const page of bodies.pages()) yield { ...page, page: next++ };
  }
}
