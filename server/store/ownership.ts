/**
 * A world whose state is in a store: takes its lease, brings to this machine what is needed beside the world itself, and
 * keeps the lease until it is lost or released. The world's own files are read and written by the simulation thread, by
 * `worldDisk`.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_WORLD_NAME } from '../../shared/worldNames.ts';
import { DISK, type Disk, isMissing, readAt, writeAll } from '../files/disk.ts';
import { writeWhole } from '../rules/load.ts';
import { packNumber } from '../storage/manifest.ts';
import { segmentsAmong } from '../storage/segment.ts';
import { FolderCopies } from './folderCopies.ts';
import { type Clock, LeaseKeeper, takeLease } from './lease.ts';
import { openBlobs } from './openBlobs.ts';
import { FencedError, Postgres, StoreError } from './postgres.ts';
import { RegistryCopy } from './registryCopy.ts';
import { type StoreConfig, s3Of } from './settings.ts';
import { SharedDisk } from './sharedDisk.ts';
import { type BrokerView, Standby, Surrender } from './standby.ts';

/** The world's folder in the store. */
export const WORLD_FOLDER = 'world';
/** Guests' tokens are signed with it (`guests/token.ts`): the next owner must know it. */
const KEY_FILE = 'guest-key';
export const KEY_PATH = `keys/${KEY_FILE}`;
/**
 * An owner's frames begin so much above those that the one before may have made: 1.4 hours at 20 per second, where an
 * owner ends with its lease.
 */
const FRAMES_BETWEEN_OWNERS = 100_000;
/** A file moves in pieces of this size. */
const PIECE_BYTES = 4 * 2 ** 20;

/** What the simulation thread has to know of the owner. */
export interface Owner {
  /** The lease's. */
  readonly term: number;
  /** Number of the owner's first frame. */
  readonly firstFrame: number;
}

/** @param onFenced - called when a change was refused, because another owns the world */
async function openDisk(
  config: StoreConfig,
  term: number,
  database: Postgres,
  onFenced: () => void,
): Promise<SharedDisk> {
  const blobs = await openBlobs(config.blobs, s3Of(config));
  return new SharedDisk({ database, blobs, world: config.world, term, onFenced });
}

/** The world's files, for a thread of the owner. */
export async function worldDisk(
  config: StoreConfig,
  { term }: Owner,
  onFenced: () => void,
): Promise<{ readonly disk: Disk; close(): void }> {
  const database = new Postgres(config.store, `regrow ${config.world} saves`);
  return { disk: await openDisk(config, term, database, onFenced), close: () => database.close() };
}

export interface ReadStore {
  readonly database: Postgres;
  /** Every change is refused. */
  readonly disk: Disk;
  close(): void;
}

