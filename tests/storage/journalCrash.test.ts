/** The journal on a disk that fails at any operation and stops at any: what was flushed is read back. */

import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Durability, Journal } from '../../server/storage/journal.ts';
import { JournalReader } from '../../server/storage/journalReader.ts';
import { JournalError } from '../../server/storage/segment.ts';
import { FakeDisk, type Verdict } from './fakeDisk.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const FOLDER = '/data';

type Action =
  | { readonly type: 'append'; readonly bytes: number; readonly flush: boolean }
  | { readonly type: 'flushed' }
  | { readonly type: 'rotate' }
  | { readonly type: 'wait'; readonly turns: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('append'),
      bytes: fc.integer({ min: 4, max: 90 }),
      flush: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('flushed') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('rotate') }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('wait'), turns: fc.integer({ min: 1, max: 4 }) }) },
) as fc.Arbitrary<Action>;

const faults = fc.array(
  fc.tuple(fc.nat(60), fc.constantFrom<Verdict>('short', 'ENOSPC', 'EIO', 'EROFS', 'short')),
  { maxLength: 20 },
);

interface Appended {
  readonly seq: number;
  readonly record: Buffer;
}

/** A journal, everything appended to it, and how much of that it has said is flushed. */
class Run {
  readonly appended: Appended[] = [];
  flushed = 0;
  dropped = 0;
  /** Waiters that have neither been resolved nor rejected. */
  pending = 0;
  readonly #journal: Journal;
  #seq: number;

  constructor(journal: Journal, seq: number) {
    this.#journal = journal;
    this.#seq = seq;
  }

  async act(action: Action): Promise<void> {
    switch (action.type) {
      case 'append': {
        const record = Buffer.alloc(action.bytes, this.appended.length);
        record.writeUInt32LE(this.appended.length);
        this.appended.push({ seq: this.#seq, record });
        return this.#journal.append(record, { flush: action.flush });
      }
      case 'flushed':
        return this.expectFlush();
      case 'rotate':
        this.#seq = this.#journal.rotate({ n: this.#seq + 1 });
        return;
      case 'wait':
        for (let i = 0; i < action.turns; i++) await turn();
    }
  }

  expectFlush(): void {
    const count = this.appended.length;
    this.pending++;
    this.#journal
      .flushed()
      .then(
        () => {
          this.flushed = Math.max(this.flushed, count);
        },
        () => {
          this.dropped++;
        },
      )
      .finally(() => this.pending--);
  }
}

async function begin(
  disk: FakeDisk,
  seq: number,
  durability: Durability,
): Promise<{ journal: Journal; run: Run }> {
  const facts = { n: seq };
  const journal = await Journal.open({ folder: FOLDER, seq, facts, durability, log: () => {}, disk });
  return { journal, run: new Run(journal, seq) };
}

/**
 * Faults at chosen operations. Under 'os' no sync fails: what was written before is not in memory any more, so the
 * journal breaks.
 */
const judgeBy =
  (verdicts: ReadonlyMap<number, Verdict>, durability: Durability): FakeDisk['judge'] =>
  (operation, name) => {
    const verdict = verdicts.get(operation) ?? null;
    return durability === 'os' && name === 'datasync' && verdict !== 'stop' ? null : verdict;
  };

/** Lets time pass until the disk has stopped or everybody who waits has heard. */
async function settle(disk: FakeDisk, run: Run): Promise<void> {
  for (let i = 0; run.pending > 0 && !disk.hasStopped; i++) {
    if (i > 2_000) throw new Error('the journal does not recover');
    await vi.advanceTimersByTimeAsync(50);
    await turn();
  }
}

async function readAll(disk: FakeDisk, from = 1): Promise<{ entries: Appended[]; reader: JournalReader }> {
  const reader = new JournalReader(FOLDER, from, disk);
  const entries: Appended[] = [];
  for await (const { seq, facts, record } of reader.entries()) {
    expect(facts).toEqual({ n: seq });
    entries.push({ seq, record: Buffer.from(record) });
  }
  return { entries, reader };
}

describe.each<Durability>(['flush', 'os'])('under durability %s', (durability) => {
  test('a disk that fails now and then holds every record in the end, once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 40 }),
        faults,
        fc.nat(),
        async (actions, plan, randomSeed) => {
          const disk = new FakeDisk(randomSeed);
          const { journal, run } = await begin(disk, 1, durability);
          const verdicts = new Map(plan);
          disk.judge = judgeBy(verdicts, durability);
          for (const one of actions) await run.act(one);
          run.expectFlush();
          await settle(disk, run);
          expect(run).toMatchObject({ flushed: run.appended.length, dropped: 0 });
          expect(disk.maxAtOnce).toBe(1);
          expect(journal).toMatchObject({ trouble: null, waitingBytes: 0, records: run.appended.length });
          expect(journal.flushedBytes).toBe(
            run.appended.reduce((sum, { record }) => sum + 8 + record.length, 0),
          );
          disk.judge = () => null;
          await journal.close();
          const { entries, reader } = await readAll(disk.afterPowerLoss());
          expect(entries).toEqual(run.appended);
          expect(reader.notes).toEqual([]);
        },
      ),
      { numRuns: 300, seed: 18 },
    );
  });

