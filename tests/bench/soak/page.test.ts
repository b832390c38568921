import { afterEach, beforeEach, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../rooms/harness.ts';
import { Page } from './page.ts';
import { Ledger } from './tally.ts';

let server: TestServer;
let ledger: Ledger;
let page: Page;
beforeEach(async () => {
  server = await startServer();
  ledger = new Ledger();
  const { ready } = server.world;
  const around = {
    url: server.url,
    world: { width: ready.width, height: ready.height },
    species: ready.species,
    bodies: () => [],
    ledger,
    signal: new AbortController().signal,
  };
  page = new Page(1, around, { width: 900, height: 450 });
  await page.join();
});
afterEach(async () => {
  page.client.drop();
  await server.close();
});

test('a view is the screen at its zoom, about the middle of the world first', () => {
  expect(page.scene.view).toEqual({ x: 412, y: 462, width: 200, height: 100 });
  page.zoom(1.5);
  expect(page.scene.view).toMatchObject({ width: 600, height: 300 });
});

test('another connection looks where the last one did', async () => {
  page.client.lookAt({ x: 200, y: 100 });
  page.client.drop();
  await page.join();
  expect(page.scene.view).toMatchObject({ x: 100, y: 50 });
});

test('a stroke is sent, answered and counted', async () => {
  page.stroke('ablate', 8, [100, 100, 120, 100]);
  await expect.poll(() => ledger.strokesApplied).toBe(1);
  expect(ledger.sent.counts).toEqual({ ablate: 1 });
  expect(server.world.asked).toContainEqual(
    expect.objectContaining({ stroke: expect.objectContaining({ radius: 8, points: [100, 100, 120, 100] }) }),
  );
});

test('a stroke that costs more than the budget is not sent', () => {
  for (let n = 0; n < 10; n++) page.stroke('truncate', 8, [100, 100]);
  // The budget is 6,000 cells, and each stroke costs 1,000.
  expect(ledger.sent.counts).toEqual({ truncate: 6 });
  expect(ledger.piecesWithoutEnergy).toBe(4);
});

test('a refusal is counted by its reason, a seed by its species only if it was planted', async () => {
  page.stroke('plant', 1, [100, 100], 'pikachu');
  await expect.poll(() => ledger.planted.counts).toEqual({ pikachu: 1 });
  server.world.outcome = { ok: false, reason: 'Somebody lives there already.' };
  page.stroke('plant', 1, [100, 100], 'pikachu');
  await expect.poll(() => ledger.refused.counts).toEqual({ 'Somebody lives there already.': 1 });
  expect(ledger.planted.counts).toEqual({ pikachu: 1 });
});

test('a silhouette shows room until the world says that there is none', async () => {
  server.world.roomFault = 'There is no room.';
  page.aim('pikachu', { x: 10.7, y: 20.2 });
  expect(page.hasRoom).toBe(true);
  await expect.poll(() => page.hasRoom).toBe(false);
  expect(server.world.asked).toContainEqual(
    expect.objectContaining({ kind: 'room', species: 'pikachu', x: 10, y: 20 }),
  );
});

test('an invalid stroke, which no client sends, throws', () => {
  expect(() => page.stroke('ablate', 8, [-100, 100])).toThrow('a stroke that no page sends: That is outside');
});

test('a close by the server is an error unless the bot has stalled for ten seconds', async () => {
  page.client.send(99, {});
  await expect
    .poll(() => ledger.errors.counts)
    .toEqual({ 'closed by the server: 4400 there is no message 99': 1 });
  await page.join();
  page.mayBeCutUntilMs = Number.POSITIVE_INFINITY;
  page.client.send(99, {});
  await expect.poll(() => ledger.cutWhileStalled).toBe(1);
  expect(Object.keys(ledger.errors.counts)).toHaveLength(1);
});
