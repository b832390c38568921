import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MAX_RULE_SERIES } from '../../server/metrics/worldMetrics.ts';
import type { Vitals } from '../../server/world/vitals.ts';
import { ClientMessageType, ServerMessageType } from '../../shared/protocol.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { fakeClock, join, next, pause, startServer, type TestServer, waitFor } from '../rooms/harness.ts';
import { VITALS } from './vitals.ts';

let server: TestServer;
beforeEach(async () => {
  fakeClock();
  server = await startServer({ perAddress: 1_000 });
});
afterEach(async () => {
  await server.close();
  vi.useRealTimers();
});

/** Series → value. A second passes, so that what was told before counts. */
async function scrape(headers: Record<string, string> = {}): Promise<Map<string, number>> {
  await pause(1_000);
  const response = await waitFor(fetch(`${server.url}metrics`, { headers }));
  expect(response.status).toBe(200);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

function hear(vitals: Vitals): void {
  server.world.vitals = vitals;
  server.world.onVitals(vitals);
}

test('are in the text format of Prometheus, each with its meaning', async () => {
  const response = await waitFor(fetch(`${server.url}metrics`));
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  const helped = Array.from(text.matchAll(/^# HELP (\w+) .+$/gm), ([, name]) => name);
  const typed = Array.from(text.matchAll(/^# TYPE (\w+) (?:counter|gauge|histogram)$/gm), ([, name]) => name);
  expect(helped.length).toBeGreaterThan(40);
  expect(typed).toEqual(helped);
});

test('what the simulation thread tells is there', async () => {
  hear(VITALS);
  const series = await scrape();
  expect(Object.fromEntries(series)).toMatchObject({
    regrow_steps_total: 90,
    regrow_steps_dropped_total: 2,
    regrow_frames_total: 60,
    regrow_frame_seconds_count: 2,
    'regrow_frame_seconds_bucket{le="0.005"}': 1,
    'regrow_frame_late_seconds_bucket{le="0.25"}': 1,
    regrow_energy_scale: 0.5,
    'regrow_bodies{state="asleep"}': 40,
    'regrow_rule_in_force{species="pikachu",rule="pikachu v4"}': 1,
    'regrow_saves_total{result="failed"}': 1,
    regrow_journal_waiting_bytes: 12,
    'regrow_thread_busy_seconds_total{thread="world"}': 3.5,
    regrow_disk_trouble: 0,
  });
});

test('a world that has told nothing yet has no made-up figures', async () => {
  const series = await scrape();
  expect(series.has('regrow_energy_scale')).toBe(false);
  expect(series.get('regrow_steps_total')).toBe(0);
});

test('disk trouble and a silent world are 1 and 0', async () => {
  server.world.trouble = 'full';
  expect((await scrape()).get('regrow_disk_trouble')).toBe(1);
  await server.world.stop();
  await pause(5_000);
  expect((await scrape()).get('regrow_world_up')).toBe(0);
});

test('players, bytes to viewers and refused strokes are counted, by reason', async () => {
  server.world.outcome = { ok: false, reason: 'The world is busy.' };
  const { room } = await join(server);
  const send = (points: number[]): Promise<unknown> => {
    room.send(ClientMessageType.stroke, { id: 1, tool: 'ablate', radius: 2, points });
    return next(room, ServerMessageType.strokeResult);
  };
  await send([5, 5]);
  server.world.trouble = 'full';
  await send([5, 5]);
  server.world.trouble = null;
  server.world.outcome = { ok: true, step: 7, organisms: [] };
  await send([5, 5]);
  const series = await scrape();
  expect(Object.fromEntries(series)).toMatchObject({
    regrow_players: 1,
    regrow_strokes_applied_total: 1,
    'regrow_refusals_total{what="stroke",reason="world"}': 1,
    'regrow_refusals_total{what="stroke",reason="disk"}': 1,
  });
  expect(series.get('regrow_sent_bytes_total{kind="message"}')).toBeGreaterThan(100);
  await room.leave();
  expect((await scrape()).get('regrow_players')).toBe(0);
});

test('requests and refused joins are counted by route and status, whatever their path is', async () => {
  for (const path of ['nothing', `${'x'.repeat(99)}`, 'api/nothing', 'api/organisms'])
    await (await waitFor(fetch(`${server.url}${path}`))).text();
  await waitFor(fetch(`${server.url}matchmake/join/world`, { method: 'POST', body: 'x'.repeat(9_999) }));
  const series = await scrape();
  expect(Object.fromEntries(series)).toMatchObject({
    'regrow_http_requests_total{route="api",status="404"}': 1,
    'regrow_http_requests_total{route="api",status="200"}': 1,
    'regrow_http_requests_total{route="matchmake",status="413"}': 1,
    'regrow_refusals_total{what="join",reason="too_long"}': 1,
    'regrow_http_request_seconds_count{route="api"}': 2,
  });
  expect([...series.keys()].filter((name) => /nothing|xxx/.test(name))).toEqual([]);
});

test(`rules with series of their own are at most ${MAX_RULE_SERIES}; the others are one, and no total falls`, async () => {
  const rules = Array.from({ length: 200 }, (_, i) => ({ species: `s${i}`, label: `s${i} v1` }));
  hear({ ...VITALS, rules });
  for (const { label } of rules) server.world.wilted.set(label, 1);
  const first = await scrape();
  const count = (series: Map<string, number>, name: string): number =>
    [...series.keys()].filter((one) => one.startsWith(`${name}{`)).length;
  expect(count(first, 'regrow_rule_in_force')).toBe(MAX_RULE_SERIES);
  expect(first.get('regrow_rules_in_force')).toBe(200);
  expect(count(first, 'regrow_bodies_wilted_total')).toBe(MAX_RULE_SERIES + 1);
  for (const { label } of rules) server.world.wilted.set(label, 2);
  const second = await scrape();
  for (const [name, value] of first)
    if (name.startsWith('regrow_bodies_wilted_total')) expect(second.get(name)).toBe(2 * value);
});

test('a flood of scrapes costs one', async () => {
  hear(VITALS);
  const texts = await Promise.all(
    Array.from({ length: 20 }, async () => (await waitFor(fetch(`${server.url}metrics`))).text()),
  );
  expect(new Set(texts).size).toBe(1);
});

describe('who may read them', () => {
  const statusOf = async (headers: Record<string, string>): Promise<number> =>
    (await waitFor(fetch(`${server.url}metrics`, { headers }))).status;

  test('is this machine, but nobody who comes through a proxy that is not trusted', async () => {
    expect(await statusOf({})).toBe(200);
    for (const header of ['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'Via'])
      expect([header, await statusOf({ [header]: '127.0.0.1' })]).toEqual([header, 403]);
  });

  test('is, behind a trusted proxy, whose address the proxy says it is', async () => {
    await server.close();
    server = await startServer({ trustProxy: 1 });
    expect(await statusOf({ 'X-Forwarded-For': '10.0.0.1, 203.0.113.7' })).toBe(403);
    expect(await statusOf({ 'X-Forwarded-For': '203.0.113.7, 10.0.0.1' })).toBe(200);
    expect(await statusOf({ 'X-Forwarded-For': '203.0.113.7, ::1' })).toBe(200);
  });

  test('is whom --metrics-from names, and the refusal says who asked', async () => {
    await server.close();
    server = await startServer({ metricsFrom: '192.0.2.7' }, new FakeWorld());
    const response = await waitFor(fetch(`${server.url}metrics`));
    expect(response.status).toBe(403);
    expect(await response.json()).toEqual({
      error: '127.0.0.1 may not read the metrics (--metrics-from)',
    });
  });
});
