/** `npm run dev`, as somebody who edits uses it: on a copy of the repository, with a real Chromium. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ScratchCopy, scratchCopy } from '../scratchCopy.ts';
import { until } from '../serverProcess.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';
import { organismsOf } from './regrowth.ts';

/** The part of `window.regrow` that is used (client/debug.ts), and a mark that a reload wipes off. */
type Regrow = {
  readonly regrow?: {
    readonly ready: boolean;
    readonly hello: { readonly you: string } | null;
    readonly decoded: { readonly frames: number };
    cellAt(x: number, y: number): readonly number[];
    setCamera(x: number, y: number, zoom: number): void;
    stroke(tool: string, radius: number, points: readonly number[]): boolean;
  };
  mark?: boolean;
};

const LIMIT_MS = 60_000;
const WAIT = { timeout: LIMIT_MS };

let copy: ScratchCopy;
let dev: ChildProcess;
let exited: Promise<number | null>;
let output = '';
/** Where Vite serves the page, and where the server listens. */
const urls = { page: '', server: '' };
let browser: Browser;
let page: Page;
const errors: string[] = [];

/** A port that is free. */
async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { readonly port: number };
  listener.close();
  await once(listener, 'close');
  return port;
}

const printed = (what: RegExp): Promise<RegExpExecArray> =>
  until(`${what} in what it prints`, async () => what.exec(output) ?? undefined, LIMIT_MS).catch((error) => {
    throw new Error(`${error.message}; it printed:\n${output}`);
  });

beforeAll(async () => {
  copy = scratchCopy();
  const port = await freePort();
  const world = ['--size', '256', '--garden', '1', '--engine', 'wasm', '--data-dir', join(copy.path, 'data')];
  const flags = ['--host', '127.0.0.1', '--port', String(port), ...world];
  dev = spawn(process.execPath, ['server/dev.ts', ...flags], {
    cwd: copy.path,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // As a terminal does, so that Ctrl-C can be sent to the group.
    detached: true,
  });
  exited = new Promise((resolve) => dev.once('exit', resolve));
  for (const stream of [dev.stdout, dev.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  urls.page = (await printed(/Local:\s+(http:\S+\d)\//))[1];
  urls.server = `http://127.0.0.1:${port}`;
  await printed(/Regrow is at/);
  browser = await launchBrowser();
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.on('pageerror', (error) => errors.push(error.message));
});

afterAll(async () => {
  await browser?.close();
  dev?.kill('SIGTERM');
  await exited;
  copy?.dispose();
});

const isReady = (): Promise<unknown> =>
  page.waitForFunction(() => (window as Regrow).regrow?.ready === true, null, WAIT);
const mark = (): Promise<unknown> =>
  page.evaluate(() => {
    (window as Regrow).mark = true;
  });
const isMarked = (): Promise<boolean> => page.evaluate(() => (window as Regrow).mark === true);

test('the unbundled page joins through Vite and draws a body', { timeout: 3 * LIMIT_MS }, async () => {
  await page.goto(urls.page);
  await isReady();
  const [body] = await organismsOf({ url: urls.page });
  await page.evaluate(({ x, y }) => (window as Regrow).regrow?.setCamera(x, y, 8), body);
  await page.waitForFunction(
    ({ x, y }) => ((window as Regrow).regrow?.cellAt(x, y)[3] ?? 0) > 200,
    body,
    WAIT,
  );
  await page.screenshot({ path: join(SCREENSHOTS, 'dev.png') });
  expect(errors).toEqual([]);
});

test('the admin’s page is served too', { timeout: 2 * LIMIT_MS }, async () => {
  const admin = await browser.newPage();
  await admin.goto(`${urls.page}/admin`);
  await admin.fill('#token', 'not the token at all');
  await admin.click('#login button');
  await admin.waitForFunction(
    () => document.querySelector('#login-error')?.textContent?.includes('not the token'),
    null,
    WAIT,
  );
  await admin.close();
});

test('an edit of a client file reloads the page, which joins again', { timeout: 3 * LIMIT_MS }, async () => {
  await mark();
  appendFileSync(join(copy.path, 'client/main.ts'), "\ndocument.title = 'edited';\n");
  await page.waitForFunction(() => document.title === 'edited', null, WAIT);
  expect(await isMarked()).toBe(false);
  await isReady();
  expect(errors).toEqual([]);
});

test('an edit of a file of the simulation thread restarts the server, and the page joins again without a reload', {
  timeout: 3 * LIMIT_MS,
}, async () => {
  await mark();
  const you = await page.evaluate(() => (window as Regrow).regrow?.hello?.you);
  appendFileSync(join(copy.path, 'server/world/world.ts'), "\nconsole.log('the edit runs');\n");
  await printed(/world saved[\s\S]*the edit runs[\s\S]*Regrow is at/);
  await page.waitForFunction(
    (before) => {
      const now = (window as Regrow).regrow?.hello?.you;
      return now !== undefined && now !== before;
    },
    you,
    WAIT,
  );
  await page.locator('#banner').waitFor({ state: 'hidden', ...WAIT });
  const framesBefore = await page.evaluate(() => (window as Regrow).regrow?.decoded.frames ?? 0);
  // Of a world that rests no frame is sent.
  const [{ x, y }] = await organismsOf({ url: urls.page });
  expect(
    await page.evaluate(([x, y]) => (window as Regrow).regrow?.stroke('ablate', 4, [x, y]), [x, y]),
  ).toBe(true);
  await page.waitForFunction(
    (before) => ((window as Regrow).regrow?.decoded.frames ?? 0) > before + 3,
    framesBefore,
    WAIT,
  );
  expect(await isMarked()).toBe(true);
  expect(errors).toEqual([]);
});

test('Ctrl-C ends Vite, the watcher and the server, which saves once', {
  timeout: 2 * LIMIT_MS,
}, async () => {
  const savesBefore = output.split('world saved').length;
  // The terminal sends it to the whole group.
  process.kill(-(dev.pid as number), 'SIGINT');
  expect(await exited).toBe(0);
  expect(output.split('world saved').length).toBe(savesBefore + 1);
  expect(output).not.toContain('ended at once');
  for (const url of [urls.page, urls.server]) await expect(fetch(url)).rejects.toThrow();
  expect(commandLines().filter((line) => line.includes(copy.path))).toEqual([]);
});

/** Command lines of all processes; none where the system has no /proc. */
function commandLines(): string[] {
  return globSync('/proc/[0-9]*/cmdline').flatMap((file) => {
    try {
      return [readFileSync(file, 'utf8').replaceAll('\0', ' ')];
    } catch (error) {
      // The process has ended meanwhile.
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw error;
    }
  });
}
