/** The profile `cluster` of compose.yaml as processes of this machine: what its services say, with other addresses. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPageCodec } from '../../server/stream/codec.ts';
import { Broker, noBroker } from '../links/broker.ts';
import { setSpeed } from '../links/speed.ts';
import { Watcher } from '../links/watcher.ts';
import { joinWorld, stroke } from '../player.ts';
import { until } from '../serverProcess.ts';
import { kill, withFile } from '../started.ts';
import { Cluster, noPostgres } from '../store/cluster.ts';
import { isOurs, mountsOf, ROOT, readCompose } from './compose.ts';
import { findProgram, freePort } from './proxies.ts';

const ADMIN_TOKEN = 'a token of sixteen or more';
const SIDE = 256;
const LIMIT_MS = 60_000;
/** Steps per second, so few that a busy machine keeps up: a world that lags takes no planting. */
const PACE = 5;
/** Viewers: with two relays, both have some. */
const WATCHERS = 4;
const PLACES = [
  [30, 220],
  [220, 30],
  [30, 30],
  [220, 220],
] as const;

/** So that a start takes seconds. On a busy machine, an owner may be late by some seconds. */
const SMALL: Readonly<Record<string, string>> = {
  REGROW_SIZE: String(SIDE),
  REGROW_GARDEN: '3',
  REGROW_ENGINE: 'wasm',
  REGROW_THREADS: '1',
  REGROW_TUNER: 'off',
  REGROW_LEASE_SECONDS: '10',
};

const haproxy = findProgram('haproxy');
const lacking = [noPostgres, noBroker, haproxy === null ? 'haproxy is not here' : null].filter(
  (why) => why !== null,
);

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
}

