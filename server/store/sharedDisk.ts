/**
 * A disk that outlives its machine: files of one world, in PostgreSQL and a blob store. What is written is kept when the
 * call resolves, so nothing is left to sync, except in packs: their bytes go to the blob store in pieces of 8 MiB, and
 * the last piece only with `datasync`.
 *
 * Every change names the term of the writer's lease and locks the lease's row until it is committed. A change of an
 * earlier owner is refused with a FencedError; and whoever takes the lease waits for changes that are under way, and finds
 * them.
 *
 * Bytes are only ever added at the end of a file. An append says which length it expects, so that one that was thought
 * lost and arrives late is not added twice.
 */
import type { Disk, DiskFile } from '../files/disk.ts';
import type { Blobs } from './blobs.ts';
import { type Ask, FencedError, type Postgres, StoreError } from './postgres.ts';

/** A blob of a pack; a save holds one in memory. */
const BLOB_BYTES = 8 * 2 ** 20;
/** The largest row. */
const MAX_ROW_BYTES = 64 * 2 ** 20;
/** Dead blobs that are removed at once; the others wait for the next removal. */
const MAX_REMOVED = 256;

export interface SharedDiskOptions {
  readonly database: Postgres;
  readonly blobs: Blobs;
  readonly world: string;
  /** The lease's. */
  readonly term: number;
  /** Called with each change that was refused because another owns the world. */
  readonly onFenced?: () => void;
}

interface FileRow {
  readonly id: string;
  readonly bytes: string;
}

const isPack = (path: string): boolean => path.endsWith('.pack');
/** As the tables have it, on every system. */
const named = (path: string): string => path.replaceAll('\\', '/');
const missing = (path: string): StoreError => new StoreError(`the store has no ${path}`, 'ENOENT');

/** An open file. */
interface Place {
  readonly id: string;
  readonly path: string;
}

export class SharedDisk implements Disk {
  readonly #options: SharedDiskOptions;

  constructor(options: SharedDiskOptions) {
    this.#options = options;
  }

  async list(folder: string): Promise<string[]> {
    const { database, world } = this.#options;
    const { rows } = await database.ask<{ path: string }>(
      'select path from regrow.file where world = $1 and starts_with(path, $2) order by path',
      world,
      `${named(folder)}/`,
    );
    const names = rows.map(({ path }) => path.slice(named(folder).length + 1).split('/')[0]);
    return [...new Set(names)];
  }

  async size(path: string): Promise<number> {
    const found = await this.#find(path);
    return Number(found.bytes);
  }

  async readFile(path: string): Promise<Buffer> {
    const file = await this.open(path, 'read');
    const target = Buffer.alloc(await file.size());
    return target.subarray(0, await file.read(target, 0));
  }

  async open(path: string, how: 'new' | 'create' | 'change' | 'read'): Promise<DiskFile> {
    if (how === 'new' || how === 'create') {
      const id = await this.#change((ask) => this.#make(ask, named(path), how));
      return this.#fileOf({ id, path: named(path) }, 0);
    }
    const { id, bytes } = await this.#find(path);
    return this.#fileOf({ id, path: named(path) }, Number(bytes));
  }

  /** A folder is there when a file is in it. */
  async makeFolder(): Promise<void> {}

