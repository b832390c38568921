/** One save as it is read: looked at, checked, and its pages one after another. */
import type { PageState } from '../engines/engine.ts';
import type { Disk } from '../files/disk.ts';
import { byName, type Manifest, packPath, readManifest, SaveError, SaveVersionError } from './manifest.ts';
import { checkSizes, readBlobs } from './packs.ts';
import { AT_ONCE, inOrder, unpackBlob } from './pageBlobs.ts';
import { SealError } from './sealed.ts';

/** A save of format 1. Its writer kept no journal, so one that is there begins with what happened after it. */
export interface OldSave {
  readonly facts: unknown;
  readonly pages: readonly PageState[];
}

export interface Saved {
  readonly facts: unknown;
  /** Number of the first journal segment to replay on top. */
  readonly journal: number;
  /** How many pages there are. */
  readonly count: number;
  /**
   * Yields pages in any order; arrays are the caller's. Must be read before the next write.
   *
   * @param isMeant - which pages; default: all
   * @throws SaveError
   */
  pages(isMeant?: (page: number) => boolean): AsyncGenerator<PageState>;
}

/** A manifest, its blobs not checked; `old`: a save of format 1; null: there is no such file. */
export type Look = Manifest | 'old' | SaveError | null;

/** @throws SaveError when the file cannot be read though it may be sound; SaveVersionError */
export const look = (path: string, files: Disk): Promise<Look> =>
  readManifest(path, files).catch((error: Error) => unsound(path, error));

/**
 * Compares the checksum of every blob, or only looks whether each pack is there and long enough.
 *
 * @param check - 'sizes' does not read the packs, which may be gigabytes
 * @throws SaveError when a file cannot be read though it may be sound
 */
export async function openSave(
  path: string,
  folder: string,
  manifest: Manifest,
  files: Disk,
  check: 'checksums' | 'sizes' = 'checksums',
): Promise<Saved | SaveError> {
  const places = byName(manifest);
  try {
    if (check === 'sizes') await checkSizes(folder, places.values(), files);
    else for await (const _ of readBlobs(folder, places.values(), files));
  } catch (error) {
    return unsound(path, error as Error);
  }
  const { facts, journal } = manifest;
  return {
    facts,
    journal,
    count: manifest.places.size,
    pages: (isMeant = () => true) => pagesOf(folder, manifest, isMeant, files),
  };
}

/** @throws SaveError when the file cannot be read though it may be sound */
export async function openOld(
  path: string,
  readOld: (path: string) => Promise<OldSave>,
): Promise<Saved | SaveError> {
  try {
    const { facts, pages } = await readOld(path);
    return {
      facts,
      journal: 1,
      count: pages.length,
      async *pages(isMeant = () => true) {
        for (const page of pages) if (isMeant(page.page)) yield page;
      },
    };
  } catch (error) {
    return unsound(path, error as Error);
  }
}

async function* pagesOf(
  folder: string,
  manifest: Manifest,
  isMeant: (page: number) => boolean,
  files: Disk,
): AsyncGenerator<PageState> {
  const places = new Map([...manifest.places].filter(([page]) => isMeant(page)));
  const pagesWith = Map.groupBy(places.keys(), (page) => places.get(page)!.name);
  const blobs = readBlobs(folder, byName({ places }).values(), files);
  const unpacked = inOrder(blobs, AT_ONCE, async ({ place: { pack, name }, blob }) => {
    const pages = pagesWith.get(name)!;
    const state = await unpackBlob(name, blob).catch(({ message }: Error) => {
      throw new SaveError(packPath(folder, pack), new Error(`page ${pages[0]}: ${message}`));
    });
    return { pages, ...state };
  });
  for await (const { pages, cells, owners } of unpacked) {
    const [first, ...equal] = pages;
    // Equal pages do not share their arrays: the caller may change them.
    for (const page of equal) yield { page, cells: cells.slice(), owners: owners.slice() };
    yield { page: first, cells, owners };
  }
}

/** Whether a file's content is lost: a bad checksum, a pack that is gone, a bad sector. */
export function isLost(error: Error & { readonly code?: string }): boolean {
  if (error instanceof SaveVersionError) return false;
  if (error.code !== undefined) return error.code === 'EIO' || error.code === 'ENOENT';
  return error instanceof SealError || error instanceof SaveError;
}

/** @throws the error, if nothing is lost */
function unsound(path: string, error: Error & { readonly code?: string }): SaveError {
  if (isLost(error)) return new SaveError(path, new Error(`${path} is unsound: ${error.message}`));
  throw error instanceof SaveError || error.code === undefined ? error : new SaveError(path, error);
}
