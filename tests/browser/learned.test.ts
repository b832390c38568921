/** The card about tuned rules in a real Chromium, with a real server whose registry has one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serializeRule } from '../../server/rules/format.ts';
import { loadRuleFiles, readRule } from '../../server/rules/load.ts';
import { Registry } from '../../server/rules/registry.ts';
import { type RunningServer, startServer } from '../serverProcess.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';

const WAIT = { timeout: 30_000 };
const WEIGHTS = join(import.meta.dirname, '../../weights');
const ANN = { who: 'Ann', address: '' };
const learned = {
  session: '2026-11-25T12-10-00.123Z',
  wounds: 41,
  recoveryBefore: 0.91,
  recoveryAfter: 0.97,
  stepsBefore: 142,
  stepsAfter: 98,
};

let folder: string;
let registry: Registry;
let server: RunningServer;
let browser: Browser;
const errors: string[] = [];

/** Enters a shipped rule with another fire rate, as if it had been tuned and promoted. */
function tune(name: string, figures: object): void {
  const rule = readRule(join(WEIGHTS, `${name}.safetensors`));
  const bytes = serializeRule({ ...rule, fireRate: 0.52 });
  const { id } = registry.add({ bytes, origin: 'tuned', metrics: { learned: figures } }, ANN);
  registry.settle(
    registry.wantSwap({ species: name, rule: id, scope: 'species' }, ANN).id,
    'in force',
    '',
    ANN,
  );
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-learned-'));
  registry = new Registry(folder, 2_000);
  registry.enterShipped(loadRuleFiles(WEIGHTS));
  tune('pikachu', learned);
  server = await startServer(['--size', '256', '--garden', '4', '--engine', 'wasm'], folder);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  registry?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function visit(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(server.url);
  await page.waitForFunction(
    () => (window as unknown as { regrow?: { ready: boolean } }).regrow?.ready,
    null,
    WAIT,
  );
  return page;
}

/** Whether the card, folded or not, leaves the middle of the view free. */
const leavesTheMiddle = (page: Page): Promise<boolean> =>
  page.evaluate(() => {
    const box = document.querySelector('.learned__panel')!.getBoundingClientRect();
    const [x, y] = [innerWidth / 2, innerHeight / 2];
    return box.left >= 0 && box.right <= innerWidth && !(box.right > x && box.bottom > y);
  });

test('a player who joins reads what was learned, unfolds the figures, closes the card, and is not told again', {
  timeout: 120_000,
}, async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'dark' });
  const page = await visit(context);
  await page.waitForSelector('.learned__panel', WAIT);
  expect(await page.textContent('.learned__line')).toBe(
    'Pikachu v2 heals the wounds of an earlier session 31\u00a0% faster, and further',
  );
  expect(await page.getAttribute('#learned', 'aria-live')).toBe('polite');
  expect(await page.isVisible('.learned__body')).toBe(false);
  expect(await leavesTheMiddle(page)).toBe(true);
  await page.screenshot({ path: join(SCREENSHOTS, 'learned.png') });

  await page.click('.learned__line');
  expect(await page.getAttribute('.learned__line', 'aria-expanded')).toBe('true');
  const figures = await page.innerText('.learned__body');
  for (const fact of ['91 %', '97 %', '142 steps', '98 steps', '41 wounds', 'In force since'])
    expect(figures).toContain(fact);
  expect(await leavesTheMiddle(page)).toBe(true);
  await page.screenshot({ path: join(SCREENSHOTS, 'learned-open.png') });
  await page.keyboard.press('Escape');
  expect(await page.isVisible('.learned__body')).toBe(false);
  await page.focus('.learned__line');
  await page.keyboard.press('Escape');
  expect(await page.locator('.learned__panel').count()).toBe(0);
  await page.close();

  const again = await visit(context);
  // `learned` comes before the first `stats`, so it has come by now.
  await again.waitForFunction(() => document.querySelectorAll('#stats .stat').length > 0, null, WAIT);
  await again.waitForTimeout(1_000);
  expect(await again.locator('.learned__panel').count()).toBe(0);
  await again.close();

  // Another rule has learned since then, and only that one is told.
  tune('bulbasaur', { ...learned, stepsAfter: 150, recoveryAfter: 0.95 });
  await new Promise((resolve) => setTimeout(resolve, 5_500));
  const third = await visit(context);
  await third.waitForSelector('.learned__panel', WAIT);
  expect(await third.textContent('.learned__line')).toBe(
    'Bulbasaur v2 heals the wounds of an earlier session further, 91 → 95\u00a0%, but slower',
  );
  expect(await third.locator('.learned__rule').count()).toBe(1);
  await third.click('.learned__close');
  expect(await third.locator('.learned__panel').count()).toBe(0);
  await context.close();
  expect(errors).toEqual([]);
});

test('on a phone the card is above the middle, and a player who comes back after long reads of all rules', {
  timeout: 120_000,
}, async () => {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    colorScheme: 'light',
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
  });
  await context.addInitScript(() => localStorage.setItem('regrow.learned', '2026-01-01T00:00:00.000Z'));
  const page = await visit(context);
  await page.waitForSelector('.learned__panel', WAIT);
  expect(await page.textContent('.learned__more')).toBe('+1 more');
  await page.screenshot({ path: join(SCREENSHOTS, 'learned-phone.png') });
  await page.tap('.learned__line');
  expect(await page.locator('.learned__rule').count()).toBe(2);
  expect(await leavesTheMiddle(page)).toBe(true);
  const tooSmall = await page.evaluate(() =>
    [...document.querySelectorAll('#learned button')].some((one) => one.getBoundingClientRect().height < 34),
  );
  expect(tooSmall).toBe(false);
  await page.screenshot({ path: join(SCREENSHOTS, 'learned-phone-open.png') });
  await page.setViewportSize({ width: 844, height: 390 });
  expect(await leavesTheMiddle(page)).toBe(true);
  await page.screenshot({ path: join(SCREENSHOTS, 'learned-phone-side.png') });
  await context.close();
  expect(errors).toEqual([]);
});
