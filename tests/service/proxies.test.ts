/** Real proxies with TLS before a server: what programs get through them, and who the server takes a client for. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AuditAnswer } from '../../shared/adminPeople.ts';
import { makeAdmin } from '../makeAdmin.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { askProxy, freePort, LIMIT_MS, PROXIES, type RunningProxy, startProxy, testWith } from './proxies.ts';

/** Node closes a connection after 5 s of silence if nobody says otherwise: the moment at which stray 502s come. */
const BETWEEN_MS = 5_000;
const REQUESTS = 4;

let folder: string;
let token: string;
let server: RunningServer;
const started: RunningProxy[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-proxies-'));
  token = makeAdmin(folder, 'Ann');
  const world = ['--size', '256', '--garden', '0', '--engine', 'wasm', '--tuner', 'off'];
  const proxied = ['--public-url', 'https://example.org/regrow/', '--trust-proxy', '1'];
  server = await startServer([...world, ...proxied], folder);
});
afterEach(() => Promise.all(started.splice(0).map((one) => one.stop())));
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts all recipes. @returns their ports */
async function startAll(): Promise<readonly number[]> {
  const { host } = new URL(server.url);
  const ports: number[] = [];
  for (const name of PROXIES) {
    const around = { port: await freePort(), server: host, path: '/regrow/' };
    started.push(await startProxy(name, around));
    ports.push(around.port);
  }
  return ports;
}

testWith(PROXIES, 'a request every 5 s is answered each time by each proxy', async () => {
  const ports = await startAll();
  for (let i = 0; i < REQUESTS; i++) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    // A GET that fails on a kept connection is tried again by the proxy; a POST is not.
    const answers = ports.flatMap((one) => [
      askProxy(one, '/regrow/'),
      askProxy(one, '/regrow/admin/api/logout', { method: 'POST' }),
    ]);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(6).fill(200));
  }
});

testWith(
  PROXIES,
  'a client that forges what proxies say is known by its own address, behind each proxy',
  async () => {
    for (const [i, one] of (await startAll()).entries()) {
      const localAddress = `127.0.0.${i + 11}`;
      const forged = {
        'X-Forwarded-For': '192.0.2.66',
        'X-Forwarded-Host': 'evil.example',
        'X-Forwarded-Proto': 'http',
        Forwarded: 'for=192.0.2.66',
      };
      const login = { localAddress, method: 'POST', headers: forged };
      const { status, headers } = await askProxy(one, '/regrow/admin/api/login', login, { token });
      expect([status, headers['strict-transport-security']]).toEqual([200, expect.any(String)]);
      const [Cookie] = headers['set-cookie']![0].split(';');
      const log = async (): Promise<string> =>
        (await askProxy(one, '/regrow/admin/api/audit', { localAddress, headers: { Cookie } })).body;
      const find = async (): Promise<true | undefined> => {
        const { entries } = JSON.parse(await log()) as AuditAnswer;
        return (
          entries.some(({ action, address }) => action === 'login' && address === localAddress) || undefined
        );
      };
      await until(`a login from ${localAddress}`, find, LIMIT_MS);
      expect(await log()).not.toContain('192.0.2.66');
    }
  },
);

test('what a trusted proxy says is believed, and the log has no note', () => {
  expect(server.output()).not.toContain('not believed');
});
