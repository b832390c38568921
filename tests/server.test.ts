import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readConfig } from '../server/config.ts';
import { fakeClock, pause, rawSocket, startServer, type TestServer, waitFor } from './rooms/harness.ts';

let server: TestServer;
let pages: string;
beforeAll(async () => {
  fakeClock();
  pages = mkdtempSync(join(tmpdir(), 'regrow-pages-'));
  mkdirSync(join(pages, 'assets'));
  writeFileSync(join(pages, 'index.html'), '<!doctype html><title>Regrow</title>');
  writeFileSync(join(pages, 'assets/main-abc123.js'), 'export {};');
  server = await startServer({ perAddress: 1_000 }, undefined, { pages });
  server.world.run(20);
});
afterAll(async () => {
  await server.close();
  vi.useRealTimers();
  rmSync(pages, { recursive: true });
});

/** Lets time pass: pictures are made at a bounded rate. */
const get = (path: string, init?: RequestInit): Promise<Response> =>
  waitFor(fetch(`${server.url}${path}`, init));

describe('/api/world.png', () => {
  test('shows the true pixels, unpremultiplied, and zeros outside the world', async () => {
    server.world.paint(0, 0, [100, 50, 0, 200]);
    server.world.paint(1, 0, [10, 20, 30, 255]);
    const response = await get('api/world.png?x=-1&y=0&w=4&h=2');
    expect(response.headers.get('content-type')).toBe('image/png');
    const { width, height, channels, data } = decode(new Uint8Array(await response.arrayBuffer()));
    expect([width, height, channels]).toEqual([4, 2, 4]);
    expect([...data.slice(0, 16)]).toEqual([0, 0, 0, 0, 128, 64, 0, 200, 10, 20, 30, 255, 0, 0, 0, 0]);
  });

  test('goes up to 2,048 x 2,048', async () => {
    const response = await get('api/world.png?x=0&y=0&w=2048&h=2048');
    expect(response.status).toBe(200);
    expect(decode(new Uint8Array(await response.arrayBuffer())).height).toBe(2_048);
  });

  test.each([
    ['', /x must.*y must.*w must.*h must/],
    ['x=0&y=0&w=2049&h=1', /^w must be a whole number from 1 to 2048$/],
    ['x=0&y=0&w=1&h=0', /^h must/],
    ['x=1.5&y=0&w=1&h=1', /^x must/],
    ['x=0&y=NaN&w=1&h=1', /^y must/],
    ['x=0&y=1e400&w=1&h=1', /^y must/],
    ['x=99999999999&y=0&w=1&h=1', /^x must/],
    ['x=0&y=0&w=-5&h=1', /^w must/],
    ['x=&y=0&w=5&h=1', /^x must/],
  ])('?%s is refused with the field named', async (query, reason) => {
    const response = await get(`api/world.png?${query}`);
    expect(response.status).toBe(400);
    expect((await response.json()) as { error: string }).toEqual({ error: expect.stringMatching(reason) });
  });

  test('too many from one address are answered with 429 and the seconds to wait, and made after those', async () => {
    const path = 'api/world.png?x=0&y=0&w=512&h=512';
    // Sixty-four of these are four of the largest.
    const answers = await Promise.all(Array.from({ length: 90 }, () => get(path)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    for (const { headers } of refused) expect(headers.get('retry-after')).toMatch(/^[1-9]$/);
    await pause(1_000 * Number(refused[0].headers.get('retry-after')));
    expect((await get(path)).status).toBe(200);
  });
});

test('/api/organisms lists the living organisms', async () => {
  const response = await get('api/organisms');
  expect(await response.json()).toMatchObject([{ id: 1, species: 'pikachu', health: 1 }]);
});

test('/api/organisms is asked of the world and serialised once for all who ask at the same time', async () => {
  await pause(300);
  const before = server.world.asked.length;
  const texts = await Promise.all(
    Array.from({ length: 20 }, async () => (await get('api/organisms')).text()),
  );
  expect(new Set(texts).size).toBe(1);
  expect(server.world.asked.slice(before)).toEqual([{ kind: 'organisms', limit: 1_001 }]);
});

test('/api/organisms answers one address 429 with Retry-After beyond 100 at once', async () => {
  await pause(6_000);
  const answers = await Promise.all(Array.from({ length: 110 }, () => get('api/organisms')));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  for (const { headers } of refused) expect(headers.get('retry-after')).toBe('1');
  await pause(1_000);
  expect((await get('api/organisms')).status).toBe(200);
});

test('/healthz gives players, step and steps per second', async () => {
  await pause(700);
  const response = await get('healthz');
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({
    ok: true,
    trouble: null,
    degraded: null,
    players: 0,
    step: expect.any(Number),
    stepsPerSecond: 60,
    uptimeSeconds: expect.any(Number),
  });
});

test('/healthz says that the steps have fallen behind, with 200', async () => {
  const stats = { step: 8, stepsPerSecond: 11.6, organisms: 1, livingCells: 2 };
  server.world.onStats({ ...stats, load: { energyScale: 0.5, stepsPerSecond: 11.6, wanted: 30 } });
  const response = await get('healthz');
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    ok: true,
    trouble: null,
    degraded:
      'The world is busy: it takes 12 of 30 steps per second. Nothing can be planted until it keeps up, ' +
      'and energy comes at half its speed',
  });
  server.world.onStats(stats);
  expect(await (await get('healthz')).json()).toMatchObject({ degraded: null });
});

