import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCensus } from '../../shared/census.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { launchBrowser } from './harness.ts';

let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([
    startServer(['--garden', '1', '--size', '1024x1024']),
    launchBrowser(),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** Bodies 70 cells apart around the middle of the world, as a census has them. */
const ROWS = 12;
const everyone = Array.from({ length: ROWS * ROWS }, (_, i) => ({
  x: 100 + 70 * (i % ROWS),
  y: 100 + 70 * Math.floor(i / ROWS),
  isAsleep: i % 2 === 0,
}));

const glows = (page: Page): Promise<number> =>
  page.locator('.sleeper').evaluateAll((all) => all.filter((one) => one.checkVisibility()).length);

test('bodies in view that sleep have a glow, the nearest 24 at most, and none when motion is to be reduced', async () => {
  const page = await browser.newPage({ viewport: { width: 1_280, height: 720 } });
  await page.route('**/api/census', (route) =>
    route.fulfill({ headers: { ETag: '"1"' }, body: Buffer.from(encodeCensus(everyone)) }),
  );
  await page.goto(server.url);
  await page.waitForFunction(() => window.regrow?.ready === true);
  // As with a GPU.
  await page.evaluate(() => document.documentElement.removeAttribute('data-plain'));
  const look = (x: number, y: number, zoom: number): Promise<void> =>
    page.evaluate(([x, y, zoom]) => window.regrow?.setCamera(x, y, zoom), [x, y, zoom] as const);
  const shows = (count: number): Promise<unknown> =>
    until(`${count} glows`, async () => ((await glows(page)) === count ? true : undefined), 30_000);

  // In the corner of the first bodies: 640 cells are too many, 128 x 72 hold one that sleeps.
  await look(100, 100, 10);
  await shows(1);
  await look(240, 120, 6);
  const inView = everyone.filter(
    ({ x, y, isAsleep }) => isAsleep && Math.abs(x - 240) < 640 / 6 && Math.abs(y - 120) < 360 / 6,
  );
  await shows(inView.length);
  await look(500, 800, 1.2);
  await shows(24);
  await look(500, 500, 0.8);
  await shows(0);
  await look(500, 800, 1.2);
  await shows(24);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  expect(await glows(page)).toBe(0);
  await page.close();
});
