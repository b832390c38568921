import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Disk, writeAll } from '../../server/files/disk.ts';
import { Journal } from '../../server/storage/journal.ts';
import { JournalReader } from '../../server/storage/journalReader.ts';
import { FolderBlobs } from '../../server/store/folderBlobs.ts';
import { type Held, LeaseKeeper, takeLease } from '../../server/store/lease.ts';
import { openBlobs } from '../../server/store/openBlobs.ts';
import { Postgres } from '../../server/store/postgres.ts';
import { SharedDisk } from '../../server/store/sharedDisk.ts';
import { describeDiskContract } from '../files/contract.ts';
import { Cable } from '../links/cable.ts';
import { Cluster, noPostgres } from './cluster.ts';
import { S3Double } from './s3Double.ts';

/** Long enough for a busy machine: no test waits for it. */
const LEASE_MS = 60_000;
const clock = { now: () => performance.now(), sleep: (ms: number) => sleep(ms) };

let cluster: Cluster;
let database: Postgres;
let folder: string;
const opened: Postgres[] = [];
/** Who waits for a lease goes on until it is false. */
let isWaiting = true;
let worlds = 0;
const newWorld = (): string => `world${++worlds}`;

const connect = (url = cluster.url): Postgres => {
  const one = new Postgres(url, 'regrow test');
  opened.push(one);
  return one;
};

const take = (
  world: string,
  more: { leaseMs?: number; waits?: boolean; holder?: string; from?: Postgres } = {},
) => {
  const { leaseMs = LEASE_MS, waits = false, holder = 'one', from = database } = more;
  return takeLease({
    database: from,
    world,
    holder,
    leaseMs,
    waits: () => waits && isWaiting,
    clock,
    log: () => {},
  });
};

const expire = (world: string): Promise<unknown> =>
  database.ask('update regrow.lease set expires = clock_timestamp() where world = $1', world);

const diskOf = (
  world: string,
  { term }: Pick<Held, 'term'>,
  from = database,
  onFenced = () => {},
): SharedDisk => new SharedDisk({ database: from, blobs: new FolderBlobs(folder), world, term, onFenced });

async function add(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, 'new');
  await writeAll(file, [Buffer.from(text)], 0);
  await file.datasync();
}

