import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  MAX_HANDLED_REPORTS,
  MAX_OPEN_PER_SUBJECT,
  MAX_OPEN_REPORTS,
  Reports,
  type Subject,
} from '../../server/admin/reports.ts';
import { Registry } from '../../server/rules/registry.ts';
import { RegistryError } from '../../server/rules/registryFile.ts';
import type { ReportMessage } from '../../shared/protocol.ts';

let folder: string;
let registry: Registry;
let isWell: boolean;
let now: number;
let reports: Reports;
const open = (): Reports =>
  new Reports({
    ask: async (question) => {
      if (!isWell) throw new RegistryError('the disk is full');
      return question(registry);
    },
    now: () => now,
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  registry = new Registry(folder, 1_000);
  isWell = true;
  now = 0;
  reports = open();
});
afterEach(() => {
  reports.dispose();
  registry.close();
  rmSync(folder, { recursive: true });
});

const SENT = 'Thank you. A moderator will look at it.';
const by = (guest: string, address = `of ${guest}`) => ({ guest, name: `name of ${guest}`, address });
const body = (organism: number): [ReportMessage, Subject] => [
  { about: 'body', organism, reason: 'offensive' },
  { guest: 'mallory', name: 'Mallory', organism, species: 'snorlax', x: 10, y: 20 },
];
const nameOf = (guest: string): [ReportMessage, Subject] => [
  { about: 'name', player: `visit of ${guest}`, reason: 'impersonation' },
  { guest, name: 'Admln', organism: null, species: '', x: null, y: null },
];
function take([message, subject]: [ReportMessage, Subject], guest: string, address?: string): string {
  return reports.take(message, by(guest, address), subject);
}

test('a report is kept with who sent it, about what, and where, over a restart', async () => {
  expect(take(body(7), 'ann')).toBe(SENT);
  expect(take(nameOf('mallory'), 'ann')).toBe(SENT);
  await reports.flush();
  const again = open();
  await again.flush();
  expect(again.all).toEqual(reports.all);
  expect(again.all).toMatchObject([
    { id: 2, about: 'name', reason: 'impersonation', guest: 'mallory', name: 'Admln', organism: null },
    { id: 1, about: 'body', by: by('ann'), organism: 7, species: 'snorlax', x: 10, y: 20, handled: null },
  ]);
  again.dispose();
});

test('what is gone, and oneself, cannot be reported', () => {
  expect(reports.take(body(7)[0], by('ann'), null)).toBe('That is gone already.');
  expect(take(nameOf('ann'), 'ann')).toBe('That is you.');
  expect(reports.all).toEqual([]);
});

describe('a flood is bounded:', () => {
  test('one guest reports the same thing once, and three things at once', () => {
    expect([take(body(1), 'ann'), take(body(1), 'ann')]).toEqual([
      SENT,
      'You have reported this already. A moderator will look at it.',
    ]);
    expect([take(body(2), 'ann'), take(body(3), 'ann'), take(body(4), 'ann')]).toEqual([
      SENT,
      SENT,
      'You have reported a lot lately: wait 5 min.',
    ]);
    now += 300_000;
    expect(take(body(4), 'ann')).toBe(SENT);
  });

  test('an address has four guests’ worth, however often its guests change', () => {
    const answers = Array.from({ length: 14 }, (_, n) => take(body(n), `guest ${n}`, '10.0.0.1'));
    expect(answers.filter((answer) => answer === SENT)).toHaveLength(12);
    expect(take(body(99), 'bob', '10.0.0.2')).toBe(SENT);
  });

  test('of many reports about one body, the first five are kept, and all who sent one are thanked', () => {
    for (let n = 0; n < 9; n++) expect(take(body(1), `guest ${n}`)).toBe(SENT);
    expect(reports.open).toBe(MAX_OPEN_PER_SUBJECT);
  });

  test('with 300 open ones, visitors are told that moderators cannot read more', () => {
    for (let n = 0; n < MAX_OPEN_REPORTS; n++) expect(take(body(n), `guest ${n}`)).toBe(SENT);
    expect(take(body(999), 'ann')).toContain('try later');
    expect(reports.open).toBe(MAX_OPEN_REPORTS);
  });

  test('of 300 open ones, addresses that sent many give room to one that has sent few', async () => {
    for (let n = 0; n < MAX_OPEN_REPORTS; n++)
      expect(take(body(n), `guest ${n}`, `10.0.0.${Math.floor(n / 12)}`)).toBe(SENT);
    expect(take(body(990), 'ann')).toBe(SENT);
    expect(take(body(991), 'bob', '10.0.0.0')).toContain('lot lately');
    now += 3_600_000;
    expect(take(body(992), 'bob', '10.0.0.0')).toContain('try later');
    expect(reports.open).toBe(MAX_OPEN_REPORTS);
    expect(reports.all[0]).toMatchObject({ organism: 990, by: by('ann') });
    await reports.flush();
    const again = open();
    await again.flush();
    expect(again.open).toBe(MAX_OPEN_REPORTS);
    again.dispose();
  });

  test('whatever is sent and handled, open and handled reports stay within their bounds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(400), fc.nat(3_000), fc.boolean()), { maxLength: 2_000 }),
        (steps) => {
          const many = open();
          for (const [organism, guest, isHandled] of steps) {
            now += 400_000;
            many.take(body(organism)[0], by(`guest ${guest}`), body(organism)[1]);
            const [newest] = many.all;
            if (isHandled && newest !== undefined) many.handle(newest.id, 'Bob', 'dismissed');
            expect(many.open).toBeLessThanOrEqual(MAX_OPEN_REPORTS);
            expect(many.all.length - many.open).toBeLessThanOrEqual(MAX_HANDLED_REPORTS);
          }
          many.dispose();
        },
      ),
      { seed: 7, numRuns: 3 },
    );
  });
});

test('handling a report closes all about the same body, once, with the moderator’s name', () => {
  take(body(1), 'ann');
  take(body(1), 'bob');
  take(body(2), 'ann');
  expect(reports.handle(1, 'Cleo', 'removed')).toMatchObject({
    handled: { who: 'Cleo', outcome: 'removed' },
  });
  expect(reports.all.map(({ id, handled }) => [id, handled?.who])).toEqual([
    [3, undefined],
    [2, 'Cleo'],
    [1, 'Cleo'],
  ]);
  expect([reports.handle(1, 'Dan', ''), reports.handle(99, 'Dan', '')]).toEqual([null, null]);
  // It may be reported anew.
  expect(take(body(1), 'ann')).toBe(SENT);
});

test('while the registry fails, reports are taken and handled; then all of it is written', async () => {
  take(body(1), 'ann');
  await reports.flush();
  isWell = false;
  const later = open();
  // It could not read what is kept, yet.
  later.take(body(2)[0], by('bob'), body(2)[1]);
  await later.flush();
  expect(later.all.map(({ organism }) => organism)).toEqual([2]);
  isWell = true;
  await later.flush();
  expect(later.all.map(({ id, organism }) => [id, organism])).toEqual([
    [2, 2],
    [1, 1],
  ]);
  isWell = false;
  later.handle(2, 'Cleo', 'dismissed');
  await later.flush();
  isWell = true;
  await later.flush();
  const again = open();
  await again.flush();
  expect(again.all).toEqual(later.all);
  for (const one of [later, again]) one.dispose();
});