test('/healthz says why the world cannot be saved, with 200: it steps, and a new start would not help', async () => {
  server.world.trouble = 'journal-3.log: no space left on device (ENOSPC)';
  const response = await get('healthz');
  server.world.trouble = null;
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    ok: false,
    trouble: 'journal-3.log: no space left on device (ENOSPC)',
  });
  expect(await (await get('healthz')).json()).toMatchObject({ ok: true, trouble: null });
});

test('a path that does not exist is answered with 404, under /api in JSON', async () => {
  for (const path of ['api', 'api/', 'api/nothing', 'api/world.png/x', 'matchmake']) {
    const response = await get(path);
    expect([path, response.status]).toEqual([path, 404]);
    expect(await response.json()).toHaveProperty('error');
  }
  expect((await get('nothing')).status).toBe(404);
});

test('only GET and HEAD are answered', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const response = await get('api/organisms', { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  }
  const head = await get('healthz', { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

describe('the page', () => {
  test('is served with isolation headers and no caching, its assets cached for ever', async () => {
    const home = await get('');
    expect(await home.text()).toContain('Regrow');
    expect(Object.fromEntries(home.headers)).toMatchObject({
      'cache-control': 'no-cache',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("worker-src 'self'"),
    });
    const asset = await get('assets/main-abc123.js');
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });

  test('gives no access to files outside its folder', async () => {
    const socket = await rawSocket(
      server,
      'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    expect(answer).toMatch(/^HTTP\/1.1 404/);
  });

  test('says so when it has not been built, and the world still runs', async () => {
    await server.close();
    server = await startServer({}, undefined, { pages: join(pages, 'nowhere') });
    const home = await get('');
    expect(home.status).toBe(503);
    expect(await home.text()).toContain('npm run build');
    expect((await get('healthz')).status).toBe(200);
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ family }) => family === 'IPv6'),
);

test.skipIf(!hasIpv6)('listens on both families by default, and knows a visitor by either', async () => {
  await server.close();
  server = await startServer({ host: readConfig([], {}).host });
  expect(server.url).toBe(`http://localhost:${server.port}/`);
  for (const address of ['127.0.0.1', '[::1]', 'localhost']) {
    const response = await waitFor(fetch(`http://${address}:${server.port}/metrics`));
    expect([address, response.status]).toEqual([address, 200]);
  }
});

test('a malformed request closes its own connection and affects no other', async () => {
  for (const text of [
    'GARBAGE\r\n\r\n',
    'GET http://a:99999/ HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET //evil/ HTTP/1.1\r\nHost: x\r\n\r\n',
    `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
    'GET /%zz?%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'GET //x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  ]) {
    const socket = await rawSocket(server, text);
    const [chunk] = (await Promise.race([
      new Promise((resolve) => socket.once('data', (data) => resolve([data]))),
      pause(2_000).then(() => ['nothing']),
    ])) as [Buffer | string];
    expect(chunk.toString()).toMatch(/^HTTP\/1\.1 4\d\d/);
    socket.destroy();
  }
  expect((await get('healthz')).status).toBe(200);
});

test('/healthz gives 503 when the world has sent nothing for five seconds', async () => {
  await server.world.stop();
  await pause(5_200);
  const response = await get('healthz');
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ ok: false, trouble: 'the world has sent nothing for 5 s' });
});
