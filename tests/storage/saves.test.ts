import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PageState } from '../../server/engines/engine.ts';
import { Saves } from '../../server/storage/saves.ts';
import { FakeDisk } from './fakeDisk.ts';
import {
  contents,
  contentsOf,
  densePage,
  everything,
  NEWEST,
  noOldSave,
  opened,
  orderOf,
  packBytes,
  packsOn,
  plainPage,
  reread,
  save,
  twoSaves,
} from './pages.ts';

let disk: FakeDisk;
beforeEach(() => {
  disk = new FakeDisk();
});

describe('a save', () => {
  test('gives back every bit, the facts, and the number of the journal', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'regrow-'));
    try {
      const pages = [densePage(3, 1), densePage(70_000, 1), plainPage(0, 0), densePage(1, 1)];
      const saves = new Saves(join(folder, 'data'), { readOld: noOldSave });
      expect(await saves.read()).toEqual({ saved: null, isOlder: false, notes: [] });
      const facts = { step: 7, names: ['Ää ✿'] };
      const { pages: count } = await saves.write(orderOf({ facts, journal: 5, changed: pages, kept: [] }));
      expect(count).toBe(4);
      expect(readdirSync(join(folder, 'data')).sort()).toEqual(['pages-1.pack', NEWEST]);

      const again = new Saves(join(folder, 'data'), { readOld: noOldSave });
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
    const saves = await opened(disk);
    await save(saves, 'first', contents(1, 2, 3, 4));
    await save(saves, 'second', contents(1, 7, 3), [0, 2]);
    expect(packsOn(disk)).toEqual(['pages-1.pack', 'pages-2.pack']);
    expect(disk.bytesOf('pages-2.pack').length).toBeLessThan(100);
    expect(await contentsOf(await reread(disk))).toEqual(contents(1, 7, 3));
  });

  test('writes no page whose content is saved already, and equal pages once', async () => {
    const saves = await opened(disk);
    await save(saves, 'first', contents(1, 1, 1, 2));
    const bytes = packBytes(disk);
    await save(saves, 'second', contents(2, 1, 1, 1));
    expect(packBytes(disk)).toBe(bytes);
    expect(await contentsOf(await reread(disk))).toEqual(contents(2, 1, 1, 1));
  });

  test('reports each changed page as progress once it is in the pack', async () => {
    const saves = await opened(disk);
    await save(saves, 'first', contents(1, 2, 3, 4));
    const told: number[] = [];
    const changed = [densePage(1, 9), densePage(2, 9)];
    const progress = (pages: number): void => void told.push(pages);
    await saves.write({ ...orderOf({ facts: 'second', journal: 2, changed, kept: [3] }), progress });
    expect(told).toEqual([1, 2]);
  });

  test('copies a page before it asks for the next one, whose arrays may be the same', async () => {
    const saves = await opened(disk);
    const one = plainPage(0, 0);
    function* pages() {
      for (let page = 0; page < 9; page++) {
        one.cells.fill(page + 1);
        one.owners.fill(page + 1);
        yield { ...one, page };
      }
    }
    await saves.write(orderOf({ facts: 0, journal: 0, changed: pages(), kept: [] }));
    expect(await contentsOf(await reread(disk))).toEqual(contents(1, 2, 3, 4, 5, 6, 7, 8, 9));
  });

  test('asks for few pages ahead of those that it has written', async () => {
    const saves = await opened(disk);
    let asked = 0;
    let most = 0;
    async function* pages() {
      for (; asked < 40; asked++) {
        const written = disk.has('pages-1.pack') ? disk.bytesOf('pages-1.pack').length : 0;
        most = Math.max(most, asked - Math.floor(written / 200_000));
        yield densePage(asked, 2);
      }
    }
    await saves.write(orderOf({ facts: 0, journal: 0, changed: pages(), kept: [] }));
    expect(most).toBeLessThan(8);
    const { saved } = await reread(disk);
    let seen = 0;
    for await (const _ of saved!.pages()) seen++;
    expect(seen).toBe(40);
  });

  test('takes the last of a page that comes again, and none of one that has ceased to exist', async () => {
    const saves = await opened(disk);
    await save(saves, 'first', contents(1, 2));
    const changed = [plainPage(0, 5), plainPage(2, 6), plainPage(0, 7)];
    await saves.write(orderOf({ changed, kept: [1], gone: [2] }));
    expect(await contentsOf(await reread(disk))).toEqual(contents(7, 2));
  });

  test('asks for the moment that it holds when its pages are read, and waits for `ready` before it takes its place', async () => {
    const saves = await twoSaves(disk);
    const told: string[] = [];
    function* pages() {
      yield plainPage(0, 3);
      told.push('pages');
    }
    await saves.write({
      changed: pages(),
      moment: () => {
        told.push('moment');
        return { facts: 'third', journal: 4, kept: [1] };
      },
      async ready() {
        told.push((await reread(disk.afterKill())).saved!.facts as string);
        told.push(...packsOn(disk).slice(-1));
      },
    });
    expect(told).toEqual(['pages', 'moment', 'second', 'pages-3.pack']);
    expect((await reread(disk)).saved?.facts).toBe('third');
  });

  test('for which `ready` throws fails with that, and leaves what was there', async () => {
    const saves = await twoSaves(disk);
    const before = everything(disk);
    const ready = (): Promise<void> => Promise.reject(new Error('no journal'));
    const order = { ...orderOf({ changed: [plainPage(0, 3)], kept: [1] }), ready };
    await expect(saves.write(order)).rejects.toThrow('world.regrow: no journal');
    expect(everything(disk)).toEqual(before);
  });

  test('is refused with a page that is given and kept or was never saved, and before the saves were read', async () => {
    const unread = new Saves('data', { readOld: noOldSave, files: disk });
    await expect(save(unread, '', contents(1))).rejects.toThrow('read comes before write');
    const saves = await twoSaves(disk);
    const before = everything(disk);
    await expect(save(saves, '', contents(1), [5])).rejects.toThrow('page 5');
    const twice = orderOf({ changed: [plainPage(0, 3)], kept: [0] });
    await expect(saves.write(twice)).rejects.toThrow('page 0 is given twice');
    expect(everything(disk)).toEqual(before);
  });

  test('names the first journal segment that either save needs', async () => {
    const saves = await opened(disk);
    for (const journal of [3, 8, 9])
      await saves.write(orderOf({ facts: 0, journal, changed: [plainPage(0, journal)], kept: [] }));
    expect(saves.oldestJournal).toBe(8);
    expect((await opened(disk)).oldestJournal).toBe(8);
  });
});

describe('a world of 16,384 pages', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('is written and read page by page', { timeout: 300_000 }, async () => {
    const COUNT = 16_384;
    function* pages() {
      // One set of arrays for all of them: a list of all pages would not fit.
      const one = plainPage(0, 0);
      for (let page = 0; page < COUNT; page++) {
        one.owners[0] = page % 50;
        yield { ...one, page };
      }
    }
    const saves = new Saves(folder, { readOld: noOldSave });
    await saves.read();
    await saves.write(orderOf({ facts: 0, journal: 0, changed: pages(), kept: [] }));
    const { saved } = await new Saves(folder, { readOld: noOldSave }).read();
    expect(saved!.count).toBe(COUNT);
    let right = 0;
    for await (const { page, owners } of saved!.pages()) if (owners[0] === page % 50) right++;
    expect(right).toBe(COUNT);
  });
});
