/** The admin's HTTP, over a real server and a fake world. Real probes are tested in `tests/swaps/swapDesk.test.ts`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { Admin } from '../../server/admin/admin.ts';
import { readConfig } from '../../server/config.ts';
import { guestsInMemory } from '../../server/guests/openGuests.ts';
import type { Facts, Log } from '../../server/log/log.ts';
import { serializeRule } from '../../server/rules/format.ts';
import type { Rule } from '../../server/rules/rule.ts';
import type { Prober } from '../../server/swaps/prober.ts';
import { makeAdmin } from '../makeAdmin.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { startServer, type TestServer } from '../rooms/harness.ts';
import { randomRule } from '../rules/rules.ts';

export const TOKEN = 'a token for this test only';
export let folder: string;
export let server: TestServer;
export let world: FakeWorld;
export let admin: Admin;
/** What the log got: level, text and facts. */
export let lines: (readonly [level: string, text: string, facts: Facts | undefined])[];
/** Ann is an owner, Bob a moderator. */
export let tokens: { readonly Ann: string; readonly Bob: string };

/** A fake probe: a rule named `dead` fails. */
const prober: Prober = async ({ rule, species, sha256, label }) => {
  if (rule.name === 'dead') return { ok: false, reason: 'dead does not grow' };
  const mature = { x: 0, y: 0, width: 1, height: 1, rgba: new Float32Array([1, 0, 0, 1]) };
  const card = { name: species, x: 0, y: 0, width: 1, height: 1, thumbnail: 'data:,' };
  const film = {
    width: 1,
    height: 1,
    frames: 2,
    stepsPerFrame: 8,
    cutFrame: 1,
    rgba: new Uint8Array(8).fill(255),
  };
  const figures = { cells: 9, healthGrown: 1, healthCut: 0.5, healthHealed: 0.9 };
  return { ok: true, next: { rule, mature, card, sha256, label }, probe: { film, figures }, fault: null };
};

/** Before each test of the file a server with admins, in a data directory of its own. */
export function useAdminServer(): void {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'regrow-admin-'));
    tokens = { Ann: makeAdmin(folder, 'Ann'), Bob: makeAdmin(folder, 'Bob', 'moderator') };
    await start();
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });
}

/** A server with a new world on the same data directory. */
async function start(): Promise<void> {
  world = new FakeWorld();
  const config = { ...readConfig(['--admin-token', TOKEN], {}), dataDir: folder };
  const takenAt =
    (level: string) =>
    (text: string, facts?: Facts): void =>
      void lines.push([level, text, facts]);
  lines = [];
  const log: Log = {
    debug: takenAt('debug'),
    info: takenAt('info'),
    warn: takenAt('warn'),
    error: takenAt('error'),
  };
  admin = new Admin(world, config, prober, null, [], guestsInMemory(config), log);
  server = await startServer({ perAddress: 1_000, trustProxy: 1 }, world, { admin, log });
  world.run(20);
}

/** @param meanwhile - what is done while the server is down */
export async function restart(meanwhile: () => void): Promise<void> {
  await server.close();
  meanwhile();
  await start();
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what the test checks
  readonly body: any;
  readonly headers: Headers;
}

export async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const isBytes = body instanceof Uint8Array;
  const response = await fetch(`${server.url}admin/api/${path}`, {
    method,
    headers: {
      ...(body === undefined
        ? {}
        : { 'Content-Type': isBytes ? 'application/octet-stream' : 'application/json' }),
      ...headers,
    },
    ...(body === undefined
      ? {}
      : { body: isBytes || typeof body === 'string' ? body : JSON.stringify(body) }),
  } as RequestInit);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json;');
  return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
}

export async function logIn(
  token = tokens.Ann,
): Promise<
  (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
> {
  const { headers } = await call('POST', 'login', { token });
  const cookie = headers.get('set-cookie')!.split(';')[0];
  return (method, path, body, more = {}) => call(method, path, body, { Cookie: cookie, ...more });
}

export const named = (name: string, randomSeed = 1): Rule => ({
  ...randomRule(randomSeed),
  name,
  metadata: {},
});
export const bytesOf = (name: string, randomSeed = 1): Uint8Array => serializeRule(named(name, randomSeed));
