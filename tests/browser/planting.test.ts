/** The plant tool in a real Chromium: what it shows, what it refuses, what it plants. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setSpeed } from '../links/speed.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';
import { grownBody, joinAt, type Organism, organismsOf, plantUntil } from './regrowth.ts';

interface Seed {
  readonly species: string;
  readonly x: number;
  readonly y: number;
  readonly reason: string | null;
}

interface Handle {
  readonly heldSeed: Seed | null;
  readonly hello: {
    readonly species: readonly { name: string; x: number; y: number; width: number; height: number }[];
  };
  cellAt(x: number, y: number): readonly number[];
  cellToScreen(x: number, y: number): { x: number; y: number };
}
type Regrow = { readonly regrow: Handle };

const ADMIN_TOKEN = 'a token of sixteen or more';
/** Steps per second, so few that a busy machine keeps up: a world that lags takes no planting. */
const PACE = 5;
const LIMIT_MS = 40_000;
/** Cells far from the garden, which is in the middle of 512 x 512. */
const FREE = { mouse: { x: 70, y: 70 }, keys: { x: 440, y: 70 }, finger: { x: 70, y: 440 } };

let server: RunningServer;
let browser: Browser;
let body: Organism;

beforeAll(async () => {
  server = await startServer(['--size', '512', '--garden', '4', '--admin-token', ADMIN_TOKEN]);
  browser = await launchBrowser();
  body = await grownBody(server, () => true, 90_000);
  await setSpeed(server.url, ADMIN_TOKEN, PACE);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const screen = (page: Page, x: number, y: number): Promise<{ x: number; y: number }> =>
  page.evaluate(({ x, y }) => (window as unknown as Regrow).regrow.cellToScreen(x + 0.5, y + 0.5), { x, y });

const held = (page: Page): Promise<Seed | null> =>
  page.evaluate(() => (window as unknown as Regrow).regrow.heldSeed);

/** Waits until the page holds its seed over a cell and shows it as refused, or not. */
const shown = (page: Page, { x, y }: { x: number; y: number }, isRefused: boolean): Promise<Seed> =>
  until(
    `a seed at ${x}, ${y}, ${isRefused ? 'refused' : 'free'}`,
    async () => {
      const seed = await held(page);
      if (seed?.x !== x || seed.y !== y || (seed.reason !== null) !== isRefused) return undefined;
      return seed;
    },
    LIMIT_MS,
  );

/** @returns the painted share inside the silhouette's box and around it, and the colour of the seed's cell */
function painted(page: Page): Promise<{ inside: number; around: number; seed: readonly number[] }> {
  return page.evaluate(() => {
    const { regrow } = window as unknown as Regrow;
    const { species, x, y } = regrow.heldSeed!;
    const form = regrow.hello.species.find(({ name }) => name === species)!;
    const canvas = document.querySelector<HTMLCanvasElement>('#overlay')!;
    const paper = canvas.getContext('2d')!;
    const from = regrow.cellToScreen(x + form.x, y + form.y);
    const to = regrow.cellToScreen(x + form.x + form.width, y + form.y + form.height);
    const count = (margin: number): number => {
      const width = Math.round(to.x - from.x) + 2 * margin;
      const height = Math.round(to.y - from.y) + 2 * margin;
      const { data } = paper.getImageData(
        Math.round(from.x) - margin,
        Math.round(from.y) - margin,
        width,
        height,
      );
      let opaque = 0;
      for (let i = 3; i < data.length; i += 4) if (data[i] > 60) opaque++;
      return opaque;
    };
    const middle = regrow.cellToScreen(x + 0.5, y + 0.5);
    const seed = [...paper.getImageData(Math.round(middle.x), Math.round(middle.y), 1, 1).data.slice(0, 3)];
    const inside = count(0);
    const area = Math.round(to.x - from.x) * Math.round(to.y - from.y);
    return { inside: inside / area, around: (count(12) - inside) / area, seed };
  });
}

const token = (page: Page, name: string): Promise<number[]> =>
  page.evaluate((name) => {
    const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16));
  }, name);

/** @returns the organism planted at a seed's cell, once the server has it and the page shows it */
async function seedling(
  page: Page,
  { species, x, y }: Seed,
  plant: () => Promise<unknown>,
): Promise<Organism> {
  const born = await plantUntil(
    plant,
    async () =>
      (await organismsOf(server)).find((one) => one.species === species && one.x === x && one.y === y),
    LIMIT_MS,
  );
  await until(
    'the seedling on the page',
    async () =>
      (await page.evaluate(({ x, y }) => (window as unknown as Regrow).regrow.cellAt(x, y)[3], born)) > 0 ||
      undefined,
    LIMIT_MS,
  );
  return born;
}

