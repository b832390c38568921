/**
 * The world's saves: `world.regrow`, and the one before it, `world.regrow.1`. Each is a manifest (`manifest.ts`) that
 * names the blob of every page; blobs lie in packs (`packs.ts`), and a save writes only those that no pack has yet.
 * A save is whole or does not count: until its manifest is durable, nothing that an older one names is touched.
 */
import { join } from 'node:path';
import type { PageState } from '../engines/engine.ts';
import { DISK, type Disk, isMissing } from '../files/disk.ts';
import {
  byName,
  failedAt,
  type Manifest,
  type Place,
  packNumber,
  packPath,
  packsOf,
  SaveError,
  writeManifest,
} from './manifest.ts';
import { blobsToMove, NewPack, readBlobs } from './packs.ts';
import { AT_ONCE, inOrder, nameOf, packBlob, rawOf } from './pageBlobs.ts';
import { isLost, type Look, look, type OldSave, openOld, openSave, type Saved } from './saved.ts';

export { SaveError, SaveVersionError } from './manifest.ts';
export type { OldSave, Saved } from './saved.ts';

export interface SavesOptions {
  /** Reads a save of format 1. @throws SealError when it is corrupt */
  readonly readOld: (path: string) => Promise<OldSave>;
  /** Takes lines for the operator. */
  readonly log?: (line: string) => void;
  readonly files?: Disk;
}

/** The moment that a save holds. */
export interface SaveMoment {
  /** Anything that JSON can hold. */
  readonly facts: unknown;
  /** Number of the first journal segment to replay on top. */
  readonly journal: number;
  /** Indices of pages that have not changed since the last write that succeeded, and were not given. */
  readonly kept: Iterable<number>;
  /** Indices of pages that were given and have ceased to exist since. Default: none. */
  readonly gone?: Iterable<number>;
}

export interface SaveOrder {
  /**
   * Pages that may have changed since the last write that succeeded. One that comes again takes its own place. Arrays may
   * be reused for the next page.
   */
  readonly changed: AsyncIterable<PageState> | Iterable<PageState>;
  /** Called when `changed` has ended. */
  readonly moment: () => SaveMoment;
  /** Awaited when the save is on disk but for its name; what it throws is thrown on. */
  readonly ready?: () => Promise<void>;
  /** Called after each page of `changed`. @param pages - how many of them are written */
  readonly progress?: (pages: number) => void;
}

export interface Written {
  /** Pages in this save. */
  readonly pages: number;
  /** Bytes of new pages and of the manifest. */
  readonly bytesWritten: number;
}

export interface Restored {
  /** null: there is no save. */
  readonly saved: Saved | null;
  /** There is a newer save, which is unsound. */
  readonly isOlder: boolean;
  /** Lines for the operator. */
  readonly notes: readonly string[];
}

const NOTHING: Manifest = { facts: null, journal: 0, places: new Map() };

export class Saves {
  readonly newest: string;
  readonly previous: string;
  readonly #folder: string;
  readonly #readOld: SavesOptions['readOld'];
  readonly #log: (line: string) => void;
  readonly #files: Disk;
  /** The save that `kept` refers to; null before `read`. `NOTHING` when a blob of it has gone bad. */
  #last: Manifest | null = null;
  /** Pages that are as `#last` says. After a failed write: without those that it was given. */
  #unchanged = new Set<number>();
  /** Manifests that may stand in `newest`: several, when a write failed while it renamed. Their blobs are kept. */
  #mayBeNewest: Manifest[] = [];
  #mayBePrevious: Manifest[] = [];
  /** What stands in `newest` was found unsound: it is set aside, and does not become the previous one. */
  #isUnsound = false;
  /** Its manifest, if that is whole: its blobs are kept until a save has taken its place. */
  #unsound: Manifest = NOTHING;
  /** Bytes of the packs of `#last`. */
  #sizes = new Map<number, number>();
  /** A pack's number is never used twice. */
  #lastPack = 0;
  #hasFailed = false;

  constructor(folder: string, { readOld, log = () => {}, files = DISK }: SavesOptions) {
    this.#folder = folder;
    this.newest = join(folder, 'world.regrow');
    this.previous = join(folder, 'world.regrow.1');
    this.#readOld = readOld;
    this.#log = log;
    this.#files = files;
  }

  /** Whether a page that has not changed may be kept; otherwise the next write must be given it as changed. */
  canKeep(page: number): boolean {
    return this.#unchanged.has(page);
  }

