import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PageState } from '../../server/engines/engine.ts';
import { type Place, SnapshotVersionError } from '../../server/storage/manifest.ts';
import { blobsToMove } from '../../server/storage/packs.ts';
import { SealError, writeSealed } from '../../server/storage/sealed.ts';
import { SnapshotError, Snapshots } from '../../server/storage/snapshots.ts';
import { Random } from '../../server/training/random.ts';
import { FakeDisk, type Trouble } from './fakeDisk.ts';
import { type Contents, contentsOf, densePage, noOldSave, plainPage, save } from './pages.ts';

const NEWEST = 'world.regrow';
const PREVIOUS = 'world.regrow.1';

let disk: FakeDisk;
beforeEach(() => {
  disk = new FakeDisk();
});

async function opened(files = disk): Promise<Snapshots> {
  const snapshots = new Snapshots('data', { readOld: noOldSave, files });
  await snapshots.read();
  return snapshots;
}
const reread = (files = disk) => new Snapshots('data', { readOld: noOldSave, files }).read();
const packs = (): string[] => [...disk.names.keys()].filter((name) => name.endsWith('.pack')).sort();
const contents = (...pages: number[]): Contents => new Map(pages.map((one, page) => [page, one]));
const packBytes = (): number => packs().reduce((sum, name) => sum + disk.names.get(name)!.bytes.length, 0);

/** Two saves, as contents 1 and 2 of page 0, and what both have: page 1. */
async function twoSaves(): Promise<Snapshots> {
  const snapshots = await opened();
  await save(snapshots, 'first', contents(1, 9));
  await save(snapshots, 'second', contents(2, 9), [1]);
  return snapshots;
}
function flip(name: string, at: number, bits = 1): void {
  const bytes = Buffer.from(disk.names.get(name)!.bytes);
  bytes[at] ^= bits;
  disk.put(name, bytes);
}

