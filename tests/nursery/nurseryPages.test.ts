/** `GET /api/nursery…` and `/api/species/…`, over a real server and a fake world. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePng } from '../../server/http/png.ts';
import { Nursery } from '../../server/nursery/desk/nursery.ts';
import { fileOf } from '../../server/nursery/job.ts';
import { serializeRule } from '../../server/rules/format.ts';
import { Registry } from '../../server/rules/registry.ts';
import type { NurseryView } from '../../shared/nursery.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { join as joinWorld, startServer, type TestServer } from '../rooms/harness.ts';
import { blobRule } from '../world/blob.ts';

let folder: string;
let registry: Registry;
let nursery: Nursery;
let server: TestServer;
let picture: Buffer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-nursery-pages-'));
  registry = new Registry(folder, 2_000);
  const world = new FakeWorld();
  picture = Buffer.from(await encodePng(new Uint8Array(4).fill(255), 1, 1));
  const thumbnail = `data:image/png;base64,${picture.toString('base64')}`;
  (world.ready as { species: unknown }).species = [{ ...world.ready.species[0], thumbnail }];
  nursery = new Nursery({
    desk: {
      ask: async (question) => question(registry),
      swap: async () => ({ ok: true, swap: 1, organisms: 0 }),
    },
    probe: async () => ({ ok: true }) as never,
    world,
    dataDir: folder,
    mode: 'approve',
    threads: 1,
    maxSpecies: 4,
    maxWorldSpecies: 200,
    log: () => {},
  });
  await nursery.drawings.load();
  for (const [id, state] of ['ready', 'waiting'].entries()) {
    const row = await nursery.drawings.add(
      {
        name: `Drawing ${id}`,
        drawing: `packed ${id}`,
        guest: 'ann',
        maker: 'Ann',
        address: '192.0.2.1',
        state: state as 'ready',
        created: '2026-01-01',
      },
      new Set(),
    );
    const bytes = serializeRule(blobRule(row.species));
    const { id: rule } = registry.add({ bytes, origin: 'trained' }, { who: 'the nursery', address: '' });
    await nursery.drawings.change(row.id, [row.state], { rule });
    mkdirSync(nursery.folders.keptOf(row.id), { recursive: true });
    for (const file of ['film', 'card'] as const)
      writeFileSync(fileOf(nursery.folders.keptOf(row.id), file), `the ${file}`);
  }
  server = await startServer({}, world, { nursery });
});
afterAll(async () => {
  await server.close();
  registry.close();
  rmSync(folder, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}${path}`, { headers });

test('everybody sees what was approved, and nobody else’s drawing before that', async () => {
  const view = (await (await get('api/nursery')).json()) as NurseryView;
  expect(view).toMatchObject({ mode: 'approve', waiting: 1, queue: [], learning: null });
  expect(view.grown.map(({ name }) => name)).toEqual(['Drawing 0']);
  expect(JSON.stringify(view)).not.toContain('packed 1');
  expect(JSON.stringify(view)).not.toContain('192.0.2.1');
});

test('a view that has not changed is not sent again', async () => {
  const first = await get('api/nursery');
  const again = await get('api/nursery', { 'If-None-Match': first.headers.get('etag')! });
  expect([first.status, again.status, (await again.text()).length]).toEqual([200, 304, 0]);
});

test.each([
  ['growth.gif', 'image/gif', 'the film'],
  ['card.png', 'image/png', 'the card'],
])('%s of a species is there for all, and not that of a drawing that waits', async (file, type, text) => {
  const found = await get(`api/nursery/1/${file}`);
  expect([found.status, found.headers.get('content-type'), await found.text()]).toEqual([200, type, text]);
  expect((await get(`api/nursery/2/${file}`)).status).toBe(404);
  // What a browser keeps is asked for anew, because a moderator may have removed it.
  expect(found.headers.get('cache-control')).toBe('no-cache');
  const again = await get(`api/nursery/1/${file}`, { 'If-None-Match': found.headers.get('etag')! });
  expect([again.status, await again.text()]).toEqual([304, '']);
});

test('the rule goes home as safetensors and as Distill’s JSON', async () => {
  const file = await get('api/nursery/1/rule.safetensors');
  expect(file.headers.get('content-disposition')).toBe('attachment; filename="drawing-0.safetensors"');
  expect(Buffer.from(await file.arrayBuffer())).toEqual(Buffer.from(serializeRule(blobRule('drawing-0'))));
  expect(await (await get('api/nursery/1/distill.json')).json()).toHaveLength(2);
});

test.each([
  'api/nursery/9/card.png',
  'api/nursery/1/secret',
  'api/nursery/films/1-1.png',
  'api/nursery/../x',
])('%s is not there', async (path) => {
  expect((await get(path)).status).toBe(404);
});

test('only reading is allowed', async () => {
  expect((await fetch(`${server.url}api/nursery`, { method: 'POST' })).status).toBe(405);
});

test('a hello names the picture of a species by its address, which never changes', async () => {
  const { room, hello } = await joinWorld(server);
  expect(hello.nursery).toBe('approve');
  const [{ thumbnail }] = hello.species;
  expect(thumbnail).toMatch(/^api\/species\/pikachu\.png\?v=[0-9a-f]{16}$/);
  const response = await get(thumbnail);
  expect(response.headers.get('cache-control')).toContain('immutable');
  expect(Buffer.from(await response.arrayBuffer())).toEqual(picture);
  const etag = response.headers.get('etag')!;
  expect((await get('api/species/pikachu.png', { 'If-None-Match': etag })).status).toBe(304);
  expect((await get('api/species/pikachu.png')).headers.get('cache-control')).toBe('no-cache');
  expect((await get('api/species/missing.png')).status).toBe(404);
  await room.leave();
});
