/** The drawing board in a real Chromium: what is drawn, kept, shared, pasted, and how one gets in and out. */
import { join } from 'node:path';
import { encode } from 'fast-png';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KeptDrawing } from '../../client/draw/shelf.ts';
import type { Drawing } from '../../shared/drawing/drawing.ts';
import { unpackDrawing } from '../../shared/drawing/packed.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { launchBrowser, SCREENSHOTS } from './harness.ts';

const LIMIT_MS = 30_000;
/** Cells along a side of a new board. */
const SIDE = 32;

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

async function pageAt(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${server.url}/`);
  await page.waitForFunction(() => window.regrow?.ready === true);
  return page;
}

async function openBoard(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Draw', exact: true }).click();
  await page.getByRole('dialog', { name: 'Drawing board' }).waitFor({ timeout: LIMIT_MS });
}

/** The middle of a cell of a board of 32 that is seen whole; page pixels. */
async function cellOn(page: Page, x: number, y: number): Promise<{ x: number; y: number }> {
  const box = await page.locator('#paper').boundingBox();
  if (box === null) throw new Error('no paper');
  const cell = (Math.min(box.width, box.height) - 20) / SIDE;
  return {
    x: box.x + box.width / 2 + (x + 0.5 - SIDE / 2) * cell,
    y: box.y + box.height / 2 + (y + 0.5 - SIDE / 2) * cell,
  };
}

async function drag(page: Page, ...cells: (readonly [number, number])[]): Promise<void> {
  for (const [i, [x, y]] of cells.entries()) {
    const at = await cellOn(page, x, y);
    await page.mouse.move(at.x, at.y);
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

const keptOn = (page: Page): Promise<KeptDrawing[]> =>
  page.evaluate(() => JSON.parse(localStorage.getItem('regrow.drawings') ?? '[]') as KeptDrawing[]);

const paintedIn = ({ rgba }: Drawing): number => rgba.filter((value, i) => i % 4 === 3 && value > 0).length;

/** Waits until the newest kept drawing has this many painted cells. */
const keeps = (page: Page, cells: number): Promise<Drawing> =>
  until(
    `a kept drawing of ${cells} cells`,
    async () => {
      const [newest] = await keptOn(page);
      const drawing = newest === undefined ? null : unpackDrawing(newest.packed);
      return drawing !== null && paintedIn(drawing) === cells ? drawing : undefined;
    },
    LIMIT_MS,
  );

test('a box that is drawn, undone, drawn and filled is checked, kept over a reload, and opened by its link', async () => {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await pageAt(context);
  await openBoard(page);
  await page.getByRole('textbox', { name: 'Name of the creature' }).fill('Brick');
  await drag(page, [2, 2], [2, 8]);
  await page.keyboard.press('Control+z');
  await drag(page, [10, 10], [21, 10], [21, 19], [10, 19], [10, 10]);
  await keeps(page, 2 * 12 + 2 * 8);
  await page.locator('[data-fault=thin]').waitFor();
  await page.keyboard.press('f');
  await drag(page, [15, 15]);
  const drawing = await keeps(page, 120);
  await page.getByText('It can grow: 120 cells.').waitFor();
  await page.screenshot({ path: join(SCREENSHOTS, 'draw-desktop.png') });

  await page.reload();
  await page.waitForFunction(() => window.regrow?.ready === true);
  await openBoard(page);
  await page.getByText('It can grow: 120 cells.').waitFor();
  expect(await page.getByRole('textbox', { name: 'Name of the creature' }).inputValue()).toBe('Brick');
  await page.getByRole('button', { name: 'Link' }).click();
  await page.getByText(/The link is copied/).waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link.length).toBeLessThan(200);

  const other = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const reader = await other.newPage();
  await reader.goto(link);
  await reader.getByText('A drawing from a link.').waitFor();
  await reader.getByText('It can grow: 120 cells.').waitFor();
  expect(await reader.getByRole('textbox', { name: 'Name of the creature' }).inputValue()).toBe('Brick');
  expect(reader.url()).not.toContain('draw=');
  // One cell more, and it is kept here as well.
  await drag(reader, [30, 30]);
  const linked = await until(
    'the linked drawing is kept',
    async () => (await keptOn(reader)).map(({ packed }) => unpackDrawing(packed))[0],
    LIMIT_MS,
  );
  expect(paintedIn(linked)).toBe(paintedIn(drawing) + 1);
  await reader.locator('[data-fault=specks]').getByRole('button', { name: 'Remove' }).click();
  await reader.getByText('It can grow: 120 cells.').waitFor();
  await other.close();
  await context.close();
});

test('a picture that is pasted or dropped loses its background and becomes a drawing', async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await pageAt(context);
  await openBoard(page);
  const rgb = new Uint8Array(60 * 60 * 3).fill(250);
  for (let y = 10; y < 50; y++) for (let x = 20; x < 40; x++) rgb.set([30, 120, 200], (y * 60 + x) * 3);
  const png = [...encode({ width: 60, height: 60, channels: 3, depth: 8, data: rgb })];
  await page.evaluate((png) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(png)], 'box.png', { type: 'image/png' }));
    const paste = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
    document.activeElement?.dispatchEvent(paste);
  }, png);
  const dialog = page.getByRole('dialog', { name: 'From a picture' });
  await dialog.getByText('16 × 32 cells').waitFor({ timeout: LIMIT_MS });
  // Its upper half, by a drag over it; a press takes the whole picture again.
  const shown = dialog.locator('.picture__source');
  // Waits until it stands still, too.
  await shown.hover();
  const source = (await shown.boundingBox())!;
  await page.mouse.move(source.x + 2, source.y + 2);
  await page.mouse.down();
  await page.mouse.move(source.x + source.width - 1, source.y + source.height / 2, { steps: 3 });
  await page.mouse.up();
  await dialog.getByText('32 × 32 cells').waitFor();
  await page.mouse.click(source.x + source.width / 2, source.y + source.height / 2);
  await dialog.getByText('16 × 32 cells').waitFor();
  await dialog.getByRole('button', { name: 'Use it' }).click();
  const drawing = await keeps(page, 16 * 32);
  expect([...new Set(drawing.rgba)].sort((a, b) => a - b)).toEqual([0, 30, 120, 200, 255]);

  // Dropped on the world, it opens the board.
  await page.keyboard.press('Escape');
  await page.getByRole('dialog', { name: 'Drawing board' }).waitFor({ state: 'hidden' });
  await page.evaluate((png) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([Uint8Array.from(png)], 'box.png', { type: 'image/png' }));
    const drop = new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true });
    document.querySelector('#surface')?.dispatchEvent(drop);
  }, png);
  await dialog.getByText('16 × 32 cells').waitFor({ timeout: LIMIT_MS });
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await page.getByText('It can grow: 512 cells.').waitFor();
  await context.close();
});

test('a file that is no picture, or one too large to decode, is told of, and so is a damaged link', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${server.url}/#draw=AQIDBA`);
  await page.getByText('The link holds no drawing.').waitFor({ timeout: LIMIT_MS });
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles({
      name: 'x.png',
      mimeType: 'image/png',
      buffer: Buffer.from('not a picture'),
    });
  await page.getByText('This is not a picture that this browser can read.').waitFor({ timeout: LIMIT_MS });
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles({
      name: 'x.svg',
      mimeType: 'image/svg+xml',
      buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="90000" height="90000"></svg>'),
    });
  await page.getByText('This picture has more than 64 megapixels.').waitFor({ timeout: LIMIT_MS });
  await context.close();
});

