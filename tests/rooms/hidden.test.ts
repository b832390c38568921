/** A page that nobody sees, beside one that somebody does, in a world where forty pages change in every frame. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { decodeFrame } from '../../shared/frame.ts';
import { ClientMessageType, ServerMessageType } from '../../shared/protocol.ts';
import { fakeClock, join, left, next, pause, startServer, storm, type TestServer } from './harness.ts';

let server: TestServer;
const joined: string[] = [];
const leaving: string[] = [];
beforeAll(async () => {
  fakeClock();
  const sessions = {
    join: (id: string) => joined.push(id),
    leave: (id: string) => leaving.push(id),
    stroke: () => {},
  };
  server = await startServer({}, undefined, { sessions: sessions as never });
  storm(server.world);
});
afterAll(async () => {
  await server.close();
  vi.useRealTimers();
});

const view = { x: 0, y: 0, width: 600, height: 600, level: 0 };

test('C11 a hidden page is sent nothing for a minute and stays, and does not count as playing', async () => {
  const { room, hello } = await join(server);
  const heard: number[] = [];
  for (const type of Object.values(ServerMessageType)) room.onMessage(type, () => heard.push(type));
  let isGone = false;
  void left(room).then(() => {
    isGone = true;
  });
  room.send(ClientMessageType.viewport, view);
  const first = await next<Uint8Array<ArrayBuffer>>(room, ServerMessageType.frame);
  expect(joined).toContain(hello.you);

  // Its frames stay unacknowledged, as those of a page do whose timers are throttled.
  room.send(ClientMessageType.presence, { isHidden: true });
  await pause(200);
  expect(leaving).toEqual([hello.you]);
  heard.length = 0;
  await pause(60_000);
  expect(heard).toEqual([]);
  expect(isGone).toBe(false);

  room.send(ClientMessageType.presence, { isHidden: false });
  const began = performance.now();
  const frame = await next<Uint8Array<ArrayBuffer>>(room, ServerMessageType.frame);
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(joined.filter((id) => id === hello.you)).toHaveLength(2);
  // A frame of now, after one of a minute ago: none of the 1,200 between.
  expect(decodeFrame(frame).frame - decodeFrame(first).frame).toBeGreaterThan(1_100);
  room.send(ClientMessageType.presence, { isHidden: true });
  room.send(ClientMessageType.presence, { isHidden: true });
  await pause(100);
  expect(leaving).toHaveLength(2);
  void room.leave();
  await pause(200);
  // It had left already.
  expect(leaving).toHaveLength(2);
});

test('C11 a viewport of a hidden page is what it sees first when it is back', async () => {
  const { room } = await join(server);
  room.send(ClientMessageType.presence, { isHidden: true });
  room.send(ClientMessageType.viewport, view);
  let frames = 0;
  room.onMessage(ServerMessageType.frame, () => frames++);
  await pause(2_000);
  expect(frames).toBe(0);
  room.send(ClientMessageType.presence, { isHidden: false });
  await next(room, ServerMessageType.frame);
  void room.leave();
});