describe('a save', () => {
  test('gives back every bit, the facts, and the number of the journal', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'regrow-'));
    try {
      const pages = [densePage(3, 1), densePage(70_000, 1), plainPage(0, 0), densePage(1, 1)];
      const snapshots = new Snapshots(join(folder, 'data'), { readOld: noOldSave });
      expect(await snapshots.read()).toEqual({ saved: null, notes: [] });
      const facts = { step: 7, names: ['Ää ✿'] };
      const { pages: count } = await snapshots.write({ facts, journal: 5, changed: pages, kept: [] });
      expect(count).toBe(4);
      expect(readdirSync(join(folder, 'data')).sort()).toEqual(['pages-1.pack', NEWEST]);

      const again = new Snapshots(join(folder, 'data'), { readOld: noOldSave });
      const { saved, notes } = await again.read();
      expect(notes).toEqual([]);
      expect(saved).toMatchObject({ facts, journal: 5, count: 4 });
      const bytesOf = ({ cells }: PageState) => Buffer.from(cells.buffer, cells.byteOffset, cells.byteLength);
      const read = new Map<number, PageState>();
      for await (const one of saved!.pages()) read.set(one.page, one);
      expect([...read.keys()].sort()).toEqual([0, 1, 3, 70_000]);
      for (const want of pages) {
        const got = read.get(want.page)!;
        expect(bytesOf(got).equals(bytesOf(want))).toBe(true);
        expect(got.owners).toEqual(want.owners);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('writes what has changed, and takes over what is kept', async () => {
    const snapshots = await opened();
    await save(snapshots, 'first', contents(1, 2, 3, 4));
    await save(snapshots, 'second', contents(1, 7, 3), [0, 2]);
    expect(packs()).toEqual(['pages-1.pack', 'pages-2.pack']);
    expect(disk.names.get('pages-2.pack')!.bytes.length).toBeLessThan(100);
    expect(await contentsOf(await reread())).toEqual(contents(1, 7, 3));
  });

  test('writes no page whose content is saved already, and equal pages once', async () => {
    const snapshots = await opened();
    await save(snapshots, 'first', contents(1, 1, 1, 2));
    const bytes = packBytes();
    await save(snapshots, 'second', contents(2, 1, 1, 1));
    expect(packBytes()).toBe(bytes);
    expect(await contentsOf(await reread())).toEqual(contents(2, 1, 1, 1));
  });

  test('copies a page before it asks for the next one, whose arrays may be the same', async () => {
    const snapshots = await opened();
    const one = plainPage(0, 0);
    function* pages() {
      for (let page = 0; page < 9; page++) {
        one.cells.fill(page + 1);
        one.owners.fill(page + 1);
        yield { ...one, page };
      }
    }
    await snapshots.write({ facts: 0, journal: 0, changed: pages(), kept: [] });
    expect(await contentsOf(await reread())).toEqual(contents(1, 2, 3, 4, 5, 6, 7, 8, 9));
  });

  test('asks for few pages ahead of those that it has written', async () => {
    const snapshots = await opened();
    let asked = 0;
    let most = 0;
    async function* pages() {
      for (; asked < 40; asked++) {
        const written = disk.names.get('pages-1.pack')?.bytes.length ?? 0;
        most = Math.max(most, asked - Math.floor(written / 200_000));
        yield densePage(asked, 2);
      }
    }
    await snapshots.write({ facts: 0, journal: 0, changed: pages(), kept: [] });
    expect(most).toBeLessThan(8);
    const { saved } = await reread();
    let seen = 0;
    for await (const _ of saved!.pages()) seen++;
    expect(seen).toBe(40);
  });

  test('is not made of a page that is given twice or was never saved, nor before the saves were read', async () => {
    const unread = new Snapshots('data', { readOld: noOldSave, files: disk });
    await expect(save(unread, '', contents(1))).rejects.toThrow('read comes before write');
    const snapshots = await twoSaves();
    const before = [...disk.names];
    await expect(save(snapshots, '', contents(1), [5])).rejects.toThrow('page 5');
    const twice = { facts: 0, journal: 0, changed: [plainPage(0, 3)], kept: [0] };
    await expect(snapshots.write(twice)).rejects.toThrow('page 0 is given twice');
    expect([...disk.names]).toEqual(before);
  });

  test('names the first journal segment that either save needs', async () => {
    const snapshots = await opened();
    for (const journal of [3, 8, 9])
      await snapshots.write({ facts: 0, journal, changed: [plainPage(0, journal)], kept: [] });
    expect(snapshots.oldestJournal).toBe(8);
    expect((await opened()).oldestJournal).toBe(8);
  });
});

describe('a write that fails', () => {
  const fail = (at: number, kind: Trouble['kind'] = 'error'): void =>
    disk.expect({ at, kind, code: 'ENOSPC' });

  test('names path and code, leaves the disk no fuller, and the next one succeeds', async () => {
    let failed = 0;
    for (let at = 0; ; at++) {
      disk = new FakeDisk();
      const snapshots = await twoSaves();
      const before = disk.bytes;
      fail(at);
      const written = await save(snapshots, 'third', contents(3, 4)).catch((error: SnapshotError) => error);
      disk.expect(null);
      if (written instanceof Error) {
        failed++;
        expect(written).toBeInstanceOf(SnapshotError);
        expect(written.code).toBe('ENOSPC');
        expect(written.message).toContain(written.path);
        expect(written.path).toMatch(/^data/);
        // Between the renames, one of the saves has gone already.
        expect(disk.bytes).toBeLessThan(before + 400);
        expect((await reread()).saved?.facts).toMatch(/second|third/);
        await save(snapshots, 'fourth', contents(5, 6));
      }
      expect((await reread()).saved?.facts).toBe(written instanceof Error ? 'fourth' : 'third');
      if (at > 40) break;
    }
    expect(failed).toBeGreaterThan(8);
  });

  test('takes no page over that it was given as changed', async () => {
    const snapshots = await twoSaves();
    fail(2);
    await expect(save(snapshots, 'third', contents(3, 9), [1])).rejects.toThrow('ENOSPC');
    expect([0, 1].map((page) => snapshots.canKeep(page))).toEqual([false, true]);
    await expect(save(snapshots, 'fourth', contents(3, 9), [0, 1])).rejects.toThrow('page 0');
    await save(snapshots, 'fifth', contents(3, 9), [1]);
    expect(await contentsOf(await reread())).toEqual(contents(3, 9));
  });

  test('because its pages cannot be had throws what they threw, and leaves nothing', async () => {
    const snapshots = await twoSaves();
    const names = [...disk.names.keys()];
    async function* pages() {
      yield densePage(0, 5);
      yield densePage(2, 5);
      throw new RangeError('the engine is gone');
    }
    const order = { facts: 0, journal: 0, changed: pages(), kept: [1] };
    await expect(snapshots.write(order)).rejects.toThrow(new RangeError('the engine is gone'));
    expect([...disk.names.keys()]).toEqual(names);
  });

  test('moves nothing the next time: there may be no room for it', async () => {
    const snapshots = await opened();
    await save(snapshots, 'first', contents(1, 2, 3, 4));
    await save(snapshots, 'second', contents(5, 6, 3, 4), [2, 3]);
    fail(2);
    await expect(save(snapshots, 'third', contents(5, 6, 7, 4), [0, 1, 3])).rejects.toThrow('ENOSPC');
    await save(snapshots, 'fourth', contents(5, 6, 7, 4), [0, 1, 3]);
    expect(packs()).toEqual(['pages-1.pack', 'pages-2.pack', 'pages-4.pack']);
    for (const facts of ['fifth', 'sixth']) await save(snapshots, facts, contents(5, 6, 7, 4), [0, 1, 2, 3]);
    expect(packs()).toEqual(['pages-2.pack', 'pages-4.pack', 'pages-5.pack']);
  });

  test('because a blob on disk has gone bad takes nothing over from then on: all pages are written anew', async () => {
    const snapshots = await opened();
    await save(snapshots, 'first', contents(1, 2, 3, 4));
    flip('pages-1.pack', disk.names.get('pages-1.pack')!.bytes.length - 3);
    const third = save(snapshots, 'second', contents(5, 6, 7, 4), [3]);
    await expect(third).rejects.toThrow(/pages-1\.pack: bytes .* do not match their checksum/);
    expect(snapshots.canKeep(3)).toBe(false);
    await save(snapshots, 'third', contents(5, 6, 7, 4));
    expect(snapshots.canKeep(3)).toBe(true);
    const restored = await reread();
    expect(restored.saved?.facts).toBe('third');
    expect(await contentsOf(restored)).toEqual(contents(5, 6, 7, 4));
  });

  test('because the power fails at any moment leaves the save before it, or is whole', async () => {
    const random = new Random(4);
    for (let at = 0; at < 24; at++)
      for (let n = 0; n < 12; n++) {
        disk = new FakeDisk();
        const snapshots = await twoSaves();
        disk.expect({ at, kind: 'kill', code: '' });
        await save(snapshots, 'third', contents(3, 9), [1]).catch(() => {});
        disk.restart(true, () => random.unit());
        const restored = await reread();
        expect(restored.saved?.facts).toMatch(/second|third/);
        expect(await contentsOf(restored)).toEqual(contents(restored.saved?.facts === 'second' ? 2 : 3, 9));
      }
  });

  test('with its process leaves files that the next process sweeps with its first write, and not before', async () => {
    const snapshots = await twoSaves();
    for (const at of [4, 8]) {
      disk.expect({ at, kind: 'kill', code: '' });
      await expect(save(snapshots, 'third', contents(3, 4))).rejects.toThrow(SnapshotError);
      disk.restart(false, () => 0);
      disk.put('world.regrow.tmp', Buffer.from('of an earlier version'));
      const names = [...disk.names.keys()];
      const next = await opened();
      expect([...disk.names.keys()]).toEqual(names);
      await save(next, 'fourth', contents(5, 9));
      expect([...disk.names.keys()].filter((name) => name.endsWith('.tmp'))).toEqual([]);
      expect(packs().length).toBeLessThan(4);
    }
  });
});

describe('reading', () => {
  test('any flipped bit makes a save unsound: the other is used, or the start is refused, and nothing is touched', async () => {
    await twoSaves();
    const sound = disk;
    const names = [...sound.names.keys()];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (name, at, bits) => {
          disk = sound.copy();
          flip(name, at % sound.names.get(name)!.bytes.length, bits);
          const before = [...disk.names].map(([file, { bytes }]) => [file, bytes]);
          const restored = await reread().catch((error: Error) => error);
          if (restored instanceof Error) {
            // Page 1 is in both saves, or the file says that it is of version 1.
            expect(restored).toBeInstanceOf(SnapshotError);
            expect(restored.message).toMatch(/world\.regrow is unsound.*world\.regrow\.1 is unsound/);
          } else {
            const isSecond = restored.saved!.facts === 'second';
            expect(await contentsOf(restored)).toEqual(contents(isSecond ? 2 : 1, 9));
            expect(restored.notes.length).toBe(isSecond ? Number(name === PREVIOUS) : 2);
          }
          expect([...disk.names].map(([file, { bytes }]) => [file, bytes])).toEqual(before);
        },
      ),
      { seed: 3, numRuns: 150 },
    );
  });

  test('a save whose pack is gone or cut short is unsound, and the note says which', async () => {
    await twoSaves();
    const whole = disk;
    disk = whole.copy();
    disk.drop('pages-2.pack');
    expect((await reread()).notes[0]).toMatch(/world\.regrow is unsound: .*pages-2\.pack/);
    disk = whole.copy();
    const { bytes } = disk.names.get('pages-2.pack')!;
    disk.put('pages-2.pack', bytes.subarray(0, bytes.length - 1));
    const { saved, notes } = await reread();
    expect(saved?.facts).toBe('first');
    expect(notes).toEqual([
      expect.stringMatching(/world\.regrow is unsound: data.pages-2\.pack: it ends before byte \d+/),
      expect.stringMatching(/using the save before it, data.world\.regrow\.1/),
    ]);
  });

  test('when both are unsound, the error names both', async () => {
    await twoSaves();
    for (const name of [NEWEST, PREVIOUS]) flip(name, 30);
    await expect(reread()).rejects.toThrow(SnapshotError);
    await expect(reread()).rejects.toThrow(/world\.regrow is unsound: .*; .*world\.regrow\.1 is unsound: /);
  });

  test('an unsound newest save is set aside by the next write, and the sound one stays the previous', async () => {
    await twoSaves();
    flip(NEWEST, 30);
    const snapshots = await opened();
    await save(snapshots, 'third', contents(3, 9), [1]);
    const aside = [...disk.names.keys()].filter((name) => name.startsWith('world.regrow.corrupt-'));
    expect(aside).toHaveLength(1);
    expect((await reread()).saved?.facts).toBe('third');
    const copy = disk.copy();
    copy.drop(NEWEST);
    expect((await reread(copy)).saved?.facts).toBe('first');
    await save(snapshots, 'fourth', contents(4, 9), [1]);
    disk.drop(NEWEST);
    expect((await reread()).saved?.facts).toBe('third');
    expect([...disk.names.keys()].filter((name) => name.startsWith('world.regrow.corrupt-'))).toEqual(aside);
  });

  test.each(['missing', 'unsound'])(
    'from a %s newest save, no failing write loses the one before it',
    async (what) => {
      await twoSaves();
      if (what === 'missing') disk.drop(NEWEST);
      else flip('pages-2.pack', 5);
      const start = disk;
      for (const kind of ['error', 'lost'] as const)
        for (let at = 0; at < 20; at++) {
          disk = start.copy();
          const snapshots = await opened();
          disk.expect({ at, kind, code: 'EIO' });
          const written = await save(snapshots, 'third', contents(3, 7)).catch(() => null);
          disk.expect(null);
          if (written !== null) continue;
          // Whoever looks into an unsound save finds its other pages.
          if (what === 'unsound' && disk.names.has(NEWEST) && at < 5)
            expect(packs()).toContain('pages-2.pack');
          await save(snapshots, 'fourth', contents(4, 8));
          disk.drop(NEWEST);
          expect((await reread()).saved?.facts).toMatch(/first|third/);
        }
    },
  );

  test('a file that may be sound and cannot be read stops the start', async () => {
    await twoSaves();
    for (const at of [0, 1, 2]) {
      disk.expect({ at, kind: 'error', code: 'EACCES' });
      await expect(reread()).rejects.toMatchObject({ name: 'SnapshotError', code: 'EACCES' });
    }
    disk.expect({ at: 0, kind: 'error', code: 'EIO' });
    expect((await reread()).saved?.facts).toBe('first');
  });

  test('a save of a newer format stops the start, though the one before it is sound', async () => {
    await twoSaves();
    await writeSealed('data/world.regrow', 'REGROW W', 3, {}, [], undefined, disk);
    const names = [...disk.names.keys()];
    await expect(reread()).rejects.toThrow(SnapshotVersionError);
    await expect(reread()).rejects.toThrow('format 3');
    expect([...disk.names.keys()]).toEqual(names);
  });
});

