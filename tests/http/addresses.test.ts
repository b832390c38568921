import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Addresses, type ForwardedHeader, Proxies } from '../../server/http/addresses.ts';

const behindNone = new Proxies(0, () => {});

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

test('a network may have as many seats as 8 of its addresses; a released one is free again', () => {
  const addresses = new Addresses({ perAddress: 2, seatMs: 60_000, proxies: behindNone });
  const seats = (address: string): (() => void)[] => {
    const taken: (() => void)[] = [];
    for (let seat = addresses.admitSeat(address); seat !== null; seat = addresses.admitSeat(address))
      taken.push(seat);
    return taken;
  };
  const all = Array.from({ length: 8 }, (_, i) => seats(`2001:db8:1:${i}::`));
  expect(all.map(({ length }) => length)).toEqual([2, 2, 2, 2, 2, 2, 2, 2]);
  expect(seats('2001:db8:1:99::')).toEqual([]);
  expect(seats('2001:db8:2:99::')).toHaveLength(2);
  expect(seats('192.0.2.7')).toHaveLength(2);
  all[0][0]();
  const late = seats('2001:db8:1:99::');
  expect(late).toHaveLength(1);
  for (const giveBack of [...all.flat(), ...late]) giveBack();
  expect([addresses.held('2001:db8:1::/48'), addresses.held('2001:db8:1:1::')]).toEqual([0, 0]);
});

describe('X-Request-Id', () => {
  const idOf = (hops: number, id: string): string | null =>
    new Proxies(hops, () => {}).requestId({ headers: { 'x-request-id': id } } as unknown as IncomingMessage);

  test('is believed only from a proxy that is trusted', () => {
    expect(idOf(0, 'abc')).toBeNull();
    expect(idOf(1, 'abc')).toBe('abc');
    expect(idOf(1, 'a\u2028b')).toBeNull();
  });
});
