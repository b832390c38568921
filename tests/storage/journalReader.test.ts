import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { JournalDamageError, JournalReader } from '../../server/storage/journalReader.ts';
import {
  encodeFrame,
  encodePreamble,
  JournalError,
  JournalVersionError,
  MAX_RECORD_BYTES,
  segmentName,
} from '../../server/storage/segment.ts';
import { FakeDisk } from './fakeDisk.ts';

const FOLDER = '/data';
const pathOf = (seq: number): string => join(FOLDER, segmentName(seq));

let disk: FakeDisk;
beforeEach(() => {
  disk = new FakeDisk(1);
});

/** The bytes of a segment. */
function segment(seq: number, texts: readonly string[], isAfterGap = false): Buffer {
  const { bytes, crc } = encodePreamble(seq, isAfterGap, { kernel: 'fma' });
  const records = texts.flatMap((text, i) => {
    const record = Buffer.from(text);
    return [encodeFrame(record, crc, i), record];
  });
  return Buffer.concat([bytes, ...records]);
}

const put = (seq: number, bytes: Uint8Array): void => disk.put(pathOf(seq), bytes);

interface Reading {
  readonly texts: string[];
  readonly reader: JournalReader;
  readonly error: Error | null;
}

async function read(from = 1, on = disk): Promise<Reading> {
  const reader = new JournalReader(FOLDER, from, on);
  const texts: string[] = [];
  try {
    for await (const { seq, facts, record } of reader.entries()) {
      expect(facts).toEqual({ kernel: 'fma' });
      texts.push(`${seq} ${Buffer.from(record)}`);
    }
  } catch (error) {
    return { texts, reader, error: error as Error };
  }
  return { texts, reader, error: null };
}

const sound = async (from?: number): Promise<string[]> => {
  const { texts, reader, error } = await read(from);
  expect(error).toBeNull();
  expect(reader.notes).toEqual([]);
  return texts;
};

test('segments are read in the order of their numbers, from the one that is asked for on', async () => {
  for (const seq of [10, 9, 11]) put(seq, segment(seq, ['a', 'b']));
  put(8, Buffer.from('damaged, and before what is read'));
  disk.put(join(FOLDER, 'journal-12.log'), Buffer.from('not one of ours'));
  expect(await sound(9)).toEqual(['9 a', '9 b', '10 a', '10 b', '11 a', '11 b']);
  expect(await sound(11)).toEqual(['11 a', '11 b']);
});

test('an empty folder has no records, and the first segment is the one that is asked for', async () => {
  const { texts, reader, error } = await read(4);
  expect({ texts, error, nextSeq: reader.nextSeq }).toEqual({ texts: [], error: null, nextSeq: 4 });
});

test('records of any size are read whole, and stay as they are while others are read', async () => {
  const { bytes, crc } = encodePreamble(1, false, null);
  const records = [0, 1, 2 ** 20 - 200, 2 ** 20 + 1, 5, MAX_RECORD_BYTES, 0, 300].map((size, i) =>
    Buffer.alloc(size, i + 1),
  );
  put(1, Buffer.concat([bytes, ...records.flatMap((record, i) => [encodeFrame(record, crc, i), record])]));
  const got: Uint8Array[] = [];
  for await (const { record } of new JournalReader(FOLDER, 1, disk).entries()) got.push(record);
  expect(got.map(({ length }) => length)).toEqual(records.map(({ length }) => length));
  expect(got.every((record, i) => records[i].equals(record))).toBe(true);
});

test('every file that is opened is closed, also when the reading ends early', async () => {
  put(1, segment(1, ['a', 'b']));
  put(2, segment(2, ['c']));
  for await (const { record } of new JournalReader(FOLDER, 1, disk).entries()) if (record.length > 0) break;
  await read();
  put(1, segment(1, ['a', 'b']).subarray(0, -1));
  expect((await read()).error).not.toBeNull();
  expect(disk.openFiles).toBe(0);
});

