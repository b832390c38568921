import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Journal, type JournalOptions } from '../../server/storage/journal.ts';
import { JournalReader } from '../../server/storage/journalReader.ts';
import { JournalError, MAX_RECORD_BYTES, segmentName } from '../../server/storage/segment.ts';
import { FakeDisk, type Verdict } from './fakeDisk.ts';
import { mountTmpfs, whereTmpfsMounts } from './tmpfs.ts';

const FOLDER = '/data';
const record = (text: string): Buffer => Buffer.from(text);

async function textsIn(folder: string, from = 1, disk?: FakeDisk): Promise<string[]> {
  const texts: string[] = [];
  for await (const { seq, record } of new JournalReader(folder, from, disk).entries())
    texts.push(`${seq} ${Buffer.from(record)}`);
  return texts;
}

describe('on a fake disk', () => {
  let disk: FakeDisk;
  let lines: string[];
  /** Since the last call. */
  let heard: () => string[];
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    disk = new FakeDisk(1);
    lines = [];
    heard = () => disk.heard.splice(0);
  });
  afterEach(() => void vi.useRealTimers());

  /** A journal whose first segment is there. */
  async function begin(options: Partial<JournalOptions> = {}): Promise<Journal> {
    const journal = await Journal.open({
      folder: FOLDER,
      seq: 1,
      facts: null,
      durability: 'flush',
      log: (line) => lines.push(line),
      disk,
      ...options,
    });
    await journal.flushed();
    heard();
    return journal;
  }

  /** Lets everything happen that waits for no clock. */
  async function rest(): Promise<void> {
    for (let i = 0; i < 20; i++) await turn();
  }

  test('a segment is made with its preamble and its name on disk', async () => {
    const journal = await Journal.open({
      folder: FOLDER,
      seq: 7,
      facts: null,
      durability: 'os',
      log: () => {},
      disk,
    });
    await journal.flushed();
    expect(heard()).toEqual(['list', 'open', 'write', 'datasync', 'syncFolder']);
    expect(disk.names).toEqual([segmentName(7)]);
  });

  test('records appended together are written and synced together', async () => {
    const journal = await begin();
    for (const text of ['a', 'b', 'c']) journal.append(record(text));
    await journal.flushed();
    expect(heard()).toEqual(['write', 'datasync']);
    expect(journal).toMatchObject({ records: 3, flushes: 1, flushedBytes: 27, waitingBytes: 0 });
  });

  test('records that come while a group is written form the next one', async () => {
    const journal = await begin();
    journal.append(record('a'));
    await turn();
    for (const text of ['b', 'c', 'd']) {
      journal.append(record(text));
      await Promise.resolve();
    }
    await journal.flushed();
    expect(heard()).toEqual(['write', 'datasync', 'write', 'datasync']);
    expect(await textsIn(FOLDER, 1, disk)).toEqual(['1 a', '1 b', '1 c', '1 d']);
  });

  test('a wait ends when the records before it are on disk, and not with later ones', async () => {
    const journal = await begin();
    const order: string[] = [];
    for (const text of ['a', 'b']) {
      journal.append(record(text));
      void journal.flushed().then(() => order.push(`${text} ${journal.records}`));
      await turn();
    }
    await rest();
    expect(order).toEqual(['a 1', 'b 2']);
  });

  test("under 'os' a group is written and not synced; the end of a segment is", async () => {
    const journal = await begin({ durability: 'os' });
    journal.append(record('a'));
    await journal.flushed();
    expect(heard()).toEqual(['write']);
    journal.rotate(null);
    await journal.flushed();
    expect(heard()).toEqual(['datasync', 'close', 'open', 'write', 'datasync', 'syncFolder']);
    await journal.close();
    expect(heard()).toEqual(['datasync', 'close']);
  });

  test('a record that nobody awaits is written with the next awaited one, or when many are waiting', async () => {
    const journal = await begin();
    journal.append(record('a'), { flush: false });
    await rest();
    expect(heard()).toEqual([]);
    journal.append(record('b'));
    await rest();
    expect(heard()).toEqual(['write', 'datasync']);
    for (let i = 0; i < 2; i++) journal.append(Buffer.alloc(2 ** 19), { flush: false });
    await rest();
    expect(heard()).toEqual(['write', 'datasync']);
    journal.append(record('c'), { flush: false });
    await journal.flushed();
    expect(heard()).toEqual(['write', 'datasync']);
  });

  test('a record that nobody awaits, appended during a write, makes no group of its own', async () => {
    const journal = await begin();
    journal.append(record('a'));
    await turn();
    journal.append(record('b'), { flush: false });
    await rest();
    expect(heard()).toEqual(['write', 'datasync']);
    await journal.close();
    expect(await textsIn(FOLDER, 1, disk)).toEqual(['1 a', '1 b']);
  });

  test('after a rotation further records go to the next segment, and earlier ones complete in theirs', async () => {
    const journal = await begin();
    journal.append(record('a'));
    expect(journal.rotate(null)).toBe(2);
    journal.append(record('b'));
    expect(journal.rotate(null)).toBe(3);
    expect(journal.rotate(null)).toBe(4);
    journal.append(record('c'));
    await journal.flushed();
    expect(await textsIn(FOLDER, 1, disk)).toEqual(['1 a', '2 b', '4 c']);
    expect(await textsIn(FOLDER, 2, disk)).toEqual(['2 b', '4 c']);
    expect(disk.maxAtOnce).toBe(1);
  });

  test('old segments are deleted, the oldest first, but none that is still written', async () => {
    const journal = await begin();
    for (let i = 0; i < 2; i++) journal.rotate(null);
    await journal.flushed();
    await journal.removeBefore(2);
    expect(disk.names).toEqual([2, 3].map(segmentName));
    disk.judge = () => 'ENOSPC';
    journal.append(record('a'));
    journal.rotate(null);
    await rest();
    disk.judge = () => null;
    await journal.removeBefore(4);
    expect(disk.names).toEqual([segmentName(3)]);
    await vi.advanceTimersByTimeAsync(250);
    await journal.flushed();
    expect(await textsIn(FOLDER, 3, disk)).toEqual(['3 a']);
  });

  test.each([
    [1, 1],
    [1, 5],
    [4, 5],
  ])('segment %i cannot begin where %i is', async (seq, there) => {
    disk.put(join(FOLDER, segmentName(there)), record('precious'));
    await expect(begin({ seq })).rejects.toThrow(JournalError);
    await expect(begin({ seq })).rejects.toThrow(segmentName(there));
    expect(disk.bytesOf(join(FOLDER, segmentName(there))).toString()).toBe('precious');
  });

  test('a record that is too long, and any after the end, is refused', async () => {
    const journal = await begin();
    expect(() => journal.append(Buffer.alloc(MAX_RECORD_BYTES + 1))).toThrow(RangeError);
    journal.append(Buffer.alloc(0));
    await journal.close();
    expect(await textsIn(FOLDER, 1, disk)).toEqual(['1 ']);
    expect(() => journal.append(record('a'))).toThrow('closed');
    expect(() => journal.rotate(null)).toThrow('closed');
  });

  test('facts that are too long leave the journal as it was', async () => {
    const journal = await begin();
    expect(() => journal.rotate('x'.repeat(2 ** 16))).toThrow(RangeError);
    expect(journal.rotate(null)).toBe(2);
    await journal.close();
  });

  describe('that fails', () => {
    test.each<[string, Verdict]>([
      ['write', 'ENOSPC'],
      ['datasync', 'EIO'],
      ['open', 'EMFILE'],
    ])(
      'in %s: what waits is kept, trouble names file and cause, and it ends by itself',
      async (name, code) => {
        const journal = await begin();
        const told: (string | null)[] = [];
        journal.onTrouble = (reason) => told.push(reason);
        journal.append(record('a'));
        await journal.flushed();
        disk.judge = (_operation, operation) => (operation === name ? code : null);
        journal.append(record('b'));
        journal.rotate(null);
        const flushed = vi.fn();
        void journal.flushed().then(flushed);
        await rest();
        expect(journal.trouble).toContain(code);
        expect(journal.trouble).toMatch(/^journal-0000000[12]\.log: /);
        expect(told).toEqual([journal.trouble]);
        expect(lines).toEqual([`the journal is not written: ${journal.trouble}`]);
        journal.append(record('c'));
        await vi.advanceTimersByTimeAsync(20_000);
        await rest();
        expect(flushed).not.toHaveBeenCalled();
        disk.judge = () => null;
        for (let i = 0; i < 5; i++) {
          await vi.advanceTimersByTimeAsync(1000);
          await rest();
        }
        expect(flushed).toHaveBeenCalled();
        expect(told.at(-1)).toBeNull();
        expect(lines.at(-1)).toBe('the journal is written again');
        expect(await textsIn(FOLDER, 1, disk)).toEqual(['1 a', '1 b', '2 c']);
      },
    );

    test('is tried again after 0.25 s, then after twice the time, up to 5 s', async () => {
      const journal = await begin();
      let tries = 0;
      disk.judge = (_operation, name) => {
        if (name !== 'write' && name !== 'open') return null;
        tries++;
        return 'EROFS';
      };
      journal.append(record('a'));
      await rest();
      expect(tries).toBe(1);
      for (const pauseMs of [250, 500, 1000, 2000, 4000, 5000, 5000]) {
        tries = 0;
        await vi.advanceTimersByTimeAsync(pauseMs - 1);
        await rest();
        expect(tries).toBe(0);
        await vi.advanceTimersByTimeAsync(1);
        await rest();
        expect(tries).toBe(1);
      }
      disk.judge = () => null;
      await vi.advanceTimersByTimeAsync(5000);
      await journal.flushed();
      disk.judge = (_operation, name) => (name === 'write' ? 'EIO' : null);
      journal.append(record('b'));
      await rest();
      disk.judge = () => null;
      await vi.advanceTimersByTimeAsync(250);
      await rest();
      expect(journal).toMatchObject({ trouble: null, records: 2 });
    });

    test('with room for a preamble only stays in one trouble until records fit', async () => {
      const journal = await begin();
      const told: (string | null)[] = [];
      journal.onTrouble = (reason) => told.push(reason);
      journal.rotate(null);
      journal.append(record('a'));
      let [opens, writes] = [0, 0];
      disk.judge = (_operation, name) => {
        if (name === 'open' && opens++ === 0) return 'ENOSPC';
        return name === 'write' && writes++ > 0 ? 'ENOSPC' : null;
      };
      for (let i = 0; i < 10; i++) {
        await rest();
        await vi.advanceTimersByTimeAsync(1000);
      }
      expect(writes).toBeGreaterThan(3);
      expect(told).toEqual([journal.trouble]);
    });

    test('a failed group is cut off before it is written again', async () => {
      const journal = await begin();
      const sizes: number[] = [];
      const path = join(FOLDER, segmentName(1));
      const before = disk.bytesOf(path).length;
      let failures = 1;
      disk.judge = (_operation, name) => {
        if (name === 'write') sizes.push(disk.bytesOf(path).length);
        return name === 'datasync' && failures-- > 0 ? 'EIO' : null;
      };
      journal.append(record('a'));
      await rest();
      expect(disk.bytesOf(path).length).toBe(before + 9);
      await vi.advanceTimersByTimeAsync(250);
      await journal.flushed();
      expect(sizes).toEqual([before, before]);
    });

    test('for too long breaks the journal: waiting records are dropped, and a rotation mends it', async () => {
      const journal = await begin({ maxWaitingBytes: 100 });
      journal.append(record('a'));
      await journal.flushed();
      disk.judge = () => 'ENOSPC';
      journal.append(Buffer.alloc(50));
      const flushed = expect(journal.flushed()).rejects.toThrow(/broken.*116 bytes waited.*ENOSPC/);
      await rest();
      expect(journal.isBroken).toBe(false);
      journal.append(Buffer.alloc(50));
      await flushed;
      expect(journal).toMatchObject({ isBroken: true, waitingBytes: 0 });
      journal.append(record('lost'));
      await expect(journal.flushed()).rejects.toThrow(JournalError);

      disk.judge = () => null;
      expect(journal.rotate(null)).toBe(2);
      expect(journal.isBroken).toBe(false);
      expect(journal.trouble).not.toBeNull();
      journal.append(record('b'));
      await vi.advanceTimersByTimeAsync(250);
      await journal.flushed();
      expect(journal).toMatchObject({ trouble: null, records: 2 });
      expect(await textsIn(FOLDER, 2, disk)).toEqual(['2 b']);
      expect(await textsIn(FOLDER, 1, disk)).toEqual(['1 a']);
    });

    test('tells listeners, which may rotate at once', async () => {
      const journal = await begin({ maxWaitingBytes: 100 });
      journal.onTrouble = () => {
        if (journal.isBroken) journal.rotate(null);
      };
      journal.append(Buffer.alloc(200));
      expect(journal.isBroken).toBe(false);
      journal.append(record('b'));
      await journal.flushed();
      expect(await textsIn(FOLDER, 2, disk)).toEqual(['2 b']);
    });

    test("under 'os' at a segment's end breaks the journal, because the segment is no longer in memory", async () => {
      const journal = await begin({ durability: 'os' });
      journal.append(record('a'));
      await journal.flushed();
      disk.judge = (_operation, name) => (name === 'datasync' ? 'EIO' : null);
      journal.rotate(null);
      await expect(journal.flushed()).rejects.toThrow(/broken.*EIO/);
      disk.judge = () => null;
      expect(journal.rotate(null)).toBe(3);
      journal.append(record('b'));
      await journal.close();
      expect(await textsIn(FOLDER, 3, disk)).toEqual(['3 b']);
    });

    test('at the close is tried once more, and what could not be written is reported', async () => {
      const good = await begin();
      disk.judge = () => 'EIO';
      good.append(record('a'));
      await rest();
      disk.judge = () => null;
      await good.close();
      expect(await textsIn(FOLDER, 1, disk)).toEqual(['1 a']);

      const bad = await begin({ seq: 2 });
      disk.judge = () => 'EIO';
      bad.append(record('b'));
      await rest();
      await expect(bad.close()).rejects.toThrow(/not everything was written.*EIO/);
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  test('every file that is opened is closed', async () => {
    const journal = await begin({ maxWaitingBytes: 100 });
    disk.judge = (operation) => (operation % 5 === 0 ? 'EIO' : null);
    for (let i = 0; i < 30; i++) {
      journal.append(Buffer.alloc(i === 20 ? 200 : 20));
      if (i % 7 === 0 || journal.isBroken) journal.rotate(null);
      await vi.advanceTimersByTimeAsync(1000);
      await rest();
    }
    disk.judge = () => null;
    await journal.close();
    expect(disk.openFiles).toBe(0);
  });
});

describe('on a real disk', () => {
  test('what is appended is read back, over several segments', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'regrow-journal-'));
    const journal = await Journal.open({
      folder,
      seq: 1,
      facts: { kernel: 'fma' },
      durability: 'flush',
      log: () => {},
    });
    const texts: string[] = [];
    for (let i = 0; i < 200; i++) {
      texts.push(`${1 + Math.floor(i / 50)} ${i}`);
      if (i % 50 === 0 && i > 0) journal.rotate({ kernel: 'plain' });
      journal.append(record(String(i)));
      if (i % 30 === 0) await journal.flushed();
    }
    await journal.close();
    expect(await textsIn(folder)).toEqual(texts);
    await journal.removeBefore(3);
    expect(await textsIn(folder, 3)).toEqual(texts.slice(100));
    rmSync(folder, { recursive: true });
  });

  test.skipIf(!whereTmpfsMounts)(
    'that is full (root on Linux): records wait and are written when it has room',
    async () => {
      using disk = mountTmpfs('size=256k');
      const lines: string[] = [];
      const log = (line: string): void => void lines.push(line);
      const journal = await Journal.open({
        folder: disk.path,
        seq: 1,
        facts: null,
        durability: 'flush',
        log,
      });
      await journal.flushed();
      disk.fill();
      const texts = Array.from({ length: 40 }, (_, i) => `1 ${String(i).padEnd(1000, '.')}`);
      for (const text of texts) {
        journal.append(record(text.slice(2)));
        await sleep(1);
      }
      const flushed = journal.flushed();
      while (journal.trouble === null) await sleep(5);
      expect(journal.trouble).toBe('journal-00000001.log: no space left on device (ENOSPC)');
      disk.free();
      await flushed;
      expect(journal.trouble).toBeNull();
      expect(lines).toHaveLength(2);
      await journal.close();
      expect(await textsIn(disk.path)).toEqual(texts);
    },
  );
});
