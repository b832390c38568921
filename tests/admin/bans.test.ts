import { expect, test } from 'vitest';
import { Bans } from '../../server/admin/bans.ts';

test('a ban covers one IPv4 address or one IPv6 /64, and ends when its time is over', () => {
  const bans = new Bans();
  const later = new Date(Date.now() + 60_000).toISOString();
  const earlier = new Date(Date.now() - 1).toISOString();
  bans.set([
    { address: '10.0.0.1', until: later, reason: '' },
    { address: '2001:db8::1', until: '', reason: '' },
    { address: '10.0.0.9', until: earlier, reason: '' },
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
});