  async remove(path: string): Promise<void> {
    await this.#change(async (ask) => {
      const { world } = this.#options;
      await this.#bury(ask, named(path));
      const { count } = await ask(
        'delete from regrow.file where world = $1 and path = $2',
        world,
        named(path),
      );
      if (count === 0) throw missing(path);
    });
    if (isPack(path)) await this.sweep();
  }

  async rename(from: string, to: string): Promise<void> {
    const { world } = this.#options;
    await this.#change(async (ask) => {
      const found = await ask(
        'select from regrow.file where world = $1 and path = $2 for update',
        world,
        named(from),
      );
      if (found.count === 0) throw missing(from);
      if (named(from) === named(to)) return;
      await this.#bury(ask, named(to));
      await ask('delete from regrow.file where world = $1 and path = $2', world, named(to));
      await ask(
        'update regrow.file set path = $3 where world = $1 and path = $2',
        world,
        named(from),
        named(to),
      );
    });
  }

  /** Every change is kept already. */
  async syncFolder(): Promise<void> {}

  /** Removes blobs that no file names any more. What cannot be removed now is tried again after the next removal. */
  async sweep(): Promise<void> {
    const { database, blobs, world } = this.#options;
    const { rows } = await database.ask<{ blob: string }>(
      'select blob from regrow.dead where world = $1 limit $2',
      world,
      MAX_REMOVED,
    );
    for (const { blob } of rows) {
      try {
        await blobs.remove(blob);
      } catch {
        return;
      }
      await database.ask('delete from regrow.dead where world = $1 and blob = $2', world, blob);
    }
  }

  // --- changes ---

  /** @throws FencedError when another owns the world; nothing has changed then */
  async #change<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    const { database, world, term } = this.#options;
    return database.transaction(async (ask) => {
      const { count } = await ask(
        'select from regrow.lease where world = $1 and term = $2 for share',
        world,
        term,
      );
      if (count === 0) throw this.#fenced();
      return work(ask);
    });
  }

  #fenced(): FencedError {
    this.#options.onFenced?.();
    return new FencedError(this.#options.world);
  }

  async #make(ask: Ask, path: string, how: 'new' | 'create'): Promise<string> {
    const { world } = this.#options;
    if (how === 'create') {
      await this.#bury(ask, path);
      await ask('delete from regrow.file where world = $1 and path = $2', world, path);
    }
    const { rows } = await ask<FileRow>(
      `insert into regrow.file (world, path, bytes) values ($1, $2, 0)
       on conflict (world, path) do nothing returning id`,
      world,
      path,
    );
    if (rows.length === 0) throw new StoreError(`the store has ${path} already`, 'EEXIST');
    return rows[0].id;
  }

  /** The blobs of a file that is about to go are dead. */
  async #bury(ask: Ask, path: string): Promise<void> {
    await ask(
      `insert into regrow.dead (world, blob)
       select f.world, p.blob from regrow.file f join regrow.piece p on p.file = f.id
       where f.world = $1 and f.path = $2 and p.blob is not null on conflict do nothing`,
      this.#options.world,
      path,
    );
  }

  /** @throws StoreError when the file does not end at `at` */
  async #append(
    { id, path }: Place,
    at: number,
    bytes: number,
    content: Uint8Array | null,
    blob: string | null,
  ): Promise<void> {
    const { database, world, term } = this.#options;
    const { count } = await database.ask(
      `with owner as (select from regrow.lease where world = $1 and term = $2 for share),
       grown as (
         update regrow.file set bytes = bytes + $5
         where id = $3 and bytes = $4 and exists (select from owner) returning id)
       insert into regrow.piece (file, at, bytes, content, blob) select id, $4, $5, $6, $7 from grown`,
      world,
      term,
      id,
      at,
      bytes,
      content,
      blob,
    );
    if (count === 1) return;
    const { rows } = await database.ask<{ term: string }>(
      'select term from regrow.lease where world = $1',
      world,
    );
    if (Number(rows[0]?.term) !== term) throw this.#fenced();
    throw new StoreError(`${path} of the store does not end at byte ${at}`);
  }

  async #truncate({ id, path }: Place, bytes: number): Promise<void> {
    await this.#change(async (ask) => {
      const { rows } = await ask<FileRow>('select id, bytes from regrow.file where id = $1 for update', id);
      if (rows.length === 0) throw missing(path);
      if (Number(rows[0].bytes) < bytes)
        throw new StoreError(`${path} of the store has fewer than ${bytes} bytes`);
      const cut = await ask(
        'select from regrow.piece where file = $1 and at < $2 and at + bytes > $2 and blob is not null',
        id,
        bytes,
      );
      if (cut.count > 0)
        throw new StoreError(`${path} of the store cannot end at byte ${bytes}: it is within a blob`);
      await ask('delete from regrow.piece where file = $1 and at >= $2', id, bytes);
      await ask(
        `update regrow.piece set content = substring(content from 1 for ($2 - at)::int), bytes = $2 - at
         where file = $1 and at + bytes > $2`,
        id,
        bytes,
      );
      await ask('update regrow.file set bytes = $2 where id = $1', id, bytes);
    });
  }

  // --- files ---

  async #find(path: string): Promise<FileRow> {
    const { database, world } = this.#options;
    const { rows } = await database.ask<FileRow>(
      'select id, bytes from regrow.file where world = $1 and path = $2',
      world,
      named(path),
    );
    if (rows.length === 0) throw missing(path);
    return rows[0];
  }

  #fileOf(place: Place, size: number): DiskFile {
    const tail = isPack(place.path)
      ? new PackTail(size, (at, bytes) => this.#addBlob(place, at, bytes))
      : null;
    let end = size;
    return {
      size: async () => tail?.end ?? Number((await this.#findById(place)).bytes),
      read: (target, position) => this.#read(place, target, position),
      write: async (pieces, position) => {
        if (position !== (tail?.end ?? end)) {
          // Whoever opened the file for appending knows its end; another may have moved it since.
          throw new StoreError(
            `${place.path} of the store is only written at its end, byte ${tail?.end ?? end}`,
          );
        }
        const bytes = Buffer.concat(pieces).subarray(0, MAX_ROW_BYTES);
        if (tail !== null) await tail.add(bytes);
        else {
          await this.#append(place, end, bytes.length, bytes, null);
          end += bytes.length;
        }
        return bytes.length;
      },
      datasync: async () => tail?.flush(),
      truncate: async (bytes) => {
        await tail?.flush();
        await this.#truncate(place, bytes);
        end = bytes;
        tail?.cut(bytes);
      },
      close: async () => {},
    };
  }

  async #findById({ id, path }: Place): Promise<FileRow> {
    const { rows } = await this.#options.database.ask<FileRow>(
      'select id, bytes from regrow.file where id = $1',
      id,
    );
    if (rows.length === 0) throw missing(path);
    return rows[0];
  }

  /** The row comes first: a blob that no row names would never be removed. */
  async #addBlob(place: Place, at: number, bytes: Uint8Array): Promise<void> {
    const { blobs, world } = this.#options;
    const blob = `${world}/${place.id}-${at}`;
    await this.#append(place, at, bytes.length, null, blob);
    await blobs.put(blob, bytes);
  }

  async #read({ id }: Place, target: Uint8Array, position: number): Promise<number> {
    const { database, blobs } = this.#options;
    const end = position + target.length;
    const { rows } = await database.ask<{
      at: string;
      bytes: number;
      content: Buffer | null;
      blob: string | null;
    }>(
      `select at, bytes, content, blob from regrow.piece
       where file = $1 and at < $3 and at + bytes > $2 order by at`,
      id,
      position,
      end,
    );
    let read = 0;
    for (const { at, bytes, content, blob } of rows) {
      const from = Math.max(0, position - Number(at));
      const length = Math.min(bytes, end - Number(at)) - from;
      const got = content?.subarray(from, from + length) ?? (await blobs.get(blob!, from, length));
      target.set(got, read);
      read += got.length;
      // A blob that is too short: what follows would stand in the wrong place.
      if (got.length < length) break;
    }
    return read;
  }
}

/** The end of a pack that is being written, until it is long enough for a blob. */
class PackTail {
  #at: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  readonly #put: (at: number, bytes: Uint8Array) => Promise<void>;

  constructor(at: number, put: (at: number, bytes: Uint8Array) => Promise<void>) {
    this.#at = at;
    this.#put = put;
  }

  get end(): number {
    return this.#at + this.#bytes;
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= BLOB_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#bytes === 0) return;
    const bytes = Buffer.concat(this.#pieces);
    await this.#put(this.#at, bytes);
    this.#at += bytes.length;
    this.#pieces = [];
    this.#bytes = 0;
  }

  cut(end: number): void {
    this.#at = end;
  }
}
