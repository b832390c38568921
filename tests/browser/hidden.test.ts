/** A tab that nobody looks at, and a world that the drawing board covers, in a real Chromium, longer than the server's patience with one that acknowledges nothing. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../serverProcess.ts';
import { SPROUT } from '../tuner/sprout.ts';
import { launchBrowser } from './harness.ts';
import { joinAt, organismsOf, plantUntil, seesBody } from './regrowth.ts';

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
/** Longer than a frame is on its way. */
const STILL_MS = 500;
/** Where the body is planted. */
const AT = { x: 128, y: 128 };
/** Three pages are drawn at a time. */
const VIEWPORT = { width: 900, height: 700 };

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
  /** Alpha of the cell where the body is planted. */
  readonly alpha: number;
}

const state = (page: Page): Promise<State> =>
  page.evaluate(({ x, y }) => {
    const { hello, decoded, cellAt } = (window as unknown as Regrow).regrow;
    return { you: hello.you, frames: decoded.frames, alpha: cellAt(x, y)[3] };
  }, AT);

const board = (page: Page) => page.getByRole('dialog', { name: 'Drawing board' });

const LEAVINGS = [
  {
    name: 'hidden',
    leave: (page: Page) => hide(page, true),
    comeBack: (page: Page) => hide(page, false),
  },
  {
    name: 'covered by the drawing board',
    async leave(page: Page) {
      await page.getByRole('button', { name: 'Draw', exact: true }).click();
      await board(page).waitFor();
    },
    async comeBack(page: Page) {
      await page.keyboard.press('Escape');
      await board(page).waitFor({ state: 'hidden' });
    },
  },
] as const;

/** Waits until no frame is on its way any more. */
async function standsStill(page: Page): Promise<State> {
  for (let seen = await state(page); ; ) {
    await page.waitForTimeout(STILL_MS);
    const now = await state(page);
    if (now.frames === seen.frames) return now;
    seen = now;
  }
}

test('a page that is hidden, or whose world the drawing board covers, gets no frame and keeps its place; when it is seen again it has the newest picture', {
  timeout: 180_000,
}, async () => {
  const watcher = await joinAt(browser, server, 'B', AT, VIEWPORT);
  const leavers = await Promise.all(
    LEAVINGS.map(async (leaving) => {
      const page = await joinAt(browser, server, leaving.name, AT, VIEWPORT);
      await leaving.leave(page);
      const before = await standsStill(page);
      expect(before.alpha).toBe(0);
      return { ...leaving, page, before };
    }),
  );
  const { frames: framesBefore } = await state(watcher);
  const plant = (): Promise<boolean> =>
    watcher.evaluate(
      ({ x, y }) => (window as unknown as Regrow).regrow.stroke('plant', 1, [x, y], 'sprout'),
      AT,
    );
  await plantUntil(
    async () => expect(await plant()).toBe(true),
    async () => (await organismsOf(server))[0],
    LIMIT_MS,
  );
  await seesBody(watcher, AT, LIMIT_MS);
  await watcher.waitForTimeout(HIDDEN_MS);
  for (const { name, page, before } of leavers) expect([name, await state(page)]).toEqual([name, before]);

  for (const { name, page, before, comeBack } of leavers) {
    const { frames: framesThen } = await state(watcher);
    await comeBack(page);
    await seesBody(page, AT, LIMIT_MS);
    const after = await state(page);
    expect([name, after.you]).toEqual([name, before.you]);
    // About as many as the watcher got meanwhile, and not those that were missed.
    const meanwhile = (await state(watcher)).frames - framesThen;
    const missed = framesThen - framesBefore;
    expect(after.frames - before.frames, name).toBeLessThan(2 * meanwhile + missed / 2);
  }
});
