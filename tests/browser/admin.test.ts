/** The admin's page in a real Chromium, with a real server: from the token to a swap that a player sees. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serializeRule } from '../../server/rules/format.ts';
import { readRule } from '../../server/rules/load.ts';
import { Registry } from '../../server/rules/registry.ts';
import type { OrganismSummary } from '../../server/world/messages.ts';
import { makeAdmin } from '../makeAdmin.ts';
import { type RunningServer, startServer } from '../serverProcess.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';

const WAIT = { timeout: 30_000 };
let folder: string;
let token: string;
let server: RunningServer;
let browser: Browser;
let admin: Page;
let player: Page;
const errors: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-admin-'));
  // A garden of four has one of each of four species; the player looks for a pikachu in it.
  const weights = join(folder, 'weights');
  mkdirSync(weights);
  for (const name of ['bulbasaur', 'charmander', 'pikachu', 'squirtle'])
    copyFileSync(`weights/${name}.safetensors`, join(weights, `${name}.safetensors`));
  token = makeAdmin(join(folder, 'data'), 'Ann');
  const flags = ['--size', '256', '--garden', '4', '--engine', 'wasm', '--weights-dir', weights];
  server = await startServer(flags, join(folder, 'data'));
  browser = await launchBrowser();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  admin = await context.newPage();
  for (const event of ['pageerror', 'crash'] as const)
    admin.on(event as 'pageerror', (error: Error) => errors.push(String(error)));
  player = await (await browser.newContext({ viewport: { width: 800, height: 600 } })).newPage();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Pikachu's rule with another fire rate: another file that is as good. */
function variant(): string {
  const pikachu = readRule(join(import.meta.dirname, '../../weights/pikachu.safetensors'));
  const path = join(folder, 'variant.safetensors');
  writeFileSync(
    path,
    serializeRule({ ...pikachu, fireRate: 0.55, metadata: { ...pikachu.metadata, metrics: '{}' } }),
  );
  return path;
}

test('an admin logs in, watches a trial, swaps the rule in, and the player reads who did it', {
  timeout: 180_000,
}, async () => {
  await player.goto(server.url);
  await admin.goto(`${server.url}/admin`);
  await admin.fill('#token', 'not the token at all');
  await admin.click('#login button');
  await admin.waitForFunction(() =>
    document.querySelector('#login-error')?.textContent?.includes('not the token'),
  );

  await admin.fill('#token', token);
  await admin.click('#login button');
  await admin.waitForSelector('.rule', WAIT);
  expect(await admin.evaluate(() => document.cookie)).toBe('');
  expect(await admin.textContent('#species')).toContain('pikachu v1');

  await admin.setInputFiles('#file', variant());
  // The server probes one rule at a time, and the thumbnails of the eight rules come first.
  await admin.waitForSelector('.film', { timeout: 90_000 });
  expect(await admin.textContent('#trial')).toContain('pikachu v2');
  await admin.waitForFunction(
    () => {
      const canvas = document.querySelector<HTMLCanvasElement>('.film');
      const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
      return pixels?.some((value, i) => i % 4 === 3 && value > 200);
    },
    null,
    WAIT,
  );
  await admin.screenshot({ path: join(SCREENSHOTS, 'admin.png'), fullPage: true });

  const told = player.waitForFunction(() => document.querySelector('#toasts')?.textContent, null, WAIT);
  await admin.click('#trial button[type=submit]');
  expect(await (await told).jsonValue()).toBe('Ann swapped pikachu to pikachu v2');
  await admin.waitForFunction(
    () => document.querySelector('#species')?.textContent?.includes('pikachu v2'),
    null,
    WAIT,
  );
  // The player's page watches a pikachu first: its health plot marks the swap with the new rule's label.
  await player.waitForFunction(() => document.querySelector('.plot__mark')?.getAttribute('d'), null, WAIT);
  expect(await player.textContent('.plot')).toContain('pikachu v2');
  await player.screenshot({ path: join(SCREENSHOTS, 'swapped.png') });
  await admin.click('#pages >> text=Log');
  await admin.waitForFunction(
    () => document.querySelector('#audit')?.textContent?.includes('swap pikachuto pikachu v2'),
    null,
    WAIT,
  );
  await admin.screenshot({ path: join(SCREENSHOTS, 'adminLog.png') });
  await admin.click('#pages >> text=World');
  expect(errors).toEqual([]);
});

test('an admin pauses and resumes the world, ends the session, reads a report, and removes a player', async () => {
  await admin.click('#world button:has-text("Pause")');
  await admin.waitForFunction(
    () => document.querySelector('#figures')?.textContent?.includes('paused'),
    null,
    WAIT,
  );
  await admin.click('#world button:has-text("Resume")');
  await admin.waitForFunction(
    () => !document.querySelector('#figures')?.textContent?.includes('paused'),
    null,
    WAIT,
  );
  expect(await admin.textContent('#sessions')).toContain('players1, 1 at once');
  await admin.click('#sessions button:has-text("End session")');
  await admin.waitForFunction(
    () => document.querySelector('#sessions')?.textContent?.includes('ended by an admin'),
    null,
    WAIT,
  );
  expect(await admin.isVisible('#sessions button')).toBe(false);
  await player.click('.card__flag');
  await player.click('#report .choice >> nth=0');
  await player.waitForFunction(
    () => document.querySelector('#toasts')?.textContent?.includes('A moderator will look at it'),
    null,
    WAIT,
  );
  await admin.click('#pages >> text=People');
  await admin.waitForSelector('#reports .report .place__picture', WAIT);
  await admin.click('#reports button:has-text("Dismiss")');
  await admin.waitForFunction(
    () => document.querySelector('#reports')?.textContent?.includes('No report is waiting'),
    null,
    WAIT,
  );
  await clearAndBringBack();
  await admin.click('.guest');
  await admin.click('#guest button:has-text("Kick")');
  await player.waitForFunction(
    () => document.querySelector('#banner')?.textContent?.includes('An admin has removed you'),
    null,
    WAIT,
  );
  await admin.click('#pages >> text=World');
  expect(errors).toEqual([]);
});