  test('a stop at any operation leaves every flushed record in order, and after them only records that were appended', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 5, maxLength: 40 }),
        faults,
        fc.integer({ min: 1, max: 90 }),
        fc.boolean(),
        fc.nat(),
        async (actions, plan, stopAt, isPowerLoss, randomSeed) => {
          const disk = new FakeDisk(randomSeed);
          const { run } = await begin(disk, 1, durability);
          const verdicts = new Map<number, Verdict>([...plan, [stopAt, 'stop']]);
          disk.judge = judgeBy(verdicts, durability);
          for (const one of actions) await run.act(one);
          run.expectFlush();
          await settle(disk, run);

          const left = isPowerLoss ? disk.afterPowerLoss() : disk.afterKill();
          const { entries, reader } = await readAll(left);
          expect(entries).toEqual(run.appended.slice(0, entries.length));
          if (durability === 'flush' || !isPowerLoss)
            expect(entries.length).toBeGreaterThanOrEqual(run.flushed);

          // The next process goes on behind what it has read.
          await reader.cutTail();
          const next = await begin(left, reader.nextSeq, durability);
          for (const bytes of [20, 30]) await next.run.act({ type: 'append', bytes, flush: true });
          await next.journal.close();
          const again = await readAll(left.afterPowerLoss());
          expect(again.entries).toEqual([...entries, ...next.run.appended]);
          expect(again.reader.notes).toEqual([]);
        },
      ),
      { numRuns: 600, seed: 18 },
    );
  });
});

test('a journal that breaks leaves what was flushed, and goes on with the next segment', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 30 }),
      fc.nat(30),
      fc.nat(),
      async (actions, failsAt, randomSeed) => {
        const disk = new FakeDisk(randomSeed);
        const journal = await Journal.open({
          folder: FOLDER,
          seq: 1,
          facts: { n: 1 },
          durability: 'flush',
          log: () => {},
          disk,
          maxWaitingBytes: 400,
        });
        const run = new Run(journal, 1);
        disk.judge = (operation) => (operation >= failsAt ? 'ENOSPC' : null);
        // Without rotation: that would make it good again.
        for (const one of actions) if (one.type !== 'rotate') await run.act(one);
        for (let i = 0; i < 60; i++) journal.append(Buffer.alloc(50));
        run.expectFlush();
        await turn();
        expect(journal).toMatchObject({ isBroken: true, waitingBytes: 0 });
        expect(run.dropped).toBeGreaterThan(0);
        await expect(journal.flushed()).rejects.toThrow(JournalError);

        disk.judge = () => null;
        const seq = journal.rotate({ n: 2 });
        expect(seq).toBe(2);
        journal.append(Buffer.from('after the gap'));
        const flushed = journal.flushed();
        for (let i = 0; i < 20; i++) {
          await vi.advanceTimersByTimeAsync(1000);
          await turn();
        }
        await flushed;
        expect(journal).toMatchObject({ isBroken: false, trouble: null });
        const left = disk.afterPowerLoss();
        expect((await readAll(left, 2)).entries).toEqual([{ seq: 2, record: Buffer.from('after the gap') }]);

        // Nobody takes the next segment for a continuation.
        const entries: Buffer[] = [];
        const reader = new JournalReader(FOLDER, 1, left);
        for await (const { record } of reader.entries()) entries.push(Buffer.from(record));
        expect(reader.leftOut).toEqual([2]);
        const appended = run.appended.map(({ record }) => record);
        expect(entries.slice(0, appended.length)).toEqual(appended.slice(0, entries.length));
        expect(entries.length).toBeGreaterThanOrEqual(run.flushed);
        await journal.close();
      },
    ),
    { numRuns: 200, seed: 18 },
  );
});
