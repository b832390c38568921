/** A real server with relays: `npm start -- --relays 2`. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPageCodec } from '../../server/stream/codec.ts';
import { ClientMessageType } from '../../shared/protocol.ts';
import { joinWorld, stroke } from '../player.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { setSpeed } from './speed.ts';
import { Watcher } from './watcher.ts';

const SIDE = 256;
const ADMIN_TOKEN = 'a token of sixteen or more';
const FLAGS = [
  ...['--relays', '2', '--size', String(SIDE), '--garden', '3', '--engine', 'wasm', '--tuner', 'off'],
  ...['--admin-token', ADMIN_TOKEN, '--guests-per-address', '100', '--log', 'text'],
];

let server: RunningServer;
beforeAll(async () => {
  await readPageCodec();
  server = await startServer(FLAGS);
}, 60_000);
afterAll(() => server.stop());

/** Processes that the server has started, as Linux lists them. */
const relayPids = (): number[] =>
  readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8')
    .trim()
    .split(/\s+/)
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('relay.ts'));

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
  const watchers = Array.from({ length: 6 }, () => new Watcher(server.url, SIDE));
  await Promise.all(watchers.map((watcher) => watcher.join()));
  const [killed, stopped] = relayPids();
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
  const losses = watchers.map((watcher) => watcher.losses);
  expect(Math.max(...losses)).toBe(1);
  expect(losses.filter((count) => count === 0).length).toBeGreaterThan(0);
  for (const watcher of [...watchers, late]) watcher.leave();
  await setSpeed(server.url, ADMIN_TOKEN, 30);
});

test('the simulation never waits for a relay: the world steps on, and others see it, while one is stopped', {
  timeout: 120_000,
}, async () => {
  const [stopped] = relayPids();
  const watchers = Array.from({ length: 6 }, () => new Watcher(server.url, SIDE));
  const newest: number[] = watchers.map(() => 0);
  for (const [i, { client }] of watchers.entries()) {
    client.onFrame = (bytes) => {
      newest[i] = bytes.readUInt32LE(0);
    };
  }
  await Promise.all(watchers.map((watcher) => watcher.join()));
  const scratch = (): void => {
    for (const { client } of watchers)
      client.send(ClientMessageType.stroke, { id: 1, tool: 'noise', radius: 8, points: [128, 128] });
  };
  process.kill(stopped, 'SIGSTOP');
  try {
    const since = Math.max(...newest);
    // Five seconds of frames at 20 Hz; who is served by the stopped relay gets none of them.
    await until(
      'a hundred frames at the viewers of the other relay',
      async () => {
        scratch();
        return Math.max(...newest) >= since + 100 ? true : undefined;
      },
      60_000,
    );
    expect(Math.min(...newest)).toBeLessThan(since + 50);
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
