/** A real world and real relays with a real broker between them, as on several machines. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPageCodec } from '../../server/stream/codec.ts';
import { joinWorld, stroke } from '../player.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { Broker, noBroker } from './broker.ts';
import { setSpeed } from './speed.ts';
import { Watcher } from './watcher.ts';

const SIDE = 256;
const ADMIN_TOKEN = 'a token of sixteen or more';
const LIMIT_MS = 30_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(noBroker !== null)('a world with relays behind a broker', () => {
  let broker: Broker;
  let world: RunningServer;
  let relays: RunningServer[];

  const startRelay = (): Promise<RunningServer> =>
    startServer(['--role', 'relay', '--relay-of', 'meadow', '--nats', broker.url]);

  beforeAll(async () => {
    await readPageCodec();
    broker = await Broker.start();
    const settings = ['--size', String(SIDE), '--garden', '3', '--engine', 'wasm', '--tuner', 'off'];
    const names = ['--role', 'world', '--world', 'meadow', '--nats', broker.url];
    const limits = ['--admin-token', ADMIN_TOKEN, '--guests-per-address', '100'];
    // Whichever is first waits for the other.
    [world, ...relays] = await Promise.all([
      startServer([...settings, ...names, ...limits]),
      startRelay(),
      startRelay(),
    ]);
  });
  afterAll(async () => {
    for (const relay of relays ?? []) await relay.stop();
    await world?.stop();
    await broker?.stop();
  });

  const players = async ({ url }: RunningServer): Promise<number> =>
    ((await (await fetch(`${url}/healthz`)).json()) as { players: number }).players;

  test('players of all relays are players of the world, and nobody joins at the world itself', async () => {
    const rooms = await Promise.all([relays[0], relays[1], relays[1]].map(({ url }) => joinWorld(url)));
    for (const server of [world, ...relays])
      await until('three players', async () => ((await players(server)) === 3 ? true : undefined), LIMIT_MS);
    const tried = await stroke(rooms[2], { tool: 'ablate', radius: 3, points: [128, 128] });
    expect(tried).toMatchObject({ ok: true });
    await expect(joinWorld(world.url)).rejects.toThrow('players join this world at its relays');
    await Promise.all(rooms.map((room) => room.leave()));
  });

  test('viewers see the truth after a relay was killed, one stopped, one came late, and the broker was gone for 3 s', {
    timeout: 120_000,
  }, async () => {
    const [killed, stopped] = relays;
    const watchers = [killed, stopped, stopped].map(({ url }) => new Watcher(url, SIDE));
    await Promise.all(watchers.map((watcher) => watcher.join()));
    await killed.kill();
    process.kill(stopped.pid, 'SIGSTOP');
    await pause(10_000);
    process.kill(stopped.pid, 'SIGCONT');
    const late = await startRelay();
    relays = [stopped, late];
    watchers[0].leave();
    const comer = new Watcher(late.url, SIDE);
    await comer.join();
    await setSpeed(late.url, ADMIN_TOKEN, 0);
    const seeing = [watchers[1], watchers[2], comer];
    await Promise.all(seeing.map((watcher) => watcher.seesTruth()));
    await setSpeed(late.url, ADMIN_TOKEN, 30);
    await broker.kill();
    await pause(3_000);
    await broker.run();
    await until(
      'the relays to find the world again',
      async () => ((await fetch(`${late.url}/api/organisms`)).ok ? true : undefined),
      LIMIT_MS,
    );
    await setSpeed(late.url, ADMIN_TOKEN, 0);
    await Promise.all(seeing.map((watcher) => watcher.seesTruth()));
    // Neither the pause nor the outage has cost anybody their connection.
    expect(seeing.map(({ losses }) => losses)).toEqual([0, 0, 0]);
    for (const watcher of seeing) watcher.leave();
    await setSpeed(late.url, ADMIN_TOKEN, 30);
  });

  test('when the world has stopped, joins are refused with the reason, until it is there again', async () => {
    const [relay] = relays;
    const dying = world;
    expect(await dying.stop()).toBe(0);
    await expect(joinWorld(relay.url)).rejects.toThrow('there is no such world at the moment');
    const flags = ['--role', 'world', '--world', 'meadow', '--nats', broker.url];
    world = await startServer([...flags, '--size', String(SIDE), '--garden', '1', '--tuner', 'off']);
    const room = await until('a seat', () => joinWorld(relay.url).catch(() => undefined), LIMIT_MS);
    await room.leave();
  });
});

test.skipIf(noBroker === null)(`no relay was tested behind a broker: ${noBroker}`, () => {});
