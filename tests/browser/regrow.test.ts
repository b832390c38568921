import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type RunningServer, startServer } from '../serverProcess.ts';
import { launchBrowser } from './harness.ts';
import { expectRegrowth, grownBody, joinAt } from './regrowth.ts';

let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  server = await startServer(['--size', '384', '--garden', '9']);
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

describe('two players at one Pikachu', () => {
  test('A cuts its left half off; B sees it vanish within a second and regrow within 20 s', {
    timeout: 180_000,
  }, async () => {
    const body = await grownBody(server, ({ species }) => species === 'pikachu', 90_000);
    const [a, b] = [await joinAt(browser, server, 'A', body), await joinAt(browser, server, 'B', body)];
    await expectRegrowth({
      server,
      a,
      b,
      body,
      seenMs: 1_000,
      healedSteps: 600,
      healedMs: 20_000,
      prefix: '',
    });
    await a.close();
    await b.close();
  });
});
