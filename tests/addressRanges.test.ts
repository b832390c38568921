import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressRanges } from '../server/addressRanges.ts';

describe('a list of address ranges', () => {
  test.each([
    ['loopback', ['127.0.0.1', '127.9.9.9', '::1'], ['10.0.0.1', '::2', '192.0.2.7']],
    [
      'private',
      ['10.1.2.3', '172.31.0.1', '192.168.1.1', 'fd00::7', 'fe80::1'],
      ['127.0.0.1', '172.32.0.1', '100.64.0.1', '2001:db8::1'],
    ],
    ['192.0.2.7', ['192.0.2.7'], ['192.0.2.8', '::7']],
    ['192.0.2.0/24, 2001:db8::/32', ['192.0.2.200', '2001:db8:ffff::1'], ['192.0.3.1', '2001:db9::1']],
    ['all', ['192.0.2.7', '2001:db8::1'], []],
    ['none', [], ['127.0.0.1', '::1']],
  ])('%s', (list, members, others) => {
    const ranges = new AddressRanges(list);
    expect(members.filter((one) => !ranges.has(one))).toEqual([]);
    expect(others.filter((one) => ranges.has(one))).toEqual([]);
  });

  test('of IPv6 has no IPv4 address in it, not even in ::/0', () => {
    const ranges = new AddressRanges('::/0, ::/64');
    expect(ranges.has('::1')).toBe(true);
    fc.assert(
      fc.property(fc.ipV4(), (address) => !ranges.has(address)),
      { seed: 21 },
    );
  });

  test('has nobody whose address is not known', () => {
    expect(new AddressRanges('all').has('')).toBe(false);
    expect(new AddressRanges('all').has('localhost')).toBe(false);
  });

  test.each([
    '',
    'localhost',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0/8',
    'loopback,',
    '1.2.3.4/-1',
    '%',
  ])('of %j is refused', (list) => {
    expect(() => new AddressRanges(list)).toThrow(RangeError);
  });

  test('has at most 256 entries', () => {
    const list = (entries: number): string => Array<string>(entries).fill('192.0.2.7').join(',');
    expect(() => new AddressRanges(list(256))).not.toThrow();
    expect(() => new AddressRanges(list(257))).toThrow(RangeError);
  });
});
