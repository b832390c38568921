import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Manifest } from '../../server/storage/manifest.ts';
import { SaveVersionError } from '../../server/storage/manifest.ts';
import { look, openSave } from '../../server/storage/saved.ts';
import { SaveError, Saves } from '../../server/storage/saves.ts';
import { SealError, writeSealed } from '../../server/storage/sealed.ts';
import { FakeDisk } from './fakeDisk.ts';
import {
  contents,
  contentsOf,
  everything,
  flip,
  NEWEST,
  opened,
  PREVIOUS,
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

describe('reading', () => {
  test('a save that is renamed while it is looked at is not there: it is not taken for a damaged one', async () => {
    await twoSaves(disk);
    const found = disk.readFile.bind(disk);
    disk.readFile = async (path) => {
      await disk.rename(NEWEST, PREVIOUS);
      return found(path);
    };
    expect(await look(NEWEST, disk)).toBeNull();
  });

  test('any flipped bit makes a save unsound: the other save is used, or the start is refused and no file is touched', async () => {
    await twoSaves(disk);
    const sound = disk;
    const names = sound.names;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (name, at, bits) => {
          disk = sound.afterKill();
          flip(disk, name, at % sound.bytesOf(name).length, bits);
          const before = everything(disk);
          const restored = await reread(disk).catch((error: Error) => error);
          if (restored instanceof Error) {
            // Page 1 is in both saves, or the file says that it is of version 1.
            expect(restored).toBeInstanceOf(SaveError);
            expect(restored.message).toMatch(/world\.regrow is unsound.*world\.regrow\.1 is unsound/);
          } else {
            const isSecond = restored.saved!.facts === 'second';
            expect(await contentsOf(restored)).toEqual(contents(isSecond ? 2 : 1, 9));
            expect(restored.notes.length).toBe(isSecond ? Number(name === PREVIOUS) : 2);
          }
          expect(everything(disk)).toEqual(before);
        },
      ),
      { seed: 3, numRuns: 150 },
    );
  });

  test('a save whose pack is gone or cut short is unsound, and the note says which', async () => {
    await twoSaves(disk);
    const whole = disk;
    disk = whole.afterKill();
    disk.drop('pages-2.pack');
    expect((await reread(disk)).notes[0]).toMatch(/world\.regrow is unsound: .*pages-2\.pack/);
    disk = whole.afterKill();
    const bytes = disk.bytesOf('pages-2.pack');
    disk.put('pages-2.pack', bytes.subarray(0, bytes.length - 1));
    const { saved, notes } = await reread(disk);
    expect(saved?.facts).toBe('first');
    expect(notes).toEqual([
      expect.stringMatching(/world\.regrow is unsound: data.pages-2\.pack: it ends before byte \d+/),
      expect.stringMatching(/using the save before it, data.world\.regrow\.1/),
    ]);
  });

  test('a look at sizes finds a pack that is gone or short, and opens none', async () => {
    await twoSaves(disk);
    const path = join('data', NEWEST);
    const manifest = (await look(path, disk)) as Manifest;
    disk.heard.length = 0;
    const opened = () => openSave(path, 'data', manifest, disk, 'sizes');
    expect(await opened()).toMatchObject({ facts: 'second', count: 2 });
    expect(new Set(disk.heard)).toEqual(new Set(['size']));
    const bytes = disk.bytesOf('pages-2.pack');
    disk.put('pages-2.pack', bytes.subarray(0, bytes.length - 1));
    expect(String(await opened())).toMatch(/unsound: .*pages-2\.pack: it ends before byte/);
    disk.drop('pages-2.pack');
    expect(String(await opened())).toMatch(/unsound: .*pages-2\.pack/);
  });

  test('when both are unsound, the error names both', async () => {
    await twoSaves(disk);
    for (const name of [NEWEST, PREVIOUS]) flip(disk, name, 30);
    await expect(reread(disk)).rejects.toThrow(SaveError);
    await expect(reread(disk)).rejects.toThrow(
      /world\.regrow is unsound: .*; .*world\.regrow\.1 is unsound: /,
    );
  });

  test('an unsound newest save is set aside by the next write, and the sound one stays the previous', async () => {
    await twoSaves(disk);
    flip(disk, NEWEST, 30);
    const saves = await opened(disk);
    await save(saves, 'third', contents(3, 9), [1]);
    const aside = disk.names.filter((name) => name.startsWith('world.regrow.corrupt-'));
    expect(aside).toHaveLength(1);
    expect((await reread(disk)).saved?.facts).toBe('third');
    const copy = disk.afterKill();
    copy.drop(NEWEST);
    expect((await reread(copy)).saved?.facts).toBe('first');
    await save(saves, 'fourth', contents(4, 9), [1]);
    disk.drop(NEWEST);
    expect((await reread(disk)).saved?.facts).toBe('third');
    expect(disk.names.filter((name) => name.startsWith('world.regrow.corrupt-'))).toEqual(aside);
  });

  test.each(['missing', 'unsound'])(
    'from a %s newest save, no failing write loses the one before it',
    async (what) => {
      await twoSaves(disk);
      if (what === 'missing') disk.drop(NEWEST);
      else flip(disk, 'pages-2.pack', 5);
      const start = disk;
      for (const verdict of ['EIO', 'lost EIO'] as const)
        for (let at = 0; at < 20; at++) {
          disk = start.afterKill();
          const saves = await opened(disk);
          disk.expect({ at, verdict });
          const written = await save(saves, 'third', contents(3, 7)).catch(() => null);
          disk.expect(null);
          if (written !== null) continue;
          // Whoever looks into an unsound save finds its other pages.
          if (what === 'unsound' && disk.has(NEWEST) && at < 5)
            expect(packsOn(disk)).toContain('pages-2.pack');
          await save(saves, 'fourth', contents(4, 8));
          disk.drop(NEWEST);
          expect((await reread(disk)).saved?.facts).toMatch(/first|third/);
        }
    },
  );

  test('a file that may be sound and cannot be read stops the start', async () => {
    await twoSaves(disk);
    for (const at of [0, 1, 2]) {
      disk.expect({ at, verdict: 'EACCES' });
      await expect(reread(disk)).rejects.toMatchObject({ name: 'SaveError', code: 'EACCES' });
    }
    disk.expect({ at: 0, verdict: 'EIO' });
    expect((await reread(disk)).saved?.facts).toBe('first');
  });

  test('a save of a newer format stops the start, though the one before it is sound', async () => {
    await twoSaves(disk);
    await writeSealed('data/world.regrow', 'REGROW W', 3, {}, [], undefined, disk);
    const names = disk.names;
    await expect(reread(disk)).rejects.toThrow(SaveVersionError);
    await expect(reread(disk)).rejects.toThrow('format 3');
    expect(disk.names).toEqual(names);
  });
});

describe('a save of version 1', () => {
  const old = { facts: { step: 5 }, pages: [plainPage(0, 1), plainPage(4, 2)] };
  const read = (readOld = async () => old) => new Saves('data', { readOld, files: disk });
  beforeEach(() => writeSealed('data/world.regrow', 'REGROW W', 1, {}, [], undefined, disk));

  test('is read, and the next write makes it version 2', async () => {
    const saves = read();
    const restored = await saves.read();
    expect(restored.saved).toMatchObject({ facts: { step: 5 }, journal: 1, count: 2 });
    expect([...(await contentsOf(restored))]).toEqual([
      [0, 1],
      [4, 2],
    ]);
    await expect(save(saves, '', contents(1), [4])).rejects.toThrow('page 4');
    await save(saves, { step: 6 }, contents(1, 3));
    expect((await reread(disk)).saved?.facts).toEqual({ step: 6 });
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
