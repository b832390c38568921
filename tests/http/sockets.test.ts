import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@colyseus/sdk';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { maxSocketsFor } from '../../server/http/sockets.ts';
import { ROOM_NAME } from '../../shared/protocol.ts';
import {
  fakeClock,
  gone,
  pause,
  rawSocket,
  reserve,
  socketUrl,
  startServer,
  type TestServer,
  waitFor,
} from '../rooms/harness.ts';

let server: TestServer;
beforeEach(fakeClock);
afterEach(async () => {
  await server.close();
  vi.useRealTimers();
});

/** All that comes until the other end closes. */
async function answerTo(text: string): Promise<string> {
  const socket = await rawSocket(server, text);
  return waitFor(allOf(socket));
}

async function allOf(socket: Socket): Promise<string> {
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
const lastHealth = HEALTH.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');

test('a connection may have 32 requests without an answer; with more, it is closed, and they cost nothing', async () => {
  server = await startServer({ perAddress: 1_000 });
  const some = await answerTo(HEALTH.repeat(31) + lastHealth);
  expect(some.match(/HTTP\/1\.1 200/g)).toHaveLength(32);
  const list = HEALTH.replace('healthz', 'api/organisms');
  const before = server.world.asked.length;
  const many = await answerTo(list.repeat(1_000)).catch(({ code }: NodeJS.ErrnoException) => code);
  expect(['', 'ECONNRESET']).toContain(many);
  expect(server.world.asked.length - before).toBeLessThanOrEqual(1);
  expect(await answerTo(lastHealth)).toContain(' 200 OK');
});

test('a connection that waits is kept longer than the 60 s of most proxies, so that none writes into its end', async () => {
  server = await startServer();
  const socket = await rawSocket(server, HEALTH);
  const [head] = (await waitFor(once(socket, 'data'))) as [Buffer];
  const [, seconds] = /\r\nKeep-Alive: timeout=(\d+)\r\n/.exec(head.toString()) ?? [];
  expect(Number(seconds)).toBeGreaterThan(60);
  socket.destroy();
});

describe('a request that is none', () => {
  beforeEach(async () => {
    server = await startServer({ perAddress: 1_000 });
  });

  test.each([
    ['of nonsense', 'GARBAGE\r\n\r\n', 400],
    ['of binary nonsense', '\x16\x03\x01\x02\x00\x01\x00', 400],
    ['without a host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['of two hosts', 'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n', 400],
    ['of an unknown method', 'GETT / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['with headers of 20 kB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['with a URL of 20 kB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    [
      'with a length and chunks',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    [
      'with two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nxxxxx',
      400,
    ],
    [
      'with chunks that are not the last coding',
      'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n',
      400,
    ],
    ['with a line folded into a header', 'GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n', 400],
    ['with a bare line feed in a header', 'GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n', 400],
    ['of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
    ['of HTTP/3.7', 'GET / HTTP/3.7\r\nHost: x\r\n\r\n', 505],
    ['for a tunnel', 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n', 405],
  ])('%s is answered with its status, and its connection closed', async (_what, text, status) => {
    const answer = await answerTo(text);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
    expect(answer.match(/^HTTP/gm)).toHaveLength(1);
    expect(answer).toContain('Connection: close');
  });

  test('closes its connection also if its sender never does', async () => {
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    socket.write('GARBAGE\r\n\r\n');
    await once(socket.resume(), 'end');
    await pause(1_200);
    // What is written to a connection that is gone comes back as a reset, which the next write meets.
    socket.write('x');
    await pause(100);
    socket.write('x');
    await gone(socket);
  });

  test('does not disturb a connection that has an answer under way', async () => {
    server.world.silent = true;
    const socket = await rawSocket(server, 'GET /api/organisms HTTP/1.1\r\nHost: x\r\n\r\nGARBAGE\r\n\r\n');
    const answer = await waitFor(allOf(socket));
    expect(answer.match(/^HTTP/gm)?.length ?? 0).toBeLessThanOrEqual(1);
    server.world.silent = false;
    expect(await answerTo(lastHealth)).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('what is asked beside HTTP/1.1', () => {
  beforeEach(async () => {
    server = await startServer({ perAddress: 1_000 });
  });

  test('an upgrade to h2c is ignored: the request is answered', async () => {
    const answer = await answerTo(
      'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n/);
  });

  test('an expectation that is none of ours is answered with 417', async () => {
    const answer = await answerTo('GET / HTTP/1.1\r\nHost: x\r\nExpect: cake\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 417/);
  });

  test('a body that is too long is answered with 413, and is not waited for', async () => {
    const answer = await answerTo(
      `POST /matchmake/join/world HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n${'x'.repeat(2_000)}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413/);
  });

  test('a method that a path has not is answered with those that it has', async () => {
    expect(await answerTo('DELETE /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 405[\s\S]*Allow: GET, HEAD/,
    );
    expect(
      await answerTo('GET /matchmake/join/world HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
    ).toMatch(/^HTTP\/1\.1 405[\s\S]*Allow: POST/);
  });

  test('a name that a stranger can give us is answered with 421 and the flag, and its socket is refused', async () => {
    const foreign = 'Host: evil.example\r\n';
    expect(await answerTo(`GET / HTTP/1.1\r\n${foreign}Connection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 421[\s\S]*--public-url http:\/\/evil\.example\//,
    );
    const seat = await reserve(server);
    const upgrade = `GET /${seat.processId}/${seat.roomId}?sessionId=${seat.sessionId} HTTP/1.1\r\n${foreign}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
    expect(await answerTo(upgrade)).toMatch(/^HTTP\/1\.1 421/);
  });
});

describe('a slow client', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'regrow-slow-'));
    writeFileSync(join(folder, 'index.html'), Buffer.alloc(40 * 2 ** 20, 'x'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('that does not finish its head is answered with 408, and closed', async () => {
    server = await startServer({}, undefined, { headMs: 400 });
    const socket = await rawSocket(server, 'GET / HTTP/1.1\r\nHost: x\r\nX-');
    expect(await waitFor(allOf(socket))).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  test('that waits longer than a head may take before its next request is answered', async () => {
    server = await startServer({}, undefined, { headMs: 200 });
    const socket = await rawSocket(server, HEALTH);
    await once(socket, 'data');
    // Node's own clock is not faked.
    vi.useRealTimers();
    await pause(1_000);
    server.world.tick();
    socket.write(lastHealth.replace('/healthz', '/'));
    expect(await allOf(socket)).toMatch(/^HTTP\/1\.1 (?:200|503)[\s\S]*<!doctype html>/);
  });

  test('that does not take its answer is closed within 62 s, and one that takes it gets it', async () => {
    server = await startServer({}, undefined, { pages: folder });
    const socket = await rawSocket(server, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    socket.pause();
    await pause(62_000);
    await gone(socket);
    expect(socket.bytesRead).toBeLessThan(40 * 2 ** 20);
    const whole = await (await waitFor(fetch(server.url))).arrayBuffer();
    expect(whole.byteLength).toBe(40 * 2 ** 20);
  });
});

test('a request that is cut off within its body leaves no line in the log', async () => {
  server = await startServer();
  const log = vi.spyOn(console, 'error').mockImplementation(() => {});
  const head = 'POST /matchmake/join/world HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n';
  const cut = await rawSocket(server, `${head}{"token":`);
  const half = await rawSocket(server, `${head}{"token":`);
  await pause(50);
  cut.resetAndDestroy();
  half.end();
  await pause(50);
  expect(await answerTo(lastHealth)).toMatch(/^HTTP\/1\.1 200/);
  expect(log.mock.calls).toEqual([]);
  log.mockRestore();
});

describe('too many connections', () => {
  test('over all addresses: the next is told so, and when to come again', async () => {
    server = await startServer({}, undefined, { maxSockets: 3 });
    const held = await Promise.all([rawSocket(server), rawSocket(server), rawSocket(server)]);
    const answer = await answerTo(HEALTH);
    expect(answer).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(answer).toMatch(/Connection: close\r\nRetry-After: 5\r\n/);
    expect(answer).toContain('"error":"the server has all the connections that it can have"');
    held[0].destroy();
    await pause(50);
    expect(await answerTo(lastHealth)).toMatch(/^HTTP\/1\.1 200/);
  });

  test('one that waits for a further request makes room for one that asks', async () => {
    server = await startServer({}, undefined, { maxSockets: 3 });
    await Promise.all([rawSocket(server), rawSocket(server)]);
    const idle = await rawSocket(server, HEALTH);
    await once(idle, 'data');
    await pause(20);
    const closed = gone(idle);
    expect(await answerTo(lastHealth)).toMatch(/^HTTP\/1\.1 200/);
    await closed;
  });

  test('of one address: matchmaking and pages say so', async () => {
    server = await startServer({ perAddress: 2 });
    await Promise.all([rawSocket(server), rawSocket(server)]);
    expect(await answerTo('GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 429[\s\S]*\r\n\r\ntoo many connections from this address\n$/,
    );
    const join = new Client(server.url.replace(/\/$/, '')).joinOrCreate(ROOM_NAME);
    await expect(waitFor(join)).rejects.toMatchObject({
      code: 429,
      message: 'too many connections from this address',
    });
  });

  test('of one address: connections that wait for a further request do not count', async () => {
    server = await startServer({ perAddress: 4 });
    const idle = await Promise.all(Array.from({ length: 4 }, () => rawSocket(server, HEALTH)));
    await Promise.all(idle.map((socket) => once(socket, 'data')));
    await pause(20);
    expect(await answerTo(lastHealth)).toMatch(/^HTTP\/1\.1 200/);
    for (const socket of idle) socket.write(HEALTH);
    for (const socket of idle) expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 200/);
  });

  test('of one address: of those that wait, the longest wait ends beyond 64', async () => {
    server = await startServer({ perAddress: 100 });
    const first = await rawSocket(server, HEALTH);
    const closed = gone(first);
    await pause(20);
    const idle = await Promise.all(Array.from({ length: 64 }, () => rawSocket(server, HEALTH)));
    await closed;
    expect(idle.some(({ destroyed }) => destroyed)).toBe(false);
  });

  test('the page reads why its WebSocket is refused', async () => {
    server = await startServer({ perAddress: 2 });
    const seat = await reserve(server);
    await pause(20);
    const held = await Promise.all([rawSocket(server), rawSocket(server)]);
    const socket = new WebSocket(socketUrl(server, seat));
    const { code, reason } = await waitFor(
      new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve)),
    );
    expect([code, reason]).toEqual([1_013, 'too many connections from this address']);
    for (const one of held) one.destroy();
  });

  test('who floods gets no more words, and takes nobody’s place', async () => {
    server = await startServer({ perAddress: 1_000 }, undefined, { maxSockets: 2 });
    const held = await Promise.all([rawSocket(server), rawSocket(server)]);
    const flood = await Promise.all(Array.from({ length: 200 }, () => rawSocket(server)));
    await Promise.all(flood.map((socket) => waitFor(gone(socket))));
    expect(held.some(({ destroyed }) => destroyed)).toBe(false);
    held[0].destroy();
    await pause(50);
    expect(await answerTo(lastHealth)).toMatch(/^HTTP\/1\.1 200/);
  });
});

test.each([
  [2_000, 1_048_576, 5_024],
  [2_000, 1_024, 768],
  [2_000, 256, 128],
  [100_000, Number.POSITIVE_INFINITY, 201_024],
  [1, 64, 32],
])(
  '%i players and %d descriptors make %i connections: files have the rest',
  async (players, descriptors, most) => {
    server ??= await startServer();
    expect(maxSocketsFor(players, descriptors)).toBe(most);
  },
);