describe('a save of version 1', () => {
  const old = { facts: { step: 5 }, pages: [plainPage(0, 1), plainPage(4, 2)] };
  const read = (readOld = async () => old) => new Snapshots('data', { readOld, files: disk });
  beforeEach(() => writeSealed('data/world.regrow', 'REGROW W', 1, {}, [], undefined, disk));

  test('is read, and the next write makes it version 2', async () => {
    const snapshots = read();
    const restored = await snapshots.read();
    expect(restored.saved).toMatchObject({ facts: { step: 5 }, journal: 0, count: 2 });
    expect([...(await contentsOf(restored))]).toEqual([
      [0, 1],
      [4, 2],
    ]);
    await expect(save(snapshots, '', contents(1), [4])).rejects.toThrow('page 4');
    await save(snapshots, { step: 6 }, contents(1, 3));
    expect((await reread()).saved?.facts).toEqual({ step: 6 });
    // It is the save before the newest, until the next write.
    disk.drop(NEWEST);
    expect((await read().read()).saved?.facts).toEqual({ step: 5 });
  });

  test('that is corrupt is unsound like any other', async () => {
    const corrupt = read(async () => {
      throw new SealError('its checksum does not match');
    });
    await expect(corrupt.read()).rejects.toThrow(/world\.regrow is unsound: its checksum does not match/);
  });
});

