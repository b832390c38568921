/** The whole way, with the cells on a GPU. SwiftShader steps slowly: one body, one player, and longer waits. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findSwiftShader } from '../../server/engines/webgpu/swiftshader.ts';
import { type RunningServer, startServer } from '../server-process.ts';
import { launchBrowser } from './harness.ts';
import { expectRegrowth, grownBody, joinAt } from './regrowth.ts';

describe.skipIf(findSwiftShader() === null)('a world on webgpu (Debian: apt-get install chromium)', () => {
  let server: RunningServer;
  let browser: Browser;

  beforeAll(async () => {
    const engine = ['--engine', 'webgpu', '--adapter', 'swiftshader'];
    // Its kernels take seconds of the processor to compile.
    server = await startServer([...engine, '--size', '128', '--garden', '1'], undefined, 90_000);
    browser = await launchBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test('a player cuts a body in half, sees it go, and sees it regrow', { timeout: 480_000 }, async () => {
    expect(server.output()).toMatch(/engine: webgpu on .*\(software\), subgroups \(asked for\)/);
    const body = await grownBody(server, () => true, 150_000);
    // The page is drawn by the same cores that step the world: a small one.
    const page = await joinAt(browser, server, 'A', body, { width: 800, height: 600 });
    // Seconds where the cores are free, minutes where ten others want them.
    const waits = { seenMs: 10_000, healedMs: 240_000 };
    await expectRegrowth({ server, a: page, b: page, body, ...waits, prefix: 'webgpu-' });
    await page.close();
  });
});