test('where there is room, the grown body is shown around the seed’s cell, and a click plants it', async () => {
  const page = await joinAt(browser, server, 'A', FREE.mouse);
  await page.keyboard.press('5');
  const at = await screen(page, FREE.mouse.x, FREE.mouse.y);
  await page.mouse.move(at.x, at.y);
  const seed = await shown(page, FREE.mouse, false);
  const silhouette = await until(
    'a silhouette',
    async () => {
      const drawn = await painted(page);
      return drawn.inside > 0.3 ? drawn : undefined;
    },
    LIMIT_MS,
  );
  // Nothing is painted outside the box of the grown body.
  expect(silhouette.around).toBeLessThan(0.01);
  expect(silhouette.seed).toEqual(await token(page, '--accent'));
  await page.screenshot({ path: join(SCREENSHOTS, 'planting-free.png') });
  await seedling(page, seed, () => page.mouse.click(at.x, at.y));
  await page.close();
});

test('over a body, the silhouette has the colour of refusals and a reason, and a click plants nothing', async () => {
  const page = await joinAt(browser, server, 'A', body);
  await page.keyboard.press('5');
  const { x, y } = { x: body.x + 4, y: body.y + 2 };
  const at = await screen(page, x, y);
  await page.mouse.move(at.x, at.y);
  const seed = await shown(page, { x, y }, true);
  expect(seed.reason).toMatch(/lives there already|No room/);
  await until(
    'the colour of refusals',
    async () => (await painted(page)).seed.join() === (await token(page, '--danger')).join() || undefined,
    LIMIT_MS,
  );
  await page.screenshot({ path: join(SCREENSHOTS, 'planting-refused.png') });
  const before = await organismsOf(server);
  await page.mouse.down();
  await page.mouse.up();
  await page.locator('.toast', { hasText: seed.reason! }).waitFor({ timeout: LIMIT_MS });
  expect(await page.locator('.energy').getAttribute('aria-valuenow')).toBe('100');
  expect((await organismsOf(server)).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  await page.close();
});

test('at the world’s edge, the seed is refused and the player reads on which side room is missing', async () => {
  const page = await joinAt(browser, server, 'A', { x: 40, y: 256 });
  await page.keyboard.press('5');
  const at = await screen(page, 4, 256);
  await page.mouse.move(at.x, at.y);
  expect((await shown(page, { x: 4, y: 256 }, true)).reason).toMatch(/on its left: the world ends here\.$/);
  await page.close();
});

test('with the keyboard alone, the seed is held in the middle of the view, and Enter plants it there', async () => {
  const page = await joinAt(browser, server, 'A', FREE.keys);
  expect(await held(page)).toBeNull();
  await page.keyboard.press('5');
  const seed = await shown(page, FREE.keys, false);
  await seedling(page, seed, () => page.keyboard.press('Enter'));
  await page.close();
});

test('a finger that presses shows the silhouette, moves it, and plants the seed where it lets go', async () => {
  const context = await browser.newContext({ viewport: { width: 390, height: 800 }, hasTouch: true });
  const page = await context.newPage();
  await page.goto(`${server.url}#${FREE.finger.x},${FREE.finger.y},4`);
  await page.waitForFunction(() => (window as unknown as Partial<Regrow>).regrow?.heldSeed === null);
  await page.tap('[data-tool=plant]');
  const touch = await context.newCDPSession(page);
  const at = async (type: 'touchStart' | 'touchMove', x: number, y: number): Promise<void> => {
    const point = await screen(page, x, y);
    await touch.send('Input.dispatchTouchEvent', { type, touchPoints: [point] });
  };
  const { x, y } = FREE.finger;
  const press = async (): Promise<Seed> => {
    await at('touchStart', x - 5, y);
    await shown(page, { x: x - 5, y }, false);
    await at('touchMove', x, y);
    return shown(page, { x, y }, false);
  };
  const seed = await press();
  await page.screenshot({ path: join(SCREENSHOTS, 'planting-finger.png') });
  expect((await organismsOf(server)).some((one) => Math.hypot(one.x - x, one.y - y) < 30)).toBe(false);
  let lifted = 0;
  await seedling(page, seed, async () => {
    if (lifted++ > 0) await press();
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  });
  expect(await held(page)).toBeNull();
  await context.close();
});
