/** What an admin sees of sessions, and how an admin ends one; over a real server and a fake world. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@colyseus/sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Admin } from '../../server/admin/admin.ts';
import { readConfig } from '../../server/config.ts';
import { serializeRule } from '../../server/rules/format.ts';
import { readSession } from '../../server/sessions/record.ts';
import { Sessions } from '../../server/sessions/sessions.ts';
import { learnedFault } from '../../shared/learned.ts';
import {
  ClientMessageType,
  type LearnedMessage,
  ROOM_NAME,
  ServerMessageType,
} from '../../shared/protocol.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { join as joinWorld, next, startServer, type TestServer } from '../rooms/harness.ts';
import { randomRule } from '../rules/rules.ts';

const TOKEN = 'a token for this test only';
let folder: string;
let server: TestServer;
let world: FakeWorld;
let admin: Admin;
let sessions: Sessions;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-admin-'));
  world = new FakeWorld();
  const config = { ...readConfig(['--admin-token', TOKEN], {}), dataDir: folder };
  sessions = await Sessions.open({
    world,
    dataDir: folder,
    emptyMs: 60_000,
    log: (message) => {
      throw new Error(message);
    },
  });
  admin = new Admin(world, config, async () => ({ ok: false, reason: 'nothing is probed here' }), sessions);
  server = await startServer({}, world, { admin, sessions });
});
afterEach(async () => {
  await server.close();
  await sessions.close();
  rmSync(folder, { recursive: true });
});

async function call(method: string, path: string, cookie = '', body?: unknown) {
  const headers = { 'Content-Type': 'application/json', Cookie: cookie };
  const response = await fetch(`${server.url}admin/api/${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what the test checks
  return { status: response.status, body: (await response.json()) as any, headers: response.headers };
}
async function logIn(): Promise<string> {
  const { headers } = await call('POST', 'login', '', { token: TOKEN });
  return headers.get('set-cookie')!.split(';')[0];
}

/** Listens from the start, because the message may come right behind the hello. */
async function joinAndLearn(): Promise<LearnedMessage> {
  const room = await new Client(server.url.replace(/\/$/, '')).join(ROOM_NAME);
  room.reconnection.enabled = false;
  for (const type of Object.values(ServerMessageType)) room.onMessage(type, () => {});
  return next<LearnedMessage>(room, ServerMessageType.learned);
}

test('the running session is shown, and ended with an audit entry that names the admin', async () => {
  const ann = await logIn();
  expect((await call('GET', 'sessions', ann)).body).toEqual({ running: null, past: [] });
  const { room } = await joinWorld(server);
  const struck = next(room, ServerMessageType.strokeResult);
  room.send(ClientMessageType.stroke, { id: 1, tool: 'ablate', radius: 3, points: [10, 10] });
  await struck;
  world.onWounds([
    { type: 'open', wound: 1, organism: 1, species: 'pikachu', rule: 'pikachu@1', healthBefore: 1 },
    { type: 'blow', wound: 1, blow: { afterSteps: 0, tool: 'ablate', radius: 3, points: [0, 0] } },
    { type: 'closed', wound: 1, healthLeast: 0.5, healthAfter: 1, healedInSteps: 30 },
  ]);
  const { running } = (await call('GET', 'sessions', ann)).body;
  expect(running).toMatchObject({ atOnce: 1, players: 1, strokes: 1, wounds: 1, healed: 1, openWounds: 0 });

  const told = next<{ text: string }>(room, ServerMessageType.notice);
  const ended = await call('POST', 'sessions/end', ann, {});
  expect(ended.status).toBe(200);
  expect(ended.body.session).toMatchObject({
    endedBy: 'admin',
    strokes: 1,
    damage: [{ species: 'pikachu' }],
  });
  expect(ended.body.session).not.toHaveProperty('wounds');
  expect(await told).toEqual({
    text: 'the owner ended the session; the next one begins with the next stroke',
  });
  const { id, beganAt } = ended.body.session;
  expect(readSession(join(folder, 'sessions', `${id}.json`)).wounds).toHaveLength(1);
  expect((await call('GET', 'sessions', ann)).body).toMatchObject({ running: null, past: [{ id }] });
  const [entry] = await admin.desk.ask((registry) => registry.audit.entries(1));
  expect(entry).toMatchObject({ who: 'the owner', action: 'end session', detail: `begun ${beganAt}` });
});

