/** Real proxies with TLS, which serve the world under a path: a player joins and hurts, an admin logs in. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AuditAnswer } from '../../shared/adminPeople.ts';
import { makeAdmin } from '../makeAdmin.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';
import {
  adapt,
  askProxy,
  BARE_NGINX,
  findProgram,
  freePort,
  type ProxyName,
  type RunningProxy,
  recipeOf,
  startProxy,
} from './proxies.ts';
import { grownBody, type Organism } from './regrowth.ts';

/** The part of `window.regrow` that is used (client/debug.ts). */
type Regrow = {
  readonly regrow: {
    readonly ready: boolean;
    cellAt(x: number, y: number): readonly number[];
    stroke(tool: string, radius: number, points: readonly number[], species: string): boolean;
  };
};

const LIMIT_MS = 60_000;
/** Node closes a connection after 5 s of silence if nobody says otherwise: the moment at which stray 502s come. */
const BETWEEN_MS = 5_000;
const REQUESTS = 4;
const TOKEN = 'a token of this test, of 32 chars';
const CUT_RADIUS = 5;

interface Case {
  readonly title: string;
  readonly proxy: ProxyName;
  /** Default: the one that operators are told. */
  readonly recipe?: string;
}

const CASES: readonly Case[] = [
  { title: 'nginx', proxy: 'nginx' },
  { title: 'nginx with the least that works', proxy: 'nginx', recipe: BARE_NGINX },
  {
    title: 'nginx that drops the port',
    proxy: 'nginx',
    recipe: adapt(recipeOf('nginx'), { 'Host $http_host': 'Host $host' }),
  },
  { title: 'haproxy', proxy: 'haproxy' },
  { title: 'caddy', proxy: 'caddy' },
];
const isRequired = (process.env.REGROW_REQUIRE_PROXIES ?? '') !== '';

/** Skips, where the packages are not needed, a test whose programs are missing; else it fails and names them. */
function testWith(proxies: readonly ProxyName[], title: string, work: () => Promise<void>): void {
  const lacking = [...proxies, 'openssl'].filter((program) => findProgram(program) === null);
  const run = lacking.length > 0 && !isRequired ? test.skip : test;
  run(title, { timeout: 4 * LIMIT_MS }, () => {
    if (lacking.length > 0) throw new Error(`install ${lacking.join(', ')}`);
    return work();
  });
}

let folder: string;
let token: string;
let port: number;
let home: string;
let server: RunningServer;
let browser: Browser;
const started: RunningProxy[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-proxy-'));
  const weights = join(folder, 'weights');
  mkdirSync(weights);
  copyFileSync('weights/pikachu.safetensors', join(weights, 'pikachu.safetensors'));
  token = makeAdmin(join(folder, 'data'), 'Ann');
  port = await freePort();
  home = `https://example.org:${port}/regrow/`;
  const world = ['--size', '256', '--garden', '1', '--engine', 'wasm', '--tuner', 'off'];
  const proxied = ['--public-url', home, '--trust-proxy', '1'];
  server = await startServer([...world, ...proxied, '--weights-dir', weights], join(folder, 'data'));
  // Nobody has signed the certificates, and nobody answers under that name.
  browser = await launchBrowser(
    '--ignore-certificate-errors',
    '--host-resolver-rules=MAP example.org 127.0.0.1',
  );
});

