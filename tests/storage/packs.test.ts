import { beforeEach, describe, expect, test } from 'vitest';
import type { Place } from '../../server/storage/manifest.ts';
import { blobsToMove } from '../../server/storage/packs.ts';
import { FakeDisk } from './fakeDisk.ts';
import { contents, contentsOf, opened, packBytes, packsOn, reread, save } from './pages.ts';

let disk: FakeDisk;
beforeEach(() => {
  disk = new FakeDisk();
});

describe('packs', () => {
  test('that no save names are deleted, and mostly dead ones are emptied: the folder stays small', async () => {
    const saves = await opened(disk);
    let world = contents(...Array.from({ length: 24 }, (_, i) => i + 1));
    await save(saves, 0, world);
    const living = packBytes(disk);
    for (let n = 0; n < 60; n++) {
      const page = (n * 7) % 24;
      world = new Map(world).set(page, 100 + n);
      await save(
        saves,
        n,
        world,
        [...world.keys()].filter((one) => one !== page),
      );
      expect(packBytes(disk)).toBeLessThan(2.5 * living);
    }
    expect(await contentsOf(await reread(disk))).toEqual(world);
    // Packs of one page are merged.
    expect(packsOn(disk).length).toBeLessThan(70);
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
