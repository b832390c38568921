/** A player hurts a body and others watch it heal: the steps that the end-to-end tests share. */
import { join } from 'node:path';
import { decode } from 'fast-png';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { type RunningServer, until } from '../serverProcess.ts';
import { SCREENSHOTS } from './harness.ts';

export interface Organism {
  readonly id: number;
  readonly species: string;
  readonly x: number;
  readonly y: number;
  readonly health: number;
  readonly ageSteps: number;
}

/** The part of `window.regrow` that is used (client/debug.ts). */
interface Handle {
  readonly ready: boolean;
  readonly hello: { readonly species: readonly { name: string; width: number; height: number }[] };
  cellAt(x: number, y: number): readonly number[];
  cellToScreen(x: number, y: number): { x: number; y: number };
  setCamera(x: number, y: number, zoom: number): void;
}
type Regrow = { readonly regrow: Handle };

export interface Regrowth {
  readonly server: RunningServer;
  /** The page of the player who cuts. */
  readonly a: Page;
  /** The page of the player who watches; may be the same. */
  readonly b: Page;
  readonly body: Organism;
  /** B must see the cut within this time. */
  readonly seenMs: number;
  /** B must see the body healed within this many steps, which depends on the rule … */
  readonly healedSteps: number;
  /** … and within this time, which depends on the machine. */
  readonly healedMs: number;
  /** How the screenshots' names begin. */
  readonly prefix: string;
}

/** Cells around the seed that hold the whole body. */
const SIDE = 44;
/** The share of the squared error made by the cut that must heal. */
const EFFICIENCY = 0.9;
/** Until a page shows what the server has. */
const TRUE_MS = 30_000;
/** A planting that has had no effect for this long was refused. */
const ANSWER_MS = 10_000;

export async function organismsOf({ url }: Pick<RunningServer, 'url'>): Promise<Organism[]> {
  return (await fetch(`${url}/api/organisms`)).json() as Promise<Organism[]>;
}

async function organismOf(server: RunningServer, id: number): Promise<Organism> {
  const found = (await organismsOf(server)).find((one) => one.id === id);
  if (found === undefined) throw new Error(`organism ${id} is dead`);
  return found;
}

/** Waits for a body to grow up. */
export const grownBody = (
  server: RunningServer,
  isWanted: (organism: Organism) => boolean,
  limitMs: number,
): Promise<Organism> =>
  until(
    'a grown body',
    async () => (await organismsOf(server)).find((one) => isWanted(one) && one.health > 0.9),
    limitMs,
  );

/** Opens a player's page, waits until it is ready, and looks at a cell. */
export async function joinAt(
  browser: Browser,
  { url }: RunningServer,
  name: string,
  { x, y }: { readonly x: number; readonly y: number },
  viewport = { width: 1280, height: 800 },
): Promise<Page> {
  const page = await browser.newPage({ viewport });
  page.on('pageerror', (error) => console.error(`${name}: ${error.message}`));
  await page.goto(url);
  await page.waitForFunction(() => (window as unknown as Partial<Regrow>).regrow?.ready === true);
  await page.evaluate(({ x, y }) => (window as unknown as Regrow).regrow.setCamera(x, y, 8), { x, y });
  return page;
}

/**
 * Plants until the server has the body: a world that lags refuses plantings for a while.
 *
 * @param plant - changes nothing where the body is there already
 */
export const plantUntil = <T>(
  plant: () => Promise<unknown>,
  find: () => Promise<T | undefined>,
  limitMs: number,
): Promise<T> =>
  until(
    'a planted body',
    async () => {
      await plant();
      return until('its answer', find, ANSWER_MS).catch(() => undefined);
    },
    limitMs,
  );

/** Waits until the page shows a body at a cell: what the server knows of it may be on its way to the page for long. */
export const seesBody = (
  page: Page,
  { x, y }: { readonly x: number; readonly y: number },
  limitMs: number,
): Promise<unknown> =>
  page.waitForFunction(
    ([x, y]) => (window as unknown as Regrow).regrow.cellAt(x, y)[3] > 25,
    [x, y] as const,
    { timeout: limitMs },
  );

