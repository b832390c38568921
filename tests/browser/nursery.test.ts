/**
 * From a drawing to a living body, in a real Chromium: drawn, sent, approved, learned before everybody's eyes, planted.
 * The exam is easy (`tests/nursery/quickLearning.ts`); all else is as in a real world.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Admin } from '../../server/admin/admin.ts';
import { forkJob } from '../../server/background/lowProcess.ts';
import { type Config, readConfig } from '../../server/config.ts';
import { startWorld } from '../../server/links/threadLink.ts';
import { type Nursery, startNursery } from '../../server/nursery/desk/nursery.ts';
import type { Server } from '../../server/serve/server.ts';
import { serveWorld } from '../../server/serve/serveWorld.ts';
import { makeProber } from '../../server/swaps/prober.ts';
import type { WorldLink } from '../../server/world/messages.ts';
import { formatDrawLink } from '../../shared/drawing/link.ts';
import { STARTERS } from '../../shared/starters/starters.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';
import { plantUntil } from './regrowth.ts';

const TOKEN = 'a token for this test only';
const LIMIT_MS = 60_000;
const PROCESS = join(import.meta.dirname, '../nursery/quickLearning.ts');

let folder: string;
let config: Config;
let world: WorldLink;
let admin: Admin;
let nursery: Nursery;
let server: Server;
let browser: Browser;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-nursery-page-'));
  config = {
    ...readConfig(['--size', '256', '--garden', '1', '--port', '0', '--admin-token', TOKEN], {}),
    host: '127.0.0.1',
    dataDir: folder,
  };
  world = await startWorld(config);
  admin = new Admin(world, config, makeProber(config));
  nursery = startNursery(config, admin, world, () => {}, {
    // Like the server's, but not at the lowest priority: beside a page that draws it would hardly run.
    spawn: (job) => forkJob(PROCESS, job),
    job: { maxIterations: 40 },
  });
  admin.nursery = nursery;
  nursery.begin();
  server = await serveWorld(world, config, { admin, nursery });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await nursery?.stop();
  await world?.stop();
  await server?.close();
  rmSync(folder, { recursive: true });
});

async function openPage(path = ''): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(server.url + path);
  return page;
}

test('a drawing is sent, approved, learned while one watches, and planted', {
  timeout: 4 * LIMIT_MS,
}, async () => {
  // The link that a board makes of a drawing.
  const { drawing } = STARTERS.find(({ name }) => name === 'Cactus')!;
  const page = await openPage(formatDrawLink(drawing, 'Sprout'));
  await page.getByLabel('It is my own').check({ timeout: LIMIT_MS });
  await page.getByRole('button', { name: 'Let it grow' }).click();
  await page.getByText('A moderator looks at it first').waitFor({ timeout: LIMIT_MS });
  // The button that was pressed has kept the keyboard's place.
  await page.keyboard.press('Escape');
  await page.locator('dialog.draw').waitFor({ state: 'hidden', timeout: LIMIT_MS });
  // Behind the board, nothing of the world was sent.
  await page.waitForFunction(() => window.regrow?.ready === true);

  const desk = await openPage('admin/#nursery');
  await desk.getByLabel('Token').fill(TOKEN);
  await desk.getByRole('button', { name: 'Log in' }).click();
  await desk.getByRole('link', { name: /Nursery/ }).click();
  await desk.getByRole('button', { name: 'Approve' }).waitFor({ timeout: LIMIT_MS });
  await desk.screenshot({ path: join(SCREENSHOTS, 'nursery-admin.png') });
  // What a moderator types stays while the list changes.
  const why = desk.getByLabel('Why Sprout is refused');
  await why.fill('It is');
  const other = STARTERS.find(({ name }) => name === 'Bee')!;
  await page.evaluate(
    (link) => {
      location.hash = link;
    },
    formatDrawLink(other.drawing, 'Second'),
  );
  await page.getByLabel('It is my own').check({ timeout: LIMIT_MS });
  await page.getByRole('button', { name: 'Let it grow' }).click();
  await desk.getByLabel('Why Second is refused').waitFor({ timeout: LIMIT_MS });
  await desk.keyboard.type(' fine');
  expect(await why.inputValue()).toBe('It is fine');
  await page.keyboard.press('Escape');
  await page.locator('dialog.draw').waitFor({ state: 'hidden', timeout: LIMIT_MS });

  await page.locator('#nursery-open').click();
  await page.getByText('Nothing is being learned').waitFor({ timeout: LIMIT_MS });
  await desk.locator('[data-drawing="1"]').getByRole('button', { name: 'Approve' }).click();

  // A quick machine is done before the page has shown the lesson.
  const passes = page.getByText(/Sprout passes!/);
  await page.locator('.lesson').or(passes).first().waitFor({ timeout: LIMIT_MS });
  await page.screenshot({ path: join(SCREENSHOTS, 'nursery.png') });

  await passes.waitFor({ timeout: LIMIT_MS });
  await page.screenshot({ path: join(SCREENSHOTS, 'nursery-passed.png') });
  await page.getByRole('button', { name: 'Plant Sprout' }).click();
  expect(world.ready.species.map(({ name }) => name)).toContain('sprout');
  await page
    .locator('.species__item[data-name="sprout"][aria-checked="true"]')
    .waitFor({ timeout: LIMIT_MS });
  await page.screenshot({ path: join(SCREENSHOTS, 'nursery-plant.png') });
  await plantUntil(
    () => page.mouse.click(900, 250),
    async () => (await world.ask({ kind: 'organisms' })).find(({ species }) => species === 'sprout'),
    LIMIT_MS,
  );
});
