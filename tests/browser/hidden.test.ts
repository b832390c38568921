/** A tab that nobody looks at, and a world that the drawing board covers, in a real Chromium, longer than the server's patience with one that acknowledges nothing. */
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

interface State {
  readonly you: string;
  readonly frames: number;
  /** Of the cell. */
  readonly alpha: number;
}

const state = (page: Page, [x, y]: readonly [number, number]): Promise<State> =>
  page.evaluate(
    ([column, row]) => {
      const { hello, decoded, cellAt } = (window as unknown as Regrow).regrow;
      return { you: hello.you, frames: decoded.frames, alpha: cellAt(column, row)[3] };
    },
    [x, y] as const,
  );

const seesBody = (page: Page, at: readonly [number, number]): Promise<unknown> =>
  page.waitForFunction(([x, y]) => (window as unknown as Regrow).regrow.cellAt(x, y)[3] > 25, at, {
    timeout: LIMIT_MS,
  });

const board = (page: Page) => page.getByRole('dialog', { name: 'Drawing board' });

test.each([
  {
    name: 'a hidden page',
    at: [128, 128],
    leave: (page: Page) => hide(page, true),
    comeBack: (page: Page) => hide(page, false),
  },
  {
    name: 'a page whose world the drawing board covers',
    at: [60, 128],
    async leave(page: Page) {
      await page.getByRole('button', { name: 'Draw', exact: true }).click();
      await board(page).waitFor();
    },
    async comeBack(page: Page) {
      await page.keyboard.press('Escape');
      await board(page).waitFor({ state: 'hidden' });
    },
  },
] as const)(
  '$name gets no frame and keeps its place; when it is seen again it has the newest picture',
  {
    timeout: 180_000,
  },
  async ({ at, leave, comeBack }) => {
    const [x, y] = at;
    const a = await joinAt(browser, server, 'A', { x, y });
    const b = await joinAt(browser, server, 'B', { x, y });
    await leave(a);
    await a.waitForTimeout(500);
    const before = await state(a, at);
    expect(before.alpha).toBe(0);
    const planted = (points: readonly number[]): boolean =>
      (window as unknown as Regrow).regrow.stroke('plant', 1, points, 'sprout');
    expect(await b.evaluate(planted, at)).toBe(true);
    await seesBody(b, at);
    await b.waitForTimeout(HIDDEN_MS);
    expect(await state(a, at)).toEqual(before);

    await comeBack(a);
    await seesBody(a, at);
    // Within that time a few frames came, not the 260 that it has missed.
    const after = await state(a, at);
    expect(after.you).toBe(before.you);
    expect(after.frames - before.frames).toBeLessThan(130);
    await a.context().close();
    await b.context().close();
  },
);
