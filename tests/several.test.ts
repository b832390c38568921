/** A server with several worlds: fake ones in this process, with real sockets in a folder between them and the relay. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Config, readConfig } from '../server/config.ts';
import { FolderHub } from '../server/links/folder.ts';
import { SharedWorld } from '../server/links/sharedWorld.ts';
import { type Log, plainLog } from '../server/log/log.ts';
import { openHost } from '../server/serve/openHost.ts';
import { folderWays, serveFolder } from '../server/serve/serveFolder.ts';
import type { Server } from '../server/serve/server.ts';
import { serveSeveral } from '../server/serve/serveSeveral.ts';
import { readPageCodec } from '../server/stream/codec.ts';
import type { LobbyWorld } from '../shared/lobby.ts';
import { hubOf } from './links/ends.ts';
import { Watcher } from './links/watcher.ts';
import { joinWorld } from './player.ts';
import { FakeWorld } from './rooms/fakeWorld.ts';
import { startServer } from './rooms/harness.ts';
import { until } from './serverProcess.ts';

const SIDE = 256;
const LIMIT_MS = 30_000;

let folder: string;
let server: Server;
let url: string;
/** Ends what a test has started, the last first. */
let ends: (() => Promise<unknown>)[];
let terms = 0;
const quiet: Log = { ...plainLog, warn: () => {} };

beforeAll(async () => {
  await readPageCodec();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-several-'));
  ends = [];
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});

const configOf = (settings: Partial<Config>): Config => ({
  ...readConfig([], {}),
  ...{ host: '127.0.0.1', port: 0, guestsPerAddress: 1_000, energyPerAddress: 1_000 },
  ...settings,
});

async function serve(relayOf: readonly string[], settings: Partial<Config> = {}): Promise<void> {
  server = await serveSeveral(folderWays(folder), configOf({ relayOf, ...settings }), quiet);
  url = server.url.replace(/\/$/, '');
  ends.push(() => server.close());
}

interface Opened {
  readonly world: FakeWorld;
  close(): Promise<void>;
}

/** A world whose people are here, painted in one colour. */
async function open(name: string, red: number): Promise<Opened> {
  const world = new FakeWorld(SIDE, SIDE);
  for (let x = 0; x < SIDE; x += 3) world.paint(x, (x * 7) % SIDE, [red, 40, 90, 255]);
  const shared = new SharedWorld(world);
  const config = configOf({ meet: folder, world: name, title: `The ${name}` });
  const host = openHost(shared.view(), config, { term: ++terms, log: quiet });
  const opened = await serveFolder(host, shared);
  world.run(20);
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await world.stop();
    await opened.close('the world has stopped');
    host.close();
  };
  ends.push(close);
  return { world, close };
}

const list = async (): Promise<LobbyWorld[]> =>
  ((await (await fetch(`${url}/api/worlds`)).json()) as { worlds: LobbyWorld[] }).worlds;
const states = async (): Promise<string[]> => (await list()).map(({ name, state }) => `${name} ${state}`);
const awaitStates = (...wanted: string[]): Promise<true> =>
  until(
    wanted.join(', '),
    async () => ((await states()).join() === wanted.join() ? true : undefined),
    LIMIT_MS,
  );
