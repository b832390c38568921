/** A full disk, as players and an admin see it: a banner that says why strokes are refused, until there is room. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeAdmin } from '../makeAdmin.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { mountTmpfs, type Tmpfs, whereTmpfsMounts } from '../storage/tmpfs.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';

const WAIT = { timeout: 30_000 };
const REASON = 'no space left on device (ENOSPC)';

let disk: Tmpfs;
let token: string;
let server: RunningServer;
let browser: Browser;
beforeEach(async () => {
  if (!whereTmpfsMounts) return;
  disk = mountTmpfs('size=32m');
  token = makeAdmin(disk.path, 'Ann');
  const world = ['--size', '256', '--garden', '4', '--engine', 'wasm', '--save-seconds', '2'];
  server = await startServer([...world, '--tuner', 'off'], disk.path);
  browser = await launchBrowser();
});
afterEach(async () => {
  await browser?.close();
  await server?.kill();
  disk?.[Symbol.dispose]();
});

async function open(path: string, width = 1_280, height = 800): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width, height } })).newPage();
  await page.goto(`${server.url}${path}`);
  return page;
}

test.skipIf(!whereTmpfsMounts)(
  'while the disk is full, every page has a banner with the reason; then it goes',
  { timeout: 180_000 },
  async () => {
    const early = await open('/');
    await early.waitForFunction(
      () => (window as unknown as { regrow: { ready: boolean } }).regrow.ready,
      null,
      WAIT,
    );
    const admin = await open('/admin');
    await admin.fill('#token', token);
    await admin.click('#login button');
    await admin.waitForSelector('#desk:not([hidden])', WAIT);
    for (const page of [early, admin]) expect(await page.isVisible('#trouble')).toBe(false);

    await until(
      'disk trouble',
      async () => {
        disk.fill();
        const { ok } = (await (await fetch(`${server.url}/healthz`)).json()) as { ok: boolean };
        return !ok || undefined;
      },
      WAIT.timeout,
    );
    const late = await open('/', 390, 844);
    for (const page of [early, late, admin]) {
      await page.locator('#trouble', { hasText: REASON }).waitFor(WAIT);
      expect(await page.textContent('#trouble')).toMatch(/^The world cannot be saved.*strokes are refused/i);
    }
    await late.waitForFunction(
      () => (window as unknown as { regrow: { ready: boolean } }).regrow.ready,
      null,
      WAIT,
    );
    await early.screenshot({ path: join(SCREENSHOTS, 'disk-trouble.png') });
    await late.screenshot({ path: join(SCREENSHOTS, 'disk-trouble-phone.png') });
    await admin.screenshot({ path: join(SCREENSHOTS, 'disk-trouble-admin.png') });

    disk.free();
    for (const page of [early, late, admin])
      await page.locator('#trouble').waitFor({ state: 'hidden', ...WAIT });
  },
);
