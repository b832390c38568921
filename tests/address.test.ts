import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressKey, networkOf, partyOf, readParty } from '../server/address.ts';

describe('addressKey', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    [' 192.0.2.7 ', '192.0.2.7'],
    ['192.0.2.7:51234', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
    ['2001:DB8:0001:2::6', '2001:db8:1:2::'],
    ['[2001:db8:1:2::6]', '2001:db8:1:2::'],
    ['[2001:db8:1:2::6]:443', '2001:db8:1:2::'],
    ['2001:db8::', '2001:db8::'],
    ['2001::7:8', '2001::'],
    ['1:2:3::192.0.2.7', '1:2:3::'],
    ['fe80::1%eth0', 'fe80::'],
    ['::1', '::'],
  ])('of %s is %s', (text, key) => {
    expect(addressKey(text)).toBe(key);
  });

  test.each(['', 'unknown', '_hidden', '192.0.2', '192.0.2.7:', '2001:db8', '[::1', '1.2.3.4.5', 'a, b'])(
    'is empty for %j, which is no address',
    (text) => {
      expect(addressKey(text)).toBe('');
    },
  );

  test('is one for all addresses of a /64, however they are written, and another for the next /64', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const eight = fc.array(group, { minLength: 8, maxLength: 8 }).filter(([first]) => first > 0);
    fc.assert(
      fc.property(eight, fc.array(group, { minLength: 4, maxLength: 4 }), (groups, others) => {
        const long = groups.map((one) => one.toString(16).padStart(4, '0')).join(':');
        const short = new SocketAddress({ address: long, family: 'ipv6' }).address;
        const neighbour = [...groups.slice(0, 4), ...others].map((one) => one.toString(16)).join(':');
        const next = groups.map((one, i) => (i === 3 ? one ^ 1 : one).toString(16)).join(':');
        const key = addressKey(long);
        expect(isIPv6(key)).toBe(true);
        expect([addressKey(short), addressKey(neighbour), addressKey(key)]).toEqual([key, key, key]);
        expect(addressKey(next)).not.toBe(key);
      }),
      { seed: 19 },
    );
  });

  test('of any text is an IP address or empty', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (text) => {
        const key = addressKey(text);
        expect(key === '' || isIPv4(key) || isIPv6(key)).toBe(true);
      }),
      { seed: 19 },
    );
  });
});

describe('networkOf', () => {
  test.each([
    ['2001:db8:1:2::', '2001:db8:1::/48'],
    ['2001:db8::', '2001:db8::/48'],
    ['2001:0:0:5::', '2001::/48'],
    ['::', '::/48'],
    ['192.0.2.7', ''],
    ['', ''],
  ])('of %s is %j', (address, network) => {
    expect(networkOf(address)).toBe(network);
    expect(partyOf(address)).toBe(network || address);
  });

  test('is one for all addresses of a /48, and another for the next /48', () => {
    const groups = fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, fc.integer({ min: 0, max: 0xffff }), (eight, subnet) => {
        const keyOf = (all: readonly number[]): string =>
          addressKey(all.map((one) => one.toString(16)).join(':'));
        const network = networkOf(keyOf(eight));
        expect(networkOf(keyOf(eight.with(3, subnet)))).toBe(network);
        expect(networkOf(keyOf(eight.with(2, eight[2] ^ 1)))).not.toBe(network);
      }),
      { seed: 19 },
    );
  });
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2::6', '2001:db8:1:2::'],
  ['2001:db8:1:2::6/48', '2001:db8:1::/48'],
  [' 2001:db8:1::/48 ', '2001:db8:1::/48'],
  ['192.0.2.7/48', ''],
  ['2001:db8:1::/32', ''],
  ['home', ''],
])('what a person writes, %j, is read as %j', (text, party) => {
  expect(readParty(text)).toBe(party);
});
