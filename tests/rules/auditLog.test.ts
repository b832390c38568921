import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Registry } from '../../server/rules/registry.ts';

const ANN = { who: 'Ann', address: '10.0.0.1', role: 'owner' } as const;
let folder: string;
let registry: Registry;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  registry = new Registry(folder, 1_000);
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true });
});

/** @param atOf - when the n-th was done */
function enter(count: number, atOf: (n: number) => string, subject = (n: number) => String(n)): void {
  registry.file.change(() => {
    for (let n = 0; n < count; n++) registry.audit.note(ANN, 'act', subject(n), '', atOf(n));
  });
}
const day = (n: number): string => new Date(Date.UTC(2026, 0, 1 + n)).toISOString();

test('an entry has who, role, address, action, subject, detail and count', () => {
  const id = registry.audit.note(ANN, 'mute', 'Bob', 'for an hour', day(0));
  registry.audit.recount(id, 3);
  expect(registry.audit.entries(1)).toEqual([
    { id, at: day(0), ...ANN, action: 'mute', subject: 'Bob', detail: 'for an hour', count: 3 },
  ]);
  registry.audit.note({ who: 'the server', address: '' }, 'act', '', '');
  expect(registry.audit.entries(1)[0]).toMatchObject({ role: '', count: 1 });
});

test('a search finds any column in any case, takes signs for what they are, and goes on where it stopped', () => {
  enter(
    30_000,
    () => day(0),
    (n) => (n === 3 || n === 29_000 ? '100%_Sure\\' : `100 ${n}`),
  );
  const first = registry.audit.find({ most: 100, text: '100%_sure\\' });
  expect(first.entries.map(({ id }) => id)).toEqual([29_001]);
  expect(first.next).toBe(10_001);
  const second = registry.audit.find({ most: 100, text: '100%_sure\\', before: first.next! });
  expect([second.entries.map(({ id }) => id), second.next]).toEqual([[4], null]);
  for (const text of ['OWNER', '0.0.0.1', 'ann'])
    expect(registry.audit.find({ most: 2, text }).entries).toHaveLength(2);
  // Text must not reach over two columns.
  expect(registry.audit.find({ most: 2, text: 'annowner' }).entries).toEqual([]);
});

test('pages do not overlap, and the last one says that it is the last', () => {
  enter(250, day);
  const ids: number[] = [];
  let next: number | null = Number.MAX_SAFE_INTEGER;
  while (next !== null) {
    const page = registry.audit.find({ most: 100, before: next });
    ids.push(...page.entries.map(({ id }) => id));
    next = page.next;
  }
  expect(ids).toEqual(Array.from({ length: 250 }, (_, n) => 250 - n));
});

test('pruning removes what is older from the old end, in pieces, and nothing else', () => {
  enter(30, day);
  expect([registry.audit.prune(day(12), 5), registry.audit.prune(day(12), 5)]).toEqual([5, 5]);
  expect([registry.audit.prune(day(12), 5), registry.audit.prune(day(12), 5)]).toEqual([2, 0]);
  expect(registry.audit.after(0, 100).map(({ id }) => id)).toEqual(
    Array.from({ length: 18 }, (_, n) => 13 + n),
  );
});