const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}${path}`, { redirect: 'manual', headers });
const to = async (path: string): Promise<string> => {
  const { status, headers } = await get(path);
  return `${status} ${new URL(headers.get('location') ?? '', `http://a${path}`).href.slice('http://a'.length)}`;
};

/** The worlds first: a server waits 2 s for those that are not there. */
async function serveTwo(settings: Partial<Config> = {}): Promise<{ meadow: Opened; reef: Opened }> {
  const [meadow, reef] = await Promise.all([open('meadow', 200), open('reef', 20)]);
  await serve(['meadow', 'reef'], settings);
  await awaitStates('meadow awake', 'reef awake');
  return { meadow, reef };
}

test('viewers of each world see its own pixels, and people are counted where they are', async () => {
  await serveTwo();
  const watchers = ['meadow', 'reef', 'reef'].map((name) => new Watcher(`${url}/w/${name}`, SIDE));
  await Promise.all(watchers.map((watcher) => watcher.join()));
  await Promise.all(watchers.map((watcher) => watcher.seesTruth()));
  await until(
    'one person in the meadow and two in the reef',
    async () => ((await list()).map(({ players }) => players).join() === '1,2' ? true : undefined),
    LIMIT_MS,
  );
  const pages = watchers.map(({ client }) => client.eye!.pages.get(0)!.pixels);
  const first = pages.map((pixels) => pixels.find((value) => value > 0));
  expect(first).toEqual([200, 20, 20]);
  for (const watcher of watchers) watcher.leave();
});

test('a seat of one world is none of another', async () => {
  await serveTwo();
  const asked = await fetch(`${url}/w/meadow/matchmake/joinOrCreate/world`, { method: 'POST', body: '{}' });
  const { sessionId, roomId, processId } = (await asked.json()) as Record<string, string>;
  expect(roomId).toBe('meadow');
  const tried = async (path: string): Promise<number> => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}${path}?sessionId=${sessionId}`);
    return new Promise((resolve) => {
      socket.onopen = () => {
        socket.close();
        resolve(101);
      };
      socket.onerror = () => resolve(0);
    });
  };
  expect(await tried(`/w/reef/${processId}/meadow`)).toBe(0);
  expect(await tried(`/w/reef/${processId}/reef`)).toBe(0);
  expect(await tried(`/${processId}/meadow`)).toBe(0);
  expect(await tried(`/w/meadow/${processId}/meadow`)).toBe(101);
});

describe('pages', () => {
  test('the root is the lobby, and a world is below /w/NAME/, from the same files', async () => {
    await serveTwo();
    expect(await (await get('/')).text()).toContain('Choose a world');
    const page = await (await get('/w/meadow/')).text();
    const script = /src="([^"]+index-[^"]+\.js)"/.exec(page)![1];
    expect(script).toMatch(/^\.\.\/\.\.\/\.\/assets\//);
    expect((await get(new URL(script, `${url}/w/meadow/`).pathname)).status).toBe(200);
    const admin = await (await get('/w/meadow/admin/')).text();
    const [, style] = /href="([^"]+assets\/[^"]+\.css)"/.exec(admin)!;
    expect(new URL(style, `${url}/w/meadow/admin/`).pathname).toMatch(/^\/assets\//);
    expect(await to('/w/meadow')).toBe('308 /w/meadow/');
    expect(await to('/w/meadow?from=a')).toBe('308 /w/meadow/?from=a');
    expect(await to('/w/meadow/admin')).toBe('308 /w/meadow/admin/');
    expect(await to('/w/')).toBe('308 /');
  });

  test('of a world that is not there is 404 with a way back; programs are told so in JSON', async () => {
    await serveTwo();
    const page = await get('/w/atlantis/');
    expect(page.status).toBe(404);
    expect(page.headers.get('content-type')).toContain('text/html');
    const text = await page.text();
    expect(text).toContain('id="lost"');
    const [, script] = /src="([^"]+\.js)"/.exec(text)!;
    expect((await get(new URL(script, `${url}/w/atlantis/`).pathname)).status).toBe(200);
    expect((await get('/w/No%20name/')).status).toBe(404);
    expect((await get('/w/atlantis/other')).status).toBe(404);
    expect(await to('/w/atlantis')).toBe('308 /w/atlantis/');
    const census = await get('/w/atlantis/api/census');
    expect(census.status).toBe(404);
    expect(await census.json()).toEqual({ code: 404, error: 'there is no world atlantis' });
    await expect(joinWorld(`${url}/w/atlantis`)).rejects.toThrow('there is no world atlantis');
    await expect(joinWorld(`${url}/w/<b>`)).rejects.toThrow(/^there is no world$/);
  });

  test('of a world belong to it alone: without a name there is none', async () => {
    await serveTwo();
    await expect(joinWorld(url)).rejects.toThrow('there are several worlds here now: reload the page');
    for (const path of ['/api/census', '/api/world.png', '/admin/api/live']) {
      const answer = await get(path);
      expect([path, answer.status]).toEqual([path, 404]);
      expect(await answer.json()).toMatchObject({ error: expect.stringContaining('/w/NAME/') });
    }
    expect((await get('/admin')).status).toBe(404);
  });

  test('with one world, the root leads to it', async () => {
    await open('meadow', 200);
    await serve(['meadow']);
    expect(await to('/')).toBe('307 /w/meadow/');
    expect(await to('/?from=a')).toBe('307 /w/meadow/?from=a');
    expect(await to('/admin')).toBe('307 /w/meadow/admin');
    expect(await to('/admin/')).toBe('307 /w/meadow/admin/');
  });

  test('under the path of a proxy, which may leave it in or not', async () => {
    await serveTwo({ publicUrl: 'http://127.0.0.1/garden/' });
    expect(await (await get('/garden/')).text()).toContain('Choose a world');
    expect(await to('/garden/w/meadow')).toBe('308 /garden/w/meadow/');
    expect((await get('/garden/w/meadow/api/census')).status).toBe(200);
    expect((await get('/w/meadow/api/census')).status).toBe(200);
    const room = await joinWorld(`${url}/garden/w/reef`);
    expect(room.roomId).toBe('reef');
    await room.leave();
  });
});

