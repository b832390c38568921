/**
 * What the data directory holds beside world and registry, copied to the store: records of play, the tuner's queue and
 * what it has gathered, the nursery's jobs and films. Those who use them read and write files of this machine, without waiting. Every few seconds,
 * what has changed goes to the store, each record and each job as one bundle; the next owner begins with them.
 *
 * `kept/index` is a sealed file that names the bundle of each entry, `kept/<number>.pack`. It is replaced when all that it
 * names is there, so that whatever is interrupted leaves what it named before.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Disk, isMissing, writeAll } from '../files/disk.ts';
import { ATTEMPTS, BESIDE, type Beside, UNFINISHED } from '../storage/beside.ts';
import { openSealed, writeSealed } from '../storage/sealed.ts';
import { BundleError, bundle, MAX_BUNDLE_BYTES, unbundle } from './bundle.ts';

const FOLDER = 'kept';
const INDEX = `${FOLDER}/index`;
const MAGIC = 'REGROW K';
const VERSION = 1;
const COPY_MS = 5_000;
/** For one entry that goes on changing: the record of a long session, or a checkpoint. */
const BYTES_PER_MS = 100;

interface Copied {
  /** Its bundle's; 0: it is too long to have one. */
  readonly number: number;
  /** Changes with its files. */
  readonly mark: string;
  /** When it may be copied again. */
  readonly nextMs: number;
}

/** An entry as it is on this machine. */
interface Found {
  /** Its path in the data directory. */
  readonly path: string;
  readonly isFolder: boolean;
  /** Where its files are, and their names. */
  readonly folder: string;
  readonly names: readonly string[];
  readonly bytes: number;
  readonly mark: string;
}

export class FolderCopies {
  readonly #disk: Disk;
  readonly #dataDir: string;
  readonly #log: (line: string) => void;
  readonly #copied = new Map<string, Copied>();
  #lastNumber = 0;
  #timer: NodeJS.Timeout | undefined;
  #copying: Promise<void> = Promise.resolve();
  #told = '';

  /** @param dataDir - where the folders are on this machine */
  constructor(disk: Disk, dataDir: string, log: (line: string) => void) {
    this.#disk = disk;
    this.#dataDir = dataDir;
    this.#log = log;
  }

