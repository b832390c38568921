import { join } from 'node:path';
import { decode } from 'fast-png';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';

interface Handle {
  readonly ready: boolean;
  readonly level: number;
  cellAt(x: number, y: number): readonly number[];
  cellToScreen(x: number, y: number): { x: number; y: number };
  setCamera(x: number, y: number, zoom: number): void;
}

interface Watched {
  /** Drawings at which the body's cell was empty. */
  missing: number;
  frames: number;
  levels: number[];
  isOver: boolean;
}

/** A body of at least this many pixels must be visible on a screenshot. */
const SEEN_PIXELS = 12;

let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  server = await startServer(['--size', '4096', '--garden', '9']);
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** @returns how many pixels around a place on the screen have a Pikachu's yellow */
async function yellow(page: Page, at: { x: number; y: number }, side: number): Promise<number> {
  const clip = { x: at.x - side / 2, y: at.y - side / 2, width: side, height: side };
  const { data, channels } = decode(await page.screenshot({ clip }));
  let count = 0;
  for (let i = 0; i < data.length; i += channels)
    if (data[i] > 150 && data[i + 1] > 110 && data[i + 2] < 0.5 * data[i + 1]) count++;
  return count;
}

test('a body stays visible at every drawing while a player zooms out to the whole world and in again', {
  timeout: 240_000,
}, async () => {
  const pikachu = await until(
    'a grown pikachu',
    async () => {
      const answer = await fetch(`${server.url}/api/organisms`);
      const all = (await answer.json()) as { species: string; x: number; y: number; health: number }[];
      return all.find(({ species, health }) => species === 'pikachu' && health > 0.9);
    },
    120_000,
  );
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${server.url}#${pikachu.x},${pikachu.y},6`);
  await page.waitForFunction(() => (window as unknown as { regrow?: Handle }).regrow?.ready === true);
  // A cell well inside the body, of any shape.
  const cell = await until(
    'an opaque cell',
    () =>
      page.evaluate(
        ({ x, y }) => {
          const handle = (window as unknown as { regrow: Handle }).regrow;
          const isFull = (cx: number, cy: number): boolean =>
            [-2, 0, 2].every((dx) => [-2, 0, 2].every((dy) => handle.cellAt(cx + dx, cy + dy)[3] > 200));
          for (let r = 0; r < 14; r++)
            for (let dy = -r; dy <= r; dy++)
              for (let dx = -r; dx <= r; dx++) if (isFull(x + dx, y + dy)) return { x: x + dx, y: y + dy };
          return undefined;
        },
        { x: pikachu.x, y: pikachu.y },
      ),
    20_000,
  );
  await page.evaluate(({ x, y }) => {
    const handle = (window as unknown as { regrow: Handle }).regrow;
    const watched: Watched = { missing: 0, frames: 0, levels: [], isOver: false };
    (window as unknown as { watched: Watched }).watched = watched;
    const look = (): void => {
      watched.frames++;
      if (handle.cellAt(x, y)[3] === 0) watched.missing++;
      if (watched.levels.at(-1) !== handle.level) watched.levels.push(handle.level);
      if (!watched.isOver) requestAnimationFrame(look);
    };
    look();
  }, cell);

  // Turns the wheel notch by notch, as a hand does.
  await page.mouse.move(640, 400);
  const zoomOf = (): Promise<number> =>
    page.evaluate(() => {
      const { cellToScreen } = (window as unknown as { regrow: Handle }).regrow;
      return cellToScreen(1, 0).x - cellToScreen(0, 0).x;
    });
  const turn = async (by: number, name: string): Promise<void> => {
    for (let notch = 0; notch < 32; notch++) {
      await page.mouse.wheel(0, by);
      await page.waitForTimeout(60);
      if (notch % 6 !== 5) continue;
      const zoom = await zoomOf();
      const at = await page.evaluate(
        ({ x, y }) => (window as unknown as { regrow: Handle }).regrow.cellToScreen(x, y),
        pikachu,
      );
      const side = Math.max(8, 24 * zoom);
      const isInside = at.x > side && at.y > side && at.x < 1280 - side && at.y < 800 - side;
      if (20 * zoom >= SEEN_PIXELS && side < 300 && isInside)
        expect(await yellow(page, at, side), `${name}, zoom ${zoom}`).toBeGreaterThan(3);
    }
    await page.screenshot({ path: join(SCREENSHOTS, `4-${name}.png`) });
  };
  await turn(100, 'zoomed-out');
  expect(await zoomOf()).toBeLessThan(800 / 4096);
  expect(
    await page.evaluate(() => (window as unknown as { regrow: Handle }).regrow.level),
  ).toBeGreaterThanOrEqual(2);
  await turn(-100, 'zoomed-in');
  const watched = await page.evaluate(() => {
    const seen = (window as unknown as { watched: Watched }).watched;
    seen.isOver = true;
    return seen;
  });
  expect(watched.levels[0]).toBe(0);
  expect(watched.levels.at(-1)).toBe(0);
  expect(Math.max(...watched.levels)).toBeGreaterThanOrEqual(2);
  expect(watched.frames).toBeGreaterThan(20);
  expect(watched.missing).toBe(0);
  await page.close();
});
