/** What the journal and the saves need of a disk, whatever it is. */
import { describe, expect, test } from 'vitest';
import { type Disk, isMissing, readAt, writeAll } from '../../server/files/disk.ts';

const error = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => Promise.reject(new Error('it was done')),
    (reason: Error) => reason,
  );

async function put(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, 'create');
  await writeAll(file, [Buffer.from(text)], 0);
  await file.datasync();
  await file.close();
}

/**
 * @param folder - of the disk, empty, for this suite alone; asked for when the tests run
 */
export function describeDiskContract(name: string, disk: () => Disk, folder: () => string): void {
  const at = (path: string): string => `${folder()}/${path}`;

  describe(`the contract of disks: ${name}`, () => {
    test.each(['log', 'pack'])('a file (.%s) holds what was added at its end', async (ending) => {
      const path = at(`file.${ending}`);
      const file = await disk().open(path, 'new');
      await writeAll(file, [Buffer.from('one '), Buffer.alloc(0), Buffer.from('two')], 0);
      expect(await file.size()).toBe(7);
      await writeAll(file, [Buffer.from('!')], 7);
      await file.datasync();
      await file.close();
      expect(await disk().size(path)).toBe(8);
      expect(String(await disk().readFile(path))).toBe('one two!');
      const again = await disk().open(path, 'read');
      expect(String(await readAt(again, 2, 4))).toBe('e tw');
      expect(String(await readAt(again, 6, 100))).toBe('o!');
      expect(await readAt(again, 8, 1)).toHaveLength(0);
      await again.close();
    });

    test('a file is cut anywhere, and goes on from there', async () => {
      const path = at('cut');
      await put(disk(), path, 'one two three');
      const file = await disk().open(path, 'change');
      await writeAll(file, [Buffer.from(' four')], 13);
      await file.truncate(15);
      await file.truncate(6);
      await writeAll(file, [Buffer.from('!')], 6);
      await file.datasync();
      await file.close();
      expect(String(await disk().readFile(path))).toBe('one tw!');
      const none = await disk().open(path, 'change');
      await none.truncate(0);
      await none.close();
      expect(await disk().size(path)).toBe(0);
    });

    test('a new file must not exist, one that is read or changed must, one that is created begins empty', async () => {
      const path = at('there');
      await put(disk(), path, 'before');
      expect(await error(disk().open(path, 'new'))).toMatchObject({ code: 'EEXIST' });
      for (const how of ['read', 'change'] as const)
        expect(isMissing(await error(disk().open(at('none'), how)))).toBe(true);
      await (await disk().open(path, 'change')).close();
      expect(await disk().size(path)).toBe(6);
      await (await disk().open(path, 'create')).close();
      expect(await disk().size(path)).toBe(0);
    });

    test('a rename replaces a file', async () => {
      await put(disk(), at('from'), 'new');
      await put(disk(), at('to'), 'old');
      await disk().rename(at('from'), at('to'));
      await disk().syncFolder(folder());
      expect(String(await disk().readFile(at('to')))).toBe('new');
      expect(isMissing(await error(disk().readFile(at('from'))))).toBe(true);
      expect(isMissing(await error(disk().rename(at('from'), at('to'))))).toBe(true);
      expect(String(await disk().readFile(at('to')))).toBe('new');
    });

    test('a folder has the names of its files, and of no others', async () => {
      await disk().makeFolder(at('deep'));
      await disk().makeFolder(at('deep'));
      await put(disk(), at('deep/b'), 'b');
      await put(disk(), at('deep/a'), 'a');
      await put(disk(), at('deeper'), 'c');
      expect((await disk().list(at('deep'))).sort()).toEqual(['a', 'b']);
      await disk().remove(at('deep/a'));
      expect(await disk().list(at('deep'))).toEqual(['b']);
      expect(isMissing(await error(disk().remove(at('deep/a'))))).toBe(true);
      expect(isMissing(await error(disk().size(at('deep/a'))))).toBe(true);
    });

    test('many pieces are one file, and any part of it is read', async () => {
      const path = at('many.log');
      const file = await disk().open(path, 'create');
      const all = Buffer.from(Array.from({ length: 900 }, (_, i) => i % 251));
      for (let end = 0; end < all.length; end += 90) await writeAll(file, [all.subarray(end, end + 90)], end);
      await file.close();
      const again = await disk().open(path, 'read');
      for (const [from, bytes] of [
        [0, 900],
        [89, 2],
        [90, 90],
        [45, 700],
        [850, 200],
      ])
        expect(Buffer.compare(await readAt(again, from, bytes), all.subarray(from, from + bytes))).toBe(0);
      await again.close();
    });
  });
}
