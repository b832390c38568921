import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Proxies } from '../../server/http/addresses.ts';
import { Hosts } from '../../server/http/hosts.ts';

const asking = (headers: IncomingMessage['headers'], url = '/'): IncomingMessage =>
  ({ headers, url }) as IncomingMessage;
const behind = (hops: number): Proxies => new Proxies(hops, () => {});
const unnamed = new Hosts({ publicUrl: '', proxies: behind(0), machine: 'greenhouse.example' });
const named = new Hosts({ publicUrl: 'https://regrow.example/play/', proxies: behind(0) });
const onPort = new Hosts({ publicUrl: 'https://regrow.example:8443/play/', proxies: behind(0) });
const proxied = new Hosts({ publicUrl: 'https://regrow.example/', proxies: behind(1) });

describe('without --public-url', () => {
  test.each([
    'localhost:2567',
    'regrow.localhost',
    '127.0.0.1:2567',
    '192.168.1.7',
    '203.0.113.9:80',
    '[::1]:2567',
    '[2001:db8::7]',
    'greenhouse',
    'greenhouse.local:2567',
    'greenhouse.home.arpa',
    'vm.internal',
    'GREENHOUSE.example:2567',
  ])('the server answers as %s, which no stranger can have', (host) => {
    expect(unnamed.refusal(asking({ host }))).toBeNull();
  });

  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'local.evil', 'notlocal.x'])(
    'a request to %s is refused with the flag that would allow it: anybody can give that name our address',
    (host) => {
      expect(unnamed.refusal(asking({ host }))).toContain(`--public-url http://${host}/`);
    },
  );

  test('health is told under every name, and nothing else is', () => {
    expect(unnamed.refusal(asking({ host: 'evil.example' }, '/healthz'))).toBeNull();
    expect(unnamed.refusal(asking({ host: 'evil.example' }, '/healthzz'))).not.toBeNull();
  });

  test('what is no host is refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), (host) => {
        const refusal = unnamed.refusal(asking({ host }));
        expect(refusal === null || refusal.length < 400 + host.length * 9).toBe(true);
        if (/[\s/?#@\\]/.test(host) || host === '') expect(refusal).toBe('Host is not the name of a host');
      }),
      { seed: 19 },
    );
  });
});

describe('with --public-url', () => {
  test.each([
    ['regrow.example', true],
    ['regrow.example:443', true],
    ['REGROW.example', true],
    ['127.0.0.1:2567', true],
    ['localhost:2567', true],
    ['[::1]', true],
    ['regrow.example:8443', false],
    ['192.168.1.7', true],
    ['greenhouse:2567', true],
    ['evil.example', false],
  ])('a request to %s is answered: %s', (host, isAnswered) => {
    expect(named.refusal(asking({ host })) === null).toBe(isAnswered);
  });

  test('the port of its name may be missing, because a proxy may pass on the name alone, but not be another one', () => {
    const answers = (host: string): boolean => onPort.refusal(asking({ host })) === null;
    expect(['regrow.example:8443', 'regrow.example', 'regrow.example:2567'].map(answers)).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('health is told under every name, below its path as well', () => {
    expect(named.refusal(asking({ host: 'evil.example' }, '/play/healthz'))).toBeNull();
    expect(named.refusal(asking({ host: 'evil.example' }, '/play/'))).not.toBeNull();
  });

  test('its path without the last slash leads to the one with it, and no other path does', () => {
    expect(named.withSlash('/play')).toBe('play/');
    expect(named.withSlash('/play?a=/b?c')).toBe('play/?a=/b?c');
    for (const url of ['/', '/play/', '/playing', '/pla', '/x/play', '//play'])
      expect(named.withSlash(url)).toBeNull();
    expect(unnamed.withSlash('/')).toBeNull();
  });

  test('its path is taken off a request that still has it', () => {
    expect(named.localUrl('/play/assets/x.js?a')).toBe('/assets/x.js?a');
    expect(named.localUrl('/play/')).toBe('/');
    expect(named.localUrl('/player')).toBe('/player');
    expect(named.localUrl('/assets/x.js')).toBe('/assets/x.js');
  });

  test('behind a trusted proxy, the name is the one that the proxy was asked for', () => {
    expect(
      proxied.refusal(asking({ host: '10.0.0.2:2567', 'x-forwarded-host': 'regrow.example' })),
    ).toBeNull();
    expect(
      proxied.refusal(asking({ host: 'regrow.example', 'x-forwarded-host': 'evil.example' })),
    ).not.toBeNull();
    expect(
      named.refusal(asking({ host: 'evil.example', 'x-forwarded-host': 'regrow.example' })),
    ).not.toBeNull();
  });
});

describe('a page of this server', () => {
  test.each([
    [unnamed, 'greenhouse:2567', 'http://greenhouse:2567', true],
    [unnamed, 'greenhouse', 'https://greenhouse', true],
    [unnamed, 'greenhouse:443', 'https://greenhouse', true],
    [unnamed, 'greenhouse:2567', 'http://greenhouse', false],
    [unnamed, 'greenhouse', 'http://evil.example', false],
    [unnamed, 'greenhouse', 'null', false],
    [named, 'regrow.example', 'https://regrow.example', true],
    [named, 'regrow.example', 'http://regrow.example', false],
    [named, 'regrow.example', 'https://evil.example', false],
    [named, 'localhost:2567', 'http://localhost:2567', true],
    // A proxy that passes on its own name for the server.
    [named, '127.0.0.1:2567', 'https://regrow.example', true],
    [named, 'greenhouse:2567', 'https://regrow.example', true],
    [named, 'greenhouse:2567', 'https://evil.example', false],
    [onPort, 'regrow.example', 'https://regrow.example:8443', true],
    [onPort, 'regrow.example', 'https://regrow.example', false],
    [onPort, '127.0.0.1:2567', 'https://regrow.example:9999', false],
    [named, 'localhost:2567', 'http://localhost:9999', false],
  ])('%# has its origin', (hosts, host, origin, isOwn) => {
    expect(hosts.isOwnOrigin(asking({ host, origin }))).toBe(isOwn);
  });

  test('a program that names no origin passes', () => {
    expect(unnamed.isOwnOrigin(asking({ host: 'greenhouse' }))).toBe(true);
  });
});

test('TLS is what the operator says, a trusted proxy, or the page that asks, and nobody else', () => {
  const overTls = { host: 'greenhouse', 'x-forwarded-proto': 'https' };
  const trusting = new Hosts({ publicUrl: '', proxies: behind(1) });
  expect(unnamed.isSecure(asking(overTls))).toBe(false);
  expect(trusting.isSecure(asking(overTls))).toBe(true);
  expect(trusting.isSecure(asking({ host: 'greenhouse' }))).toBe(false);
  expect(named.isSecure(asking({ host: 'regrow.example' }))).toBe(true);
  expect(named.isSecure(asking({ host: '127.0.0.1:2567' }))).toBe(false);
  const fromPage = { host: '127.0.0.1:2567', origin: 'https://regrow.example' };
  expect(named.isSecure(asking(fromPage))).toBe(true);
  expect(named.isSecure(asking({ ...fromPage, origin: 'https://evil.example' }))).toBe(false);
});