describe.skipIf(noPostgres !== null)(`state in PostgreSQL${noPostgres ? `: ${noPostgres}` : ''}`, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'regrow-shared-'));
    cluster = await Cluster.start();
    database = connect();
    await database.prepare();
  });
  afterAll(async () => {
    for (const one of opened) one.close();
    await cluster?.stop();
    rmSync(folder, { recursive: true });
  });

  let shared: Disk;
  beforeAll(async () => {
    shared = diskOf('contract', await take('contract'));
  });
  describeDiskContract(
    'PostgreSQL and a folder of blobs',
    () => shared,
    () => 'w',
  );

  let bucket: S3Double;
  let inBucket: Disk;
  beforeAll(async () => {
    bucket = await S3Double.start('KEY');
    const { term } = await take('s3');
    const blobs = await openBlobs('s3://bucket', {
      ...{ endpoint: bucket.endpoint, region: 'r', key: 'KEY', secret: 'SECRET' },
    });
    inBucket = new SharedDisk({ database, blobs, world: 's3', term });
  });
  afterAll(() => bucket?.stop());
  describeDiskContract(
    'PostgreSQL and S3',
    () => inBucket,
    () => 'w',
  );

  describe('files', () => {
    test('tables are made once, however many processes start', async () => {
      await Promise.all([connect().prepare(), connect().prepare(), database.prepare()]);
    });

    test('worlds do not see each other', async () => {
      const [a, b] = [newWorld(), newWorld()];
      const [one, two] = [diskOf(a, await take(a)), diskOf(b, await take(b))];
      await add(one, 'w/file', 'one');
      await add(two, 'w/file', 'two');
      expect(String(await one.readFile('w/file'))).toBe('one');
      expect(String(await two.readFile('w/file'))).toBe('two');
    });

    test('a pack lies in blobs of 8 MiB, and they go with it', async () => {
      const world = newWorld();
      const disk = diskOf(world, await take(world));
      const file = await disk.open('w/pages-1.pack', 'new');
      const part = Buffer.alloc(3 * 2 ** 20, 7);
      for (let i = 0; i < 4; i++) await writeAll(file, [part], i * part.length);
      await file.datasync();
      expect(readdirSync(join(folder, world))).toHaveLength(2);
      const bytes = await disk.readFile('w/pages-1.pack');
      expect(bytes.length).toBe(12 * 2 ** 20);
      expect(bytes.every((byte) => byte === 7)).toBe(true);
      await disk.remove('w/pages-1.pack');
      expect(readdirSync(join(folder, world))).toEqual([]);
      const { rows } = await database.ask('select * from regrow.dead where world = $1', world);
      expect(rows).toEqual([]);
    });

    test('an append that was thought lost and comes late is not added twice', async () => {
      const world = newWorld();
      const disk = diskOf(world, await take(world));
      const first = await disk.open('w/log', 'create');
      await writeAll(first, [Buffer.from('one')], 0);
      // Its answer was lost: the writer opens the file again, cuts it and adds the same.
      const second = await disk.open('w/log', 'change');
      await second.truncate(0);
      await writeAll(second, [Buffer.from('one')], 0);
      await writeAll(second, [Buffer.from('two')], 3);
      await expect(writeAll(first, [Buffer.from('two')], 3)).rejects.toThrow(
        'w/log of the store does not end at byte 3',
      );
      expect(String(await disk.readFile('w/log'))).toBe('onetwo');
    });

    test('the journal of a killed process is read by the next owner', async () => {
      const world = newWorld();
      const held = await take(world);
      const options = {
        folder: 'w',
        seq: 1,
        facts: { kernel: 'k' },
        durability: 'flush',
        log: () => {},
      } as const;
      const journal = await Journal.open({ ...options, disk: diskOf(world, held) });
      for (const text of ['a', 'b', 'c']) journal.append(Buffer.from(text));
      await journal.flushed();
      await expire(world);
      const next = diskOf(world, await take(world, { holder: 'two' }));
      journal.append(Buffer.from('too late'));
      await expect(journal.close()).rejects.toThrow(`another process has taken the world ${world} over`);
      const reader = new JournalReader('w', 1, next);
      const texts: string[] = [];
      for await (const { record } of reader.entries()) texts.push(String(Buffer.from(record)));
      expect(texts).toEqual(['a', 'b', 'c']);
    });
  });

  describe('the lease', () => {
    test('another cannot have it while it lasts, and has a larger term when it is over', async () => {
      const world = newWorld();
      const first = await take(world, { leaseMs: 300 });
      await expect(take(world, { leaseMs: 300, holder: 'two' })).resolves.toMatchObject({
        term: expect.toSatisfy((term: number) => term > first.term),
      });
      const kept = newWorld();
      await take(kept, { holder: 'host a, process 1' });
      await expect(take(kept, { leaseMs: 100 })).rejects.toThrow('is owned by host a, process 1');
    });

    test('of many that want it, one has it', async () => {
      const world = newWorld();
      const all = Array.from({ length: 8 }, () => take(world, { from: connect(), waits: true }));
      let taken = 0;
      for (const one of all)
        one.then(
          () => taken++,
          () => {},
        );
      await Promise.race(all);
      await sleep(300);
      expect(taken).toBe(1);
      // The others are refused, in the end.
      isWaiting = false;
    });

    test('an term is not smaller than the second of the database', async () => {
      const { term } = await take(newWorld());
      expect(Math.abs(term - Date.now() / 1_000)).toBeLessThan(60);
      expect(term).toBeLessThan(2 ** 32);
    });

    test('who is released is followed at once, and its last frame is known', async () => {
      const world = newWorld();
      const held = await take(world);
      const lost: string[] = [];
      const keeper = new LeaseKeeper({
        ...{ database, world, held, leaseMs: LEASE_MS, clock, log: () => {} },
        frame: () => 1_234,
        onLost: (reason) => lost.push(reason),
      });
      await keeper.renew();
      await keeper.release();
      expect(await take(world, { leaseMs: 100 })).toMatchObject({ frame: 1_234, term: held.term + 1 });
      expect(lost).toEqual([]);
    });

    test('an owner whose lease was taken finds out with its next renewal, once', async () => {
      const world = newWorld();
      const held = await take(world);
      const lost: string[] = [];
      const keeper = new LeaseKeeper({
        ...{ database, world, held, leaseMs: LEASE_MS, clock, log: () => {} },
        frame: () => 0,
        onLost: (reason) => lost.push(reason),
      });
      await expire(world);
      await take(world, { holder: 'two' });
      await keeper.renew();
      await keeper.renew();
      keeper.check();
      expect(lost).toEqual([`another process has taken the world ${world} over`]);
    });

    test('an owner that cannot renew ends when its lease does, by its own clock', async () => {
      const world = newWorld();
      const cable = await Cable.lay(cluster.port);
      const far = connect(cable.to(cluster.url));
      const held = await take(world, { from: far });
      let now = held.askedMs;
      const lost: string[] = [];
      const keeper = new LeaseKeeper({
        ...{ database: far, world, held, leaseMs: LEASE_MS, log: () => {} },
        clock: { now: () => now, sleep: (ms) => sleep(ms) },
        frame: () => 0,
        onLost: (reason) => lost.push(reason),
      });
      now += LEASE_MS - 1;
      await keeper.renew();
      now += LEASE_MS - 1;
      keeper.check();
      expect(lost).toEqual([]);
      cable.cut();
      void keeper.renew();
      now += 2;
      keeper.check();
      expect(lost).toEqual([
        expect.stringContaining(`the lease of the world ${world} could not be renewed within 60 s`),
      ]);
      far.close();
      await cable.remove();
    });
  });

  describe('fencing', () => {
    test('nothing of an earlier owner is done: no append, no cut, no rename, no removal, no new file', async () => {
      const world = newWorld();
      let fenced = 0;
      const old = diskOf(world, await take(world), database, () => fenced++);
      await add(old, 'w/log', 'one');
      await add(old, 'w/pages-1.pack', 'pages');
      const file = await old.open('w/log', 'change');
      const pack = await old.open('w/pages-2.pack', 'new');
      await expire(world);
      const now = diskOf(world, await take(world, { holder: 'two' }));
      const tries: (() => Promise<unknown>)[] = [
        () => writeAll(file, [Buffer.from('two')], 3),
        () => file.truncate(1),
        () => old.rename('w/log', 'w/other'),
        () => old.remove('w/pages-1.pack'),
        () => old.open('w/new', 'new'),
        () => old.open('w/log', 'create'),
        async () => {
          await writeAll(pack, [Buffer.from('late')], 0);
          await pack.datasync();
        },
      ];
      for (const one of tries) await expect(one()).rejects.toMatchObject({ code: 'EFENCED' });
      expect(fenced).toBe(tries.length);
      expect(String(await now.readFile('w/log'))).toBe('one');
      expect(String(await now.readFile('w/pages-1.pack'))).toBe('pages');
      expect((await now.list('w')).sort()).toEqual(['log', 'pages-1.pack', 'pages-2.pack']);
      expect(await now.size('w/pages-2.pack')).toBe(0);
    });

    test('who takes over waits for an append that is under way, and finds it', async () => {
      const world = newWorld();
      const held = await take(world);
      const slow = connect();
      await add(diskOf(world, held), 'w/log', '');
      await expire(world);
      let taken: Promise<Held> | null = null;
      await slow.transaction(async (ask) => {
        await ask('select from regrow.lease where world = $1 and term = $2 for share', world, held.term);
        taken = take(world, { holder: 'two', from: connect() });
        const first = await Promise.race([taken.then(() => 'taken'), sleep(200).then(() => 'waits')]);
        expect(first).toBe('waits');
        await ask('update regrow.file set bytes = 4 where world = $1', world);
      });
      expect(await diskOf(world, await taken!).size('w/log')).toBe(4);
    });
  });

  test('what was flushed is there after the database crashed, and what waited follows when it is back', async () => {
    const world = newWorld();
    const held = await take(world);
    const disk = diskOf(world, held, connect());
    const options = { folder: 'w', seq: 1, facts: null, durability: 'flush', log: () => {} } as const;
    const journal = await Journal.open({ ...options, disk });
    journal.append(Buffer.from('before'));
    await journal.flushed();
    await cluster.crash();
    journal.append(Buffer.from('meanwhile'));
    const flushed = journal.flushed();
    await sleep(100);
    await cluster.run();
    await flushed;
    await journal.close();
    const reader = new JournalReader('w', 1, disk);
    const texts: string[] = [];
    for await (const { record } of reader.entries()) texts.push(String(Buffer.from(record)));
    expect(texts).toEqual(['before', 'meanwhile']);
    expect(reader.tornBytes).toBe(null);
  });

  test('a connection that breaks is made again, and one that is cut is given up', async () => {
    const cable = await Cable.lay(cluster.port);
    const far = connect(cable.to(cluster.url));
    await far.ask('select 1');
    await database.ask(
      'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and application_name = $1',
      'nobody',
    );
    cable.mend();
    await sleep(50);
    expect((await far.ask('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await expect(far.ask('select no_such_column')).rejects.toThrow(
      'PostgreSQL: column "no_such_column" does not exist (42703)',
    );
    expect((await far.ask('select 2 as two')).rows).toEqual([{ two: 2 }]);
    far.close();
    await expect(far.ask('select 1')).rejects.toThrow('closed');
    await cable.remove();
  });
});
