/** Two real worlds and two real relays of all worlds, with a real broker between them, as on several machines. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPageCodec } from '../../server/stream/codec.ts';
import type { LobbyWorld } from '../../shared/lobby.ts';
import { joinWorld, stroke } from '../player.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { Broker, noBroker } from './broker.ts';
import { setSpeed } from './speed.ts';
import { Watcher } from './watcher.ts';

const SIDE = 256;
const ADMIN_TOKEN = 'a token of sixteen or more';
const LIMIT_MS = 30_000;
/** Four processes start at once, perhaps on a machine that is busy. */
const START_MS = 120_000;

describe.skipIf(noBroker !== null)('two worlds behind a broker', () => {
  let broker: Broker;
  let worlds: RunningServer[] = [];
  let relays: RunningServer[] = [];

  const startWorld = (name: string, seed: number): Promise<RunningServer> =>
    startServer(
      [
        ...['--role', 'world', '--world', name, '--title', `The ${name}`, '--nats', broker.url],
        ...['--size', String(SIDE), '--garden', '3', '--random-seed', String(seed), '--engine', 'wasm'],
        ...['--tuner', 'off', '--admin-token', ADMIN_TOKEN, '--guests-per-address', '100'],
      ],
      undefined,
      START_MS,
    );

  beforeAll(
    async () => {
      await readPageCodec();
      broker = await Broker.start();
      const startRelay = (): Promise<RunningServer> =>
        startServer(['--role', 'relay', '--relay-of', '*', '--nats', broker.url], undefined, START_MS);
      // Whichever is first, they find each other.
      [relays, worlds] = await Promise.all([
        Promise.all([startRelay(), startRelay()]),
        Promise.all([startWorld('meadow', 1), startWorld('reef', 2)]),
      ]);
      for (const { url } of relays) await awaitStates(url, 'meadow awake', 'reef awake');
    },
    START_MS + 2 * LIMIT_MS,
  );
  afterAll(async () => {
    for (const server of [...relays, ...worlds]) await server.stop();
    await broker.stop();
  }, 2 * LIMIT_MS);

  const list = async (url: string): Promise<LobbyWorld[]> =>
    ((await (await fetch(`${url}/api/worlds`)).json()) as { worlds: LobbyWorld[] }).worlds;
  const awaitStates = (url: string, ...wanted: string[]): Promise<true> =>
    until(
      wanted.join(', '),
      async () =>
        (await list(url)).map(({ name, state }) => `${name} ${state}`).join() === wanted.join()
          ? true
          : undefined,
      LIMIT_MS,
    );

  /** A world whose process has got no core for 4 s is taken for gone, until it says something. */
  const enter = (url: string): ReturnType<typeof joinWorld> =>
    until('a seat', () => joinWorld(url).catch(() => undefined), LIMIT_MS);

  test('each viewer sees the pixels of its own world, by any relay', { timeout: 3 * LIMIT_MS }, async () => {
    const watchers = relays.flatMap(({ url }) =>
      ['meadow', 'reef'].map((world) => new Watcher(`${url}/w/${world}`, SIDE)),
    );
    await Promise.all(watchers.map((watcher) => watcher.join()));
    const [{ url }] = relays;
    const room = await enter(`${url}/w/reef`);
    expect(await stroke(room, { tool: 'ablate', radius: 20, points: [128, 128] })).toMatchObject({
      ok: true,
    });
    await room.leave();
    for (const relay of relays)
      await until(
        'two people in each world',
        async () =>
          (await list(relay.url)).map(({ players }) => players).join() === '2,2' ? true : undefined,
        LIMIT_MS,
      );
    for (const world of ['meadow', 'reef']) await setSpeed(`${url}/w/${world}`, ADMIN_TOKEN, 0);
    await Promise.all(watchers.map((watcher) => watcher.seesTruth(LIMIT_MS)));
    const pictures = await Promise.all(
      ['meadow', 'reef'].map(async (world) => {
        const answer = await fetch(`${url}/w/${world}/api/world.png?x=0&y=0&w=${SIDE}&h=${SIDE}`);
        return Buffer.from(await answer.arrayBuffer());
      }),
    );
    expect(pictures[0].equals(pictures[1])).toBe(false);
    for (const world of ['meadow', 'reef']) await setSpeed(`${url}/w/${world}`, ADMIN_TOKEN, 30);
    for (const watcher of watchers) watcher.leave();
  });

  test('the lobby of each relay has the titles that the worlds give themselves, and a picture', async () => {
    for (const { url } of relays) {
      await until(
        'pictures',
        async () => ((await list(url)).every(({ picture }) => picture !== null) ? true : undefined),
        LIMIT_MS,
      );
      expect((await list(url)).map(({ title }) => title)).toEqual(['The meadow', 'The reef']);
      const answer = await fetch(`${url}/${(await list(url))[1].picture}`);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png']);
    }
  });

  test('when a world is killed, the lobbies say so, and the other goes on', {
    timeout: 4 * LIMIT_MS,
  }, async () => {
    const watchers = relays.map(({ url }) => new Watcher(`${url}/w/meadow`, SIDE));
    await Promise.all(watchers.map((watcher) => watcher.join()));
    await worlds[1].kill();
    for (const { url } of relays) {
      await awaitStates(url, 'meadow awake', 'reef resting');
      await expect(joinWorld(`${url}/w/reef`)).rejects.toThrow('there is no such world at the moment');
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      const room = await enter(`${url}/w/meadow`);
      expect(await stroke(room, { tool: 'ablate', radius: 9, points: [128, 128] })).toMatchObject({
        ok: true,
      });
      await room.leave();
    }
    await setSpeed(`${relays[0].url}/w/meadow`, ADMIN_TOKEN, 0);
    await Promise.all(watchers.map((watcher) => watcher.seesTruth(LIMIT_MS)));
    expect(watchers.map(({ losses }) => losses)).toEqual([0, 0]);
    await setSpeed(`${relays[0].url}/w/meadow`, ADMIN_TOKEN, 30);
    for (const watcher of watchers) watcher.leave();
    worlds[1] = await startWorld('reef', 3);
    for (const { url } of relays) {
      await awaitStates(url, 'meadow awake', 'reef awake');
      await (await enter(`${url}/w/reef`)).leave();
    }
  });
});

test.skipIf(noBroker === null)(`no worlds were tested behind a broker: ${noBroker}`, () => {});