  /** The first journal segment that a save still needs. */
  get oldestJournal(): number {
    const kept = [...this.#mayBeNewest, ...this.#mayBePrevious];
    return kept.length === 0 ? 0 : Math.min(...kept.map(({ journal }) => journal));
  }

  // --- writing ---

  /**
   * Calls must not overlap, and `read` comes first.
   *
   * @throws SaveError with path and code; the saves before are whole, and the next write may succeed
   * @throws Error that `changed` throws; or when a page of `kept` cannot be kept
   */
  async write({ changed, moment, ready = async () => {}, progress }: SaveOrder): Promise<Written> {
    if (this.#last === null) throw new Error('read comes before write');
    const files = this.#files;
    const pack = new NewPack(this.#folder, ++this.#lastPack, files);
    let manifest: Manifest;
    let isReplacing = false;
    let manifestBytes: number;
    try {
      await files.makeFolder(this.#folder).catch(failedAt(this.#folder));
      // Space that failed and killed writes have left may be needed.
      await this.#sweep();
      const added = await this.#add(changed, pack, progress);
      const { facts, journal, kept, gone = [] } = moment();
      for (const page of gone) added.delete(page);
      const places = this.#placesOf(kept, added);
      // Moving needs space, which may be what the last write lacked.
      if (!this.#hasFailed) await this.#move(places, pack);
      await pack.finish();
      manifest = { facts, journal, places };
      const replace = async (): Promise<void> => {
        // The pack's name must be on disk before a manifest that names it.
        await files.syncFolder(this.#folder);
        await ready();
        isReplacing = true;
        this.#mayBeNewest.push(manifest);
        await this.#rotate();
      };
      manifestBytes = await writeManifest(this.newest, manifest, files, replace).catch(failedAt(this.newest));
    } catch (error) {
      this.#hasFailed = true;
      // A manifest that may stand in its place needs its pack.
      if (!isReplacing) await pack.discard();
      throw error;
    }
    this.#hold(manifest, pack);
    await this.#sweep();
    return { pages: manifest.places.size, bytesWritten: pack.bytes + manifestBytes };
  }

  /** @throws Error when a page cannot be kept */
  #placesOf(kept: Iterable<number>, added: ReadonlyMap<number, Place>): Map<number, Place> {
    const places = new Map<number, Place>();
    for (const page of kept) {
      if (added.has(page)) throw new Error(`page ${page} is given twice`);
      if (!this.canKeep(page))
        throw new Error(`page ${page} cannot be kept: the last save does not have it as it is`);
      places.set(page, this.#last!.places.get(page)!);
    }
    this.#unchanged = new Set(places.keys());
    for (const [page, place] of added) places.set(page, place);
    return places;
  }

  /** Whoever gives a page says that it has changed: from now on it cannot be kept, until a write has succeeded. */
  async #add(
    changed: SaveOrder['changed'],
    pack: NewPack,
    progress: SaveOrder['progress'] = () => {},
  ): Promise<Map<number, Place>> {
    const places = new Map<number, Place>();
    let pages = 0;
    const known = byName(this.#last!);
    const packed = inOrder(changed, AT_ONCE, async (state) => {
      this.#unchanged.delete(state.page);
      const raw = rawOf(state);
      const name = await nameOf(raw);
      return { page: state.page, name, blob: known.has(name) ? null : await packBlob(raw) };
    });
    for await (const { page, name, blob } of packed) {
      const place = known.get(name) ?? (await pack.add(name, blob!));
      known.set(name, place);
      places.set(page, place);
      progress(++pages);
    }
    return places;
  }

  /** Takes living blobs out of packs that are mostly dead. */
  async #move(places: Map<number, Place>, pack: NewPack): Promise<void> {
    const old = blobsToMove(byName({ places }).values(), this.#sizes, pack.bytes);
    const moved = new Map<string, Place>();
    const blobs = readBlobs(this.#folder, old, this.#files);
    try {
      for await (const { place, blob } of blobs) moved.set(place.name, await pack.add(place.name, blob));
    } catch (error) {
      if ((error as SaveError).path !== pack.path && isLost(error as Error)) {
        // Pages that are kept, or that have this content, may name the bad blob: the next save writes all pages anew.
        this.#last = NOTHING;
        this.#unchanged.clear();
      }
      throw error;
    }
    for (const [page, { name }] of places) if (moved.has(name)) places.set(page, moved.get(name)!);
  }

  async #rotate(): Promise<void> {
    const aside = `${this.newest}.corrupt-${new Date().toISOString().replaceAll(':', '-')}`;
    const to = this.#isUnsound ? aside : this.previous;
    await this.#files.rename(this.newest, to).catch((error: Error) => {
      if (!isMissing(error)) throw error;
    });
    this.#isUnsound = false;
  }

  #hold(manifest: Manifest, pack: NewPack): void {
    // The previous one has stayed where it was if there was no newest: none was sound, or a write failed between two
    // renames.
    const before = this.#mayBeNewest.filter((one) => one !== manifest);
    const isSure = before.length > 0 && !this.#hasFailed;
    this.#mayBePrevious = isSure ? before : [...before, ...this.#mayBePrevious];
    this.#mayBeNewest = [manifest];
    this.#last = manifest;
    this.#unchanged = new Set(manifest.places.keys());
    const packs = packsOf([manifest]);
    this.#sizes = new Map([...this.#sizes, [pack.pack, pack.bytes] as const].filter(([n]) => packs.has(n)));
    this.#unsound = NOTHING;
    this.#hasFailed = false;
  }

  /** Removes packs that no save names, and what unfinished writes have left. What cannot be removed is tried again. */
  async #sweep(): Promise<void> {
    const named = packsOf([...this.#mayBeNewest, ...this.#mayBePrevious, this.#unsound]);
    try {
      for (const name of await this.#files.list(this.#folder)) {
        const pack = packNumber(name);
        const isDead = pack !== null && !named.has(pack);
        const isUnfinished = name.startsWith('world.regrow.') && name.endsWith('.tmp');
        if (isDead || isUnfinished) await this.#files.remove(join(this.#folder, name));
      }
    } catch (error) {
      this.#log(`files of earlier saves cannot be removed: ${(error as Error).message}`);
    }
  }

  // --- reading ---

  /**
   * Reads the newest save that is sound. The checksum of every blob is compared before this resolves. It is of the
   * stored bytes, so that this costs a tenth of unpacking them; what they unpack to is compared as pages are read.
   * Changes nothing on disk.
   *
   * @throws SaveError when there are saves and none is sound, or a file cannot be read though it may be sound
   * @throws SaveVersionError
   */
  async read(): Promise<Restored> {
    const files = this.#files;
    const looks = [await look(this.newest, files), await look(this.previous, files)];
    const faults: SaveError[] = [];
    for (const [i, path] of [this.newest, this.previous].entries()) {
      const saved = await this.#open(path, looks[i]);
      if (saved instanceof SaveError) faults.push(saved);
      if (saved === null || saved instanceof SaveError) continue;
      await this.#start(looks, i);
      const isNewest = i === 0;
      const notes = (isNewest ? looks.filter((one) => one instanceof SaveError) : faults).map(
        ({ message }) => message,
      );
      return {
        saved,
        isOlder: faults.length > 0,
        notes: isNewest ? notes : [...notes, `using the save before it, ${path}`],
      };
    }
    const [first, second] = faults;
    if (first !== undefined)
      throw second ? new SaveError(first.path, new Error(`${first.message}; ${second.message}`)) : first;
    await this.#start([], 0);
    return { saved: null, isOlder: false, notes: [] };
  }

  async #open(path: string, found: Look): Promise<Saved | SaveError | null> {
    if (found === 'old') return openOld(path, this.#readOld);
    if (found === null || found instanceof SaveError) return found;
    return openSave(path, this.#folder, found, this.#files);
  }

  /** @param from - which of the two files the world goes on from: 0 or 1 */
  async #start([newest, previous]: readonly Look[], from: number): Promise<void> {
    const manifestOf = (found: Look = null): Manifest[] => {
      if (found === 'old') return [NOTHING];
      return found === null || found instanceof SaveError ? [] : [found];
    };
    const isFirst = from === 0;
    this.#isUnsound = !isFirst && newest !== null;
    this.#unsound = isFirst ? NOTHING : (manifestOf(newest)[0] ?? NOTHING);
    this.#mayBeNewest = isFirst ? manifestOf(newest) : [];
    this.#mayBePrevious = manifestOf(previous);
    this.#last = manifestOf(isFirst ? newest : previous)[0] ?? NOTHING;
    this.#unchanged = new Set(this.#last.places.keys());
    this.#sizes = new Map();
    for (const pack of packsOf([this.#last])) {
      const path = packPath(this.#folder, pack);
      this.#sizes.set(pack, await this.#files.size(path).catch(failedAt(path)));
    }
    const names = await this.#files.list(this.#folder).catch((error: Error) => {
      return isMissing(error) ? [] : failedAt(this.#folder)(error);
    });
    this.#lastPack = Math.max(this.#lastPack, ...names.map((name) => packNumber(name) ?? 0));
  }
}
