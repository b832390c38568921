/** The page and /admin behind a proxy that serves them under a path, which it takes off before it passes requests on. */
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../serverProcess.ts';
import { launchBrowser } from './harness.ts';

const PATH = '/garden';
const TOKEN = 'a token of this test, of 32 chars';
const LIMIT_MS = 60_000;

let server: RunningServer;
let proxy: Server;
let home: string;
let browser: Browser;

/** Passes requests and upgrades below `PATH` on. */
function makeProxy(): Server {
  const within = ({ url = '' }: IncomingMessage): string | null =>
    url.startsWith(`${PATH}/`) ? url.slice(PATH.length) : null;
  const front = createServer((asked, answer) => {
    const path = within(asked);
    if (path === null) return void answer.writeHead(404).end();
    const { method, headers } = asked;
    const passed = request(new URL(path, server.url), { method, headers }, (got) => {
      answer.writeHead(got.statusCode!, got.headers);
      got.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  front.on('upgrade', (asked: IncomingMessage, socket) => {
    const { port, hostname } = new URL(server.url);
    const behind = connect(Number(port), hostname, () => {
      const headers = Object.entries(asked.headers).map(([name, value]) => `${name}: ${value}`);
      behind.write(`GET ${within(asked)} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
      behind.pipe(socket).pipe(behind);
    });
    behind.on('error', () => socket.destroy());
    socket.on('error', () => behind.destroy());
  });
  return front;
}

beforeAll(async () => {
  proxy = makeProxy();
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  home = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${PATH}/`;
  const world = ['--size', '256', '--garden', '0'];
  server = await startServer([...world, '--public-url', home, '--admin-token', TOKEN]);
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  proxy?.closeAllConnections();
  proxy?.close();
});

test('a player joins, and an admin logs in and stays logged in', { timeout: 3 * LIMIT_MS }, async () => {
  const page = await browser.newPage();
  const lost: string[] = [];
  page.on('response', (response) => {
    // The admin page asks whether somebody is logged in.
    if (response.status() >= 400 && response.status() !== 401) lost.push(response.url());
  });
  await page.goto(home);
  await page.waitForFunction(
    () => (window as { regrow?: { ready: boolean } }).regrow?.ready === true,
    undefined,
    { timeout: LIMIT_MS },
  );
  await page.goto(`${home}admin`);
  await page.locator('input[type=password]').fill(TOKEN);
  await page.keyboard.press('Enter');
  await page.locator('input[type=password]').waitFor({ state: 'hidden', timeout: LIMIT_MS });
  expect((await page.context().cookies()).map(({ path }) => path)).toEqual([`${PATH}/admin/api`]);
  const stays = page.waitForResponse((one) => one.url().endsWith('/live') && one.status() === 200);
  await page.reload();
  await stays;
  expect(lost).toEqual([]);
});
