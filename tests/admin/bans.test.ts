import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Bans } from '../../server/admin/bans.ts';

const HOUR_MS = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: Date.UTC(2026, 10, 25, 2, 10) });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number): void => void vi.advanceTimersByTime(ms);
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

test('a ban covers one IPv4 address or one IPv6 /64, and ends when its time is over', () => {
  const bans = new Bans();
  bans.load([
    { address: '10.0.0.1', until: inMs(60_000), reason: '' },
    { address: '2001:db8::1', until: '', reason: '' },
    { address: '10.0.0.9', until: inMs(-1), reason: '' },
    { address: 'no address at all', until: '', reason: '' },
  ]);
  const asked = [
    '10.0.0.1',
    '10.0.0.2',
    '2001:db8::beef',
    '2001:db8:0:1::1',
    '10.0.0.9',
    'no address at all',
    '',
  ];
  expect(asked.map((address) => bans.has(address))).toEqual([true, false, true, false, false, true, false]);
  expect(bans.all).toHaveLength(3);
  pass(60_000);
  expect(bans.has('10.0.0.1')).toBe(false);
  expect(bans.all).toHaveLength(2);
});

test('an added ban ends after its minutes; a lifted one at once', () => {
  const bans = new Bans();
  expect(bans.add('10.0.0.1', 5, 'enough')).toEqual({
    address: '10.0.0.1',
    until: '2026-11-25T02:15:00.000Z',
    reason: 'enough',
  });
  bans.add('10.0.0.2', 5, '');
  expect(bans.lift('10.0.0.2')).toBe(true);
  expect(bans.lift('10.0.0.2')).toBe(false);
  pass(5 * 60_000 - 1);
  expect(['10.0.0.1', '10.0.0.2'].map((address) => bans.has(address))).toEqual([true, false]);
  pass(1);
  expect(bans.has('10.0.0.1')).toBe(false);
  expect(bans.lift('10.0.0.1')).toBe(false);
});

test.each([
  ['forth', HOUR_MS],
  ['back', -HOUR_MS],
])('setting the wall clock %s by an hour lifts no ban and makes none longer', (_, jumpMs) => {
  const bans = new Bans();
  bans.load([{ address: '10.0.0.1', until: inMs(10 * 60_000), reason: '' }]);
  bans.add('10.0.0.2', 10, '');
  const banned = (): boolean[] => ['10.0.0.1', '10.0.0.2'].map((address) => bans.has(address));
  pass(5 * 60_000);
  vi.setSystemTime(Date.now() + jumpMs);
  expect(banned()).toEqual([true, true]);
  pass(5 * 60_000 - 1);
  expect(banned()).toEqual([true, true]);
  pass(1);
  expect(banned()).toEqual([false, false]);
});

test('what the process holds already is not replaced by what the registry knew at the start', () => {
  const bans = new Bans();
  bans.add('10.0.0.1', 10, 'new');
  bans.load([
    { address: '10.0.0.1', until: inMs(1_000), reason: 'old' },
    { address: '10.0.0.2', until: '', reason: 'old' },
  ]);
  pass(1_000);
  expect(bans.all.map(({ reason }) => reason)).toEqual(['new', 'old']);
  expect(bans.has('10.0.0.1')).toBe(true);
});
