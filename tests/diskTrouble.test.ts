/** A real server whose data directory is full, or that has no file left to open. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Room } from '@colyseus/sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LiveAnswer } from '../shared/adminApi.ts';
import {
  ClientMessageType,
  ROOM_NAME,
  ServerMessageType,
  type StatsMessage,
  type StrokeMessage,
  type StrokeResultMessage,
} from '../shared/protocol.ts';
import { makeAdmin } from './makeAdmin.ts';
import { type RunningServer, startServer, until } from './serverProcess.ts';
import { mountTmpfs, type Tmpfs, whereTmpfsMounts } from './storage/tmpfs.ts';

const FLAGS = ['--size', '512', '--garden', '4', '--engine', 'wasm', '--save-seconds', '2', '--tuner', 'off'];
const LIMIT_MS = 30_000;
const FULL = /no space left on device \(ENOSPC\)/;

let disk: Tmpfs;
let token: string;
let server: RunningServer;
beforeEach(() => {
  if (!whereTmpfsMounts) return;
  disk = mountTmpfs('size=32m');
  token = makeAdmin(disk.path, 'Ann');
});
afterEach(async () => {
  await server?.kill();
  disk?.[Symbol.dispose]();
});

interface Player {
  readonly room: Room;
  /** The newest; null: none has come. */
  readonly stats: () => StatsMessage | null;
  stroke(stroke: Omit<StrokeMessage, 'id'>): Promise<StrokeResultMessage>;
  left: number | null;
}

async function joinAs(): Promise<Player> {
  const room = await new Client(server.url).join(ROOM_NAME);
  room.reconnection.enabled = false;
  let stats: StatsMessage | null = null;
  let strokes = 0;
  const waiting = new Map<number, (result: StrokeResultMessage) => void>();
  for (const type of Object.values(ServerMessageType)) room.onMessage(type, () => {});
  room.onMessage(ServerMessageType.stats, (message: StatsMessage) => {
    stats = message;
  });
  room.onMessage(ServerMessageType.strokeResult, (result: StrokeResultMessage) => {
    waiting.get(result.id)?.(result);
  });
  const player: Player = {
    room,
    left: null,
    stats: () => stats,
    stroke(stroke) {
      const id = ++strokes;
      room.send(ClientMessageType.stroke, { id, ...stroke });
      return new Promise((resolve) => waiting.set(id, resolve));
    },
  };
  room.onLeave((code) => {
    player.left = code;
  });
  await until('the first stats', async () => stats ?? undefined, LIMIT_MS);
  return player;
}

const cut = { tool: 'ablate', radius: 1, points: [500, 500] } as const;
const plantAt = (x: number, y: number) =>
  ({ tool: 'plant', radius: 1, points: [x, y], species: 'pikachu' }) as const;

interface Health {
  readonly ok: boolean;
  readonly trouble: string | null;
  readonly step: number;
}

async function health(): Promise<Health & { readonly status: number }> {
  const response = await fetch(`${server.url}/healthz`);
  return { status: response.status, ...((await response.json()) as Health) };
}

const plantedBy = async (): Promise<number> =>
  ((await (await fetch(`${server.url}/api/organisms`)).json()) as { planter: string }[]).filter(
    ({ planter }) => planter !== '',
  ).length;

/** Fills the disk until the server says so. */
async function fill(): Promise<string> {
  return until(
    'disk trouble',
    async () => {
      // A save that has failed leaves room.
      disk.fill();
      return (await health()).trouble ?? undefined;
    },
    LIMIT_MS,
  );
}

async function logIn(): Promise<(method: string, path: string, body?: object) => Promise<Response>> {
  const send = (method: string, path: string, body?: object, cookie = ''): Promise<Response> =>
    fetch(`${server.url}/admin/api/${path}`, {
      method,
      headers: { 'Content-Type': 'application/json', Cookie: cookie },
      ...(body && { body: JSON.stringify(body) }),
    });
  const login = await send('POST', 'login', { token });
  expect(login.status).toBe(200);
  const [cookie] = login.headers.get('Set-Cookie')!.split(';');
  return (method, path, body) => send(method, path, body, cookie);
}

