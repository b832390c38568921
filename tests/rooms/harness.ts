/** A real server on a free port in front of a fake world, and clients, some of which break the protocol. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { Client, type Room } from '@colyseus/sdk';
import { vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Config, readConfig } from '../../server/config.ts';
import { type ServeOptions, serveWorld } from '../../server/serve/serveWorld.ts';
import { ClientMessageType, type HelloMessage, ROOM_NAME, ServerMessageType } from '../../shared/protocol.ts';
import { FakeWorld } from './fakeWorld.ts';
import { serveOverRelay } from './overRelay.ts';

/** Under a fake clock, time passes in ticks of this. */
const TICK_MS = 10;
/** Turns of the event loop after a tick: what was sent meanwhile arrives, and is answered. */
const TURNS_PER_TICK = 4;

/**
 * Fakes the clock of the server and its clients, which share this process; sockets stay real. Time passes only while a
 * test waits in `pause`, `waitFor`, or what builds on them. `vi.useRealTimers` ends it.
 */
export function fakeClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
}

/** One for all tests that wait at the same time. */
let ticking: Promise<void> | null = null;

async function tick(): Promise<void> {
  vi.advanceTimersByTime(TICK_MS);
  for (let i = 0; i < TURNS_PER_TICK; i++) await turn();
  ticking = null;
}

async function passTime(isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    ticking ??= tick();
    await ticking;
  }
}

export function pause(ms: number): Promise<void> {
  return waitFor(new Promise((resolve) => setTimeout(resolve, ms)));
}

/** Awaits a promise that may need time to pass. */
export function waitFor<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  promise.then(settle, settle);
  if (vi.isFakeTimers()) void passTime(() => isSettled);
  return promise;
}

export const JOIN_ROOM = 10;
export const ROOM_DATA = 13;

let isRelayed = false;

/** Servers that are started from now on have their sockets behind a relay, in this process, too. */
export function relayAll(): void {
  isRelayed = true;
}

export interface TestServer {
  readonly world: FakeWorld;
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export async function startServer(
  settings: Partial<Config> = {},
  world = new FakeWorld(),
  options: ServeOptions = {},
): Promise<TestServer> {
  const config: Config = {
    ...readConfig([], {}),
    host: '127.0.0.1',
    // All clients of a test come from one address; tests of its limits set them.
    guestsPerAddress: 1_000,
    energyPerAddress: 1_000,
    port: 0,
    width: world.ready.width,
    height: world.ready.height,
    ...settings,
  };
  const server = await waitFor((isRelayed ? serveOverRelay : serveWorld)(world, config, options));
  world.beat();
  return {
    world,
    url: server.url,
    port: Number(new URL(server.url).port),
    close: async () => {
      await world.stop();
      await waitFor(server.close());
    },
  };
}

/** Joins with the real SDK and waits for the hello. */
export async function join(server: TestServer): Promise<{ room: Room; hello: HelloMessage }> {
  const room = await waitFor(new Client(server.url.replace(/\/$/, '')).joinOrCreate(ROOM_NAME));
  room.reconnection.enabled = false;
  for (const type of Object.values(ServerMessageType)) room.onMessage(type, () => {});
  const hello = await next<HelloMessage>(room, ServerMessageType.hello);
  return { room, hello };
}

/** Waits for the next message of a type that satisfies a condition. */
export function next<T>(
  room: Room,
  type: number,
  satisfies: (message: T) => boolean = () => true,
): Promise<T> {
  return waitFor(
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no message ${type} within 60 s`)), 60_000);
      const off = room.onMessage(type, (message: T) => {
        if (!satisfies(message)) return;
        clearTimeout(timer);
        off();
        resolve(message);
      });
    }),
  );
}

export async function left(room: Room): Promise<{ code: number; reason: string | undefined }> {
  return new Promise((resolve) => room.onLeave((code, reason) => resolve({ code, reason })));
}

export interface Seat {
  readonly sessionId: string;
  readonly roomId: string;
  readonly processId: string;
}

export async function reserve(server: TestServer): Promise<Seat> {
  const response = await fetch(`${server.url}matchmake/joinOrCreate/world`, { method: 'POST', body: '{}' });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as Seat;
}

export const socketUrl = (server: TestServer, seat: Seat): string =>
  `ws://127.0.0.1:${server.port}/${seat.processId}/${seat.roomId}?sessionId=${seat.sessionId}`;

/** A bare WebSocket that has a seat; it acknowledges the JOIN only when told to. */
export async function openSocket(server: TestServer, acknowledge = true): Promise<WebSocket> {
  const socket = new WebSocket(socketUrl(server, await reserve(server)));
  socket.on('error', () => {});
  const [first] = (await once(socket, 'message')) as [Buffer];
  if (first[0] !== JOIN_ROOM) throw new Error(`expected the JOIN, got ${first[0]}`);
  if (acknowledge) {
    const hello = once(socket, 'message');
    socket.send(Uint8Array.of(JOIN_ROOM));
    await hello;
  }
  return socket;
}

export async function closed(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await waitFor(once(socket, 'close'))) as [number, Buffer];
  return { code, reason: reason.toString() };
}

/** A TCP socket that sends `text` and nothing else. */
export async function rawSocket(server: TestServer, text = ''): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return socket;
}

export async function health(server: TestServer): Promise<{ ok: boolean; players: number }> {
  return (await (await fetch(`${server.url}healthz`)).json()) as { ok: boolean; players: number };
}

/** Resolves when the socket is closed by either side. */
export const gone = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.resume().once('close', () => resolve()));

/** `{x: 0, y: 0, width: 1000, height: 1000, level: 0}`, for sockets without an SDK. */
export const viewport: Uint8Array = Buffer.concat([
  Uint8Array.of(ROOM_DATA, ClientMessageType.viewport, 0x85),
  ...Object.entries({ x: [0], y: [0], width: [0xcd, 3, 0xe8], height: [0xcd, 3, 0xe8], level: [0] }).map(
    ([key, value]) =>
      Buffer.concat([Uint8Array.of(0xa0 + key.length), Buffer.from(key), Uint8Array.from(value)]),
  ),
]);

/** Forty pages change wholly in every frame: 13 MB per second for a viewer that takes it all. */
export function storm(world: FakeWorld): void {
  world.run(20, (frame) => {
    for (let page = 0; page < 40; page++) world.churn(page, frame);
  });
}
