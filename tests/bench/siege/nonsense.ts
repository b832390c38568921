/** Attackers that break HTTP, WebSockets and the protocol. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { reserveSeat, seatAddress } from '../load/seat.ts';
import { GUESSER_ADDRESSES } from './addresses.ts';
import { assetsIn } from './downloads.ts';
import { mutation } from './mutations.ts';
import type { Attack, Siege } from './siege.ts';

const ANSWER_MS = 1_500;

/** The upgrade of a socket, which may be refused. */
const upgrade = (siege: Siege, path: string, headers: readonly string[] = []): string =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: ${siege.host}:${siege.port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
    '\r\n',
  ].join('\r\n');

const fuzz: Attack = {
  what: 'players whose messages are mutated, cut, mixed up or noise, and WebSocket frames that are none',
  async run(siege) {
    const messages = siege.loops(siege.count(12, 24), async (index) => {
      await siege.turn(150);
      const raider = siege.client(index, `guest ${index}`);
      await raider.enter();
      for (let n = 0; n < 60 && raider.isOpen && !siege.signal.aborted; n++) {
        raider.sendBytes(mutation(siege.draw));
        siege.add('sent');
        await siege.pause(12);
      }
      raider.drop();
    });
    const frames = siege.loops(4, async (index) => {
      await siege.turn(150);
      const seat = await reserveSeat(siege.task.url, {}, siege.addressOf(index), siege.signal);
      const { pathname, search } = new URL(seatAddress(siege.task.url, seat));
      const socket = await siege.open(index);
      socket.resume();
      socket.write(upgrade(siege, pathname + search));
      await siege.pause(30);
      // Not masked, longer than anything, reserved opcodes and bits, a text that is no UTF-8, endless fragments, noise.
      const broken = siege.pick([
        Buffer.of(0x82, 5, 1, 2, 3, 4, 5),
        Buffer.concat([Buffer.of(0x82, 0xff, 0x7f), Buffer.alloc(7, 0xff), Buffer.alloc(64)]),
        Buffer.of(0x83, 0x80, 0, 0, 0, 0),
        Buffer.of(0xf2, 0x80, 0, 0, 0, 0),
        Buffer.of(0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe),
        Buffer.concat(Array.from({ length: 200 }, () => Buffer.of(0x02, 0x81, 0, 0, 0, 0, 1))),
        Buffer.concat(Array.from({ length: 500 }, () => Buffer.of(0x89, 0x80, 0, 0, 0, 0))),
        Buffer.of(0x88, 0x82, 0, 0, 0, 0, 0, 1),
        randomBytes(400),
      ]);
      if (!socket.destroyed) socket.write(broken);
      await Promise.race([once(socket, 'close').catch(() => {}), siege.pause(ANSWER_MS)]);
      siege.add(socket.destroyed ? 'socket ended by the server' : 'socket kept for 1.5 s');
      socket.destroy();
    });
    await Promise.all([messages, frames]);
  },
};