describe.skipIf(!whereTmpfsMounts)('on a full disk', () => {
  test('strokes are refused, everybody reads why, an admin can act; when there is room, all is well again', {
    timeout: 180_000,
  }, async () => {
    server = await startServer(FLAGS, disk.path);
    const player = await joinAs();
    expect(await player.stroke(plantAt(60, 60))).toMatchObject({ ok: true });
    await fill();

    const refused = await player.stroke(cut);
    expect(refused).toMatchObject({ ok: false, reason: expect.stringMatching(FULL) });
    const before = await health();
    expect(before).toMatchObject({ status: 200, ok: false, trouble: expect.stringMatching(FULL) });
    // The log of the operator has the folder; players do not read it.
    expect(server.output()).toMatch(new RegExp(`${disk.path} cannot be saved.*ENOSPC`));
    expect(before.trouble).not.toContain(disk.path);
    await until('the step', async () => (await health()).step > before.step + 10 || undefined, LIMIT_MS);
    const late = await joinAs();
    for (const { stats } of [player, late])
      await until('trouble', async () => FULL.test(stats()?.trouble ?? '') || undefined, LIMIT_MS);

    const admin = await logIn();
    const live = async () => (await (await admin('GET', 'live')).json()) as LiveAnswer;
    expect((await live()).trouble).toMatch(FULL);
    expect((await live()).trouble).toContain(disk.path);
    const act = async (method: string, path: string, body: object): Promise<void> => {
      const response = await admin(method, path, body);
      expect([path, response.status, response.ok || (await response.text())]).toEqual([path, 200, true]);
    };
    await act('POST', 'world', { kind: 'speed', stepsPerSecond: 0 });
    await act('POST', 'world', { kind: 'speed', stepsPerSecond: 30 });
    const guestOf = async ({ room }: Player): Promise<string> =>
      (await live()).players.find(({ id }) => id === room.sessionId)!.guest;
    await act('POST', `guests/${await guestOf(late)}`, { action: 'mute', of: 'guest' });
    expect((await late.stroke(cut)).reason).toContain('An admin');
    await act('POST', `guests/${await guestOf(late)}`, { action: 'kick', of: 'guest' });
    await until('the kick', async () => late.left ?? undefined, LIMIT_MS);
    await act('POST', `guests/${await guestOf(player)}`, { action: 'ban', of: 'address', minutes: 5 });
    await until('the ban', async () => player.left ?? undefined, LIMIT_MS);
    // New guests of the address share the mute, too.
    const { sanctions } = await live();
    expect(sanctions.map(({ kind }) => kind)).toEqual(['mute', 'ban']);
    for (const { id } of sanctions) await act('DELETE', `sanctions/${id}`, {});
    const garden = await admin('POST', 'world', { kind: 'garden', count: 1 });
    expect(garden.status).toBe(503);

    disk.free();
    await until('the end of the trouble', async () => (await health()).ok || undefined, LIMIT_MS);
    const again = await joinAs();
    expect(again.stats()).not.toHaveProperty('trouble');
    expect(await again.stroke(plantAt(440, 60))).toMatchObject({ ok: true });
    expect((await admin('POST', 'world', { kind: 'save' })).status).toBe(200);
    expect(readdirSync(disk.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    const lines = server.output().split('\n');
    expect(lines.filter((line) => line.includes('cannot be saved'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('can be saved'))).toHaveLength(1);
    await server.kill();

    server = await startServer(FLAGS, disk.path);
    expect(await plantedBy()).toBe(2);
  });

  test('a stop ends with 1, names the file and says what is kept; that is all that was acknowledged', {
    timeout: 120_000,
  }, async () => {
    server = await startServer(FLAGS, disk.path);
    const player = await joinAs();
    await fill();
    disk.free();
    await until('the end of the trouble', async () => (await health()).ok || undefined, LIMIT_MS);
    expect(await player.stroke(plantAt(60, 60))).toMatchObject({ ok: true });
    await fill();
    expect(await server.stop()).toBe(1);
    expect(server.output()).toMatch(
      new RegExp(`saving the world: ${disk.path}/.*ENOSPC.*last save.*journal`),
    );
    expect(server.output()).not.toContain('world saved');
    expect(readdirSync(disk.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);

    disk.free();
    server = await startServer(FLAGS, disk.path);
    expect(await plantedBy()).toBe(1);
  });
});

const hasLimits = spawnSync('prlimit', ['--version']).status === 0;

test.skipIf(!hasLimits || !whereTmpfsMounts)(
  'a stop while no file can be opened saves when that is over',
  { timeout: 120_000 },
  async () => {
    server = await startServer(FLAGS, disk.path);
    const player = await joinAs();
    expect(await player.stroke(plantAt(60, 60))).toMatchObject({ ok: true });
    const limit = (files: number): void => {
      const { status } = spawnSync('prlimit', ['--pid', `${server.pid}`, `--nofile=${files}:`]);
      expect(status).toBe(0);
    };
    limit(8);
    const stopped = server.stop();
    await sleep(300);
    limit(1_024);
    expect(await stopped).toBe(0);
    expect(server.output()).toContain('world saved');
    server = await startServer(FLAGS, disk.path);
    expect(await plantedBy()).toBe(1);
  },
);
