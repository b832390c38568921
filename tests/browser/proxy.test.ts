/** Real proxies with TLS, which serve the world under a path: a player joins and hurts, an admin logs in. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { makeAdmin } from '../makeAdmin.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import {
  adapt,
  BARE_NGINX,
  freePort,
  LIMIT_MS,
  PROXIES,
  type ProxyName,
  type RunningProxy,
  recipeOf,
  startProxy,
  testWith,
} from '../service/proxies.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';
import { grownBody, type Organism } from './regrowth.ts';

/** The part of `window.regrow` that is used (client/debug.ts). */
type Regrow = {
  readonly regrow: {
    readonly ready: boolean;
    cellAt(x: number, y: number): readonly number[];
    stroke(tool: string, radius: number, points: readonly number[], species: string): boolean;
  };
};

const TOKEN = 'a token of this test, of 32 chars';
const CUT_RADIUS = 5;
/** A cut heals in seconds, so a page on a busy machine may miss it: then it is made again. */
const SEEN_MS = 5_000;

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
    const cut = (): Promise<boolean> =>
      page.evaluate(
        ([x, y, radius]) => (window as unknown as Regrow).regrow.stroke('ablate', radius, [x, y], ''),
        [body.x, body.y, CUT_RADIUS] as const,
      );
    // The page draws what the server sends, so it comes back through the socket.
    const seesCut = (): Promise<true | undefined> =>
      page
        .waitForFunction(
          ([x, y]) => (window as unknown as Regrow).regrow.cellAt(x, y)[3] < 50,
          [body.x, body.y] as const,
          { timeout: SEEN_MS },
        )
        .then(
          () => true as const,
          () => undefined,
        );
    await until(
      'the cut is seen',
      async () => {
        expect(await cut()).toBe(true);
        return seesCut();
      },
      LIMIT_MS,
    );
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

/** What the README says of a world at the root of a name. */
const AT_ROOT: Readonly<Record<ProxyName, Readonly<Record<string, string>>>> = {
  nginx: { 'location /regrow ': 'location / ' },
  haproxy: { 'use_backend regrow if { path /regrow } or { path_beg /regrow/ }': 'default_backend regrow' },
  caddy: { 'handle /regrow* {\n        reverse_proxy 127.0.0.1:2567\n    }': 'reverse_proxy 127.0.0.1:2567' },
};

testWith(PROXIES, 'the same works at the root of a name', async () => {
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
    for (const proxy of PROXIES) {
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

test('what a trusted proxy says is believed, and the log has no note', () => {
  expect(server.output()).not.toContain('not believed');
});
