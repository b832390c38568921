import { getMessageBytes, Protocol } from '@colyseus/core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { pageKey } from '../../server/stream/pageKey.ts';
import {
  BUDGET_CELLS,
  MAX_CLIENT_MESSAGE_BYTES,
  MAX_STROKE_POINTS,
  PLANT_COST_CELLS,
} from '../../shared/limits.ts';
import {
  ClientMessageType,
  CloseCode,
  type InspectionMessage,
  type NamedMessage,
  type NoticeMessage,
  type PlayersMessage,
  type PongMessage,
  PROTOCOL_VERSION,
  type RoomResultMessage,
  type SeedsMessage,
  ServerMessageType,
  type StatsMessage,
  type StrokeResultMessage,
} from '../../shared/protocol.ts';
import { Mirror } from '../stream/mirror.ts';
import {
  closed,
  fakeClock,
  health,
  join,
  left,
  next,
  openSocket,
  pause,
  ROOM_DATA,
  startServer,
  type TestServer,
  waitFor,
} from './harness.ts';

let server: TestServer;
beforeAll(async () => {
  fakeClock();
  server = await startServer({ perAddress: 1_000 });
  server.world.run(20);
});
afterAll(async () => {
  await server.close();
  vi.useRealTimers();
});

const send = (socket: WebSocket, type: number, payload: unknown): void =>
  socket.send(getMessageBytes.raw(Protocol.ROOM_DATA, type, payload));

