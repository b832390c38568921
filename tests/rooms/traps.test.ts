/** Ways in which one client of a plain Colyseus server can hurt all others. */
import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { CloseCode } from '../../shared/protocol.ts';
import {
  fakeClock,
  gone,
  health,
  JOIN_ROOM,
  join,
  left,
  openSocket,
  pause,
  rawSocket,
  reserve,
  socketUrl,
  startServer,
  storm,
  type TestServer,
  viewport,
  waitFor,
} from './harness.ts';

let server: TestServer;
beforeEach(fakeClock);
afterEach(async () => {
  await server.close();
  vi.useRealTimers();
});

test('C1 a client that takes a seat and never connects holds it for five seconds', async () => {
  server = await startServer({ maxPlayers: 3 });
  for (let i = 0; i < 3; i++) await reserve(server);
  await expect(reserve(server)).rejects.toThrow(/503.*full/);
  await pause(5_300);
  const { room } = await join(server);
  await room.leave();
});

test('C12 who asks for seats and never comes keeps no newcomer of their address out', async () => {
  server = await startServer({ maxPlayers: 50 });
  for (let i = 0; i < 100; i++) await reserve(server);
  const { room } = await join(server);
  await room.leave();
});

test('C4 a client may drop at any moment of its join without harm to the server', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  server = await startServer({ perAddress: 1_000 });
  server.world.run(20);
  for (let i = 0; i < 12; i++) {
    const seat = await reserve(server);
    const socket = new WebSocket(socketUrl(server, seat));
    socket.on('error', () => {});
    // They drop before the handshake, right after it, at the JOIN, and after its acknowledgement.
    if (i % 4 === 1) await once(socket, 'open');
    if (i % 4 >= 2) await once(socket, 'message');
    if (i % 4 === 3) socket.send(Uint8Array.of(JOIN_ROOM));
    if (i % 8 < 4) socket.terminate();
    else socket.close();
  }
  await pause(300);
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
  expect(await health(server)).toMatchObject({ ok: true, players: 0 });
  const { room } = await join(server);
  await room.leave();
});

describe('C5 the matchmaker', () => {
  const post = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.url}${path}`, { method: 'POST', body: '{}', ...init });

  test.each([
    'matchmake/create/world',
    'matchmake/joinById/world',
    'matchmake/reconnect/world',
    'matchmake/joinOrCreate/other',
    'matchmake/constructor/world',
    'matchmake/join/__proto__',
  ])('refuses %s', async (path) => {
    server = await startServer();
    const response = await post(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: expect.stringContaining('one world') });
  });

  test('refuses pages of other sites and does not echo their Origin', async () => {
    server = await startServer();
    const foreign = await post('matchmake/join/world', { headers: { Origin: 'https://evil.example' } });
    expect(foreign.status).toBe(403);
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
    const own = await post('matchmake/join/world', { headers: { Origin: new URL(server.url).origin } });
    expect(own.status).toBe(200);
    const preflight = await fetch(`${server.url}matchmake/join/world`, { method: 'OPTIONS' });
    expect(preflight.status).toBe(405);
  });

  test('refuses long options and ignores malformed ones', async () => {
    server = await startServer();
    expect((await post('matchmake/join/world', { body: 'x'.repeat(2_000) })).status).toBe(413);
    expect((await post('matchmake/join/world', { body: '{"sessionId":' })).status).toBe(200);
    expect(await health(server)).toMatchObject({ ok: true });
  });
});

test('C6 an address gets no more sockets than its limit, even with a forged X-Forwarded-For', async () => {
  server = await startServer({ perAddress: 6 });
  const sockets = await Promise.all(Array.from({ length: 6 }, () => rawSocket(server)));
  const seventh = await rawSocket(
    server,
    'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.1.2.3\r\n\r\n',
  );
  await gone(seventh);
  for (const socket of sockets) socket.destroy();
  await pause(100);
  expect(await health(server)).toMatchObject({ ok: true });
});

test('C7 behind a trusted proxy the forwarded address is counted instead', async () => {
  server = await startServer({ perAddress: 2, trustProxy: 1 });
  const headersOf = (address: string) => ({ 'X-Forwarded-For': `1.2.3.4, ${address}` });
  const ask = (address: string): Promise<Response> =>
    fetch(`${server.url}matchmake/join/world`, { method: 'POST', body: '{}', headers: headersOf(address) });
  const from = async (address: string): Promise<void> => {
    const seat = (await (await ask(address)).json()) as Parameters<typeof socketUrl>[1];
    await once(new WebSocket(socketUrl(server, seat), { headers: headersOf(address) }), 'open');
  };
  await Promise.all([from('10.0.0.1'), from('10.0.0.1'), from('10.0.0.2')]);
  expect((await ask('10.0.0.1')).status).toBe(429);
  expect((await ask('10.0.0.2')).status).toBe(200);
});

describe('C9 a WebSocket without a seat is refused before the handshake', () => {
  const attempt = (path: string, headers: Record<string, string> = {}): Promise<number> =>
    new Promise((resolve, reject) => {
      const upgrade = request(`${server.url}${path}`, {
        headers: {
          Connection: 'Upgrade',
          Upgrade: 'websocket',
          'Sec-WebSocket-Version': '13',
          'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
          ...headers,
        },
      });
      upgrade.on('response', ({ statusCode }) => resolve(statusCode!));
      upgrade.on('upgrade', (_response, socket) => {
        socket.destroy();
        resolve(101);
      });
      upgrade.on('error', reject);
      upgrade.end();
    });

  test('with any session id, path or Origin', async () => {
    server = await startServer();
    const { roomId, processId, sessionId } = await reserve(server);
    const at = (session: string): string => `${processId}/${roomId}?sessionId=${session}`;
    expect(await attempt('')).toBe(404);
    expect(await attempt(`${processId}/elsewhere?sessionId=${sessionId}`)).toBe(404);
    for (const name of ['__proto__', 'constructor', 'toString', 'nobody'])
      expect(await attempt(at(name))).toBe(410);
    expect(await attempt(at(''))).toBe(404);
    expect(await attempt(at('%00%ff'))).toBe(404);
    expect(await attempt(at(sessionId), { Origin: 'https://evil.example' })).toBe(403);
    expect(await attempt(`${at('nobody')}&reconnectionToken=x`)).toBe(410);
    expect(await attempt(at(sessionId))).toBe(101);
    // A seat can be taken only once.
    expect(await attempt(at(sessionId))).toBe(410);
    expect(await health(server)).toMatchObject({ ok: true });
  });
});

test('C10 closing tells every client why and takes no longer than five seconds, also with one that never reads', async () => {
  server = await startServer();
  storm(server.world);
  const { room } = await join(server);
  const farewell = left(room);
  const stuck = await openSocket(server);
  stuck.send(viewport);
  stuck.pause();
  const half = await rawSocket(server, 'GET / HTTP/1.1\r\n');
  await reserve(server);
  await pause(300);
  const began = performance.now();
  await server.close();
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(await waitFor(farewell)).toEqual({ code: CloseCode.worldStopped, reason: 'the world has stopped' });
  await expect(fetch(server.url)).rejects.toThrow();
  half.destroy();
  stuck.terminate();
});
