/** A real Chromium, for the browser tests and the benchmarks. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { findChromium } from '../chromium.ts';

/** Ignored by git. */
export const SCREENSHOTS = join(import.meta.dirname, 'screenshots');
mkdirSync(SCREENSHOTS, { recursive: true });

/** Ends the waits that name no time of their own. Playwright's 30 s are met where ten processes share a core. */
const WAIT_MS = 60_000;

/** Starts the Chromium of this machine (`tests/chromium.ts`). @throws Error when there is none */
export async function launchBrowser(...flags: readonly string[]): Promise<Browser> {
  const { executablePath, env } = await findChromium();
  const browser = await chromium.launch({
    executablePath,
    env: { ...process.env, ...env },
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...flags,
    ],
  });
  browser.on('context', (context) => context.setDefaultTimeout(WAIT_MS));
  return browser;
}
