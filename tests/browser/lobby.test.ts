/** The lobby of a real server with two worlds, in a real Chromium. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';

const LIMIT_MS = 60_000;
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

let server: RunningServer;
let home: string;
let browser: Browser;
beforeAll(async () => {
  const worlds = ['--worlds', 'meadow,coral-reef', '--relays', '1', '--size', '512', '--garden', '8'];
  server = await startServer([...worlds, '--tuner', 'off', '--log', 'text'], undefined, LIMIT_MS);
  home = `${server.url}/`;
  browser = await launchBrowser();
}, 2 * LIMIT_MS);
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const open = async (path: string, viewport = DESKTOP): Promise<Page> => {
  const page = await browser.newPage({ viewport, colorScheme: 'dark' });
  page.setDefaultTimeout(LIMIT_MS);
  await page.goto(`${home}${path}`);
  return page;
};
const isReady = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => (window as { regrow?: { ready: boolean } }).regrow?.ready === true);
const card = (page: Page, world: string) => page.locator(`[data-world="${world}"] a`);
const hasPictures = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => {
    const pictures = [...document.querySelectorAll<HTMLImageElement>('.world__picture')];
    return pictures.length === 2 && pictures.every(({ naturalWidth, hidden }) => naturalWidth > 0 && !hidden);
  });

test('from the lobby into a world by the keyboard, to a place in it by a link, and back', {
  timeout: 4 * LIMIT_MS,
}, async () => {
  const page = await open('');
  const faults: string[] = [];
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  page.on('pageerror', (error) => faults.push(error.message));
  await hasPictures(page);
  await page.screenshot({ path: join(SCREENSHOTS, 'lobby.png') });
  expect(await card(page, 'coral-reef').getAttribute('aria-label')).toMatch(
    /^Coral reef, Nobody here, 8 bodies, health \d+ %, .+$/,
  );
  for (let presses = 0; ; presses++) {
    expect(presses).toBeLessThan(8);
    await page.keyboard.press('Tab');
    const link = await page.evaluate(() => document.activeElement?.getAttribute('href') ?? '');
    if (link.endsWith('/w/coral-reef/')) break;
  }
  await page.keyboard.press('Enter');
  await page.waitForURL(`${home}w/coral-reef/**`);
  await isReady(page);
  expect(await page.title()).toBe('Coral reef · Regrow');
  expect(await page.locator('#brand').textContent()).toBe('Coral reef');
  await page.screenshot({ path: join(SCREENSHOTS, 'lobby-world.png') });

  // The address says where the camera is, and leads there.
  await page.goto(`${home}w/coral-reef/#100,120,8`);
  await page.reload();
  await isReady(page);
  expect(new URL(page.url()).hash).toBe('#100,120,8');
  const at = await page.evaluate(() => {
    const { cellToScreen } = (
      window as unknown as { regrow: Record<string, (x: number, y: number) => object> }
    ).regrow;
    return cellToScreen(100, 120);
  });
  expect(at).toEqual({ x: DESKTOP.width / 2, y: DESKTOP.height / 2 });

  const lobby = await open('');
  await lobby.waitForFunction(() =>
    document.querySelector('[data-world="coral-reef"] a')?.getAttribute('aria-label')?.includes('1 person'),
  );
  await lobby.close();
  await page.getByRole('link', { name: 'All worlds' }).click();
  await page.waitForURL(home);
  await hasPictures(page);
  expect(faults).toEqual([]);
  await page.close();
});

test('a name that somebody has chosen in one world is theirs in the next, and the theme, too', {
  timeout: 4 * LIMIT_MS,
}, async () => {
  const page = await open('');
  await page.getByRole('button', { name: 'Use the light theme' }).click();
  await card(page, 'meadow').click();
  await isReady(page);
  expect(await page.locator('html').getAttribute('data-theme')).toBe('light');
  expect(await page.locator('meta[name="theme-color"]').first().getAttribute('content')).toBe('#f6f1e6');
  await page.locator('#name').fill('Ash of the lobby');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'All worlds' }).click();
  await card(page, 'coral-reef').click();
  await isReady(page);
  expect(await page.locator('#name').inputValue()).toBe('Ash of the lobby');
  const tokens = await page.evaluate(() => Object.keys(localStorage).filter((key) => key.endsWith('token')));
  expect(tokens.sort()).toEqual(['regrow./w/coral-reef/.token', 'regrow./w/meadow/.token']);
  await page.close();
});

test('on a phone, nothing is wider than the screen, in the lobby and in a world with a way back', {
  timeout: 2 * LIMIT_MS,
}, async () => {
  const page = await open('', PHONE);
  await hasPictures(page);
  await page.screenshot({ path: join(SCREENSHOTS, 'lobby-phone.png') });
  const widest = (): Promise<number> =>
    page.evaluate(() =>
      Math.max(
        ...[...document.querySelectorAll('.panel')].map((panel) => panel.getBoundingClientRect().right),
      ),
    );
  expect(await widest()).toBeLessThanOrEqual(PHONE.width);
  await card(page, 'coral-reef').click();
  await isReady(page);
  const back = page.getByRole('link', { name: 'All worlds' });
  const box = (await back.boundingBox())!;
  expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(32);
  await page.screenshot({ path: join(SCREENSHOTS, 'lobby-phone-world.png') });
  expect(await widest()).toBeLessThanOrEqual(PHONE.width);
  await page.close();
});

test('who comes for a world that is not there reads that, and finds those that are', {
  timeout: 2 * LIMIT_MS,
}, async () => {
  const page = await open('w/atlantis/');
  expect(await page.getByRole('alert').textContent()).toContain('There is no world “atlantis” here.');
  await hasPictures(page);
  await page.getByRole('link', { name: 'All worlds' }).click();
  await page.waitForURL(home);
  await page.close();
});

test('the lobby says that a world cannot be reached, and when it can again', {
  timeout: 4 * LIMIT_MS,
}, async () => {
  const page = await open('');
  await hasPictures(page);
  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8')
    .trim()
    .split(/\s+/);
  const killed = children.find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--world=meadow'),
  )!;
  process.kill(Number(killed), 'SIGSTOP');
  await page.locator('[data-world="meadow"] [data-state="resting"]').waitFor();
  expect(await page.locator('#news').textContent()).toBe('Meadow cannot be reached.');
  await page.screenshot({ path: join(SCREENSHOTS, 'lobby-resting.png') });
  expect(await card(page, 'coral-reef').getAttribute('data-state')).toBe('awake');
  process.kill(Number(killed), 'SIGCONT');
  await page.locator('[data-world="meadow"] [data-state="awake"]').waitFor();
  await until(
    'the news',
    async () => ((await page.locator('#news').textContent()) === 'Meadow is awake.' ? true : undefined),
    LIMIT_MS,
  );
  await page.close();
});
