/** A tab that nobody looks at, in a real Chromium, longer than the server's patience with one that acknowledges nothing. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../serverProcess.ts';
import { SPROUT } from '../tuner/sprout.ts';
import { launchBrowser } from './harness.ts';
import { joinAt } from './regrowth.ts';

/** The part of `window.regrow` that is used (client/debug.ts). */
type Regrow = {
  readonly regrow: {
    readonly hello: { readonly you: string };
    readonly decoded: { readonly frames: number };
    cellAt(x: number, y: number): readonly number[];
    stroke(tool: string, radius: number, points: readonly number[], species: string): boolean;
  };
};

/** The server closes a client that is owed pages and acknowledges nothing for 10 s. */
const HIDDEN_MS = 13_000;
const LIMIT_MS = 60_000;
const [X, Y] = [128, 128];

let weights: string;
let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  weights = mkdtempSync(join(tmpdir(), 'regrow-hidden-'));
  copyFileSync(SPROUT, join(weights, 'sprout.safetensors'));
  const world = ['--size', '256', '--garden', '0', '--steps-per-second', '60', '--tuner', 'off'];
  server = await startServer([...world, '--weights-dir', weights]);
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(weights, { recursive: true, force: true });
});

/** A headless page is always seen: what a browser says of a tab in the background is put in its place. */
const hide = (page: Page, isHidden: boolean): Promise<void> =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isHidden);

const state = (page: Page): Promise<{ you: string; frames: number; alpha: number }> =>
  page.evaluate(
    ([x, y]) => {
      const { hello, decoded, cellAt } = (window as unknown as Regrow).regrow;
      return { you: hello.you, frames: decoded.frames, alpha: cellAt(x, y)[3] };
    },
    [X, Y] as const,
  );

test('a hidden page gets no frame and keeps its place; when it is seen again it has the newest picture', {
  timeout: 180_000,
}, async () => {
  const a = await joinAt(browser, server, 'A', { x: X, y: Y });
  const b = await joinAt(browser, server, 'B', { x: X, y: Y });
  await hide(a, true);
  await a.waitForTimeout(500);
  const before = await state(a);
  expect(before.alpha).toBe(0);
  const planted = ([x, y]: readonly [number, number]): boolean =>
    (window as unknown as Regrow).regrow.stroke('plant', 1, [x, y], 'sprout');
  expect(await b.evaluate(planted, [X, Y] as const)).toBe(true);
  await b.waitForFunction(
    ([x, y]) => (window as unknown as Regrow).regrow.cellAt(x, y)[3] > 25,
    [X, Y] as const,
    { timeout: LIMIT_MS },
  );
  await b.waitForTimeout(HIDDEN_MS);
  expect(await state(a)).toEqual(before);

  await hide(a, false);
  await a.waitForFunction(
    ([x, y]) => (window as unknown as Regrow).regrow.cellAt(x, y)[3] > 25,
    [X, Y] as const,
    { timeout: LIMIT_MS },
  );
  // Within that time a few frames came, not the 260 that it has missed.
  const after = await state(a);
  expect(after.you).toBe(before.you);
  expect(after.frames - before.frames).toBeLessThan(130);
});
