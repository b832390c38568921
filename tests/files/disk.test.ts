import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  DISK,
  type DiskFile,
  diskReason,
  isMissing,
  makeFolderSync,
  publicReason,
  readAt,
  writeAll,
} from '../../server/files/disk.ts';
import { describeDiskContract } from './contract.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-disk-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describeDiskContract(
  'this machine',
  () => DISK,
  () => folder,
);

const error = (work: Promise<unknown>): Promise<Error> =>
  work.then(Promise.reject, (reason: Error) => reason);

test('a file holds what was written where it was written, and ends where it was cut', async () => {
  const path = join(folder, 'file');
  const file = await DISK.open(path, 'new');
  await writeAll(file, [Buffer.from('one '), Buffer.alloc(0), Buffer.from('two')], 0);
  await writeAll(file, [Buffer.from('!')], 2);
  expect(await file.size()).toBe(7);
  await file.truncate(5);
  await file.datasync();
  await file.close();
  expect(await DISK.size(path)).toBe(5);
  expect(String(await DISK.readFile(path))).toBe('on! t');
  const again = await DISK.open(path, 'read');
  expect(String(await readAt(again, 1, 3))).toBe('n! ');
  expect(String(await readAt(again, 4, 100))).toBe('t');
  await again.close();
});

test('a new file must not exist, one that is read or changed must, and one that is created begins empty', async () => {
  const path = join(folder, 'there');
  await (await DISK.open(path, 'create')).close();
  expect(await error(DISK.open(path, 'new'))).toMatchObject({ code: 'EEXIST' });
  for (const how of ['read', 'change'] as const)
    expect(isMissing(await error(DISK.open(join(folder, 'none'), how)))).toBe(true);
  const changed = await DISK.open(path, 'change');
  await writeAll(changed, [Buffer.from('kept')], 0);
  await changed.close();
  await (await DISK.open(path, 'change')).close();
  expect(await DISK.size(path)).toBe(4);
  await (await DISK.open(path, 'create')).close();
  expect(await DISK.size(path)).toBe(0);
});

test('a rename replaces a file, and a folder can be made again and synced', async () => {
  const deep = join(folder, 'a', 'b');
  for (let times = 0; times < 2; times++) await DISK.makeFolder(deep);
  for (const name of ['x', 'y']) {
    const file = await DISK.open(join(deep, name), 'new');
    await writeAll(file, [Buffer.from(name)], 0);
    await file.close();
  }
  await DISK.rename(join(deep, 'x'), join(deep, 'y'));
  await DISK.syncFolder(deep);
  expect(await DISK.list(deep)).toEqual(['y']);
  expect(String(await DISK.readFile(join(deep, 'y')))).toBe('x');
  await DISK.remove(join(deep, 'y'));
  expect(await DISK.list(deep)).toEqual([]);
});

/** A file that takes as many bytes of a write as it is told to. */
function taking(counts: readonly number[]): DiskFile & { readonly held: Buffer } {
  const left = [...counts];
  const held = Buffer.alloc(64);
  const write = async (pieces: readonly Uint8Array[], position: number): Promise<number> => {
    const bytes = Buffer.concat(pieces);
    return bytes.copy(held, position, 0, left.shift() ?? bytes.length);
  };
  return { held, write } as DiskFile & { readonly held: Buffer };
}

test('all bytes are written, however few of them a write takes', async () => {
  const piece = fc.uint8Array({ maxLength: 8 });
  const short = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 6 }), short, fc.nat(16), async (pieces, counts, at) => {
      const file = taking(counts);
      await writeAll(file, pieces, at);
      const all = Buffer.concat(pieces);
      expect(file.held.subarray(at, at + all.length)).toEqual(all);
      expect(file.held.subarray(at + all.length).every((byte) => byte === 0)).toBe(true);
    }),
    { seed: 5, numRuns: 200 },
  );
});

test('a write that takes nothing is an error, not a wait without end', async () => {
  expect(await error(writeAll(taking([2, 0]), [Buffer.from('four')], 0))).toMatchObject({ code: 'EIO' });
});

test('a folder that cannot be made is refused with the cause, in words for the operator', () => {
  makeFolderSync(join(folder, 'c', 'd'));
  makeFolderSync(join(folder, 'c', 'd'));
  const reason = (() => {
    try {
      makeFolderSync(join(folder, 'file', 'below'));
    } catch (thrown) {
      return diskReason(thrown);
    }
  })();
  expect(reason).toBe('not a directory (ENOTDIR)');
  expect(diskReason(new Error('no code'))).toBe('no code');
});

test('what everybody may read of a failure names the file and no folder', async () => {
  const missing = await error(DISK.open(join(folder, 'nowhere/file.pack'), 'change'));
  expect(missing.message).toContain(folder);
  expect(publicReason(missing)).toBe('file.pack: no such file or directory (ENOENT)');
  const other = (text: string): string => publicReason(new Error(text));
  expect(other(`${folder}/journal-3.log, byte 7: not a record`)).toBe('journal-3.log, byte 7: not a record');
  expect(other("cannot read 'C:\\my data\\world.regrow'")).toBe("cannot read 'world.regrow'");
  expect(other('(/srv/my data/world.regrow)')).toBe('(world.regrow)');
  expect(other('more than 3 of 4 and/or 5')).toBe('more than 3 of 4 and/or 5');
});