describe('the tail of the last segment', () => {
  test('that is cut short anywhere is read as far as it is sound; the rest is reported and cut off for good', async () => {
    put(1, segment(1, ['before']));
    const whole = segment(2, ['first', 'second', 'third']);
    const ends = [
      whole.length - 5 - 6 - 5 - 24,
      whole.length - 6 - 5 - 16,
      whole.length - 5 - 8,
      whole.length,
    ];
    for (let bytes = 0; bytes < whole.length; bytes++) {
      put(2, whole.subarray(0, bytes));
      const { texts, reader, error } = await read();
      const records = ends.filter((end) => end <= bytes).length - 1;
      expect(error).toBeNull();
      expect(texts).toEqual(
        ['1 before', '2 first', '2 second', '2 third'].slice(0, 1 + Math.max(0, records)),
      );
      const left = bytes - (records < 0 ? 0 : ends[records]);
      const isCut = records < 0 || left > 0;
      expect(reader.notes).toEqual(
        isCut ? [`cut off ${left} bytes after record ${Math.max(0, records)} of ${pathOf(2)}`] : [],
      );
      expect(reader.nextSeq).toBe(records < 0 ? 2 : 3);
      await reader.cutTail();
      expect(disk.has(pathOf(2))).toBe(records >= 0);
      put(reader.nextSeq, segment(reader.nextSeq, ['next']));
      expect(await sound()).toEqual([...texts, `${reader.nextSeq} next`]);
      disk.drop(pathOf(3));
    }
  });

  test('of any bytes is cut off', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), async (garbage) => {
        put(1, Buffer.concat([segment(1, ['a', 'b']), garbage]));
        const { texts, reader, error } = await read();
        expect({ texts, error }).toEqual({ texts: ['1 a', '1 b'], error: null });
        expect(reader.notes).toEqual([`cut off ${garbage.length} bytes after record 2 of ${pathOf(1)}`]);
        await reader.cutTail();
        expect(await sound()).toEqual(['1 a', '1 b']);
      }),
      { numRuns: 200, seed: 18 },
    );
  });

  test.each([
    ['a record of an older file of the same number', () => segment(1, ['x', 'y'])],
    ['a record of another segment', () => segment(2, ['x', 'y'])],
  ])('that is %s is cut off, though it is sound in itself', async (_what, other) => {
    const own = segment(1, ['a', 'b']);
    put(1, Buffer.concat([own.subarray(0, -9), other().subarray(-9)]));
    expect(await read()).toMatchObject({ texts: ['1 a'], error: null });
  });

  test('that repeats a record of its own file is cut off', async () => {
    const own = segment(1, ['a', 'b']);
    put(1, Buffer.concat([own, own.subarray(-9)]));
    expect(await read()).toMatchObject({ texts: ['1 a', '1 b'], error: null });
  });

  test('of zeros is cut off, and so is a preamble that begins with zeros', async () => {
    const own = segment(1, ['a']);
    put(1, Buffer.concat([own, Buffer.alloc(5000)]));
    expect(await read()).toMatchObject({ texts: ['1 a'], error: null });
    put(1, Buffer.concat([Buffer.alloc(16), own.subarray(16)]));
    const { texts, error, reader } = await read();
    expect({ texts, error, nextSeq: reader.nextSeq }).toEqual({ texts: [], error: null, nextSeq: 1 });
  });
});

describe('damage', () => {
  /** Reads up to an error that names the file. */
  async function damaged(seq: number, texts: readonly string[], reason: string | RegExp): Promise<Error> {
    const reading = await read();
    expect(reading.texts).toEqual(texts);
    expect(reading.error).toBeInstanceOf(JournalError);
    expect(reading.error!.message).toContain(pathOf(seq));
    expect(reading.error!.message).toMatch(reason);
    return reading.error!;
  }

  test('of any byte of a segment that another follows is found, and names file and place', async () => {
    const whole = segment(1, ['first', 'second']);
    put(2, segment(2, ['next']));
    for (let i = 0; i < whole.length; i++) {
      const changed = Buffer.from(whole);
      changed[i] ^= 1 << (i % 8);
      put(1, changed);
      const { texts, error } = await read();
      expect(error).toBeInstanceOf(JournalError);
      expect(error!.message).toContain(pathOf(1));
      expect(texts).toEqual(['1 first', '1 second'].slice(0, texts.length));
    }
    put(1, whole.subarray(0, -1));
    await damaged(1, ['1 first'], `byte ${whole.length - 14}: record 2 is cut off`);
    put(1, Buffer.alloc(0));
    await damaged(1, [], 'its preamble is cut off');
  });

  test('is found where a segment is missing between two or before the first', async () => {
    put(1, segment(1, ['a']));
    put(3, segment(3, ['c']));
    await damaged(2, ['1 a'], `is missing: ${segmentName(3)} is there`);
    await disk.remove(pathOf(1));
    await damaged(1, [], `is missing: ${segmentName(3)} is there`);
  });

  test.each([
    ['of another kind', () => Buffer.from('SQLite format 3\0'), 'does not begin with REGROW J'],
    ['under the name of another segment', () => segment(7, ['a']), 'says that it is segment 7'],
    [
      'whose preamble is unsound though records follow',
      () => {
        const bytes = segment(1, ['a']);
        bytes[20] ^= 1;
        return bytes;
      },
      'the checksum of its header does not match',
    ],
  ])('is found when the last segment is a file %s', async (_what, bytes, reason) => {
    put(1, bytes());
    await damaged(1, [], reason);
  });

  test('a newer version is named as such', async () => {
    const bytes = segment(1, ['a']);
    bytes.writeUInt32LE(2, 8);
    put(1, bytes);
    const error = await damaged(1, [], 'version 2; this program reads up to version 1');
    expect(error).toBeInstanceOf(JournalVersionError);
  });
});

