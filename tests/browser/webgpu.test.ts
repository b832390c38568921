/** The whole way, with the cells on a GPU: SwiftShader steps slowly, so the world is small and waits are long. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findSwiftShader } from '../../server/engines/webgpu/swiftshader.ts';
import { type RunningServer, startServer, until } from '../server-process.ts';
import { launchBrowser } from './harness.ts';

interface Organism {
  readonly x: number;
  readonly y: number;
  readonly health: number;
  readonly cells: number;
}

interface Handle {
  readonly ready: boolean;
  cellAt(x: number, y: number): readonly number[];
  cellToScreen(x: number, y: number): { x: number; y: number };
  setCamera(x: number, y: number, zoom: number): void;
}
type Regrow = { readonly regrow: Handle };

interface Watched {
  readonly now: number;
  readonly least: number;
}

describe.skipIf(findSwiftShader() === null)('a world on webgpu (Debian: apt-get install chromium)', () => {
  let server: RunningServer;
  let browser: Browser;

  beforeAll(async () => {
    const engine = ['--engine', 'webgpu', '--adapter', 'swiftshader'];
    server = await startServer([...engine, '--size', '128', '--garden', '1']);
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  const organism = async (): Promise<Organism | undefined> =>
    ((await (await fetch(`${server.url}/api/organisms`)).json()) as Organism[])[0];

  /** Opaque cells left of the seed, as the page holds them: now, and the fewest so far. */
  const opaque = (page: Page): Promise<Watched> =>
    page.evaluate(() => (window as unknown as { watched: Watched }).watched);

  /** The page itself looks, every 20 ms: on a busy machine a wound may heal between two questions of ours. */
  const watch = (page: Page, { x, y }: Organism): Promise<void> =>
    page.evaluate(
      ({ x, y }) => {
        const { regrow } = window as unknown as Regrow;
        const watched = { now: 0, least: 0 };
        const look = (): void => {
          watched.now = 0;
          for (let dy = -24; dy < 24; dy++)
            for (let dx = -24; dx < -4; dx++) if (regrow.cellAt(x + dx, y + dy)[3] >= 128) watched.now++;
          watched.least = Math.min(watched.least, watched.now);
        };
        look();
        Object.assign(window, { watched });
        setInterval(look, 20);
      },
      { x, y },
    );

  test('a player hurts a body, sees the wound, and sees it heal', {
    timeout: 300_000,
  }, async () => {
    expect(server.output()).toMatch(/engine: webgpu on .*\(software\), subgroups \(asked for\)/);
    const body = await until(
      'a grown body',
      async () => {
        const one = await organism();
        return one !== undefined && one.health > 0.9 ? one : undefined;
      },
      150_000,
    );
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(server.url);
    await page.waitForFunction(() => (window as unknown as Partial<Regrow>).regrow?.ready === true);
    await page.evaluate(({ x, y }) => (window as unknown as Regrow).regrow.setCamera(x, y, 8), body);
    await until(
      'the camera has come to rest',
      async () => {
        const look = ({ x, y }: Organism) => (window as unknown as Regrow).regrow.cellToScreen(x, y);
        const at = await page.evaluate(look, body);
        await new Promise((resolve) => setTimeout(resolve, 300));
        const later = await page.evaluate(look, body);
        return Math.hypot(at.x - later.x, at.y - later.y) < 1 ? true : undefined;
      },
      20_000,
    );
    await watch(page, body);
    await until(
      'the page holds the body',
      async () => ((await opaque(page)).now > 30 ? true : undefined),
      20_000,
    );
    const before = await page.evaluate(() => {
      const { watched } = window as unknown as { watched: { now: number; least: number } };
      watched.least = watched.now;
      return watched.now;
    });
    await page.keyboard.press('2');
    // One stroke, down the middle of the left half.
    const [from, to] = await page.evaluate(
      ({ x, y }) => {
        const { regrow } = window as unknown as Regrow;
        return [regrow.cellToScreen(x - 8, y - 20), regrow.cellToScreen(x - 8, y + 20)];
      },
      { x: body.x, y: body.y },
    );
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(to.x, to.y, { steps: 12 });
    await page.mouse.up();
    await until(
      'the page sees the wound',
      async () => ((await opaque(page)).least < before * 0.7 ? true : undefined),
      20_000,
    );
    await until(
      'the page sees it heal',
      async () => ((await opaque(page)).now > before * 0.9 ? true : undefined),
      90_000,
    );
    await page.close();
  });
});