describe.skipIf(lacking.length > 0)('the cluster of compose.yaml', { timeout: 4 * LIMIT_MS }, () => {
  const { services } = readCompose({ REGROW_ADMIN_TOKEN: ADMIN_TOKEN });
  const running = new Map<string, Running>();
  let folder: string;
  let postgres: Cluster;
  let broker: Broker;
  /** What containers call each other, and where that is here. */
  let here: Readonly<Record<string, string>>;
  let url: string;

  function run(name: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
    const child = withFile(spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] }));
    let output = '';
    for (const out of [child.stdout, child.stderr])
      out.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    running.set(name, { child, output: () => output });
  }

  const translated = (environment: Readonly<Record<string, string>> = {}): Record<string, string> =>
    Object.fromEntries(
      Object.entries(environment).map(([variable, value]) => [
        variable,
        Object.entries(here).reduce((text, [there, place]) => text.replace(there, place), value),
      ]),
    );

  async function startOurs(name: string): Promise<void> {
    const { environment, image, ...service } = services[name];
    expect(isOurs({ image })).toBe(true);
    const folders = Object.fromEntries(
      mountsOf({ image, ...service }).map(({ from, to }) => [to, join(folder, from)]),
    );
    const env: Record<string, string> = { ...translated(environment), REGROW_HOST: '127.0.0.1' };
    env.REGROW_DATA_DIR = folders['/data'] ?? join(folder, `${name}-has-no-data`);
    if (env.REGROW_BLOBS !== undefined) env.REGROW_BLOBS = folders[env.REGROW_BLOBS];
    env.REGROW_PORT = here[`${name}:2567`]?.split(':')[1] ?? String(await freePort());
    const { PATH, TMPDIR } = process.env;
    run(name, process.execPath, ['server/main.ts'], { PATH, TMPDIR, ...SMALL, ...env });
  }

  /** @throws Error with all that has been printed, when it does not say it in time */
  const says = (name: string, words: string): Promise<true> =>
    until(
      `${name} says "${words}"`,
      async () => {
        const { child, output } = running.get(name)!;
        if (output().includes(words)) return true;
        if (child.exitCode !== null) throw new Error(`${name} has ended with ${child.exitCode}`);
        return undefined;
      },
      2 * LIMIT_MS,
    ).catch(({ message }: Error) => {
      const printed = [...running].map(([one, { output }]) => `--- ${one}\n${output()}`);
      throw new Error([message, ...printed].join('\n'));
    });

  async function end(name: string): Promise<void> {
    const { child } = running.get(name)!;
    running.delete(name);
    await kill(child);
  }

  beforeAll(async () => {
    await readPageCodec();
    folder = mkdtempSync(join(tmpdir(), 'regrow-cluster-'));
    [postgres, broker] = await Promise.all([Cluster.start(), Broker.start()]);
    const front = await freePort();
    url = `http://127.0.0.1:${front}`;
    here = {
      'postgres://regrow:regrow@postgres/regrow': postgres.url,
      'nats://nats:4222': broker.url,
      '*:2567': `127.0.0.1:${front}`,
      'relay-1:2567': `127.0.0.1:${await freePort()}`,
      'relay-2:2567': `127.0.0.1:${await freePort()}`,
    };
    const [{ from }] = mountsOf(services.haproxy);
    writeFileSync(join(folder, 'asked.cfg'), `global\n    stats socket ${join(folder, 'haproxy')}\n`);
    const configs = ['-f', join(folder, 'asked.cfg'), '-f', join(ROOT, from)];
    run('haproxy', haproxy!, ['-db', ...configs], translated(services.haproxy.environment));
    await startOurs('world');
    await says('world', 'Regrow is at');
    await Promise.all(['spare', 'relay-1', 'relay-2', 'worker'].map(startOurs));
    await Promise.all([
      says('spare', 'waiting as a spare'),
      says('relay-1', 'Regrow is at'),
      says('relay-2', 'Regrow is at'),
      says('worker', 'waiting for jobs'),
    ]);
    await until(
      'haproxy finds the relays',
      async () => {
        const { child, output } = running.get('haproxy')!;
        if (child.exitCode !== null) throw new Error(`haproxy has ended:\n${output()}`);
        return (await isUp()) ? true : undefined;
      },
      LIMIT_MS,
    );
  }, 4 * LIMIT_MS);

  afterAll(async () => {
    for (const name of [...running.keys()]) await end(name);
    await postgres?.stop();
    await broker?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const isUp = async (): Promise<boolean> => (await fetch(`${url}/readyz`).catch(() => null))?.status === 200;

  /** A busy machine may lose sight of the world for a moment: it is asked again. */
  const again = (what: string, work: () => Promise<unknown>): Promise<true> =>
    until(
      what,
      () =>
        work().then(
          () => true as const,
          () => undefined,
        ),
      LIMIT_MS,
    );
  const setPace = (stepsPerSecond: number): Promise<true> =>
    again('the world has a pace', () => setSpeed(url, ADMIN_TOKEN, stepsPerSecond));

  /** The relay that each viewer is connected to, as haproxy lists its sessions. */
  async function relaysOf(watchers: readonly Watcher[]): Promise<(string | undefined)[]> {
    const socket = connect(join(folder, 'haproxy'));
    socket.end('show sess\n');
    const sessions = await text(socket);
    return watchers.map(
      ({ client: { localPort } }) =>
        new RegExp(`src=127.0.0.1:${localPort} .* srv=(\\S+)`).exec(sessions)?.[1],
    );
  }

  const organisms = async (): Promise<{ id: number; x: number; y: number }[]> =>
    (await fetch(`${url}/api/organisms`)).json() as never;

  test('the page, and what needs the database, come through haproxy', async () => {
    const page = await fetch(`${url}/`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('html')]);
    await setPace(PACE);
  });

  test('the world is killed, then a relay: nothing acknowledged is lost, and viewers see the truth', async () => {
    const watchers = Array.from({ length: WATCHERS }, () => new Watcher(url, SIDE));
    await Promise.all(watchers.map((watcher) => again('a viewer joins', () => watcher.join())));
    const room = await until('a seat', () => joinWorld(url).catch(() => undefined), LIMIT_MS);
    const before = await organisms();
    const planted: { x: number; y: number }[] = [];
    // A busy world takes none for a while.
    await until(
      'a planting',
      async () => {
        for (const [x, y] of PLACES) {
          const { ok } = await stroke(room, { tool: 'plant', species: 'pikachu', radius: 1, points: [x, y] });
          if (ok) planted.push({ x, y });
        }
        return planted.length > 0 ? true : undefined;
      },
      LIMIT_MS,
    );

    await end('world');
    await says('spare', 'Regrow is at');
    const player = await until('a seat', () => joinWorld(url).catch(() => undefined), LIMIT_MS);
    // Its relay may still look for the new owner: strokes are refused until then.
    const cut = { tool: 'ablate', radius: 4, points: [128, 128] } as const;
    await until('a stroke', async () => ((await stroke(player, cut)).ok ? true : undefined), LIMIT_MS);
    const after = await organisms();
    expect(after.map(({ id }) => id)).toEqual(expect.arrayContaining(before.map(({ id }) => id)));
    for (const { x, y } of planted) expect(after.some((one) => one.x === x && one.y === y)).toBe(true);
    await setPace(0);
    await Promise.all(watchers.map((watcher) => watcher.seesTruth(LIMIT_MS)));
    // The new owner knows nobody: each comes back once.
    const lostBefore = watchers.map(({ losses }) => losses);
    expect(lostBefore).toEqual([1, 1, 1, 1]);

    const relays = await relaysOf(watchers);
    expect(new Set(relays)).toEqual(new Set(['relay-1', 'relay-2']));
    await setPace(PACE);
    await end('relay-1');
    await setPace(0);
    await Promise.all(watchers.map((watcher) => watcher.seesTruth(LIMIT_MS)));
    // Each viewer of the killed relay has come back once; the others have noticed nothing.
    expect(watchers.map(({ losses }, i) => losses - lostBefore[i])).toEqual(
      relays.map((relay) => (relay === 'relay-1' ? 1 : 0)),
    );
    // One may have been sent to the killed relay first, and be on its way from there.
    await until(
      'all viewers are at the other relay',
      async () => ((await relaysOf(watchers)).every((relay) => relay === 'relay-2') ? true : undefined),
      LIMIT_MS,
    );
    for (const watcher of watchers) watcher.leave();

    // What Compose does with a container that has ended: the old owner is the spare now.
    await startOurs('world');
    await says('world', 'waiting as a spare');
    await startOurs('relay-1');
    await says('relay-1', 'Regrow is at');
  });
});

test.skipIf(lacking.length === 0)(`no cluster was tested: ${lacking.join('; ')}`, () => {});