describe('a player', () => {
  test('gets a hello with the world, and sees others come, point and go', async () => {
    const { room: a, hello } = await join(server);
    expect(hello).toMatchObject({
      protocol: PROTOCOL_VERSION,
      you: a.sessionId,
      width: 1024,
      engine: 'fake',
      epsilon: 2,
    });
    expect(hello.name).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+ \d+$/);
    expect(hello.budget.cells).toBe(BUDGET_CELLS);
    const { room: b } = await join(server);
    await next<PlayersMessage>(a, ServerMessageType.players, ({ players }) =>
      players.some(({ id }) => id === b.sessionId),
    );
    b.send(ClientMessageType.name, { name: '  Ash\u0000\u202e Ketchum  ' });
    b.send(ClientMessageType.cursor, { at: [12.5, 5_000] });
    const { players, full } = await next<PlayersMessage>(a, ServerMessageType.players, (message) =>
      message.players.some(({ cursor }) => cursor !== null),
    );
    expect(full).toBe(false);
    expect(players).toMatchObject([{ id: b.sessionId, name: 'Ash Ketchum', cursor: [12.5, 1024] }]);
    const goodbye = next<PlayersMessage>(a, ServerMessageType.players, ({ left }) => left.length > 0);
    await b.leave();
    expect((await goodbye).left).toEqual([b.sessionId]);
    const stats = await next<StatsMessage>(a, ServerMessageType.stats);
    expect(stats).toMatchObject({ players: 1, stepsPerSecond: 60 });
    expect(stats).not.toHaveProperty('trouble');
    await a.leave();
  });

  test('is told why the world cannot be saved, also when that began before they joined', async () => {
    server.world.trouble = 'a full disk';
    const { room } = await join(server);
    expect(await next<StatsMessage>(room, ServerMessageType.stats)).toMatchObject({ trouble: 'a full disk' });
    server.world.trouble = null;
    await next<StatsMessage>(room, ServerMessageType.stats, ({ trouble }) => trouble === undefined);
    await room.leave();
  });

  test('gets frames as bytes through the real SDK, decodes them and acknowledges', async () => {
    const { room } = await join(server);
    const mirror = new Mirror(server.world.ready);
    let kind = '';
    const complete = new Promise<void>((resolve) => {
      room.onMessage(ServerMessageType.frame, (bytes: Uint8Array) => {
        kind = Object.prototype.toString.call(bytes);
        room.send(ClientMessageType.ack, { frame: mirror.apply(bytes) });
        if (mirror.pages.get(34)?.pixels[3] === 255) resolve();
      });
    });
    room.send(ClientMessageType.viewport, { x: 0, y: 0, width: 300, height: 300, level: 0 });
    await pause(150);
    server.world.paint(128, 128, [1, 2, 3, 255]);
    await waitFor(complete);
    expect(kind).toBe('[object Uint8Array]');
    expect(mirror.pages.size).toBe(36);
    expect(mirror.gaps.size).toBe(0);
    await room.leave();
  });

  test('sees the averages of the level they asked for, then those of another', async () => {
    const { room } = await join(server);
    const mirror = new Mirror(server.world.ready);
    const until = (key: number, red: number): Promise<void> =>
      waitFor(
        new Promise((resolve) => {
          const off = room.onMessage(ServerMessageType.frame, (bytes: Uint8Array) => {
            room.send(ClientMessageType.ack, { frame: mirror.apply(bytes) });
            if (mirror.pages.get(key)?.pixels[0] !== red) return;
            off();
            resolve();
          });
        }),
      );
    for (let x = 0; x < 2; x++)
      for (let y = 0; y < 2; y++) server.world.paint(512 + x, 512 + y, [100 + x, 20, 30, 255]);
    // 1024 cells are 4 x 4 pages of level 2; the top left cell of page (2, 2) is cell (512, 512).
    const here = { x: 0, y: 0, width: 1024, height: 1024 };
    room.send(ClientMessageType.viewport, { ...here, level: 2 });
    await until(pageKey(2, 10), 25);
    expect(mirror.pages.size).toBe(16);
    room.send(ClientMessageType.viewport, { ...here, level: 1 });
    // 100.5, rounded half up.
    await until(pageKey(1, 36), 101);
    expect(mirror.pages.size).toBe(16 + 64);
    expect(mirror.gaps.size).toBe(0);
    await room.leave();
  });

  test("gets their stroke's result, and others see the stroke", async () => {
    const { room: a } = await join(server);
    const { room: b } = await join(server);
    const stroke = { id: 7, tool: 'ablate', radius: 5, points: [100, 100, 120, 100] };
    const seen = next<PlayersMessage>(b, ServerMessageType.players, ({ strokes }) => strokes.length > 0);
    a.send(ClientMessageType.stroke, stroke);
    const result = await next<StrokeResultMessage>(a, ServerMessageType.strokeResult);
    expect(result).toMatchObject({ id: 7, ok: true, step: 7 });
    expect(result.budget.cells).toBeLessThan(BUDGET_CELLS);
    expect((await seen).strokes).toEqual([
      { player: a.sessionId, tool: 'ablate', radius: 5, points: stroke.points },
    ]);
    expect(server.world.asked.at(-1)).toMatchObject({ kind: 'stroke', stroke });
    await Promise.all([a.leave(), b.leave()]);
  });

  test.each([
    ['outside the world', { tool: 'ablate', radius: 5, points: [5_000, 5] }],
    ['with a negative radius', { tool: 'noise', radius: -1, points: [5, 5] }],
    ['of NaN', { tool: 'noise', radius: 2, points: [Number.NaN, 5] }],
    ['of infinite radius', { tool: 'truncate', radius: Number.POSITIVE_INFINITY, points: [5, 5] }],
    ['with no points', { tool: 'noise', radius: 2, points: [] }],
    ['of an unknown species', { tool: 'plant', radius: 2, points: [5, 5], species: '__proto__' }],
    ['of no species', { tool: 'plant', radius: 2, points: [5, 5] }],
  ])('reads why a stroke %s is refused, pays nothing for it, and stays', async (_name, stroke) => {
    const { room } = await join(server);
    const asked = server.world.asked.length;
    room.send(ClientMessageType.stroke, { id: 1, ...stroke });
    const result = await next<StrokeResultMessage>(room, ServerMessageType.strokeResult);
    expect(result).toMatchObject({ id: 1, ok: false, budget: { cells: BUDGET_CELLS } });
    expect(result.reason!.length).toBeGreaterThan(10);
    expect(server.world.asked.length).toBe(asked);
    await room.leave();
  });

  test('is refused without budget; a stroke that the world refuses is paid back', async () => {
    const { room } = await join(server);
    const results: StrokeResultMessage[] = [];
    room.onMessage(ServerMessageType.strokeResult, (result: StrokeResultMessage) => results.push(result));
    const plant = { tool: 'plant', radius: 1, points: [9, 9], species: 'pikachu' };
    server.world.outcome = { ok: false, reason: 'no room' };
    room.send(ClientMessageType.stroke, { id: 0, ...plant });
    await next(room, ServerMessageType.strokeResult);
    expect(results[0]).toMatchObject({ ok: false, reason: 'no room', budget: { cells: BUDGET_CELLS } });
    server.world.outcome = { ok: true, step: 7, organisms: [] };
    for (let id = 1; id <= BUDGET_CELLS / PLANT_COST_CELLS + 2; id++) {
      room.send(ClientMessageType.stroke, { id, ...plant });
    }
    await next<StrokeResultMessage>(room, ServerMessageType.strokeResult, ({ ok }) => ok);
    await pause(200);
    expect(results.filter(({ ok }) => ok).length).toBe(BUDGET_CELLS / PLANT_COST_CELLS);
    expect(results.find(({ id, ok }) => id > 0 && !ok)!.reason).toMatch(/^Not enough energy: \d s\.$/);
    await room.leave();
  });

  test('is told only of wilting bodies that are in view or that they planted', async () => {
    const { room, hello } = await join(server);
    const [guest] = hello.token!.split('.');
    const texts: string[] = [];
    room.onMessage(ServerMessageType.notice, ({ text }: NoticeMessage) => texts.push(text));
    room.send(ClientMessageType.viewport, { x: 100, y: 100, width: 200, height: 100, level: 0 });
    const answered = next<PongMessage>(room, ServerMessageType.pong);
    room.send(ClientMessageType.ping, { time: 1 });
    await answered;
    const body = {
      organism: 1,
      species: 'gengar',
      label: 'gengar v1',
      cause: 'too large',
      planter: '',
      guest: '',
    } as const;
    server.world.onWilted([{ ...body, x: 900, y: 900 }]);
    server.world.onWilted([{ ...body, x: 150, y: 150 }]);
    server.world.onWilted([{ ...body, species: 'eevee', x: 900, y: 900, guest }]);
    const told = next<PongMessage>(room, ServerMessageType.pong);
    room.send(ClientMessageType.ping, { time: 2 });
    await told;
    expect(texts).toEqual([
      'A Gengar has outgrown itself: it wilts and grows again from its seed.',
      'An Eevee has outgrown itself: it wilts and grows again from its seed.',
    ]);
    await room.leave();
  });

  test('is told of the seeds that wait in their view, when these or the view change', async () => {
    const { room } = await join(server);
    const told: SeedsMessage[] = [];
    room.onMessage(ServerMessageType.seeds, (message: SeedsMessage) => told.push(message));
    room.send(ClientMessageType.viewport, { x: 100, y: 100, width: 200, height: 100, level: 0 });
    server.world.onSeeds([
      { id: 3, x: 150, y: 150, seconds: 15 },
      { id: 4, x: 900, y: 900, seconds: 15 },
    ]);
    await pause(600);
    expect(told.map(({ seeds }) => seeds.map(({ id }) => id))).toEqual([[3]]);
    expect(told[0].seeds[0].seconds).toBeLessThanOrEqual(15);
    expect(told[0].seeds[0].seconds).toBeGreaterThan(14);
    room.send(ClientMessageType.viewport, { x: 800, y: 800, width: 200, height: 200, level: 0 });
    await pause(600);
    expect(told.map(({ seeds }) => seeds.map(({ id }) => id))).toEqual([[3], [4]]);
    server.world.onSeeds([]);
    await pause(600);
    expect(told.at(-1)).toEqual({ seeds: [] });
    server.world.onSeeds([]);
    await pause(600);
    expect(told).toHaveLength(3);
    await room.leave();
  });

  test('removes what they planted as themselves, and reads why they cannot', async () => {
    const { room } = await join(server);
    server.world.removalFault = 'Only who planted it can remove it.';
    const notice = next<NoticeMessage>(room, ServerMessageType.notice);
    room.send(ClientMessageType.remove, { organism: 1 });
    expect(await notice).toEqual({ text: 'Only who planted it can remove it.' });
    server.world.removalFault = null;
    const asked = server.world.asked.findLast(({ kind }) => kind === 'removeOwn');
    expect(asked).toMatchObject({ organism: 1 });
    expect((asked as { guest: string }).guest).not.toBe('');
    await room.leave();
  });

  test('learns who planted a body as “you” or by name, and never by an id', async () => {
    const { room } = await join(server);
    room.send(ClientMessageType.inspect, { at: [500, 500] });
    const { organism } = await next<InspectionMessage>(room, ServerMessageType.inspection);
    expect(organism).toMatchObject({ isYours: false });
    expect(organism).not.toHaveProperty('guest');
    await room.leave();
  });

  test('is told whether there is room for a seed, and why not', async () => {
    const { room } = await join(server);
    const answer = next<RoomResultMessage>(room, ServerMessageType.room);
    server.world.roomFault = 'No room.';
    room.send(ClientMessageType.room, { species: 'pikachu', at: [12, -3] });
    expect(await answer).toEqual({ species: 'pikachu', at: [12, -3], reason: 'No room.' });
    server.world.roomFault = null;
    await room.leave();
  });

  test('that inspects an organism gets its state twice per second until they stop', async () => {
    const { room } = await join(server);
    const heard: InspectionMessage[] = [];
    room.onMessage(ServerMessageType.inspection, (message: InspectionMessage) => heard.push(message));
    room.send(ClientMessageType.inspect, { at: [500, 500] });
    await pause(1_250);
    expect(heard.length).toBeGreaterThanOrEqual(3);
    expect(heard.length).toBeLessThanOrEqual(4);
    expect(heard[0].organism).toMatchObject({ id: 1, species: 'pikachu' });
    room.send(ClientMessageType.inspect, { at: null });
    await pause(100);
    heard.length = 0;
    await pause(700);
    expect(heard).toEqual([]);
    room.send(ClientMessageType.inspect, { at: [1, 1] });
    expect(await next<InspectionMessage>(room, ServerMessageType.inspection)).toEqual({ organism: null });
    await room.leave();
  });

  test('gets their ping back', async () => {
    const { room } = await join(server);
    room.send(ClientMessageType.ping, { time: 123_456_789.25 });
    expect(await next(room, ServerMessageType.pong)).toEqual({ time: 123_456_789.25 });
    await room.leave();
  });
});