describe('packs', () => {
  test('that no save names are deleted, and mostly dead ones are emptied: the folder stays small', async () => {
    const snapshots = await opened();
    let world = contents(...Array.from({ length: 24 }, (_, i) => i + 1));
    await save(snapshots, 0, world);
    const living = packBytes();
    for (let n = 0; n < 60; n++) {
      const page = (n * 7) % 24;
      world = new Map(world).set(page, 100 + n);
      await save(
        snapshots,
        n,
        world,
        [...world.keys()].filter((one) => one !== page),
      );
      expect(packBytes()).toBeLessThan(2.5 * living);
    }
    expect(await contentsOf(await reread())).toEqual(world);
    // Packs of one page are merged.
    expect(packs().length).toBeLessThan(70);
  });

  const place = (pack: number, index: number, length = 2 ** 20): Place => ({
    pack,
    offset: index * length,
    length,
    crc: 0,
    name: `${pack} ${index}`,
  });
  const sizes = new Map([
    [1, 40 * 2 ** 20],
    [2, 4 * 2 ** 20],
  ]);

  test('a large one is emptied by several saves, so that none of them takes long', () => {
    const living = Array.from({ length: 19 }, (_, i) => place(1, i));
    expect(blobsToMove(living, sizes, 0)).toHaveLength(16);
    expect(blobsToMove(living, sizes, 18 * 2 ** 20)).toHaveLength(18);
    expect(blobsToMove(living.slice(16), sizes, 0)).toHaveLength(3);
  });

  test('with half of their bytes alive stay, unless they are too many', () => {
    expect(blobsToMove([place(2, 0), place(2, 3)], sizes, 0)).toEqual([]);
    expect(blobsToMove([place(2, 0)], sizes, 0)).toEqual([place(2, 0)]);
    const many = Array.from({ length: 70 }, (_, pack) => place(pack, 0, 100 - pack));
    const full = new Map(many.map(({ pack, length }) => [pack, length]));
    expect(blobsToMove(many, full, 0).map(({ pack }) => pack)).toEqual([69, 68, 67, 66, 65, 64]);
  });
});

describe('a world of 16,384 pages', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('is written and read page by page', { timeout: 120_000 }, async () => {
    const COUNT = 16_384;
    function* pages() {
      // One set of arrays for all of them: a list of all pages would not fit.
      const one = plainPage(0, 0);
      for (let page = 0; page < COUNT; page++) {
        one.owners[0] = page % 50;
        yield { ...one, page };
      }
    }
    const snapshots = new Snapshots(folder, { readOld: noOldSave });
    await snapshots.read();
    await snapshots.write({ facts: 0, journal: 0, changed: pages(), kept: [] });
    const { saved } = await new Snapshots(folder, { readOld: noOldSave }).read();
    expect(saved!.count).toBe(COUNT);
    let right = 0;
    for await (const { page, owners } of saved!.pages()) if (owners[0] === page % 50) right++;
    expect(right).toBe(COUNT);
  });
});
