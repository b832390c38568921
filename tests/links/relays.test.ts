/** A real server with relays: `npm start -- --relays 2`. */
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPageCodec } from '../../server/stream/codec.ts';
import { ClientMessageType } from '../../shared/protocol.ts';
import { joinWorld, stroke } from '../player.ts';
import { childrenOf, type RunningServer, startServer, until } from '../serverProcess.ts';
import { setSpeed } from './speed.ts';
import { Watcher } from './watcher.ts';

const SIDE = 256;
const ADMIN_TOKEN = 'a token of sixteen or more';
const FLAGS = [
  ...['--relays', '2', '--size', String(SIDE), '--garden', '3', '--engine', 'wasm', '--tuner', 'off'],
  ...['--admin-token', ADMIN_TOKEN, '--guests-per-address', '100', '--log', 'text'],
];
/** A test that needs viewers at each relay joins at most so many. */
const MAX_VIEWERS = 30;

let server: RunningServer;
beforeAll(async () => {
  await readPageCodec();
  server = await startServer(FLAGS);
});
afterAll(() => server.stop());

const relayPids = (): number[] => childrenOf(server.pid, 'relay.ts');

/** The relay that has a viewer's connection, as Linux lists them; undefined: none has it yet. */
function relayOf({ client: { localPort } }: Watcher): number | undefined {
  const port = (address: string): number => Number.parseInt(address.split(':')[1], 16);
  const [, ...connections] = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n');
  const inode = connections
    .map((line) => line.trim().split(/\s+/))
    .find(
      ([, local, remote]) => port(local) === Number(new URL(server.url).port) && port(remote) === localPort,
    )?.[9];
  return relayPids().find((pid) =>
    readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`;
      } catch {
        // It was closed meanwhile.
        return false;
      }
    }),
  );
}

/**
 * Lets viewers join until there are six, and each relay has two of them. Connections are given out in turns, and a join
 * takes two: without another one in between, all sockets would come to one relay.
 */
async function joinBoth(): Promise<Watcher[]> {
  const watchers: Watcher[] = [];
  const isSpread = (): boolean => {
    const relays = watchers.map(relayOf);
    return relayPids().every((pid) => relays.filter((one) => one === pid).length >= 2);
  };
  while (watchers.length < 6 || !isSpread()) {
    if (watchers.length >= MAX_VIEWERS) {
      for (const watcher of watchers) watcher.leave();
      throw new Error(`of ${MAX_VIEWERS} viewers, one relay has fewer than two`);
    }
    if (watchers.length % 3 === 1) await takeTurn();
    const watcher = new Watcher(server.url, SIDE);
    await watcher.join();
    watchers.push(watcher);
  }
  return watchers;
}

/** A connection that asks for nothing. */
async function takeTurn(): Promise<void> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.destroy();
}

const players = async (): Promise<number> =>
  ((await (await fetch(`${server.url}/healthz`)).json()) as { players: number }).players;

test('a join may ask one relay and connect to another, and all players are players of one world', async () => {
  const rooms = await Promise.all(Array.from({ length: 6 }, () => joinWorld(server.url)));
  await until(
    'six players, whoever is asked',
    async () => ((await players()) === 6 ? true : undefined),
    60_000,
  );
  expect(await stroke(rooms[0], { tool: 'ablate', radius: 3, points: [128, 128] })).toMatchObject({
    ok: true,
  });
  await until(
    'metrics of all relays together',
    async () => {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      const sent = Number(/^regrow_sent_messages_total\{kind="message"\} (\d+)$/m.exec(text)?.[1]);
      return /^regrow_players 6$/m.test(text) && sent >= 6 ? true : undefined;
    },
    60_000,
  );
  await Promise.all(rooms.map((room) => room.leave()));
  await until('no player', async () => ((await players()) === 0 ? true : undefined), 60_000);
});

test('viewers see the truth after one relay was killed and another was stopped for seven seconds', {
  timeout: 180_000,
}, async () => {
  const watchers = await joinBoth();
  const [killed, stopped] = relayPids();
  const stays = watchers.map((watcher) => relayOf(watcher) === stopped);
  process.kill(killed, 'SIGKILL');
  process.kill(stopped, 'SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 7_000));
  process.kill(stopped, 'SIGCONT');
  await until(
    'another relay in the place of the killed one',
    async () => (relayPids().length === 2 && !relayPids().includes(killed) ? true : undefined),
    60_000,
  );
  await until(
    'everybody back',
    async () => (watchers.every(({ client }) => client.isOpen) ? true : undefined),
    60_000,
  );
  const late = new Watcher(server.url, SIDE);
  await late.join();
  await setSpeed(server.url, ADMIN_TOKEN, 0);
  await Promise.all([...watchers, late].map((watcher) => watcher.seesTruth()));
  // Each viewer of the killed relay has come back once; those of the stopped one have stayed.
  expect(watchers.map((watcher) => watcher.losses)).toEqual(stays.map((isStaying) => (isStaying ? 0 : 1)));
  for (const watcher of [...watchers, late]) watcher.leave();
  await setSpeed(server.url, ADMIN_TOKEN, 30);
});

test('the simulation never waits for a relay: the world steps on, and others see it, while one is stopped', {
  timeout: 120_000,
}, async () => {
  const watchers = await joinBoth();
  const [stopped] = relayPids();
  const waits = watchers.map((watcher) => relayOf(watcher) === stopped);
  const newest: number[] = watchers.map(() => 0);
  for (const [i, { client }] of watchers.entries()) {
    client.onFrame = (bytes) => {
      newest[i] = bytes.readUInt32LE(0);
    };
  }
  const newestOf = (isWaiting: boolean): number[] => newest.filter((_, i) => waits[i] === isWaiting);
  const scratch = (): void => {
    for (const { client } of watchers)
      client.send(ClientMessageType.stroke, { id: 1, tool: 'noise', radius: 8, points: [128, 128] });
  };
  await until(
    'frames at all viewers',
    async () => {
      scratch();
      return Math.min(...newest) > 0 ? true : undefined;
    },
    60_000,
  );
  process.kill(stopped, 'SIGSTOP');
  try {
    const since = Math.max(...newest);
    // Five seconds of frames at 20 Hz; who is served by the stopped relay gets none of them.
    await until(
      'a hundred frames at the viewers of the other relay',
      async () => {
        scratch();
        return Math.min(...newestOf(false)) >= since + 100 ? true : undefined;
      },
      60_000,
    );
    expect(Math.max(...newestOf(true))).toBeLessThan(since + 50);
  } finally {
    process.kill(stopped, 'SIGCONT');
  }
  for (const watcher of watchers) watcher.leave();
});

test('a server that is told to stop ends its relays, and says nothing of starting others', async () => {
  const pids = relayPids();
  expect(pids).toHaveLength(2);
  const before = server.output().length;
  expect(await server.stop()).toBe(0);
  const said = server.output().slice(before);
  expect(said).toContain('world saved\n');
  expect(said).not.toContain('relay');
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
