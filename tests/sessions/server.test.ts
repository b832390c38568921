/** Sessions of a real server process, with real sockets and a real world. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type Room } from '@colyseus/sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeRule } from '../../server/rules/load.ts';
import { readSession, type SessionRecord } from '../../server/sessions/record.ts';
import {
  ClientMessageType,
  ROOM_NAME,
  ServerMessageType,
  type StrokeMessage,
  type StrokeResultMessage,
} from '../../shared/protocol.ts';
import { next } from '../rooms/harness.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { blobRule } from '../world/blob.ts';

const LIMIT_MS = 60_000;

let folder: string;
let dataDir: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  dataDir = join(folder, 'data');
  writeRule(join(folder, 'weights', 'blob.safetensors'), blobRule('blob'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const start = (...flags: string[]): Promise<RunningServer> =>
  startServer(
    [
      '--size',
      '128',
      '--garden',
      '1',
      '--engine',
      'wasm',
      '--weights-dir',
      join(folder, 'weights'),
      ...flags,
    ],
    dataDir,
  );

const sessionFiles = (): string[] => {
  try {
    return readdirSync(join(dataDir, 'sessions'));
  } catch {
    return [];
  }
};
const record = (): Promise<SessionRecord> =>
  until(
    'a session record',
    async () => {
      const found = sessionFiles().find((name) => name.endsWith('.json'));
      return found === undefined ? undefined : readSession(join(dataDir, 'sessions', found));
    },
    LIMIT_MS,
  );
/** Waits until the running session's file has all of these. */
const noted = (...words: string[]): Promise<true> =>
  until(
    `${words.join(', ')} on disk`,
    async () => {
      const open = sessionFiles().find((name) => name.endsWith('.open.jsonl'));
      if (open === undefined) return undefined;
      const text = readFileSync(join(dataDir, 'sessions', open), 'utf8');
      return words.every((word) => text.includes(word)) || undefined;
    },
    LIMIT_MS,
  );

interface Organism {
  readonly x: number;
  readonly y: number;
  readonly health: number;
}
const grown = (server: RunningServer): Promise<Organism> =>
  until(
    'a grown blob',
    async () => {
      const [one] = (await (await fetch(`${server.url}/api/organisms`)).json()) as Organism[];
      return one?.health > 0.9 ? one : undefined;
    },
    LIMIT_MS,
  );

async function joinWorld(server: RunningServer): Promise<Room> {
  const room = await new Client(server.url).join(ROOM_NAME);
  room.reconnection.enabled = false;
  for (const type of Object.values(ServerMessageType)) room.onMessage(type, () => {});
  await next(room, ServerMessageType.hello);
  return room;
}

/** Cuts a line 3 cells left of the heart, from above the body to below it. */
async function cut(room: Room, { x, y }: Organism): Promise<StrokeResultMessage> {
  const result = next<StrokeResultMessage>(room, ServerMessageType.strokeResult);
  const points = [x - 2.5, y - 20.2, x - 2.5, y + 20.7];
  room.send(ClientMessageType.stroke, { id: 1, tool: 'ablate', radius: 1.5, points } satisfies StrokeMessage);
  return result;
}
const CUT = { afterSteps: 0, tool: 'ablate', radius: 1.5, points: [-3, -21, -3, 20] };

test("join, hurt, leave: the record holds each wound in the body's own coordinates, and how it healed", {
  timeout: 3 * LIMIT_MS,
}, async () => {
  const server = await start('--session-end-seconds', '0.2');
  const blob = await grown(server);
  const room = await joinWorld(server);
  expect(await cut(room, blob)).toMatchObject({ ok: true });
  const far = { id: 2, tool: 'ablate', radius: 1, points: [-99, 0] } as const;
  const refused = next<StrokeResultMessage>(room, ServerMessageType.strokeResult);
  room.send(ClientMessageType.stroke, far);
  expect(await refused).toMatchObject({ ok: false });
  // A wound whose body is whole again is closed by the world.
  await until(
    'the blob whole again',
    async () => ((await grown(server)).health > 0.97 ? true : undefined),
    LIMIT_MS,
  );
  await noted('"closed"');
  await room.leave();
  const session = await record();
  expect(session).toMatchObject({
    endedBy: 'empty',
    players: 1,
    mostAtOnce: 1,
    strokes: 1,
    refusedStrokes: 1,
    droppedWounds: 0,
    damage: [{ species: 'blob', organisms: 1, wounds: 1, healed: 1 }],
    wounds: [{ species: 'blob', rule: 'blob@1', blows: [CUT] }],
  });
  const [wound] = session.wounds;
  expect(wound.healthBefore).toBeGreaterThan(0.9);
  expect(wound.healthLeast).toBeLessThan(0.95 * wound.healthBefore);
  expect(wound.healthAfter).toBeGreaterThanOrEqual(0.95 * wound.healthBefore);
  expect(wound.healedInSteps).toBeGreaterThan(0);
  expect(await server.stop()).toBe(0);
  expect(sessionFiles()).toEqual([`${session.id}.json`]);
});

test("a server that is stopped writes the running session's record", { timeout: 3 * LIMIT_MS }, async () => {
  const server = await start();
  const blob = await grown(server);
  const room = await joinWorld(server);
  expect(await cut(room, blob)).toMatchObject({ ok: true });
  expect(await server.stop()).toBe(0);
  expect(await record()).toMatchObject({ endedBy: 'shutdown', strokes: 1, wounds: [{ blows: [CUT] }] });
});

test('the next start writes the record of a session whose server was killed', {
  timeout: 3 * LIMIT_MS,
}, async () => {
  const server = await start();
  const blob = await grown(server);
  const room = await joinWorld(server);
  expect(await cut(room, blob)).toMatchObject({ ok: true });
  await noted('"blow"', '"strokes":1');
  await server.kill();
  expect(sessionFiles().filter((name) => name.endsWith('.json'))).toEqual([]);
  const again = await start();
  const session = await record();
  expect(session).toMatchObject({ endedBy: 'crash', players: 1, strokes: 1, wounds: [{ blows: [CUT] }] });
  expect(again.output()).toContain(`session ${session.id} ended with the process; wounds kept: 1`);
  expect(await again.stop()).toBe(0);
  expect(sessionFiles()).toEqual([`${session.id}.json`]);
});
