import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Addresses, type ForwardedHeader, Proxies, UNUSED_SEATS } from '../../server/http/addresses.ts';

const behind = (hops: number): Proxies => new Proxies(hops, () => {});

describe('what proxies say', () => {
  const request = (headers: Partial<Record<ForwardedHeader, string>>): IncomingMessage =>
    ({ headers, socket: { remoteAddress: '10.0.0.1' } }) as unknown as IncomingMessage;
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

const upgrade = (address: string): IncomingMessage =>
  ({
    headers: { 'x-forwarded-for': address },
    socket: { remoteAddress: '10.0.0.1', once: () => {} },
  }) as unknown as IncomingMessage;

test('a network may have as many sockets as 8 of its addresses', () => {
  const addresses = new Addresses({ perAddress: 2, seatMs: 1, proxies: behind(1) });
  const open = (address: string): number => {
    let opened = 0;
    while (addresses.admitUpgrade(upgrade(address))) opened++;
    return opened;
  };
  const all = Array.from({ length: 9 }, (_, i) => open(`2001:db8:1:${i}::`));
  expect(all).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 0]);
  expect([addresses.isFull('2001:db8:1:99::'), addresses.held('2001:db8:1::/48')]).toEqual([true, 16]);
  expect([open('2001:db8:2:99::'), open('192.0.2.7')]).toEqual([2, 2]);
});

describe('seats that nobody has taken yet', () => {
  afterEach(() => void vi.useRealTimers());

  test('of one address are 32 at most: the oldest is given up, and nobody else’s', () => {
    vi.useFakeTimers();
    const addresses = new Addresses({ perAddress: 2, seatMs: 5_000, proxies: behind(1) });
    const givenUp: string[] = [];
    const hold = (address: string, visit: string): void =>
      addresses.holdSeat(address, visit, () => givenUp.push(visit));
    hold('192.0.2.1', 'neighbour');
    for (let n = 0; n < UNUSED_SEATS + 3; n++) hold('192.0.2.7', `visit ${n}`);
    expect(givenUp).toEqual(['visit 0', 'visit 1', 'visit 2']);
    expect(addresses.unusedSeats('192.0.2.7')).toBe(UNUSED_SEATS);
    addresses.takeSeat('visit 9', upgrade('192.0.2.7'));
    expect([addresses.ofVisit('visit 9'), addresses.unusedSeats('192.0.2.7')]).toEqual(['192.0.2.7', 31]);
    vi.advanceTimersByTime(5_000);
    expect([addresses.unusedSeats('192.0.2.7'), addresses.unusedSeats('192.0.2.1')]).toEqual([0, 0]);
    expect(givenUp).toHaveLength(3);
  });

  test('may be half as many as sockets, where an operator allows many of these', () => {
    vi.useFakeTimers();
    const addresses = new Addresses({ perAddress: 100, seatMs: 5_000, proxies: behind(1) });
    const givenUp: string[] = [];
    for (let n = 0; n < 51; n++)
      addresses.holdSeat('192.0.2.7', `visit ${n}`, () => givenUp.push(`visit ${n}`));
    expect([givenUp, addresses.unusedSeats('192.0.2.7')]).toEqual([['visit 0'], 50]);
  });
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
