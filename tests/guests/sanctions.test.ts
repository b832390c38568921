import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  MAX_SANCTIONS,
  type NewSanction,
  type Sanction,
  Sanctions,
  TooManySanctionsError,
} from '../../server/guests/sanctions.ts';
import { GuestTokens, KEY_BYTES } from '../../server/guests/token.ts';

const HOUR_MS = 3_600_000;
const tokens = new GuestTokens(new Uint8Array(KEY_BYTES));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: Date.UTC(2026, 10, 25, 2, 10) });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number): void => void vi.advanceTimersByTime(ms);
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();
const guest = (): string => tokens.newId(Date.now());
const ban = (what: Partial<NewSanction>): NewSanction => ({
  kind: 'ban',
  guest: '',
  address: '',
  name: '',
  minutes: 10,
  reason: '',
  who: 'Ann',
  ...what,
});
const kept = (what: { address: string; until: string }): Sanction => ({
  id: what.address,
  kind: 'ban',
  guest: '',
  name: '',
  since: inMs(-HOUR_MS),
  reason: '',
  who: 'Ann',
  ...what,
});

describe('whom a sanction concerns', () => {
  test('of an address: everybody from there', () => {
    const sanctions = new Sanctions();
    sanctions.add(ban({ address: '10.0.0.1' }));
    expect(sanctions.find('ban', guest(), '10.0.0.1')).not.toBeNull();
    expect(sanctions.find('ban', guest(), '10.0.0.2')).toBeNull();
    expect(sanctions.find('mute', guest(), '10.0.0.1')).toBeNull();
    expect(['10.0.0.1', '10.0.0.2'].map((one) => sanctions.bansAddress(one))).toEqual([true, false]);
  });

  test('of a guest: them, wherever they are, and nobody else', () => {
    const sanctions = new Sanctions();
    const [cain, abel] = [guest(), guest()];
    sanctions.add(ban({ kind: 'mute', guest: cain }));
    expect(sanctions.find('mute', cain, '10.0.0.1')).not.toBeNull();
    expect(sanctions.find('mute', cain, '10.0.0.2')).not.toBeNull();
    expect(sanctions.find('mute', abel, '10.0.0.1')).toBeNull();
    expect(sanctions.names(cain)).toBe(true);
  });

  test('of a guest and their address: everybody there who was not settled when it began', () => {
    const [cain, abel, gathered] = [guest(), guest(), guest()];
    const asked: number[] = [];
    const sanctions = new Sanctions((id, atMs) => {
      asked.push(atMs);
      return id === abel;
    });
    pass(1_000);
    sanctions.add(ban({ guest: cain, address: '10.0.0.1' }));
    pass(1_000);
    const again = guest();
    for (const one of [again, gathered]) expect(sanctions.find('ban', one, '10.0.0.1')).not.toBeNull();
    expect(new Set(asked)).toEqual(new Set([Date.now() - 1_000]));
    expect(sanctions.find('ban', again, '10.0.0.2')).toBeNull();
    expect(sanctions.find('ban', abel, '10.0.0.1')).toBeNull();
    expect(sanctions.find('ban', cain, '10.0.0.9')).not.toBeNull();
    expect(sanctions.bansAddress('10.0.0.1')).toBe(false);
  });

  test('of a network: everybody from its addresses', () => {
    const sanctions = new Sanctions();
    sanctions.add(ban({ address: '2001:db8:1::/48' }));
    const at = ['2001:db8:1:7::', '2001:db8:1::', '2001:db8:2:7::', '10.0.0.1'];
    expect(at.map((one) => sanctions.bansAddress(one))).toEqual([true, true, false, false]);
  });

  test('of several, the one that ends last is found', () => {
    const sanctions = new Sanctions();
    const cain = guest();
    sanctions.add(ban({ guest: cain, minutes: 5 }));
    sanctions.add(ban({ address: '10.0.0.1', minutes: 50 }));
    sanctions.add(ban({ guest: cain, address: '10.0.0.1', minutes: 20 }));
    expect(sanctions.find('ban', cain, '10.0.0.1')).toMatchObject({ guest: '', address: '10.0.0.1' });
  });
});

test('one ends after its minutes, a lifted one at once, one for good never; a second replaces the first', () => {
  const sanctions = new Sanctions();
  const first = sanctions.add(ban({ address: '10.0.0.1', minutes: 50 }));
  const second = sanctions.add(ban({ address: '10.0.0.1', minutes: 5, reason: 'enough' }));
  expect(second).toMatchObject({ until: '2026-11-25T02:15:00.000Z', reason: 'enough', who: 'Ann' });
  expect(sanctions.all).toEqual([second]);
  expect(sanctions.lift(first.id)).toBeNull();
  const forGood = sanctions.add(ban({ address: '10.0.0.2', minutes: Number.POSITIVE_INFINITY }));
  expect([forGood.until, sanctions.secondsLeft(forGood.id)]).toEqual(['', Number.POSITIVE_INFINITY]);
  pass(5 * 60_000 - 1);
  expect(sanctions.bansAddress('10.0.0.1')).toBe(true);
  pass(1);
  expect(sanctions.bansAddress('10.0.0.1')).toBe(false);
  expect(sanctions.lift(second.id)).toBeNull();
  pass(365 * 24 * HOUR_MS);
  expect(sanctions.bansAddress('10.0.0.2')).toBe(true);
  expect(sanctions.lift(forGood.id)).toEqual(forGood);
  expect(sanctions.all).toEqual([]);
});

test.each([
  ['forth', HOUR_MS],
  ['back', -HOUR_MS],
])('setting the wall clock %s by an hour lifts none and makes none longer', (_, jumpMs) => {
  const sanctions = new Sanctions();
  sanctions.load([kept({ address: '10.0.0.1', until: inMs(10 * 60_000) })]);
  sanctions.add(ban({ address: '10.0.0.2' }));
  const banned = (): boolean[] => ['10.0.0.1', '10.0.0.2'].map((one) => sanctions.bansAddress(one));
  pass(5 * 60_000);
  vi.setSystemTime(Date.now() + jumpMs);
  expect(banned()).toEqual([true, true]);
  pass(5 * 60_000 - 1);
  expect(banned()).toEqual([true, true]);
  pass(1);
  expect(banned()).toEqual([false, false]);
});

test('those on disk are taken over without what has expired', () => {
  const sanctions = new Sanctions();
  sanctions.load([
    kept({ address: '10.0.0.1', until: inMs(1_000) }),
    kept({ address: '10.0.0.2', until: '' }),
    kept({ address: '10.0.0.3', until: inMs(-1) }),
  ]);
  expect(sanctions.all.map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.2']);
});

test('there are at most so many, and expired ones make room', () => {
  const sanctions = new Sanctions();
  for (let i = 0; i < MAX_SANCTIONS; i++) sanctions.add(ban({ address: `10.0.${i >> 8}.${i & 255}` }));
  expect(() => sanctions.add(ban({ address: '11.0.0.1' }))).toThrow(TooManySanctionsError);
  pass(10 * 60_000);
  expect(() => sanctions.add(ban({ address: '11.0.0.1' }))).not.toThrow();
});
