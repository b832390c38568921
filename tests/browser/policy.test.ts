/** The page and the admin's page in a fresh browser: the security policy refuses nothing that they need. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../serverProcess.ts';
import { launchBrowser } from './harness.ts';

const WAIT = { timeout: 30_000 };
type Watched = {
  readonly violations: string[];
  readonly regrow?: { readonly decoded: { readonly frames: number } };
};

let server: RunningServer;
let browser: Browser;
beforeAll(async () => {
  server = await startServer(['--size', '256', '--garden', '1']);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** A page that notes what its policy refuses, from its first script on. */
async function watchedPage(): Promise<{ page: Page; refused: () => Promise<string[]> }> {
  const page = await browser.newPage();
  const logged: string[] = [];
  page.on('console', (message) => {
    if (/polic(?:y|ies)|refused to/i.test(message.text())) logged.push(message.text());
  });
  page.on('pageerror', (error) => logged.push(String(error)));
  await page.addInitScript(() => {
    const violations: string[] = [];
    Object.assign(window, { violations });
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      violations.push(`${violatedDirective} ${blockedURI}`),
    );
  });
  const refused = async (): Promise<string[]> => [
    ...logged,
    ...(await page.evaluate(() => (window as unknown as Watched).violations)),
  ];
  return { page, refused };
}

test('the page draws frames that came through its socket, its worker and its WASM, and nothing is refused', async () => {
  const { page, refused } = await watchedPage();
  await page.goto(server.url);
  await page.waitForFunction(
    () => ((window as unknown as Watched).regrow?.decoded.frames ?? 0) > 3,
    null,
    WAIT,
  );
  expect(await refused()).toEqual([]);
  await page.close();
});

test('/admin becomes /admin/, whose requests are answered, and nothing is refused', async () => {
  const { page, refused } = await watchedPage();
  await page.goto(`${server.url}/admin`);
  expect(new URL(page.url()).pathname).toBe('/admin/');
  await page.fill('#token', 'not a token of this server');
  await page.click('#login button');
  await page.waitForFunction(() => document.querySelector('#login-error')?.textContent !== '', null, WAIT);
  expect(await refused()).toEqual([]);
  await page.close();
});

test('two tabs that are opened at once in a fresh browser are one guest', async () => {
  const context = await browser.newContext();
  const tabs = await Promise.all([context.newPage(), context.newPage(), context.newPage()]);
  await Promise.all(tabs.map((tab) => tab.goto(server.url)));
  const names = tabs.map(async (tab) => {
    await tab.waitForFunction(() => window.regrow?.hello != null, null, WAIT);
    // The given name follows from the guest's id.
    return tab.evaluate(() => window.regrow!.hello!.name);
  });
  expect(new Set(await Promise.all(names)).size).toBe(1);
  await context.close();
});

test('a connection to another site is refused', async () => {
  const { page, refused } = await watchedPage();
  await page.goto(server.url);
  const outcome = await page.evaluate(() =>
    fetch('http://127.0.0.1:9/').then(
      () => 'sent',
      () => 'refused',
    ),
  );
  expect(outcome).toBe('refused');
  expect(await refused()).toContain('connect-src http://127.0.0.1:9/');
  await page.close();
});
