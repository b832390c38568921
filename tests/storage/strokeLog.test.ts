import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StrokeLog, type StrokeRecord } from '../../server/storage/strokeLog.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const record = (step: number): StrokeRecord => ({
  step,
  player: 'p1',
  tool: 'ablate',
  radius: 3,
  points: [1, 2, 3, 4],
  organisms: [{ id: 7, species: 'blob', x: 1, y: 2 }],
});
const silent = (message: string): void => {
  throw new Error(message);
};
const stepsIn = (file: string): number[] =>
  readFileSync(join(folder, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as StrokeRecord).step);

test('every stroke is a line, in order, appended to what was there', async () => {
  const log = new StrokeLog(folder, silent);
  for (let step = 0; step < 50; step++) log.write(record(step));
  await log.flush();
  log.write(record(50));
  await log.flush();
  const later = new StrokeLog(folder, silent);
  later.write(record(51));
  await later.flush();
  expect(stepsIn('strokes.jsonl')).toEqual(Array.from({ length: 52 }, (_, i) => i));
});

test('a full log is turned over, and two old ones are kept', async () => {
  const log = new StrokeLog(folder, silent, 100);
  for (let step = 0; step < 5; step++) {
    log.write(record(step));
    await log.flush();
  }
  expect(readdirSync(folder).sort()).toEqual(['strokes.1.jsonl', 'strokes.2.jsonl', 'strokes.jsonl']);
  expect(stepsIn('strokes.jsonl')).toEqual([4]);
  expect(stepsIn('strokes.1.jsonl')).toEqual([3]);
  expect(stepsIn('strokes.2.jsonl')).toEqual([2]);
});

test('a disk that refuses is complained about, and the world goes on', async () => {
  writeFileSync(join(folder, 'file'), '');
  const complaints: string[] = [];
  const log = new StrokeLog(join(folder, 'file'), (message) => complaints.push(message));
  log.write(record(1));
  await log.flush();
  expect(complaints).toHaveLength(1);
  expect(complaints[0]).toContain('1 strokes could not be logged');
});