describe('segments after a gap', () => {
  const aside = (): string[] => disk.names.filter((name) => name.includes('.log.after-gap-'));

  /** Reads what is before the gap, with a note. */
  async function beforeGap(texts: readonly string[], leftOut: readonly number[]): Promise<JournalReader> {
    const reading = await read();
    expect(reading).toMatchObject({ texts, error: null });
    expect(reading.reader.leftOut).toEqual(leftOut);
    expect(reading.reader.notes.at(-1)).toMatch(/dropped when the disk failed.*not acknowledged.*set aside/);
    return reading.reader;
  }

  test('are not read, and the segment before them may have a torn tail', async () => {
    put(1, segment(1, ['a', 'b']).subarray(0, -1));
    put(2, segment(2, ['c'], true));
    put(3, segment(3, ['d'], true));
    await beforeGap(['1 a'], [2, 3]);
    expect(await sound(3)).toEqual(['3 d']);
  });

  test('are set aside, so that the journal goes on behind what is before them', async () => {
    put(1, segment(1, ['a', 'b']).subarray(0, -1));
    put(2, segment(2, ['c'], true));
    put(3, segment(3, ['d'], true));
    const reader = await beforeGap(['1 a'], [2, 3]);
    expect(reader.nextSeq).toBe(2);
    await reader.cutTail();
    expect(disk.names.filter((name) => !name.includes('after-gap'))).toEqual([segmentName(1)]);
    expect(aside().map((name) => name.slice(0, segmentName(1).length))).toEqual([2, 3].map(segmentName));
    put(2, segment(2, ['next']));
    expect(await sound()).toEqual(['1 a', '2 next']);
  });

  test('whose numbers do not follow are not damage: the segments between were dropped before they were written', async () => {
    put(1, segment(1, ['a']));
    put(4, segment(4, ['d'], true));
    await beforeGap(['1 a'], [4]);
    // The crash came before the segment could say that it follows a gap.
    put(4, segment(4, []).subarray(0, 30));
    await (await beforeGap(['1 a'], [4])).cutTail();
    expect(await sound()).toEqual(['1 a']);
    put(3, segment(3, ['c'], true));
    await disk.remove(pathOf(1));
    expect((await beforeGap([], [3])).nextSeq).toBe(1);
  });

  test('that a usual segment follows are damage: the save that was written between them is gone', async () => {
    put(1, segment(1, ['a']));
    put(2, segment(2, ['b'], true));
    put(3, segment(3, ['c']));
    const { texts, error } = await read();
    expect(texts).toEqual(['1 a']);
    expect(error).toBeInstanceOf(JournalDamageError);
    expect(error!.message).toContain(`${pathOf(3)} follows a save that is not there`);
  });

  test('a crash at any point of setting them aside changes nothing of what is read', async () => {
    for (let stop = 0; ; stop++) {
      disk = new FakeDisk(stop);
      put(1, segment(1, ['a', 'b']).subarray(0, -1));
      for (const seq of [2, 4, 5]) put(seq, segment(seq, ['c'], true));
      const reader = await beforeGap(['1 a'], [2, 4, 5]);
      const start = disk.operations;
      disk.judge = (operation) => (operation === start + stop ? 'stop' : null);
      const isDone = await Promise.race([reader.cutTail().then(() => true), sleep(20).then(() => false)]);
      for (const after of [disk.afterKill(), disk.afterPowerLoss()]) {
        const { texts, error } = await read(1, after);
        expect({ stop, texts, error }).toEqual({ stop, texts: ['1 a'], error: null });
      }
      if (isDone) break;
    }
  });
});