/** A cuts the body's left half off; its health falls; B sees it vanish and regrow. */
export async function expectRegrowth(regrowth: Regrowth): Promise<void> {
  const { server, a, b, body, seenMs, healedSteps, healedMs } = regrowth;
  const shoot = (page: Page, moment: string): Promise<Buffer> =>
    page.screenshot({ path: join(SCREENSHOTS, `${regrowth.prefix}${moment}.png`) });
  const isTrue = async (): Promise<true | undefined> =>
    mse(await pagePixels(b, body), await truePixels(server, body)) < 1e-3 ? true : undefined;

  await until('B holds the grown body', isTrue, TRUE_MS);
  const before = await pagePixels(b, body);
  await shoot(a, '1-a-before');
  await shoot(b, '1-b-before');

  const isGone = async (): Promise<Float64Array | undefined> => {
    const pixels = await pagePixels(b, body);
    return leftAlpha(pixels) < 0.5 * leftAlpha(before) ? pixels : undefined;
  };
  // On a busy machine a stroke can be so slow that its beginning heals before its end: then it is drawn again.
  let wound: Float64Array | undefined;
  for (let stroke = 0; stroke < 6 && wound === undefined; stroke++) {
    await cutLeftHalf(a, body);
    wound = await until('B sees the left half gone', isGone, seenMs).catch(() => undefined);
  }
  if (wound === undefined) throw new Error(`B did not see the left half gone within ${seenMs} ms of any cut`);
  const cutAt = Date.now();
  // The server measures bodies in turn, so what it knows of this one may be of before the cut.
  const hurt = await until(
    'its health to fall',
    async () => {
      const now = await organismOf(server, body.id);
      return now.health < body.health - 0.05 ? now : undefined;
    },
    healedMs,
  );
  await shoot(b, '2-b-cut');
  await shoot(a, '2-a-cut');

  const post = mse(wound, before);
  expect(post).toBeGreaterThan(1e-2);
  await until(
    `recovery efficiency of ${EFFICIENCY} on B`,
    async () => {
      // The body may have healed a cell or two beside its old place.
      const now = await organismOf(server, body.id);
      if ((post - mse(await pagePixels(b, now), before)) / post >= EFFICIENCY) return true;
      if (now.ageSteps - hurt.ageSteps > healedSteps)
        throw new Error(`not healed after ${healedSteps} steps`);
      return undefined;
    },
    healedMs - (Date.now() - cutAt),
  );
  await shoot(a, '3-a-regrown');
  await shoot(b, '3-b-regrown');
  // B's pixels and the server's are asked for some steps apart, while the last of the wound still heals; so this is tried
  // until they agree within ε.
  await until('B holds the healed body', isTrue, TRUE_MS);
}

/** Erases the left half with the mouse: strokes of the first brush from top to bottom, 8 cells apart. */
async function cutLeftHalf(page: Page, body: Organism): Promise<void> {
  await page.keyboard.press('2');
  const { width, height } = await page.evaluate(
    (species) => (window as unknown as Regrow).regrow.hello.species.find(({ name }) => name === species)!,
    body.species,
  );
  const at = (dx: number, dy: number): Promise<{ x: number; y: number }> =>
    page.evaluate(({ x, y }) => (window as unknown as Regrow).regrow.cellToScreen(x, y), {
      x: body.x + dx,
      y: body.y + dy,
    });
  for (let column = -6; column > -width / 2; column -= 8) {
    const [from, to] = [await at(column, -height / 2), await at(column, height / 2)];
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(to.x, to.y, { steps: 6 });
    await page.mouse.up();
  }
}

/** @returns the server's true pixels of the square around an organism's seed: premultiplied RGBA, 0..1 */
async function truePixels({ url }: RunningServer, { x, y }: Organism): Promise<Float64Array> {
  const query = `x=${x - SIDE / 2}&y=${y - SIDE / 2}&w=${SIDE}&h=${SIDE}`;
  const image = decode(await (await fetch(`${url}/api/world.png?${query}`)).arrayBuffer());
  return Float64Array.from(image.data, (value, i) => {
    const alpha = image.data[i | 3] / 255;
    return (i & 3) === 3 ? alpha : (value / 255) * alpha;
  });
}

/** @returns the same square as the page shows it */
async function pagePixels(page: Page, organism: Organism): Promise<Float64Array> {
  const bytes = await page.evaluate(
    ({ x, y, side }) => {
      const { regrow } = window as unknown as Regrow;
      const out: number[] = [];
      for (let v = 0; v < side; v++) for (let u = 0; u < side; u++) out.push(...regrow.cellAt(x + u, y + v));
      return out;
    },
    { x: organism.x - SIDE / 2, y: organism.y - SIDE / 2, side: SIDE },
  );
  return Float64Array.from(bytes, (value) => value / 255);
}

const mse = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length;

/** @returns the sum of alpha left of the seed */
function leftAlpha(pixels: Float64Array): number {
  let sum = 0;
  for (let v = 0; v < SIDE; v++) {
    for (let u = 0; u < SIDE / 2 - 4; u++) sum += pixels[(v * SIDE + u) * 4 + 3];
  }
  return sum;
}
