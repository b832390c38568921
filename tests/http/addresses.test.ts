import type { IncomingMessage } from 'node:http';
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Addresses, addressKey, type ForwardedHeader, Proxies } from '../../server/http/addresses.ts';

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

describe('what proxies say', () => {
  const request = (headers: Partial<Record<ForwardedHeader, string>>): IncomingMessage =>
    ({ headers, socket: { remoteAddress: '10.0.0.1' } }) as unknown as IncomingMessage;
  const behind = (hops: number): Proxies => new Proxies(hops, () => {});
  const headers = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'] as const;

  test.each([
    [0, 'a, b, c', ''],
    [1, 'a, b, c', 'c'],
    [2, 'a, b, c', 'b'],
    [3, 'a, b, c', 'a'],
    [3, 'a', 'a'],
    [1, ' a ', 'a'],
    [1, 'a,', ''],
    [1, '', ''],
  ])('with %i of them trusted, %j means %j, in each of the three headers', (hops, said, meant) => {
    for (const name of headers) expect(behind(hops).read(request({ [name]: said }), name)).toBe(meant);
  });

  test('whatever a client sends, the address is the one that the outermost trusted proxy saw', () => {
    const address = fc.ipV4();
    const chain = fc.array(address, { minLength: 1, maxLength: 16 });
    const forged = fc.array(fc.oneof(address, fc.string()), { maxLength: 8 });
    fc.assert(
      fc.property(forged, chain, (sent, seen) => {
        const addresses = new Addresses({ perAddress: 1, seatMs: 1, proxies: behind(seen.length) });
        const said = [...sent, ...seen].join(', ');
        expect(addresses.of(request({ 'x-forwarded-for': said }))).toBe(seen[0]);
      }),
      { seed: 21 },
    );
  });

  test('a trusted proxy that says nothing, or no address, leaves that of the socket', () => {
    const addresses = new Addresses({ perAddress: 1, seatMs: 1, proxies: behind(1) });
    expect(addresses.of(request({}))).toBe('10.0.0.1');
    expect(addresses.of(request({ 'x-forwarded-for': '192.0.2.7, unknown' }))).toBe('10.0.0.1');
  });

  test('an address that is not believed is noted, once, with the flag that would', () => {
    const lines: string[] = [];
    const proxies = new Proxies(0, (line) => lines.push(line));
    const addresses = new Addresses({ perAddress: 1, seatMs: 1, proxies });
    addresses.of(request({}));
    proxies.read(request({ 'x-forwarded-proto': 'https' }), 'x-forwarded-proto');
    expect(lines).toEqual([]);
    for (let i = 0; i < 3; i++)
      expect(addresses.of(request({ 'x-forwarded-for': '192.0.2.7' }))).toBe('10.0.0.1');
    expect(lines).toEqual([expect.stringMatching(/X-Forwarded-For, which is not believed.*--trust-proxy 1/)]);
  });
});