/** The world's files, for who only reads them. @throws StoreError when the store has no such world */
export async function readStore(config: StoreConfig): Promise<ReadStore> {
  const { store, world } = config;
  const database = new Postgres(store, `regrow ${world} command`);
  try {
    const worlds = await worldsOf(database);
    if (!worlds.includes(world))
      throw new StoreError(
        `the store has no world ${world}: it has ${worlds.join(', ') || 'none'}`,
        'ENOENT',
      );
    const disk = await openDisk(config, 0, database, () => {});
    return { database, disk, close: () => database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
}

async function worldsOf(database: Postgres): Promise<string[]> {
  const tables = await database.ask<{ file: string | null }>("select to_regclass('regrow.file') as file");
  if (tables.rows[0].file === null) return [];
  const { rows } = await database.ask<{ world: string }>(
    'select distinct world from regrow.file order by world',
  );
  return rows.map(({ world }) => world);
}

/**
 * Gives all files of a world in the store another name, under which they are a world, too.
 *
 * @param term - of the lease @returns the name; null: there were none @throws StoreError
 */
export function setWorldAside(database: Postgres, world: string, term: number): Promise<string | null> {
  const name = `${world.slice(0, MAX_WORLD_NAME - ASIDE_DIGITS - 1)}-${dateDigits()}`;
  return database.transaction(async (ask) => {
    const owned = await ask('select from regrow.lease where world = $1 and term = $2 for share', world, term);
    if (owned.count === 0) throw new FencedError(world);
    const { count } = await ask('update regrow.file set world = $2 where world = $1', world, name);
    await ask('update regrow.dead set world = $2 where world = $1', world, name);
    return count === 0 ? null : name;
  });
}

const ASIDE_DIGITS = 14;
/** "20260101120000" */
const dateDigits = (): string => new Date().toISOString().replace(/\D/g, '').slice(0, ASIDE_DIGITS);

export interface OwnershipOptions {
  readonly dataDir: string;
  readonly framesPerSecond: number;
  /** Called once, when this process must end at once: another owns the world, or may. */
  readonly onLost: (reason: string) => void;
  readonly log: (line: string) => void;
  /** Called when the lease is taken, before anything is read. What it throws ends the ownership. */
  readonly before?: (database: Postgres, term: number) => Promise<void>;
  /** How relays reach this process; null: not by a broker. */
  readonly broker?: {
    readonly view: BrokerView;
    /** Called once, when relays can reach a spare, and not this process: it is to stop as by a signal. */
    readonly onSurrender: (reason: string) => void;
  } | null;
}

const CLOCK: Clock = { now: () => performance.now(), sleep: (ms) => sleep(ms) };

export class Ownership {
  readonly owner: Owner;
  /** What the operator should know. */
  readonly notes: readonly string[];
  readonly #dataDir: string;
  readonly #disk: Disk;
  readonly #databases: readonly Postgres[];
  readonly #keeper: LeaseKeeper;
  readonly #registry: RegistryCopy;
  readonly #folders: FolderCopies;
  readonly #surrender: Surrender | null;

  /**
   * Takes the world's lease, which may take as long as another owns it, and brings its registry here.
   *
   * @throws StoreError
   */
  static async take(config: StoreConfig, options: OwnershipOptions): Promise<Ownership> {
    const { store, world, spare, leaseSeconds } = config;
    const { dataDir, framesPerSecond, onLost, log, broker = null } = options;
    // A renewal must not wait for a registry that is being written.
    const database = new Postgres(store, `regrow ${world} lease`);
    const files = new Postgres(store, `regrow ${world}`);
    const holder = `${hostname()}, process ${process.pid}`;
    const lease = { database, world, leaseMs: leaseSeconds * 1_000, clock: CLOCK, log };
    const standby = broker && new Standby({ database, world, holder, broker: broker.view });
    const standBy = standby ? () => standby.say() : undefined;
    const held = await prepared(database, spare, log)
      .then(() => takeLease({ ...lease, holder, waits: () => spare, standBy }))
      .catch((error: unknown) => {
        for (const one of [database, files]) one.close();
        throw error;
      });
    const firstFrame = held.frame + FRAMES_BETWEEN_OWNERS;
    const frame = (): number =>
      firstFrame + Math.ceil(((CLOCK.now() - held.askedMs) / 1_000) * framesPerSecond);
    const keeper = new LeaseKeeper({ ...lease, held, frame, onLost });
    try {
      await options.before?.(files, held.term);
      const fenced = (): void => onLost(`another process has taken the world ${world} over`);
      const disk = await openDisk(config, held.term, files, fenced);
      await disk.sweep();
      await standby?.end();
      const registry = new RegistryCopy(disk, dataDir, log);
      const notes = await moveIn(disk, registry, dataDir);
      const folders = new FolderCopies(disk, dataDir, log);
      await folders.restore();
      return new Ownership({
        owner: { term: held.term, firstFrame },
        notes,
        dataDir,
        disk,
        databases: [database, files],
        keeper,
        registry,
        folders,
        surrender:
          broker && new Surrender({ database, world, broker: broker.view, onSurrender: broker.onSurrender }),
      });
    } catch (error) {
      await keeper.release();
      for (const one of [database, files]) one.close();
      throw error;
    }
  }

  private constructor(parts: {
    readonly owner: Owner;
    readonly notes: readonly string[];
    readonly dataDir: string;
    readonly disk: Disk;
    readonly databases: readonly Postgres[];
    readonly keeper: LeaseKeeper;
    readonly registry: RegistryCopy;
    readonly folders: FolderCopies;
    readonly surrender: Surrender | null;
  }) {
    this.owner = parts.owner;
    this.notes = parts.notes;
    this.#dataDir = parts.dataDir;
    this.#disk = parts.disk;
    this.#databases = parts.databases;
    this.#keeper = parts.keeper;
    this.#registry = parts.registry;
    this.#folders = parts.folders;
    this.#surrender = parts.surrender;
  }

  /**
   * Copies the registry as it is, and from now on every change of it, and of records and jobs. To be called before
   * anybody is served.
   */
  async follow(): Promise<void> {
    await this.#registry.begin();
    this.#folders.begin();
    const key = await orNull(DISK.readFile(join(this.#dataDir, KEY_FILE)));
    // A world that was never served has none.
    if (key !== null) await putIfMissing(this.#disk, KEY_PATH, key);
  }

  /** Ends the ownership when everything is written: a spare takes over at once. @throws JournalError */
  async release(): Promise<void> {
    this.#surrender?.dispose();
    try {
      await this.#folders.close();
      await this.#registry.close();
    } finally {
      await this.#keeper.release();
      for (const database of this.#databases) database.close();
    }
  }
}

/** @throws StoreError when there is no store, unless it is waited for */
async function prepared(database: Postgres, waits: boolean, log: (line: string) => void): Promise<void> {
  for (let told = ''; ; ) {
    try {
      return await database.prepare();
    } catch (error) {
      if (!waits || !(error instanceof StoreError)) throw error;
      if (error.message !== told) log(`waiting for the store: ${error.message}`);
      told = error.message;
      await CLOCK.sleep(1_000);
    }
  }
}

/** Brings what the store has to this machine; where the store is empty, what is here goes there. */
async function moveIn(disk: Disk, registry: RegistryCopy, dataDir: string): Promise<string[]> {
  const notes: string[] = [];
  const isRegistry = await registry.restore();
  const key = await orNull(disk.readFile(KEY_PATH));
  if (key !== null) writeWhole(join(dataDir, KEY_FILE), key);
  const there = await disk.list(WORLD_FOLDER);
  const here = (await orNull(DISK.list(dataDir))) ?? [];
  if (there.includes('world.regrow') || isRegistry || !here.includes('world.regrow')) return notes;
  // A move that was cut short left no save under its name: it begins again.
  for (const name of there) await disk.remove(`${WORLD_FOLDER}/${name}`);
  const segments = here.filter((name) => segmentsAmong([name]).length > 0);
  const packs = here.filter((name) => packNumber(name) !== null);
  const older = here.filter((name) => name === 'world.regrow.1');
  // The newest save last: until it has its name, nothing has moved.
  for (const name of [...packs, ...segments, ...older, 'world.regrow'])
    await copy(join(dataDir, name), disk, `${WORLD_FOLDER}/${name}`);
  notes.push(
    `the world of ${dataDir} has been copied into the store; from now on, its files there are not used`,
  );
  return notes;
}

async function copy(from: string, disk: Disk, to: string): Promise<void> {
  const source = await DISK.open(from, 'read');
  try {
    const file = await disk.open(`${to}.moving`.replace(/\.pack\.moving$/, '.moving.pack'), 'create');
    const size = await source.size();
    for (let at = 0; at < size; ) {
      const piece = await readAt(source, at, PIECE_BYTES);
      await writeAll(file, [piece], at);
      at += piece.length;
    }
    await file.datasync();
    await file.close();
    await disk.rename(`${to}.moving`.replace(/\.pack\.moving$/, '.moving.pack'), to);
  } finally {
    await source.close();
  }
}

async function putIfMissing(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  if ((await orNull(disk.size(path))) !== null) return;
  const aside = `${path}.tmp`;
  const file = await disk.open(aside, 'create');
  await writeAll(file, [bytes], 0);
  await file.close();
  await disk.rename(aside, path);
}

const orNull = <T>(asked: Promise<T>): Promise<T | null> =>
  asked.catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
