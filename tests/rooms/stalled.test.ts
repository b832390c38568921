/** Clients that stall in different ways, beside each other in a world where forty pages change in every frame. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { FIRST_WINDOW_BYTES, WINDOW_BYTES } from '../../server/stream/deliver/flow.ts';
import { PAGE_BYTES } from '../../shared/geometry.ts';
import { ClientMessageType, CloseCode, ServerMessageType } from '../../shared/protocol.ts';
import {
  closed,
  fakeClock,
  gone,
  health,
  join,
  openSocket,
  pause,
  rawSocket,
  startServer,
  storm,
  type TestServer,
  viewport,
} from './harness.ts';

const FRAME_HEADER = Buffer.from([17, ServerMessageType.frame]);

let server: TestServer;
beforeAll(async () => {
  fakeClock();
  server = await startServer({ perAddress: 1_000 }, undefined, { headMs: 1_000 });
  storm(server.world);
});
afterAll(async () => {
  await server.close();
  vi.useRealTimers();
});

/** Counts the bytes that arrive from now on. */
function count(socket: WebSocket): { frames: number; all: number } {
  const bytes = { frames: 0, all: 0 };
  socket.on('message', (message: Buffer) => {
    bytes.all += message.length;
    if (message.subarray(0, 2).equals(FRAME_HEADER)) bytes.frames += message.length;
  });
  return bytes;
}

test.concurrent('C2 a client that never acknowledges its JOIN is queued nothing, and closed', async () => {
  const socket = await openSocket(server, false);
  const bytes = count(socket);
  expect(await closed(socket)).toEqual({
    code: CloseCode.unresponsive,
    reason: 'the join was never acknowledged',
  });
  expect(bytes.all).toBe(0);
});

test.concurrent('C3a a client that reads and never acknowledges is sent one window, then closed', async () => {
  const socket = await openSocket(server);
  const bytes = count(socket);
  socket.send(viewport);
  const began = performance.now();
  expect(await closed(socket)).toEqual({
    code: CloseCode.unresponsive,
    reason: 'frames were not acknowledged',
  });
  expect(performance.now() - began).toBeGreaterThan(9_500);
  expect(bytes.frames).toBeGreaterThan(FIRST_WINDOW_BYTES / 2);
  expect(bytes.frames).toBeLessThan(WINDOW_BYTES + PAGE_BYTES + 64);
});

test.concurrent('C3b a client that stops reading has one window waiting for it when it reads again', async () => {
  const socket = await openSocket(server);
  socket.send(viewport);
  socket.pause();
  const publishedBefore = server.world.publishedBytes;
  const rssBefore = process.memoryUsage.rss();
  await pause(5_000);
  expect(server.world.publishedBytes - publishedBefore).toBeGreaterThan(20_000_000);
  // A bound for the whole process, with the clients of all tests here, and the frames that were published.
  expect(process.memoryUsage.rss() - rssBefore).toBeLessThan(200_000_000);
  const bytes = count(socket);
  socket.resume();
  await pause(300);
  expect(bytes.frames).toBeLessThan(WINDOW_BYTES + PAGE_BYTES + 64);
  expect(bytes.all).toBeLessThan(WINDOW_BYTES + PAGE_BYTES + 64 * 1024);
  socket.terminate();
});

test.concurrent('C3c a client that never reads again is gone within fifteen seconds', async () => {
  const socket = await openSocket(server);
  socket.send(viewport);
  socket.pause();
  const began = performance.now();
  await pause(1_000);
  const before = (await health(server)).players;
  await pause(11_500);
  // C3a and C3b have ended by now, too; the honest client stays.
  expect((await health(server)).players).toBeLessThan(before);
  expect((await health(server)).players).toBe(1);
  expect(performance.now() - began).toBeLessThan(15_000);
  socket.terminate();
});

test.concurrent('C3d meanwhile an honest client gets every frame of its own', async () => {
  const { room } = await join(server);
  let frames = 0;
  room.onMessage(ServerMessageType.frame, (bytes: Uint8Array) => {
    frames++;
    room.send(ClientMessageType.ack, {
      frame: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true),
    });
  });
  room.send(ClientMessageType.viewport, { x: 40, y: 40, width: 20, height: 20, level: 0 });
  await pause(500);
  frames = 0;
  const began = server.world.frames;
  await pause(4_000);
  const published = server.world.frames - began;
  expect(published).toBeGreaterThan(40);
  expect(frames).toBeGreaterThanOrEqual(published - 2);
  await pause(9_000);
  await room.leave();
});

test.concurrent('C8 connections that never finish their request are cut off', async () => {
  const silent = await rawSocket(server);
  const slow = await rawSocket(server, 'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nX-');
  await Promise.all([gone(silent), gone(slow)]);
});
