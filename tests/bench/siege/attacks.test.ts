import { expect, test } from 'vitest';
import {
  ADMIN_ADDRESS,
  attackerAddresses,
  GUESSER_ADDRESSES,
  honestAddress,
  NEWCOMER_ADDRESS,
  VISITOR_ADDRESS,
} from './addresses.ts';
import { ATTACKS, addressesOf } from './attacks.ts';

test('nobody shares an address with an attacker, and honest players share none', () => {
  const honest = Array.from({ length: 11 }, (_, index) => honestAddress(index));
  const others = [NEWCOMER_ADDRESS, VISITOR_ADDRESS, ADMIN_ADDRESS];
  const all = [...honest, ...others, ...attackerAddresses(0, 40), ...GUESSER_ADDRESSES];
  expect(new Set(all).size).toBe(all.length);
  // The benchmark itself asks from there.
  expect(all).not.toContain('127.0.0.1');
  expect(all.every((address) => /^127\.0\.\d+\.\d+$/.test(address))).toBe(true);
});

test('an address that is no host is refused', () => {
  expect(() => attackerAddresses(250, 20)).toThrow(RangeError);
});

test('every attack says what it does, and uses what it is given unless it has addresses of its own', () => {
  expect(Object.keys(ATTACKS)).toContain('none');
  for (const { what } of Object.values(ATTACKS)) expect(what.length).toBeGreaterThan(10);
  expect(addressesOf('resets', ['127.0.2.7'])).toEqual(['127.0.2.7']);
  expect(addressesOf('tokens', ['127.0.2.7']).length).toBeGreaterThan(200);
});

test('no name of an attack is that of all of them together', () => {
  expect(Object.keys(ATTACKS)).not.toContain('together');
});