test('without a running session the end is refused, and without a cookie everything is', async () => {
  const ann = await logIn();
  const none = await call('POST', 'sessions/end', ann, {});
  expect([none.status, none.body.error]).toEqual([409, 'no session is running']);
  await joinWorld(server);
  for (const [method, path] of [
    ['GET', 'sessions'],
    ['POST', 'sessions/end'],
  ] as const)
    expect((await call(method, path, '', method === 'POST' ? {} : undefined)).status).toBe(401);
  expect((await call('GET', 'sessions/end', ann)).status).toBe(405);
  expect((await call('POST', 'sessions/end', ann, [])).status).toBe(400);
  expect(sessions.isRunning).toBe(true);
});

test('without the audit log no session is ended', async () => {
  const ann = await logIn();
  await joinWorld(server);
  admin.desk.dispose();
  const refused = await call('POST', 'sessions/end', ann, {});
  expect([refused.status, refused.body.error]).toEqual([503, 'the server is stopping']);
  expect(sessions.isRunning).toBe(true);
});

test('after the hello a new client gets what the rules in force have learned, and from which session', async () => {
  sessions.join('hurts', '10.0.0.1');
  world.onWounds([
    { type: 'open', wound: 1, organism: 1, species: 'pikachu', rule: 'pikachu@1', healthBefore: 1 },
    { type: 'blow', wound: 1, blow: { afterSteps: 0, tool: 'ablate', radius: 3, points: [0, 0] } },
    { type: 'closed', wound: 1, healthLeast: 0.5, healthAfter: 1, healedInSteps: 30 },
  ]);
  const session = (await sessions.end('admin'))!.id;
  // A session without wounds teaches nothing: the last session stays.
  sessions.join('looks', '10.0.0.1');
  expect(await sessions.end('admin')).toMatchObject({ wounds: [] });
  const figures = { wounds: 9, recoveryBefore: 0.5, recoveryAfter: 0.9, stepsBefore: null, stepsAfter: 80 };
  await admin.desk.ask((registry) => {
    const actor = { who: 'Ann', address: '' };
    const bytes = serializeRule({ ...randomRule(1), name: 'pikachu', metadata: {} });
    const metrics = { learned: { session, ...figures } };
    const { id } = registry.add({ bytes, origin: 'tuned', metrics }, actor);
    const swap = registry.wantSwap({ species: 'pikachu', rule: id, scope: 'species' }, actor);
    registry.settle(swap.id, 'in force', '', actor);
  });
  const learned = await joinAndLearn();
  const rule = { species: 'pikachu', label: 'pikachu v1', session, isLastSession: true, ...figures };
  expect(learned.rules).toEqual([{ ...rule, since: expect.any(String) }]);
  expect(learnedFault(learned)).toBeNull();
});

test('players can join while the registry does not answer', async () => {
  admin.learned.message = () => new Promise(() => {});
  const { room, hello } = await joinWorld(server);
  expect(hello.you).toBe(room.sessionId);
  const struck = next(room, ServerMessageType.strokeResult);
  room.send(ClientMessageType.stroke, { id: 1, tool: 'ablate', radius: 3, points: [10, 10] });
  expect(await struck).toMatchObject({ ok: true });
});

test('a record that cannot be read is listed with the reason', async () => {
  const ann = await logIn();
  await joinWorld(server);
  await call('POST', 'sessions/end', ann, {});
  writeFileSync(join(folder, 'sessions', '2026-01-01T00-00-00.000Z.json'), 'nonsense');
  const { past } = (await call('GET', 'sessions', ann)).body;
  expect(past).toMatchObject([
    { players: 1, damage: [] },
    { id: '2026-01-01T00-00-00.000Z', fault: expect.stringContaining('not a session record') },
  ]);
});
