/** A body of one's own, as its player sees it: it dies and comes back, and is gone when the player removes it. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { SPROUT } from '../tuner/sprout.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';
import { joinAt, organismsOf, plantUntil, seesBody } from './regrowth.ts';

/** The part of `window.regrow` that is used (client/debug.ts). */
type Regrow = {
  readonly regrow: {
    stroke(tool: string, radius: number, points: readonly number[], species?: string): boolean;
  };
};

const LIMIT_MS = 60_000;
const AT = { x: 128, y: 128 };
const WORLD = ['--size', '256', '--garden', '0', '--steps-per-second', '60'];

let weights: string;
let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  weights = mkdtempSync(join(tmpdir(), 'regrow-own-'));
  copyFileSync(SPROUT, join(weights, 'sprout.safetensors'));
  server = await startServer([...WORLD, '--weights-dir', weights]);
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(weights, { recursive: true, force: true });
});

const stroke = (
  page: Page,
  tool: string,
  radius: number,
  points: readonly number[],
  species = '',
): Promise<boolean> =>
  page.evaluate(
    ([tool, radius, points, species]) =>
      (window as unknown as Regrow).regrow.stroke(
        tool as string,
        radius as number,
        points as number[],
        species as string,
      ),
    [tool, radius, points, species] as const,
  );

/** Texts that do not fit into their elements. Runs in the page. */
const cutOff = (selector: string): (string | null)[] =>
  Array.from(document.querySelectorAll(selector))
    .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
    .map(({ textContent }) => textContent);

test('it waits as a seed when it was killed, comes back, and is gone when its player has confirmed it', {
  timeout: 240_000,
}, async () => {
  const page = await joinAt(browser, server, 'A', AT);
  const other = await joinAt(browser, server, 'B', AT);
  await plantUntil(
    async () => expect(await stroke(page, 'plant', 1, [AT.x, AT.y], 'sprout')).toBe(true),
    async () => (await organismsOf(server))[0],
    LIMIT_MS,
  );
  const [{ id }] = await until(
    'a grown body',
    async () => {
      const all = await organismsOf(server);
      return all.length === 1 && all[0].health > 0.9 ? all : undefined;
    },
    LIMIT_MS,
  );
  const middle = { x: 640, y: 400 };
  for (const one of [page, other]) {
    // A click on what the page does not show yet is one on the ground.
    await seesBody(one, AT, LIMIT_MS);
    await one.keyboard.press('1');
    await one.mouse.click(middle.x, middle.y);
    await one.locator('#inspector').waitFor({ timeout: LIMIT_MS });
  }
  const planter = page.locator('.fact__value', { hasText: /^by you$/ });
  await planter.waitFor({ timeout: LIMIT_MS });
  expect(await page.evaluate(cutOff, '.card__name, .fact__name, .fact__value')).toEqual([]);
  const remove = page.locator('.removal__ask', { hasText: 'Remove' });
  await remove.waitFor({ timeout: LIMIT_MS });
  expect(await other.locator('.removal').isVisible()).toBe(false);
  await page.screenshot({ path: join(SCREENSHOTS, 'own-1-alive.png') });

  await stroke(page, 'ablate', 24, [AT.x - 10, AT.y, AT.x + 10, AT.y]);
  await page.locator('#inspector[data-mood=waiting]').waitFor({ timeout: LIMIT_MS });
  await page.locator('.card__note', { hasText: /^It grows again from its seed in \d+ s\.$/ }).waitFor();
  await page.screenshot({ path: join(SCREENSHOTS, 'own-2-waiting.png') });
  await page.locator('#inspector[data-mood=well]').waitFor({ timeout: LIMIT_MS });
  expect(await organismsOf(server)).toMatchObject([{ id }]);

  // A double click asks, and then keeps.
  await remove.dblclick();
  await remove.waitFor();
  await remove.click();
  const sure = page.locator('.removal__sure');
  await sure.waitFor();
  await page.screenshot({ path: join(SCREENSHOTS, 'own-3-asked.png') });
  // Pressed at once, it does nothing: the page's clock stands still for the press.
  await page.evaluate(() => {
    document.querySelector<HTMLElement>('.removal__ask:not([hidden])')!.click();
    const [ask, sure] = ['.removal > button:last-child', '.removal__sure'].map(
      (name) => document.querySelector<HTMLElement>(name)!,
    );
    ask.click();
    sure.click();
  });
  expect(await organismsOf(server)).toMatchObject([{ id }]);
  await page.waitForTimeout(600);
  await sure.click();
  await page.locator('#inspector[data-mood=leaving]').waitFor({ timeout: LIMIT_MS });
  expect(await page.locator('.removal').isVisible()).toBe(false);
  await until('nobody', async () => ((await organismsOf(server)).length === 0 ? true : undefined), LIMIT_MS);
  await page.locator('.card__state', { hasText: 'Gone' }).waitFor({ timeout: LIMIT_MS });
  await page.close();
  await other.close();
});