/** Clears the place of a body of the garden, and brings it back from the list of what is gone. */
async function clearAndBringBack(): Promise<void> {
  const alive = async (): Promise<OrganismSummary[]> => (await fetch(`${server.url}/api/organisms`)).json();
  const [{ id, x, y }] = await alive();
  await admin.click('#pages >> text=World');
  for (const [name, value] of Object.entries({ x, y, Radius: 30 }))
    await admin.fill(`#world form:has-text("Clear") label:has-text("${name}") input`, String(value));
  await admin.click('#world button:has-text("Clear")');
  await admin.click('#pages >> text=People');
  await admin.click(
    '#guest .line:has-text("died where Ann had cleared") button:has-text("Bring back")',
    WAIT,
  );
  await admin.waitForFunction(
    () => document.querySelector('#say')?.textContent?.includes('1 brought back.'),
    null,
    WAIT,
  );
  expect((await alive()).filter((one) => one.x === x && one.y === y && one.id !== id)).toHaveLength(1);
}

/** Enters a candidate as the tuner does: pikachu's rule again, with the figures of a comparison and a film. */
function enterCandidate(): void {
  const data = join(folder, 'data');
  const registry = new Registry(data, 2_000);
  const parent = registry.inForce().get('pikachu')!;
  const rule = registry.read(parent.id).rule;
  const figure = (name: string, group: string, before: number, after: number) => {
    return { name, group, before, after, p: 1, isWorse: after < before };
  };
  const comparison = {
    ...{ heldOutWounds: 12, trainedWounds: 48, randomSeeds: 16, iterations: 1_800, seconds: 215 },
    ...{ heldOutLossBefore: 1e-2, heldOutLossAfter: 4e-3 },
    curveBefore: [0.05, 0.02, 0.01],
    curveAfter: [0.05, 0.008, 0.004],
    figures: [
      figure('held-out wounds, recovery', 'held-out', 0.7, 0.9),
      figure('left', 'recovery', 1, 1),
      figure('noise', 'recovery', 0.9, 0.85),
      figure('at step 200', 'error', 3e-5, 3e-5),
    ],
  };
  const { id } = registry.add(
    {
      bytes: serializeRule({ ...rule, metadata: { ...rule.metadata, tunedOn: 'a session' } }),
      origin: 'tuned',
      status: 'candidate',
      parent: parent.id,
      metrics: { comparison, reasons: [] },
    },
    { who: 'the tuner', address: '' },
  );
  registry.close();
  mkdirSync(join(data, 'tuner/films'), { recursive: true });
  const pixels = new Uint8Array(16 * 8 * 27 * 4).fill(200);
  const film = encode({ width: 16, height: 8 * 27, data: pixels, channels: 4 });
  writeFileSync(join(data, `tuner/films/${id}.png`), film);
}

test('a candidate is shown beside the rule in force, in plots and as a film, and promoted', {
  timeout: 120_000,
}, async () => {
  await admin.waitForFunction(
    () => document.querySelector('#tuner')?.textContent?.includes('Nothing yet'),
    null,
    WAIT,
  );
  enterCandidate();
  await admin.waitForSelector('#tuner .comparison', WAIT);
  const text = await admin.textContent('#tuner');
  expect(text).toContain('error after 12 held-out wounds −60 %');
  expect(text).toContain('48 wounds, 1,800 iterations, 215 s');
  expect(await admin.locator('#tuner .bars__bar[data-kind=now]').count()).toBe(2);
  expect(await admin.locator('#tuner .bars__bar[data-kind=worse]').count()).toBe(1);
  expect(await admin.locator('#tuner .comparison .curve__line').count()).toBe(2);
  await admin.waitForFunction(
    () => document.querySelector<HTMLCanvasElement>('.film--pair')?.width === 16,
    null,
    WAIT,
  );
  await admin.screenshot({ path: join(SCREENSHOTS, 'tuner.png'), fullPage: true });
  await admin.selectOption('#tuner select', 'auto');
  await admin.click('#tuner button:has-text("Promote")');
  await admin.waitForFunction(
    () => document.querySelector('#species')?.textContent?.includes('pikachu v3'),
    null,
    WAIT,
  );
  await admin.waitForFunction(
    () => document.querySelector('#tuner .badge')?.textContent === 'in force',
    null,
    WAIT,
  );
  // Each figure of the world has its curve.
  expect(await admin.locator('#figures .spark__line').count()).toBe(7);
  expect(errors).toEqual([]);
});

test('the page can be used on a phone, and without a cookie it asks for the token', async () => {
  const page = await (await browser.newContext({ viewport: { width: 390, height: 800 } })).newPage();
  await page.goto(`${server.url}/admin`);
  await page.waitForSelector('#login:not([hidden])', WAIT);
  expect(await page.isVisible('#desk')).toBe(false);
  await admin.setViewportSize({ width: 390, height: 800 });
  expect(await admin.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await admin.screenshot({ path: join(SCREENSHOTS, 'admin-phone.png') });
});