  /**
   * Brings the folders to this machine; those that are here are renamed.
   *
   * @returns false: the store has none
   * @throws StoreError, SealError
   */
  async restore(): Promise<boolean> {
    const index = await this.#readIndex();
    if (index === null) return false;
    for (const one of [...BESIDE, ATTEMPTS]) {
      const here = join(this.#dataDir, one);
      if (!existsSync(here)) continue;
      rmSync(`${here}.replaced`, { recursive: true, force: true });
      renameSync(here, `${here}.replaced`);
    }
    for (const [path, { number, isFolder }] of Object.entries(index)) {
      this.#lastNumber = Math.max(this.#lastNumber, number);
      try {
        await this.#bring(path, { number, isFolder });
      } catch (error) {
        // None of them is worth no start.
        if (!(error instanceof BundleError) && !isMissing(error)) throw error;
        this.#log(`${path} is lost: ${(error as Error).message}`);
        continue;
      }
      const found = await this.#find(path);
      if (found !== null) this.#copied.set(path, { number, mark: found.mark, nextMs: 0 });
    }
    await this.#sweep(index);
    return true;
  }

  /**
   * Brings one of the folders, or the attempts, to this machine, where it is not, beside an owner who may change it.
   *
   * @returns what is lost, and why
   * @throws StoreError, SealError
   */
  async bringOnly(group: Beside): Promise<string[]> {
    const lost: string[] = [];
    const within = async (): Promise<[path: string, entry: Index[string]][]> =>
      Object.entries((await this.#readIndex()) ?? {}).filter(
        ([path]) => path === group || path.startsWith(`${group}/`),
      );
    const tried = new Set<number>();
    for (let left = await within(); left.length > 0; ) {
      const missed: string[] = [];
      for (const [path, entry] of left) {
        tried.add(entry.number);
        try {
          await this.#bring(path, entry);
        } catch (error) {
          if (!(error instanceof BundleError) && !isMissing(error)) throw error;
          missed.push(`${path}: ${(error as Error).message}`);
        }
      }
      if (missed.length === 0) break;
      // What the owner has copied anew, or removed, meanwhile was not lost.
      const now = await within();
      const stillNamed = new Set(now.filter(([, { number }]) => tried.has(number)).map(([path]) => path));
      lost.push(...missed.filter((line) => stillNamed.has(line.split(': ')[0])));
      left = now.filter(([, { number }]) => !tried.has(number));
    }
    return lost;
  }

  async #bring(path: string, { number, isFolder }: Index[string]): Promise<void> {
    const target = join(this.#dataDir, isFolder ? path : dirname(path));
    mkdirSync(target, { recursive: true });
    unbundle(await this.#disk.readFile(packOf(number)), target);
  }

  /** From now on, changes are copied. */
  begin(): void {
    this.#timer = setInterval(() => void this.copy(), COPY_MS).unref();
  }

  /** Copies what has changed. Never rejects: it is tried again. @param isLast - also what was copied just now */
  copy(isLast = false): Promise<void> {
    this.#copying = this.#copying
      .then(() => this.#copy(isLast))
      .then(() => {
        this.#told = '';
      })
      .catch(({ message }: Error) => {
        if (message !== this.#told) this.#log(`records and jobs are not copied to the store: ${message}`);
        this.#told = message;
      });
    return this.#copying;
  }

  /** Copies what is left. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.copy(true);
  }

  async #copy(isLast: boolean): Promise<void> {
    const nowMs = performance.now();
    const here = new Map<string, Found>();
    for (const path of await this.#paths()) {
      const found = await this.#find(path);
      if (found !== null) here.set(path, found);
    }
    const dead = [...this.#copied].filter(([path]) => !here.has(path));
    const old: number[] = dead.map(([, { number }]) => number);
    const next = new Map(this.#copied);
    for (const [path] of dead) next.delete(path);
    let hasChanged = dead.length > 0;
    for (const [path, found] of here) {
      const before = this.#copied.get(path);
      if (before?.mark === found.mark || (!isLast && nowMs < (before?.nextMs ?? 0))) continue;
      const number = await this.#put(found);
      next.set(path, { number, mark: found.mark, nextMs: nowMs + found.bytes / BYTES_PER_MS });
      if (before !== undefined) old.push(before.number);
      hasChanged = true;
    }
    if (!hasChanged) return;
    const named = [...next].filter(([, { number }]) => number > 0);
    const index = Object.fromEntries(
      named.map(([path, { number }]) => [path, { number, isFolder: here.get(path)!.isFolder }]),
    );
    await writeSealed(INDEX, MAGIC, VERSION, index, [], async () => {}, this.#disk);
    this.#copied.clear();
    for (const [path, copied] of next) this.#copied.set(path, copied);
    for (const number of old) if (number > 0) await this.#remove(packOf(number));
  }

  /** @returns the bundle's number; 0: it is too long */
  async #put({ path, folder, names, bytes }: Found): Promise<number> {
    if (bytes > MAX_BUNDLE_BYTES) {
      this.#log(`${path} has ${bytes} bytes, and is not copied to the store`);
      return 0;
    }
    const number = ++this.#lastNumber;
    const file = await this.#disk.open(packOf(number), 'create');
    try {
      await writeAll(file, [bundle(folder, names)], 0);
      await file.datasync();
    } finally {
      await file.close();
    }
    return number;
  }

  async #paths(): Promise<string[]> {
    const paths: string[] = [ATTEMPTS];
    for (const group of BESIDE) {
      const names = (await orNull(readdir(join(this.#dataDir, group)))) ?? [];
      for (const name of names.sort()) if (!UNFINISHED.test(name)) paths.push(`${group}/${name}`);
    }
    return paths;
  }

  /** @returns null: it has gone, or nothing is in it */
  async #find(path: string): Promise<Found | null> {
    const place = join(this.#dataDir, path);
    const one = await orNull(stat(place));
    if (one === null) return null;
    const isFolder = one.isDirectory();
    const folder = isFolder ? place : dirname(place);
    const within = isFolder ? ((await orNull(readdir(place))) ?? []) : [path.split('/').at(-1)!];
    const names: string[] = [];
    const marks: string[] = [];
    let bytes = 0;
    for (const name of within.sort()) {
      const file = UNFINISHED.test(name) ? null : await orNull(stat(join(folder, name)));
      if (file === null || !file.isFile()) continue;
      names.push(name);
      marks.push(`${name} ${file.size} ${file.mtimeMs} ${file.ino}`);
      bytes += file.size;
    }
    return names.length === 0 ? null : { path, isFolder, folder, names, bytes, mark: marks.join('\n') };
  }

  async #readIndex(): Promise<Index | null> {
    const sealed = await orNull(this.#disk.readFile(INDEX));
    if (sealed === null) return null;
    const { version, header } = openSealed(sealed, MAGIC);
    if (version !== VERSION)
      throw new BundleError(
        `${INDEX} of the store is of format ${version}; this program reads format ${VERSION}`,
      );
    return header as Index;
  }

  /** Removes what an interrupted copy has left. */
  async #sweep(index: Index): Promise<void> {
    const named = new Set(Object.values(index).map(({ number }) => packOf(number)));
    for (const name of await this.#disk.list(FOLDER)) {
      const path = `${FOLDER}/${name}`;
      if (path === INDEX || named.has(path)) continue;
      this.#lastNumber = Math.max(this.#lastNumber, Number.parseInt(name, 10) || 0);
      await this.#remove(path);
    }
  }

  async #remove(path: string): Promise<void> {
    await this.#disk.remove(path).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }
}

type Index = Readonly<Record<string, { readonly number: number; readonly isFolder: boolean }>>;

const packOf = (number: number): string => `${FOLDER}/${number}.pack`;

const orNull = <T>(asked: Promise<T>): Promise<T | null> =>
  asked.catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
