/**
 * The registry in a store: a copy of its file, and a journal of the changes since. The file itself stays on this machine,
 * where the main thread reads and writes it without waiting. What an admin is told to be done is in the journal first.
 *
 * `registry/base` is a sealed file: the number of the journal's first segment, and the compressed database.
 */
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, constants as sqlite } from 'node:sqlite';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { type Disk, isMissing } from '../files/disk.ts';
import { writeWhole } from '../rules/load.ts';
import { followRegistry, REGISTRY_FILE, type RegistryFollower } from '../rules/registryFile.ts';
import { Journal } from '../storage/journal.ts';
import { JournalReader } from '../storage/journalReader.ts';
import { openSealed, writeSealed } from '../storage/sealed.ts';
import { StoreError } from './postgres.ts';

const FOLDER = 'registry';
const BASE = `${FOLDER}/base`;
const MAGIC = 'REGROW G';
const VERSION = 1;
/** A registry of 10,000 rules has 400 MB. */
const MAX_BYTES = 2 ** 30;
const MAX_CHANGED_BYTES = 16 * 2 ** 20;
/** Longest wait of an answer for the store. */
const MAX_WAIT_MS = 5_000;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

export class RegistryCopy implements RegistryFollower {
  readonly #disk: Disk;
  readonly #dataDir: string;
  readonly #path: string;
  readonly #log: (line: string) => void;
  #journal: Journal | null = null;
  #nextSegment = 1;
  /** `flushedBytes` of the journal when the base was made. */
  #baseAt = 0;
  #copying: Promise<void> | null = null;
  /** Changes were dropped, and no base has been written since. */
  #hasGap = false;
  readonly #maxChangedBytes: number;

  /**
   * @param dataDir - where the registry is on this machine
   * @param maxChangedBytes - with so many bytes of changes, a new base is made: a start reads all of them
   */
  constructor(disk: Disk, dataDir: string, log: (line: string) => void, maxChangedBytes = MAX_CHANGED_BYTES) {
    this.#maxChangedBytes = maxChangedBytes;
    this.#disk = disk;
    this.#dataDir = dataDir;
    this.#path = join(dataDir, REGISTRY_FILE);
    this.#log = log;
  }

  /**
   * Brings the registry to this machine; one that is here is renamed.
   *
   * @returns false: the store has none
   * @throws StoreError, JournalError
   */
  async restore(): Promise<boolean> {
    const sealed = await this.#disk.readFile(BASE).catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
    if (sealed === null) return false;
    const { version, header, body } = openSealed(sealed, MAGIC);
    if (version !== VERSION)
      throw new StoreError(
        `${BASE} of the store is of format ${version}; this program reads format ${VERSION}`,
      );
    const database = await decompress(body, { maxOutputLength: MAX_BYTES });
    const unfinished = `${this.#path}.restored`;
    for (const end of ['', '-wal', '-shm']) rmSync(`${unfinished}${end}`, { force: true });
    writeWhole(unfinished, database);
    const reader = new JournalReader(FOLDER, (header as { journal: number }).journal, this.#disk);
    await this.#replay(unfinished, reader);
    await reader.cutTail();
    this.#nextSegment = reader.nextSeq;
    if (existsSync(this.#path)) renameSync(this.#path, `${this.#path}.replaced`);
    for (const end of ['-wal', '-shm', '-journal']) rmSync(`${this.#path}${end}`, { force: true });
    renameSync(unfinished, this.#path);
    return true;
  }

  async #replay(path: string, reader: JournalReader): Promise<void> {
    using database = new DatabaseSync(path);
    // One file without a log beside it: it is renamed afterwards.
    database.exec('PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = OFF');
    for await (const { seq, at, record } of reader.entries()) {
      const isDone = database.applyChangeset(record, { onConflict: () => sqlite.SQLITE_CHANGESET_ABORT });
      if (!isDone)
        throw new StoreError(
          `${FOLDER} of the store: the change at byte ${at} of segment ${seq} does not fit the registry`,
        );
    }
    database.exec('PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL');
  }

  /**
   * Copies the registry as it is now, and begins to follow it.
   *
   * @throws StoreError, JournalError
   */
  async begin(): Promise<void> {
    this.#journal = await Journal.open({
      folder: FOLDER,
      seq: this.#nextSegment,
      facts: null,
      durability: 'flush',
      log: (line) => this.#log(`registry in the store: ${line}`),
      disk: this.#disk,
    });
    // In one turn: nothing changes between what is read and what is followed.
    followRegistry(this.#dataDir, this);
    const database = this.#read();
    await this.#writeBase(this.#nextSegment, database);
  }

  changed(changeset: Uint8Array): void {
    const journal = this.#journal!;
    if (!journal.isBroken) journal.append(changeset);
    // Behind a gap, only a new base helps.
    this.#hasGap ||= journal.isBroken;
    if (this.#hasGap || journal.flushedBytes - this.#baseAt > this.#maxChangedBytes) this.#copyAgain();
  }

  async copied(): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new StoreError(`the store does not take it (${this.#journal!.trouble ?? 'it is too slow'})`));
    }, MAX_WAIT_MS);
    try {
      await Promise.race([this.#flushed(), promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #flushed(): Promise<void> {
    if (this.#hasGap) {
      this.#copyAgain();
      await this.#copying;
      if (this.#hasGap) throw new StoreError('the store has a copy with a gap');
    }
    await this.#journal!.flushed();
  }

  /** @throws JournalError when something could not be written */
  async close(): Promise<void> {
    followRegistry(this.#dataDir, null);
    await this.#copying;
    await this.#journal?.close();
  }

  #copyAgain(): void {
    if (this.#copying !== null) return;
    const journal = this.#journal!;
    // In one turn: nothing changes between the new segment and what is read.
    const segment = journal.rotate(null);
    const database = this.#read();
    this.#baseAt = journal.flushedBytes;
    this.#copying = this.#writeBase(segment, database)
      .then(() => {
        this.#hasGap = journal.isBroken;
      })
      .catch((error: Error) => this.#log(`registry in the store: no new copy: ${error.message}`))
      .finally(() => {
        this.#copying = null;
      });
  }

  /** The database's bytes, as they are at this moment. */
  #read(): Uint8Array {
    const copy = `${this.#path}.copy`;
    rmSync(copy, { force: true });
    try {
      using database = new DatabaseSync(this.#path, { readOnly: true });
      database.prepare('VACUUM INTO ?').run(copy);
      return readFileSync(copy);
    } finally {
      rmSync(copy, { force: true });
    }
  }

  async #writeBase(segment: number, database: Uint8Array): Promise<void> {
    const packed = await compress(database);
    await writeSealed(BASE, MAGIC, VERSION, { journal: segment }, [packed], async () => {}, this.#disk);
    await this.#journal!.removeBefore(segment);
  }
}
