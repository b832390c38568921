/** A real server with several worlds: `npm start -- --worlds meadow,reef`. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockFolder } from '../../server/storage/lock.ts';
import { readPageCodec } from '../../server/stream/codec.ts';
import type { LobbyWorld } from '../../shared/lobby.ts';
import { joinWorld, stroke } from '../player.ts';
import { childrenOf, type RunningServer, startServer, until } from '../serverProcess.ts';
import { withFile } from '../started.ts';
import { logIn, setSpeed } from './speed.ts';
import { Watcher } from './watcher.ts';

const SIDE = 256;
const ADMIN_TOKEN = 'a token of sixteen or more';
const FLAGS = [
  ...[
    '--worlds',
    'meadow,reef',
    '--relays',
    '2',
    '--size',
    String(SIDE),
    '--garden',
    '3',
    '--engine',
    'wasm',
  ],
  ...['--tuner', 'off', '--admin-token', ADMIN_TOKEN, '--guests-per-address', '100', '--log', 'text'],
];
const LIMIT_MS = 30_000;
/** Four processes start one after the other, perhaps on a machine that is busy. */
const START_MS = 120_000;

let dataDir: string;
let server: RunningServer;
beforeAll(async () => {
  await readPageCodec();
  dataDir = mkdtempSync(join(tmpdir(), 'regrow-worlds-'));
  server = await startServer(FLAGS, dataDir, START_MS);
}, START_MS + LIMIT_MS);
afterAll(async () => {
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const relayPids = (): number[] => childrenOf(server.pid, 'relay.ts');
const pidOf = (world: string): number | undefined =>
  childrenOf(server.pid, 'main.ts', `--world=${world}\0`)[0];
/** Nobody may have asked for its exit code yet: then it has no command line any more. */
const hasEnded = (pid: number): boolean =>
  !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/cmdline`, 'utf8') === '';
/** Where worlds and relays meet. */
const meeting = (): string =>
  /--meet=([^\0]+)/.exec(readFileSync(`/proc/${pidOf('reef')}/cmdline`, 'utf8'))![1];
const at = (world: string): string => `${server.url}/w/${world}`;
const list = async (): Promise<LobbyWorld[]> =>
  ((await (await fetch(`${server.url}/api/worlds`)).json()) as { worlds: LobbyWorld[] }).worlds;
const awaitStates = (...wanted: string[]): Promise<true> =>
  until(
    wanted.join(', '),
    async () => {
      const states = (await list()).map(({ name, state }) => `${name} ${state}`);
      return states.join() === wanted.join() ? true : undefined;
    },
    LIMIT_MS,
  );

test('each world is saved in a folder of its own, and has a garden of its own', async () => {
  expect(readdirSync(dataDir).sort()).toEqual(['lock.db', 'lock.json', 'meadow', 'reef']);
  for (const world of ['meadow', 'reef']) expect(existsSync(join(dataDir, world, 'registry.db'))).toBe(true);
  const places = await Promise.all(
    ['meadow', 'reef'].map(async (world) => {
      const answer = await fetch(`${at(world)}/api/organisms`);
      const organisms = (await answer.json()) as { x: number; y: number }[];
      return organisms.map(({ x, y }) => `${x},${y}`).join(' ');
    }),
  );
  expect(places[0]).not.toBe('');
  expect(places[0]).not.toBe(places[1]);
});

test('whichever relay they come to, people are in the world that they chose, and see it', {
  timeout: 3 * LIMIT_MS,
}, async () => {
  const watchers = ['meadow', 'reef', 'meadow', 'reef'].map((world) => new Watcher(at(world), SIDE));
  await Promise.all(watchers.map((watcher) => watcher.join()));
  const room = await joinWorld(at('reef'));
  expect(await stroke(room, { tool: 'ablate', radius: 20, points: [128, 128] })).toMatchObject({ ok: true });
  await until(
    'two people in the meadow, three in the reef, whoever is asked',
    async () => ((await list()).map(({ players }) => players).join() === '2,3' ? true : undefined),
    LIMIT_MS,
  );
  for (const world of ['meadow', 'reef']) await setSpeed(at(world), ADMIN_TOKEN, 0);
  await Promise.all(watchers.map((watcher) => watcher.seesTruth(LIMIT_MS)));
  await awaitStates('meadow paused', 'reef paused');
  for (const world of ['meadow', 'reef']) await setSpeed(at(world), ADMIN_TOKEN, 30);
  for (const watcher of watchers) watcher.leave();
  await room.leave();
});

test('who is logged in to one world is not to another', async () => {
  const { cookie, setCookie } = await logIn(at('meadow'), ADMIN_TOKEN);
  // Without a path, a browser sends it to what is beside the login only.
  expect(setCookie).not.toMatch(/path=/i);
  const status = async (world: string): Promise<number> =>
    (await fetch(`${at(world)}/admin/api/audit`, { headers: { cookie } })).status;
  expect([await status('meadow'), await status('reef')]).toEqual([200, 401]);
});

test('a world that is killed comes back by itself, and no other notices', {
  timeout: 4 * LIMIT_MS,
}, async () => {
  const [inMeadow, inReef] = ['meadow', 'reef'].map((world) => new Watcher(at(world), SIDE));
  await Promise.all([inMeadow.join(), inReef.join()]);
  const killed = pidOf('reef')!;
  process.kill(killed, 'SIGKILL');
  await awaitStates('meadow awake', 'reef resting');
  const room = await joinWorld(at('meadow'));
  expect(await stroke(room, { tool: 'ablate', radius: 3, points: [128, 128] })).toMatchObject({ ok: true });
  await room.leave();
  await until(
    'the world, paused if the end of its pause was not on disk yet',
    async () => (['awake', 'paused'].includes((await list())[1].state) ? true : undefined),
    LIMIT_MS,
  );
  expect(pidOf('reef')).not.toBe(killed);
  await until('the viewer back', async () => (inReef.client.isOpen ? true : undefined), LIMIT_MS);
  // Whichever relay is asked, it has reached the world.
  for (const world of ['meadow', 'reef']) await setSpeed(at(world), ADMIN_TOKEN, 0);
  await Promise.all([inMeadow, inReef].map((watcher) => watcher.seesTruth(LIMIT_MS)));
  expect(inMeadow.losses).toBe(0);
  expect(inReef.losses).toBeGreaterThan(0);
  for (const world of ['meadow', 'reef']) await setSpeed(at(world), ADMIN_TOKEN, 30);
  for (const watcher of [inMeadow, inReef]) watcher.leave();
});

test('a relay that is killed is followed by another, and its people are in their worlds again', {
  timeout: 2 * LIMIT_MS,
}, async () => {
  const watchers = ['meadow', 'meadow', 'reef', 'reef'].map((world) => new Watcher(at(world), SIDE));
  await Promise.all(watchers.map((watcher) => watcher.join()));
  const [killed] = relayPids();
  process.kill(killed, 'SIGKILL');
  await until(
    'another relay',
    async () => (relayPids().length === 2 && !relayPids().includes(killed) ? true : undefined),
    LIMIT_MS,
  );
  await until(
    'everybody back',
    async () =>
      watchers.every(({ client }) => client.isOpen) &&
      (await list()).map(({ players }) => players).join() === '2,2'
        ? true
        : undefined,
    LIMIT_MS,
  );
  for (const watcher of watchers) watcher.leave();
});

test('a second server over the same data directory is refused by name', { timeout: START_MS }, async () => {
  for (const flags of [FLAGS, ['--size', String(SIDE)]])
    await expect(startServer(flags, dataDir, START_MS)).rejects.toThrow(
      `${dataDir} is in use by the server: process ${server.pid} on host`,
    );
});

test('a server whose port is taken says so, starts nothing anew, and ends its worlds', {
  timeout: START_MS + LIMIT_MS,
}, async () => {
  const { port } = new URL(server.url);
  const elsewhere = mkdtempSync(join(tmpdir(), 'regrow-worlds-'));
  const flags = ['--host', '127.0.0.1', '--port', port, '--data-dir', elsewhere, ...FLAGS];
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    const cwd = join(import.meta.dirname, '../..');
    execFile(process.execPath, ['server/main.ts', ...flags], { cwd }, (error, stdout, stderr) =>
      resolve({ code: error?.code, output: stdout + stderr }),
    );
  });
  rmSync(elsewhere, { recursive: true });
  expect(code).toBe(1);
  expect(output).toContain(`a relay cannot serve: bind EADDRINUSE 127.0.0.1:${port}`);
  expect(output).toContain('regrow: a relay ended with code 1 before it listened');
  for (const world of ['meadow', 'reef']) expect(output).toContain(`${world}: world saved`);
  expect(output).not.toContain('another is started');
});

test('a server that is told to stop while its worlds start ends well, and leaves nothing', {
  timeout: START_MS + LIMIT_MS,
}, async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'regrow-worlds-'));
  const flags = ['--host', '127.0.0.1', '--port', '0', '--data-dir', elsewhere, ...FLAGS];
  const cwd = join(import.meta.dirname, '../..');
  let output = '';
  const child = withFile(spawn(process.execPath, ['server/main.ts', ...flags], { cwd }));
  for (const out of [child.stdout, child.stderr]) out.on('data', (chunk: Buffer) => (output += chunk));
  const exited = once(child, 'exit');
  const worlds = await until(
    'processes of worlds',
    async () => {
      const pids = childrenOf(child.pid!, '--role=world');
      return pids.length === 2 ? pids : undefined;
    },
    START_MS,
  );
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  for (const pid of worlds) expect(hasEnded(pid)).toBe(true);
  expect(output).not.toMatch(/regrow:|started again/);
  rmSync(elsewhere, { recursive: true });
});

test('what a killed server has left in the temporary folder is taken over by the next, and goes with it', {
  timeout: 2 * START_MS + 2 * LIMIT_MS,
}, async () => {
  const folder = meeting();
  const pids = [...relayPids(), pidOf('meadow')!, pidOf('reef')!];
  await server.kill();
  // They notice by themselves, save, and end.
  await until(
    'the end of its worlds and relays',
    async () => (pids.every(hasEnded) ? true : undefined),
    START_MS,
  );
  expect(existsSync(folder)).toBe(true);
  server = await startServer(FLAGS, dataDir, START_MS);
  expect(meeting()).toBe(folder);
  await awaitStates('meadow awake', 'reef awake');
});

test('a server that is told to stop saves all worlds, and leaves no process', {
  timeout: 2 * LIMIT_MS,
}, async () => {
  const pids = [...relayPids(), pidOf('meadow')!, pidOf('reef')!];
  const folder = meeting();
  expect(pids).toHaveLength(4);
  const before = server.output().length;
  expect(await server.stop()).toBe(0);
  const said = server.output().slice(before);
  for (const world of ['meadow', 'reef']) expect(said).toContain(`${world}: world saved\n`);
  expect(said).not.toMatch(/started again|error/);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(existsSync(folder)).toBe(false);
});

test('a world that cannot start keeps no other from it, and starts when it can', {
  timeout: START_MS + 4 * LIMIT_MS,
}, async () => {
  const lock = lockFolder(join(dataDir, 'reef'), 'a test');
  server = await startServer(FLAGS, dataDir, START_MS);
  await awaitStates('meadow awake', 'reef starting');
  expect(server.output()).toContain('the world reef ended with code 1; it is started again in');
  await expect(joinWorld(at('reef'))).rejects.toThrow('the world reef has not been reached yet');
  lock.release();
  await awaitStates('meadow awake', 'reef awake');
  // Relays reach it one after the other.
  const room = await until('a seat', () => joinWorld(at('reef')).catch(() => undefined), LIMIT_MS);
  await room.leave();
});

test('a world whose saves are damaged rests, with what to do in the log, and the other goes on', {
  timeout: 4 * LIMIT_MS,
}, async () => {
  const reef = join(dataDir, 'reef');
  process.kill(pidOf('reef')!, 'SIGKILL');
  for (const name of readdirSync(reef).filter((file) => file.startsWith('world.regrow')))
    writeFileSync(join(reef, name), 'not a world');
  await until(
    'the reason',
    async () => (/reef: .*npm run world -- recover/.test(server.output()) ? true : undefined),
    LIMIT_MS,
  );
  await awaitStates('meadow awake', 'reef resting');
  await expect(joinWorld(at('reef'))).rejects.toThrow('there is no such world at the moment');
  const room = await joinWorld(at('meadow'));
  expect(await stroke(room, { tool: 'ablate', radius: 3, points: [128, 128] })).toMatchObject({ ok: true });
  await room.leave();
});
