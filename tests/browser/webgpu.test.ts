/**
 * The same as `regrow.test.ts`, with the cells on a GPU. SwiftShader does 14 steps per second on two free cores and fewer
 * than one on busy ones. So there is one species, one body and a small view; healing may take longer in seconds, but not
 * in steps.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../serverProcess.ts';
import { describeOnSwiftShader } from '../swiftshader.ts';
import { launchBrowser } from './harness.ts';
import { expectRegrowth, grownBody, joinAt } from './regrowth.ts';

describeOnSwiftShader('a world on webgpu', () => {
  let folder: string;
  let server: RunningServer;
  let browser: Browser;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'regrow-webgpu-'));
    const weights = join(folder, 'weights');
    mkdirSync(weights);
    copyFileSync('weights/pikachu.safetensors', join(weights, 'pikachu.safetensors'));
    const engine = ['--engine', 'webgpu', '--adapter', 'swiftshader'];
    const flags = [...engine, '--size', '128', '--garden', '1', '--weights-dir', weights];
    // Compiling the kernels takes seconds.
    server = await startServer(flags, join(folder, 'data'), 90_000);
    browser = await launchBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('A cuts a Pikachu in half; its health falls; B sees it vanish, and regrow within 600 steps', {
    timeout: 480_000,
  }, async () => {
    expect(server.output()).toMatch(/engine: webgpu on .*\(software\), subgroups \(asked for\)/);
    const body = await grownBody(server, ({ species }) => species === 'pikachu', 150_000);
    // The same cores step the world and draw the pages, so the viewports are small.
    const viewport = { width: 800, height: 600 };
    const a = await joinAt(browser, server, 'A', body, viewport);
    const b = await joinAt(browser, server, 'B', body, viewport);
    // This takes seconds on free cores and minutes on busy ones.
    const waits = { seenMs: 10_000, healedSteps: 600, healedMs: 240_000 };
    await expectRegrowth({ server, a, b, body, ...waits, prefix: 'webgpu-' });
    await a.close();
    await b.close();
  });
});