const stopProxies = (): Promise<unknown> => Promise.all(started.splice(0).map((one) => one.stop()));
afterEach(stopProxies);
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What a page asks for outside the path, and what it is refused. */
function watchRequests(page: Page, home: string): string[] {
  const faults: string[] = [];
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(home) && !/^(?:data|blob):/.test(url)) faults.push(`outside: ${url}`);
  });
  page.on('websocket', (socket) => {
    if (!socket.url().startsWith(home.replace('https:', 'wss:'))) faults.push(`outside: ${socket.url()}`);
  });
  page.on('response', (response) => {
    // The admin's page asks whether somebody is logged in.
    if (response.status() >= 400 && response.status() !== 401)
      faults.push(`${response.status()}: ${response.url()}`);
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  return faults;
}

const alphaAt = (page: Page, { x, y }: Organism): Promise<number> =>
  page.evaluate(([x, y]) => (window as unknown as Regrow).regrow.cellAt(x, y)[3], [x, y] as const);

for (const { title, proxy, recipe } of CASES)
  testWith([proxy], `behind ${title}, a player joins and cuts a Pokemon, and an admin logs in`, async () => {
    const around = { port, server: new URL(server.url).host, path: '/regrow/' };
    started.push(await startProxy(proxy, around, recipe));
    const body = await grownBody(server, () => true, LIMIT_MS);
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const faults = watchRequests(page, home);
    await page.goto(`${home}?from=a-link#${body.x},${body.y},8`);
    await page.waitForFunction(() => (window as unknown as Partial<Regrow>).regrow?.ready === true);
    await until('the body is seen', async () => (await alphaAt(page, body)) > 200 || undefined, LIMIT_MS);
    const isSent = await page.evaluate(
      ([x, y, radius]) => (window as unknown as Regrow).regrow.stroke('ablate', radius, [x, y], ''),
      [body.x, body.y, CUT_RADIUS] as const,
    );
    expect(isSent).toBe(true);
    // The page draws what the server sends, so it comes back through the socket.
    await until('the cut is seen', async () => (await alphaAt(page, body)) < 50 || undefined, LIMIT_MS);
    await page.screenshot({ path: join(SCREENSHOTS, `proxy-${title.replaceAll(' ', '-')}.png`) });

    await page.goto(`${home}admin`);
    expect(page.url()).toBe(`${home}admin/`);
    await page.fill('#token', token);
    await page.click('#login button');
    await page.waitForSelector('.rule', { timeout: LIMIT_MS });
    expect(await page.context().cookies()).toMatchObject([
      { path: '/regrow/admin/api', secure: true, httpOnly: true, sameSite: 'Strict' },
    ]);
    expect(faults).toEqual([]);
    await page.close();
  });

const RECIPES: readonly ProxyName[] = ['nginx', 'haproxy', 'caddy'];

/** What the README says of a world at the root of a name. */
const AT_ROOT: Readonly<Record<ProxyName, Readonly<Record<string, string>>>> = {
  nginx: { 'location /regrow ': 'location / ' },
  haproxy: { 'use_backend regrow if { path /regrow } or { path_beg /regrow/ }': 'default_backend regrow' },
  caddy: { 'handle /regrow* {\n        reverse_proxy 127.0.0.1:2567\n    }': 'reverse_proxy 127.0.0.1:2567' },
};

testWith(RECIPES, 'the same works at the root of a name', async () => {
  const rootPort = await freePort();
  const root = `https://example.org:${rootPort}/`;
  const world = [
    '--size',
    '256',
    '--garden',
    '0',
    '--engine',
    'wasm',
    '--tuner',
    'off',
    '--admin-token',
    TOKEN,
  ];
  const served = await startServer([...world, '--public-url', root, '--trust-proxy', '1']);
  try {
    for (const proxy of RECIPES) {
      const around = { port: rootPort, server: new URL(served.url).host, path: '/' };
      started.push(await startProxy(proxy, around, adapt(recipeOf(proxy), AT_ROOT[proxy])));
      const page = await browser.newPage({ viewport: { width: 800, height: 600 } });
      const faults = watchRequests(page, root);
      await page.goto(root);
      await page.waitForFunction(() => (window as unknown as Partial<Regrow>).regrow?.ready === true);
      await page.goto(`${root}admin`);
      await page.fill('#token', TOKEN);
      await page.click('#login button');
      await page.waitForSelector('.rule', { timeout: LIMIT_MS });
      expect(faults).toEqual([]);
      await page.close();
      await stopProxies();
    }
  } finally {
    await served.stop();
  }
});

/** Starts all recipes. @returns their ports */
async function startAll(): Promise<readonly number[]> {
  const { host } = new URL(server.url);
  const ports: number[] = [];
  for (const name of RECIPES) {
    const around = { port: await freePort(), server: host, path: '/regrow/' };
    started.push(await startProxy(name, around));
    ports.push(around.port);
  }
  return ports;
}

testWith(RECIPES, 'a request every 5 s is answered each time by each proxy', async () => {
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
  RECIPES,
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