const upgrades: Attack = {
  what: 'upgrades without a seat, to h2c, to nothing known, and HTTP/2 prefaces, 150 per second',
  run: (siege) =>
    siege.loops(siege.count(30, 60), async (index) => {
      await siege.turn(150);
      const host = `Host: ${siege.host}:${siege.port}`;
      const [what, bytes] = siege.pick<[string, string]>([
        ['no seat', upgrade(siege, `/${'a'.repeat(9)}/${'b'.repeat(9)}?sessionId=nobody`)],
        ['no path', upgrade(siege, '/')],
        ['__proto__', upgrade(siege, '/x/y?sessionId=__proto__')],
        ['foreign', upgrade(siege, '/x/y?sessionId=z', ['Origin: https://evil.example'])],
        [
          'h2c',
          `GET / HTTP/1.1\r\n${host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
        ],
        ['h2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'],
        ['unknown', `GET / HTTP/1.1\r\n${host}\r\nConnection: Upgrade\r\nUpgrade: flux/2\r\n\r\n`],
        [
          'post',
          `POST / HTTP/1.1\r\n${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello`,
        ],
        ['old version', upgrade(siege, '/x/y?sessionId=z').replace('Version: 13', 'Version: 7')],
      ]);
      siege.add(`${what}: ${(await siege.say(index, bytes, ANSWER_MS)) || 'no answer'}`);
    }),
};

const heads: Attack = {
  what: 'oversized and malformed heads, bad ranges, smuggled bodies, 150 per second',
  async run(siege) {
    const [largest] = assetsIn(siege.task.clientDir);
    const host = `Host: ${siege.host}:${siege.port}`;
    const get = (path: string, ...headers: string[]): string =>
      [`GET ${path} HTTP/1.1`, host, ...headers, 'Connection: close', '\r\n'].join('\r\n');
    const all: readonly (readonly [string, string])[] = [
      ['a header of 64 kB', get('/', `X-Long: ${'a'.repeat(65_536)}`)],
      ['2,000 headers', get('/', ...Array.from({ length: 2_000 }, (_, i) => `X-${i}: 1`))],
      ['a path of 16 kB', get(`/${'a'.repeat(16_384)}`)],
      ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
      ['two Hosts', get('/', 'Host: other')],
      ['a foreign Host', `GET / HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n`],
      ['HTTP/3.0', 'GET / HTTP/3.0\r\n\r\n'],
      ['noise', randomBytes(300).toString('latin1')],
      ['TLS', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'],
      ['a method of our own', `BREW / HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`],
      ['TRACE', `TRACE / HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`],
      ['CONNECT', `CONNECT evil.example:443 HTTP/1.1\r\n${host}\r\n\r\n`],
      ['a backward range', get(`/${largest}`, 'Range: bytes=9-1')],
      ['a range from the end', get(`/${largest}`, 'Range: bytes=-99999999999')],
      ['a range beyond the end', get(`/${largest}`, 'Range: bytes=99999999999-')],
      ['a range of nonsense', get(`/${largest}`, 'Range: bytes=a-b,;;')],
      [
        'a thousand ranges',
        get(`/${largest}`, `Range: bytes=${Array.from({ length: 1_000 }, (_, i) => `${i}-`).join(',')}`),
      ],
      ['a traversal', get('/assets/..%2f..%2f..%2fetc/passwd')],
      ['a plain traversal', get('/../../../../etc/passwd')],
      ['a broken escape', get('/%E0%A4%A')],
      ['a NUL', get('/a%00b')],
      ['another host in the path', get('//evil.example/x')],
      ['an absolute form', get('http://evil.example/')],
      [
        'two lengths',
        `POST /matchmake/join/world HTTP/1.1\r\n${host}\r\nContent-Length: 2\r\nContent-Length: 7\r\n\r\n{}GET /`,
      ],
      [
        'a length and chunks',
        `POST /matchmake/join/world HTTP/1.1\r\n${host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n`,
      ],
      [
        'a chunk without end',
        `POST /matchmake/join/world HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n`,
      ],
      [
        'long options',
        `POST /matchmake/join/world HTTP/1.1\r\n${host}\r\nContent-Length: 60000\r\n\r\n${'x'.repeat(60_000)}`,
      ],
      [
        'deep options',
        `POST /matchmake/join/world HTTP/1.1\r\n${host}\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n${'['.repeat(1_000)}`,
      ],
      ['bad numbers', get('/api/world.png?x=1e9&y=NaN&w=-1&h=99999999')],
      ['a forged address', get('/healthz', 'X-Forwarded-For: 127.0.0.1', 'Forwarded: for=127.0.0.1')],
      ['a body on GET', `GET /healthz HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\n\r\nhello`],
      [
        'Expect',
        `POST /matchmake/join/world HTTP/1.1\r\n${host}\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
      ],
      ['Expect nonsense', `POST / HTTP/1.1\r\n${host}\r\nExpect: pigs\r\nContent-Length: 2\r\n\r\n`],
      ['a hundred requests at once', get('/healthz').replace('close', 'keep-alive').repeat(100)],
    ];
    await siege.loops(siege.count(30, 60), async (index) => {
      await siege.turn(150);
      const [what, bytes] = siege.pick(all);
      siege.add(
        `${what}: ${(await siege.say(index, Buffer.from(bytes, 'latin1'), ANSWER_MS)) || 'no answer'}`,
      );
    });
  },
};

const tokens: Attack = {
  what: 'wrong admin tokens, ten per second from 250 addresses',
  async run(siege) {
    const names = ['admin', 'honest', 'an admin', ''];
    let tried = 0;
    await siege.loops(8, async () => {
      await siege.turn(10);
      const index = tried++;
      const body = JSON.stringify({ token: randomBytes(24).toString('base64url'), name: siege.pick(names) });
      await siege.ask(index, 'admin/api/login', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body,
      });
    });
  },
};

export const NONSENSE: Readonly<Record<string, Attack>> = { fuzz, upgrades, heads, tokens };

/** Attacks that come from addresses of their own, whatever the others use. */
export const OWN_ADDRESSES: Readonly<Record<string, readonly string[]>> = { tokens: GUESSER_ADDRESSES };
