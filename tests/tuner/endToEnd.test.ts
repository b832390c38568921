/** From a player's strokes to a tuned rule in force, with real sockets, world, sessions, registry and processes. */
import { fork } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Room } from '@colyseus/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Admin } from '../../server/admin/admin.ts';
import { type Config, readConfig } from '../../server/config.ts';
import { startWorld, type WorldThread } from '../../server/links/threadLink.ts';
import { serveWorld } from '../../server/serve/serveWorld.ts';
import { Sessions } from '../../server/sessions/sessions.ts';
import { makeProber } from '../../server/swaps/prober.ts';
import { startTuner, type Tuner } from '../../server/tuner/tuner.ts';
import { ClientMessageType, ServerMessageType } from '../../shared/protocol.ts';
import { join as joinWorld, next, type TestServer } from '../rooms/harness.ts';
import { until } from '../serverProcess.ts';
import { SPROUT } from './sprout.ts';

const TOKEN = 'a token for this test only';
let folder: string;
let config: Config;
let world: WorldThread;
let sessions: Sessions;
let admin: Admin;
let tuner: Tuner;
let server: Awaited<ReturnType<typeof serveWorld>>;
const complaints: string[] = [];
/** `stub`: the next process is a stub that reports a better rule. */
let processes: 'real' | 'stub' = 'real';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  const flags = [
    '--size',
    '384',
    '--garden',
    '9',
    '--engine',
    'wasm',
    '--steps-per-second',
    '200',
    '--port',
    '0',
  ];
  config = {
    ...readConfig([...flags, '--host', '127.0.0.1', '--admin-token', TOKEN], {}),
    dataDir: join(folder, 'data'),
    weightsDir: join(folder, 'weights'),
  };
  mkdirSync(config.weightsDir);
  copyFileSync(SPROUT, join(config.weightsDir, 'sprout.safetensors'));
  world = await startWorld(config);
  const log = (text: string): void => void complaints.push(text);
  sessions = await Sessions.open({ world, dataDir: config.dataDir, emptyMs: 60_000, log });
  admin = new Admin(world, config, makeProber(config), sessions);
  tuner = startTuner(config, 'wasm', admin.desk, sessions, {
    log: (text) => complaints.push(text),
    iterations: 1,
    randomSeeds: 2,
    // Like the server's, but not at the lowest priority: beside other tests it would hardly run.
    spawn: (job) => {
      const [script, ...more] =
        processes === 'real' ? ['../../server/tuner/process.ts'] : ['stubTuning.ts', 'candidate'];
      return fork(join(import.meta.dirname, script), [job, ...more], {
        execArgv: [],
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
    },
  });
  admin.tuner = tuner;
  server = await serveWorld(world, config, { admin, sessions });
});
afterAll(async () => {
  await world?.stop();
  await tuner?.stop();
  await sessions?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function api(method: string, path: string, cookie: string, body?: unknown) {
  const response = await fetch(`${server.url}admin/api/${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', Cookie: cookie },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  // biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what the test checks
  const answer: any = isJson ? await response.json() : await response.text();
  return { status: response.status, body: answer, headers: response.headers };
}

/** Bites every body that is nearly whole, if there are enough of them. @returns how many */
async function hurtTheWhole(room: Room, fewest: number, radius: number): Promise<number> {
  const bodies = await until(
    'grown bodies',
    async () => {
      const whole = (await world.ask({ kind: 'organisms' })).filter(({ health }) => health > 0.6);
      return whole.length >= fewest ? whole : undefined;
    },
    120_000,
  );
  for (const [id, { x, y }] of bodies.entries()) {
    const done = next<{ id: number; ok: boolean }>(
      room,
      ServerMessageType.strokeResult,
      (one) => one.id === id,
    );
    room.send(ClientMessageType.stroke, {
      id,
      tool: 'ablate',
      radius,
      points: [x + (id % 3) - 1, y + (id % 4)],
    });
    await done;
  }
  return bodies.length;
}
const endSession = async (cookie: string) => (await api('POST', 'sessions/end', cookie, {})).body.session;
const tuned = (version: number) =>
  until(
    `sprout v${version}`,
    () => admin.desk.ask((registry) => registry.rules().find((rule) => rule.version === version)),
    120_000,
  );

test('strokes become wounds, wounds become a tuned rule, and the promoted rule comes into force', {
  timeout: 300_000,
}, async () => {
  const { headers } = await api('POST', 'login', '', { token: TOKEN });
  const ann = headers.get('set-cookie')!.split(';')[0];
  const { room } = await joinWorld({ url: server.url } as TestServer);
  const notices: string[] = [];
  room.onMessage(ServerMessageType.notice, ({ text }: { text: string }) => notices.push(text));
  expect(sessions.isRunning).toBe(true);

  // The real process with one iteration: it has learned nothing, and reports so with figures.
  const bodies = await hurtTheWhole(room, 7, 7);
  const first = await endSession(ann);
  expect(first.damage).toMatchObject([{ species: 'sprout', organisms: bodies, wounds: bodies }]);
  const rejected = await tuned(2);
  expect(rejected).toMatchObject({ origin: 'tuned', status: 'rejected' });
  expect((rejected.metrics.reasons as string[]).slice(0, 2)).toEqual([
    'given up after 1 iterations: the budget of 1 iterations is spent',
    expect.stringContaining('no better on held-out wounds'),
  ]);
  expect(rejected.metrics.learned).toMatchObject({ session: first.id, wounds: bodies });
  const film = await api('GET', `tuner/films/${rejected.id}.png`, ann);
  expect([film.status, film.headers.get('content-type')]).toEqual([200, 'image/png']);
  expect((await api('POST', 'tuner', ann, { action: 'promote', rule: rejected.id })).body.error).toBe(
    'sprout v2 is not a candidate: it is tuned, rejected',
  );

  // A stub that finds a better rule. The next stroke begins the next session; its end starts the tuner again.
  processes = 'stub';
  // Other wounds than before: the same ones again are no news.
  await hurtTheWhole(room, 6, 6);
  expect(sessions.isRunning).toBe(true);
  await endSession(ann);
  const candidate = await tuned(3);
  expect(candidate).toMatchObject({ status: 'candidate', parent: 1 });
  const view = (await api('GET', 'tuner', ann)).body;
  expect(view).toMatchObject({
    mode: 'manual',
    losses: [[7, 0.01]],
    spotChecks: [[0, 0.5]],
    attempts: [
      { outcome: 'passed', label: 'sprout v3' },
      { outcome: 'gave up', label: 'sprout v2' },
    ],
  });

  const promoted = await api('POST', 'tuner', ann, { action: 'promote', rule: candidate.id });
  expect(promoted.body).toMatchObject({ ok: true });
  await until(
    'the notice',
    async () => notices.find((text) => text === 'the owner swapped sprout to sprout v3'),
    30_000,
  );
  const { rules, species } = (await api('GET', 'rules', ann)).body;
  expect(species).toEqual([{ species: 'sprout', rule: candidate.id }]);
  expect(rules[0]).toMatchObject({ label: 'sprout v3', parentLabel: 'sprout v1', status: 'ready' });
  expect((await api('POST', 'tuner', ann, { action: 'reject', rule: candidate.id })).status).toBe(422);
  for (const body of [{ action: 'mode', mode: 'maybe' }, { action: 'tune' }, { action: 'promote' }])
    expect((await api('POST', 'tuner', ann, body)).status).toBe(400);
  expect((await api('GET', 'tuner/films/999.png', ann)).status).toBe(404);
  expect((await api('POST', 'tuner', ann, { action: 'cancel' })).body.error).toBe('nothing is being tuned');
  expect((await api('GET', 'tuner', '')).status).toBe(401);
  await room.leave();
});
