/** A body that is out of shape for good, as a player sees it: a notice, then it dissolves and grows from its seed. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../serverProcess.ts';
import { SPROUT } from '../tuner/sprout.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';
import { grownBody, joinAt, organismsOf } from './regrowth.ts';

/** The part of `window.regrow` that is used (client/debug.ts). */
type Regrow = {
  readonly regrow: { stroke(tool: string, radius: number, points: readonly number[]): boolean };
};

/** A body wilts after 20 s and 600 steps out of shape. */
const LIMIT_MS = 60_000;

let weights: string;
let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  weights = mkdtempSync(join(tmpdir(), 'regrow-wilting-'));
  copyFileSync(SPROUT, join(weights, 'sprout.safetensors'));
  const world = ['--size', '256', '--garden', '1', '--steps-per-second', '60'];
  server = await startServer([...world, '--weights-dir', weights]);
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(weights, { recursive: true, force: true });
});

test('a body that cannot heal wilts: its card and a notice say so, and it grows again', {
  timeout: 180_000,
}, async () => {
  const { id, x, y } = await grownBody(server, () => true, LIMIT_MS);
  const page = await joinAt(browser, server, 'A', { x, y });
  const card = page.locator('#inspector');
  await card.locator('.card__state', { hasText: 'Healthy' }).waitFor({ timeout: LIMIT_MS });
  expect(await card.locator('.card__note').isVisible()).toBe(false);
  // The sprout was hardly trained: a third of it does not grow back.
  const cut = [x - 8, y - 8, x + 2, y - 2, x + 8, y + 8, x + 8, y - 8];
  expect(
    await page.evaluate((points) => (window as unknown as Regrow).regrow.stroke('ablate', 8, points), cut),
  ).toBe(true);

  const notice = page.locator('.toast--news', { hasText: /wilt/i }).waitFor({ timeout: LIMIT_MS });
  await page.locator('#inspector[data-mood=wilting]').waitFor({ timeout: LIMIT_MS });
  await card.locator('.card__note', { hasText: 'It grows again from its seed.' }).waitFor();
  await card.locator('.plot__label', { hasText: 'wilted: out of shape' }).waitFor();
  await notice;
  await page.screenshot({ path: join(SCREENSHOTS, 'wilting.png') });

  await page.locator('#inspector[data-mood=well]').waitFor({ timeout: LIMIT_MS });
  expect(await card.locator('.card__note').isVisible()).toBe(false);
  expect(await organismsOf(server)).toMatchObject([{ id, x, y }]);
  await page.close();
});