describe('the only world of a server', () => {
  test('is at the root, also for who comes by its name', async () => {
    const one = await startServer({ world: 'meadow' });
    ends.push(() => one.close());
    url = one.url.replace(/\/$/, '');
    expect((await get('/')).status).toBe(200);
    expect(await to('/w/meadow/')).toBe('307 /');
    expect(await to('/w/meadow')).toBe('307 /');
    expect(await to('/w/meadow/admin/?a=b')).toBe('307 /admin/?a=b');
    expect((await get('/w/reef/')).status).toBe(404);
    expect((await get('/api/worlds')).status).toBe(404);
  });
});

test('a world is as strict below its path as at the root: other sites and other names are refused', async () => {
  await serveTwo();
  const join = (headers: Record<string, string>): Promise<number> =>
    fetch(`${url}/w/meadow/matchmake/join/world`, { method: 'POST', body: '{}', headers }).then(
      ({ status }) => status,
    );
  expect(await join({ origin: 'https://evil.example' })).toBe(403);
  expect(await join({ origin: url })).toBe(200);
  const admin = await get('/w/meadow/admin/api/live', { origin: 'https://evil.example' });
  expect(admin.status).toBe(403);
});

describe('a world that is dead or slow', () => {
  test('is at rest in the lobby, is refused at once, and comes back; no other notices', async () => {
    const { reef, meadow } = await serveTwo();
    const watcher = new Watcher(`${url}/w/meadow`, SIDE);
    await watcher.join();
    await until('a picture', async () => ((await list())[1].picture === null ? undefined : true), LIMIT_MS);
    await reef.close();
    await awaitStates('meadow awake', 'reef resting');
    const [, resting] = await list();
    expect(resting).toMatchObject({ title: 'The reef', players: 0, picture: expect.any(String) });
    expect((await get(`/${resting.picture}`)).status).toBe(200);
    await expect(joinWorld(`${url}/w/reef`)).rejects.toThrow('there is no such world at the moment');
    expect((await get('/w/reef/')).status).toBe(200);
    meadow.world.paint(5, 5, [255, 1, 2, 255]);
    await watcher.seesTruth();
    expect(watcher.losses).toBe(0);
    watcher.leave();
    await open('reef', 30);
    await awaitStates('meadow awake', 'reef awake');
    const back = await joinWorld(`${url}/w/reef`);
    await back.leave();
  });

  test('that takes every question and answers none keeps nobody waiting but its own', async () => {
    await open('meadow', 200);
    const never = (): Promise<never> => new Promise(() => {});
    const mire = hubOf(new FakeWorld(SIDE, SIDE), await FolderHub.listen({ folder, world: 'mire' }), {
      // The relay waits for it in the same way as for one that is paused.
      admit: never as never,
      paint: never,
      forward: never,
    });
    ends.push(() => mire.close());
    await serve(['meadow', 'mire']);
    await awaitStates('meadow awake', 'mire awake');
    const stuck = joinWorld(`${url}/w/mire`).catch((error: Error) => error.message);
    for (let n = 0; n < 5; n++) {
      const room = await joinWorld(`${url}/w/meadow`);
      await room.leave();
      expect(await states()).toHaveLength(2);
    }
    const metrics = await (await get('/metrics')).text();
    expect(metrics).toContain('regrow_world_up{world="meadow"} 1\nregrow_world_up{world="mire"} 0\n');
    expect(await stuck).toBe('the world did not answer admit within 10 s');
  });
});