test('Escape and the browser’s back button lead to the world, whose keys do nothing meanwhile', async () => {
  const context = await browser.newContext({ viewport: { width: 900, height: 700 } });
  const page = await pageAt(context);
  const board = page.getByRole('dialog', { name: 'Drawing board' });
  await openBoard(page);
  const before = await page.evaluate(() => window.regrow?.screenToCell(0, 0));
  await page.keyboard.press('d');
  await page.keyboard.press('3');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Escape');
  await board.waitFor({ state: 'hidden' });
  expect(await page.evaluate(() => window.regrow?.screenToCell(0, 0))).toEqual(before);
  expect(await page.locator('[data-tool=noise]').getAttribute('aria-pressed')).toBe('false');
  await openBoard(page);
  await page.goBack();
  await board.waitFor({ state: 'hidden' });
  expect(await page.evaluate(() => window.regrow?.ready)).toBe(true);
  await context.close();
});

test('with the keyboard alone a line is drawn, and the cell is told', async () => {
  const context = await browser.newContext({ viewport: { width: 900, height: 700 } });
  const page = await pageAt(context);
  await openBoard(page);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.down(' ');
  for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowDown');
  await page.keyboard.up(' ');
  await keeps(page, 5);
  expect(await page.locator('.draw-paper .sr-only').textContent()).toBe(
    'Column 16, row 21: red 43, green 138, blue 62',
  );
  await context.close();
});

test('on a phone a finger draws, two fingers zoom and draw nothing, and the page does not scroll sideways', async () => {
  const context = await browser.newContext({
    viewport: { width: 360, height: 740 },
    hasTouch: true,
    isMobile: true,
  });
  const page = await pageAt(context);
  await page.tap('#draw-open');
  await page.getByRole('dialog', { name: 'Drawing board' }).waitFor({ timeout: LIMIT_MS });
  const touch = await context.newCDPSession(page);
  const fingers = (
    type: 'touchStart' | 'touchMove' | 'touchEnd',
    ...touchPoints: { x: number; y: number }[]
  ) => touch.send('Input.dispatchTouchEvent', { type, touchPoints });
  const [a, b] = [await cellOn(page, 10, 16), await cellOn(page, 20, 16)];
  await fingers('touchStart', a);
  await fingers('touchMove', b);
  await fingers('touchEnd');
  await keeps(page, 11);
  await fingers('touchStart', a);
  await fingers('touchStart', a, b);
  await fingers('touchMove', { x: a.x - 50, y: a.y }, { x: b.x + 50, y: b.y });
  await fingers('touchEnd');
  // Zoomed about the middle, the same finger now reaches fewer cells.
  await fingers('touchStart', await cellOn(page, 10, 20));
  await fingers('touchMove', await cellOn(page, 20, 20));
  await fingers('touchEnd');
  const [newest] = await until(
    'a second line',
    async () => {
      const kept = await keptOn(page);
      return paintedIn(unpackDrawing(kept[0].packed)) > 11 ? kept : undefined;
    },
    LIMIT_MS,
  );
  expect(paintedIn(unpackDrawing(newest.packed))).toBeLessThan(22);
  expect(await page.evaluate(() => visualViewport?.scale)).toBe(1);
  const sizes = await page.evaluate(() => {
    const board = document.querySelector('.draw')!;
    return { scroll: board.scrollWidth, client: board.clientWidth };
  });
  expect(sizes.scroll).toBe(sizes.client);
  await page.screenshot({ path: join(SCREENSHOTS, 'draw-phone.png') });
  await context.close();
});
