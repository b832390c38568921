import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MAX_WAITING_ROWS, type Row, WaitingRows } from '../../server/admin/waitingRows.ts';
import type { Registry } from '../../server/rules/registry.ts';
import { RegistryError } from '../../server/rules/registryFile.ts';

let fault: string | null;
let written: string[];
let lines: string[];
let rows: WaitingRows;

beforeEach(() => {
  vi.useFakeTimers();
  fault = null;
  written = [];
  lines = [];
  rows = new WaitingRows({
    async ask(question) {
      if (fault !== null) throw new RegistryError(fault);
      return question({} as Registry);
    },
    log: (text) => lines.push(text),
  });
});
afterEach(() => {
  rows.dispose();
  vi.useRealTimers();
});

const row = (text: string): Row => ({ text, enter: () => void written.push(text) });

test('a row is written at once, and nothing is said', async () => {
  expect(await rows.write(row('a'))).toBeNull();
  expect(written).toEqual(['a']);
  expect(lines).toEqual([]);
});

test('while the registry fails, each row is in the log, and is written later in the order of the acts', async () => {
  fault = 'the disk is full';
  expect(await rows.write(row('a'))).toBe('the disk is full');
  expect(await rows.write(row('b'))).toBe('the disk is full');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written).toEqual([]);
  expect(lines).toEqual([
    'registry: not written yet: a: the disk is full',
    'registry: not written yet: b: the disk is full',
  ]);
  fault = null;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(written).toEqual(['a', 'b']);
  expect(rows.count).toBe(0);
  expect(lines.at(-1)).toBe('registry: rows written after a wait: 2');
});

test('a row that comes when the disk is back takes those that wait along', async () => {
  fault = 'the disk is full';
  await rows.write(row('a'));
  fault = null;
  expect(await rows.write(row('b'))).toBeNull();
  expect(written).toEqual(['a', 'b']);
});

test('rows that come while another is being written are written once each', async () => {
  const answers = await Promise.all(['a', 'b', 'c'].map((text) => rows.write(row(text))));
  expect(answers).toEqual([null, null, null]);
  expect(written).toEqual(['a', 'b', 'c']);
});

test('a row that comes in the very turn in which the one before is written is written, too', async () => {
  for (let turns = 0; turns < 12; turns++) {
    written = [];
    const first = rows.write(row('a'));
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    expect(await rows.write(row('b'))).toBeNull();
    expect(written).toEqual(['a', 'b']);
    await first;
  }
});

test('no more than the bound wait; a further one is in the log and never written', async () => {
  fault = 'the disk is full';
  for (let n = 0; n < MAX_WAITING_ROWS; n++) await rows.write(row(`${n}`));
  expect(await rows.write(row('too many'))).toContain('wait already');
  expect(rows.count).toBe(MAX_WAITING_ROWS);
  expect(lines.at(-1)).toContain('never written: too many');
  fault = null;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(written).toHaveLength(MAX_WAITING_ROWS);
});

test('the end of the server says how many rows were never written', async () => {
  fault = 'the disk is full';
  await rows.write(row('a'));
  rows.dispose();
  expect(lines.at(-1)).toBe('registry: rows never written, and in this log only: 1');
  await vi.advanceTimersByTimeAsync(60_000);
  fault = null;
  expect(written).toEqual([]);
});

test('an error that is not the registry’s is thrown, and its row does not block the others', async () => {
  const bad: Row = {
    text: 'bad',
    enter() {
      throw new TypeError('a bug');
    },
  };
  await expect(rows.write(bad)).rejects.toThrow('a bug');
  expect(await rows.write(row('good'))).toBeNull();
});
