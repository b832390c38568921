import { beforeEach, describe, expect, test } from 'vitest';
import { SaveError } from '../../server/storage/saves.ts';
import { FakeDisk } from './fakeDisk.ts';
import {
  contents,
  contentsOf,
  densePage,
  flip,
  opened,
  orderOf,
  packsOn,
  reread,
  save,
  twoSaves,
} from './pages.ts';

let disk: FakeDisk;
beforeEach(() => {
  disk = new FakeDisk();
});

describe('a write that fails', () => {
  const fail = (at: number): void => disk.expect({ at, verdict: 'ENOSPC' });

  test('names path and code, leaves the disk no fuller, and the next one succeeds', async () => {
    let failed = 0;
    for (let at = 0; ; at++) {
      disk = new FakeDisk();
      const saves = await twoSaves(disk);
      const before = disk.bytes;
      fail(at);
      const written = await save(saves, 'third', contents(3, 4)).catch((error: SaveError) => error);
      disk.expect(null);
      if (written instanceof Error) {
        failed++;
        expect(written).toBeInstanceOf(SaveError);
        expect(written.code).toBe('ENOSPC');
        expect(written.message).toContain(written.path);
        expect(written.path).toMatch(/^data/);
        // Between the renames, one of the saves has gone already.
        expect(disk.bytes).toBeLessThan(before + 400);
        expect((await reread(disk)).saved?.facts).toMatch(/second|third/);
        await save(saves, 'fourth', contents(5, 6));
      }
      expect((await reread(disk)).saved?.facts).toBe(written instanceof Error ? 'fourth' : 'third');
      if (at > 40) break;
    }
    expect(failed).toBeGreaterThan(8);
  });

  test('leaves the pages that it was given as changed to be written by the next one', async () => {
    const saves = await twoSaves(disk);
    fail(2);
    await expect(save(saves, 'third', contents(3, 9), [1])).rejects.toThrow('ENOSPC');
    expect([0, 1].map((page) => saves.canKeep(page))).toEqual([false, true]);
    await expect(save(saves, 'fourth', contents(3, 9), [0, 1])).rejects.toThrow('page 0');
    await save(saves, 'fifth', contents(3, 9), [1]);
    expect(await contentsOf(await reread(disk))).toEqual(contents(3, 9));
  });

  test('because reading its pages throws passes that error on and leaves no file', async () => {
    const saves = await twoSaves(disk);
    const names = disk.names;
    async function* pages() {
      yield densePage(0, 5);
      yield densePage(2, 5);
      throw new RangeError('the engine is gone');
    }
    const order = orderOf({ changed: pages(), kept: [1] });
    await expect(saves.write(order)).rejects.toThrow(new RangeError('the engine is gone'));
    expect(disk.names).toEqual(names);
  });

  test('moves no blob in the next write, because there may be no room for it', async () => {
    const saves = await opened(disk);
    await save(saves, 'first', contents(1, 2, 3, 4));
    await save(saves, 'second', contents(5, 6, 3, 4), [2, 3]);
    fail(2);
    await expect(save(saves, 'third', contents(5, 6, 7, 4), [0, 1, 3])).rejects.toThrow('ENOSPC');
    await save(saves, 'fourth', contents(5, 6, 7, 4), [0, 1, 3]);
    expect(packsOn(disk)).toEqual(['pages-1.pack', 'pages-2.pack', 'pages-4.pack']);
    for (const facts of ['fifth', 'sixth']) await save(saves, facts, contents(5, 6, 7, 4), [0, 1, 2, 3]);
    expect(packsOn(disk)).toEqual(['pages-2.pack', 'pages-4.pack', 'pages-5.pack']);
  });

  test('because a blob on disk has gone bad makes the next write write every page anew', async () => {
    const saves = await opened(disk);
    await save(saves, 'first', contents(1, 2, 3, 4));
    flip(disk, 'pages-1.pack', disk.bytesOf('pages-1.pack').length - 3);
    const third = save(saves, 'second', contents(5, 6, 7, 4), [3]);
    await expect(third).rejects.toThrow(/pages-1\.pack: bytes .* do not match their checksum/);
    expect(saves.canKeep(3)).toBe(false);
    await save(saves, 'third', contents(5, 6, 7, 4));
    expect(saves.canKeep(3)).toBe(true);
    const restored = await reread(disk);
    expect(restored.saved?.facts).toBe('third');
    expect(await contentsOf(restored)).toEqual(contents(5, 6, 7, 4));
  });

  test('because the power fails at any moment leaves the save before it or the whole new one', async () => {
    for (let at = 0; at < 24; at++)
      for (let n = 0; n < 12; n++) {
        disk = new FakeDisk(100 * at + n);
        const saves = await twoSaves(disk);
        disk.expect({ at, verdict: 'kill' });
        await save(saves, 'third', contents(3, 9), [1]).catch(() => {});
        disk = disk.afterPowerLoss();
        const restored = await reread(disk);
        expect(restored.saved?.facts).toMatch(/second|third/);
        expect(await contentsOf(restored)).toEqual(contents(restored.saved?.facts === 'second' ? 2 : 3, 9));
      }
  });

  test('with its process leaves files that the next process sweeps with its first write, and not before', async () => {
    const saves = await twoSaves(disk);
    for (const at of [4, 8]) {
      disk.expect({ at, verdict: 'kill' });
      await expect(save(saves, 'third', contents(3, 4))).rejects.toThrow(SaveError);
      disk = disk.afterKill();
      disk.put('world.regrow.tmp', Buffer.from('of an earlier version'));
      const names = disk.names;
      const next = await opened(disk);
      expect(disk.names).toEqual(names);
      await save(next, 'fourth', contents(5, 9));
      expect(disk.names.filter((name) => name.endsWith('.tmp'))).toEqual([]);
      expect(packsOn(disk).length).toBeLessThan(4);
    }
  });
});