test('a relay of all worlds finds those that come, and says how each is', async () => {
  await serve(['*']);
  expect(await list()).toEqual([]);
  expect((await get('/readyz')).status).toBe(503);
  expect((await get('/livez')).status).toBe(200);
  await open('reef', 20);
  await awaitStates('reef awake');
  await open('meadow', 200);
  await awaitStates('meadow awake', 'reef awake');
  const ready = await get('/readyz');
  expect(ready.status).toBe(200);
  expect(await ready.json()).toMatchObject({
    ok: true,
    worlds: { meadow: { ok: true }, reef: { ok: true } },
  });
  const health = (await (await get('/healthz')).json()) as object;
  expect(health).toMatchObject({ ok: true, players: 0, worlds: { reef: { ok: true, trouble: null } } });
  expect(await (await get('/w/reef/healthz')).json()).toMatchObject({ ok: true, players: 0 });
  const metrics = await (await get('/metrics')).text();
  expect(metrics).toMatch(/^regrow_players\{world="meadow"\} 0\nregrow_players\{world="reef"\} 0$/m);
  expect(metrics).toMatch(/^regrow_connections\{relay="\d+"\} \d+$/m);
  expect(await (await get('/w/reef/metrics')).text()).toMatch(/^regrow_players 0$/m);
});

test('a picture in the lobby is kept for ever under its hash, and asked about again without', async () => {
  await serveTwo();
  await until(
    'pictures',
    async () => ((await list()).every(({ picture }) => picture) ? true : undefined),
    LIMIT_MS,
  );
  const [{ picture }] = await list();
  const got = await get(`/${picture}`);
  expect(got.headers.get('content-type')).toBe('image/png');
  expect(got.headers.get('cache-control')).toContain('immutable');
  const etag = got.headers.get('etag')!;
  const again = await get('/api/worlds/meadow.png', { 'if-none-match': etag });
  expect([again.status, again.headers.get('cache-control')]).toEqual([304, 'no-cache']);
  expect((await get('/api/worlds/atlantis.png')).status).toBe(404);
});

test('one address asks for the lobby’s list 200 times at once, and then at a bounded pace', async () => {
  await serveTwo();
  const answers = await Promise.all(Array.from({ length: 30 }, () => get('/api/worlds')));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  let refused: Response | null = null;
  for (let n = 0; n < 40 && refused === null; n++) {
    const more = await Promise.all(Array.from({ length: 30 }, () => get('/api/worlds')));
    refused = more.find(({ status }) => status === 429) ?? null;
  }
  expect(refused?.headers.get('retry-after')).toMatch(/^\d+$/);
});