describe('a client that breaks the protocol is closed with a code and a reason, and nobody else', () => {
  const viewport = { x: 0, y: 0, width: 10, height: 10, level: 0 };
  const { badMessage, tooLarge } = CloseCode;
  test.each<[string, number, (socket: WebSocket) => void]>([
    ['an unknown type', badMessage, (s) => send(s, 99, {})],
    ['no payload', badMessage, (s) => s.send(Uint8Array.of(ROOM_DATA, ClientMessageType.ack))],
    ['an empty message', badMessage, (s) => s.send(new Uint8Array(0))],
    ['text', badMessage, (s) => s.send('hello')],
    ['a string for a type', badMessage, (s) => s.send(Uint8Array.of(ROOM_DATA, 0xa3, 97, 98, 99))],
    ['no MessagePack', badMessage, (s) => s.send(Uint8Array.of(ROOM_DATA, ClientMessageType.ack, 0xc1))],
    [
      'an array said to be huge',
      badMessage,
      (s) => s.send(Uint8Array.of(ROOM_DATA, ClientMessageType.keyframes, 0xdd, 6, 0xb9, 0x51, 0xea)),
    ],
    ['a request', badMessage, (s) => s.send(Uint8Array.of(21, 1, 32))],
    ['bytes', badMessage, (s) => s.send(Uint8Array.of(17, 32, 1, 2))],
    ['an input', badMessage, (s) => s.send(Uint8Array.of(19, 1, 2))],
    [
      'a viewport of NaN',
      badMessage,
      (s) => send(s, ClientMessageType.viewport, { ...viewport, x: Number.NaN }),
    ],
    ['a viewport of text', badMessage, (s) => send(s, ClientMessageType.viewport, { ...viewport, y: '0' })],
    [
      'a negative viewport',
      badMessage,
      (s) => send(s, ClientMessageType.viewport, { ...viewport, width: -1 }),
    ],
    [
      'a level above the one that shows the world as one page',
      badMessage,
      (s) => send(s, ClientMessageType.viewport, { ...viewport, level: 5 }),
    ],
    [
      'an endless viewport',
      badMessage,
      (s) => send(s, ClientMessageType.viewport, { ...viewport, width: Number.POSITIVE_INFINITY }),
    ],
    ['half a level', badMessage, (s) => send(s, ClientMessageType.viewport, { ...viewport, level: 0.5 })],
    ['a frame never sent', badMessage, (s) => send(s, ClientMessageType.ack, { frame: 4_000_000_000 })],
    [
      'pages outside the world',
      badMessage,
      (s) => send(s, ClientMessageType.keyframes, { level: 0, pages: [256] }),
    ],
    [
      'too many pages',
      badMessage,
      (s) => send(s, ClientMessageType.keyframes, { level: 0, pages: Array(2_401).fill(0) }),
    ],
    [
      'a tool of its own',
      badMessage,
      (s) => send(s, ClientMessageType.stroke, { id: 1, tool: 'nuke', radius: 1, points: [1, 1] }),
    ],
    [
      'too long a stroke',
      badMessage,
      (s) =>
        send(s, ClientMessageType.stroke, {
          id: 1,
          tool: 'noise',
          radius: 1,
          points: Array(MAX_STROKE_POINTS * 2 + 2).fill(1),
        }),
    ],
    [
      'an odd stroke',
      badMessage,
      (s) => send(s, ClientMessageType.stroke, { id: 1, tool: 'noise', radius: 1, points: [1] }),
    ],
    [
      'a stroke of text',
      badMessage,
      (s) => send(s, ClientMessageType.stroke, { id: 1, tool: 'noise', radius: 1, points: ['1', 1] }),
    ],
    ['a cursor of three', badMessage, (s) => send(s, ClientMessageType.cursor, { at: [1, 2, 3] })],
    ['a name of a number', badMessage, (s) => send(s, ClientMessageType.name, { name: 5 })],
    ['a long message', tooLarge, (s) => s.send(new Uint8Array(MAX_CLIENT_MESSAGE_BYTES + 1))],
    ['a very long message', 1009, (s) => s.send(new Uint8Array(MAX_CLIENT_MESSAGE_BYTES * 3))],
    [
      'a flood',
      CloseCode.tooFrequent,
      (s) => {
        for (let i = 0; i < 300; i++) send(s, ClientMessageType.ping, { time: i });
      },
    ],
  ])('%s', async (_name, code, misbehave) => {
    const bystander = await openSocket(server);
    const socket = await openSocket(server);
    misbehave(socket);
    const { code: got, reason } = await closed(socket);
    expect(got).toBe(code);
    if (code !== 1009) expect(reason.length).toBeGreaterThan(5);
    expect(bystander.readyState).toBe(bystander.OPEN);
    bystander.close();
  });

  test("an honest client's 45 messages per second are always accepted", async () => {
    const { room } = await join(server);
    const gone = left(room);
    for (let i = 0; i < 110; i++) {
      room.send(ClientMessageType.cursor, { at: [i, i] });
      await pause(20);
    }
    expect(await Promise.race([gone, pause(50)])).toBeUndefined();
    await room.leave();
  });
});

test('a name of invisible characters is refused with the reason, chosen a name before or not', async () => {
  const { room, hello } = await join(server);
  for (const [wish, name, isRefused] of [
    ['\u200b\u200b \u0007', hello.name, true],
    ['Ash', 'Ash', false],
    ['\u200b\u200b \u0007', 'Ash', true],
  ] as const) {
    const named = next<NamedMessage>(room, ServerMessageType.named);
    room.send(ClientMessageType.name, { name: wish });
    const answer = await named;
    expect(answer.name).toBe(name);
    expect(answer.reason).toBe(isRefused ? 'That name would be invisible.' : undefined);
  }
  await room.leave();
  await pause(100);
  expect((await health(server)).players).toBe(0);
});
