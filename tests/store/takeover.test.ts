/** Real owners and spares of one world, with a real PostgreSQL between them. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Postgres } from '../../server/store/postgres.ts';
import { MAX_WITHOUT_BROKER_MS } from '../../server/store/standby.ts';
import { ClientMessageType } from '../../shared/protocol.ts';
import { Broker, noBroker } from '../links/broker.ts';
import { Cable } from '../links/cable.ts';
import { setSpeed } from '../links/speed.ts';
import { Watcher } from '../links/watcher.ts';
import { joinWorld, stroke } from '../player.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { Cluster, noPostgres } from './cluster.ts';

const ADMIN_TOKEN = 'a token of sixteen or more';
/** On a busy machine, an owner may be late by a second. */
const LEASE_SECONDS = 3;
const LIMIT_MS = 30_000;
const SIDE = 256;
const SETTINGS = [
  '--size',
  String(SIDE),
  '--garden',
  '3',
  '--engine',
  'wasm',
  '--tuner',
  'off',
  '--threads',
  '1',
];

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(noPostgres !== null)('a world whose state is in PostgreSQL', () => {
  let cluster: Cluster;
  let folder: string;
  let worlds = 0;
  let world: string;
  let started: Promise<RunningServer>[];

  beforeAll(async () => {
    cluster = await Cluster.start();
    folder = mkdtempSync(join(tmpdir(), 'regrow-takeover-'));
  });
  afterAll(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    world = `world${++worlds}`;
    started = [];
  });
  afterEach(async () => {
    for (const one of await Promise.allSettled(started)) {
      if (one.status === 'fulfilled') await one.value.kill();
    }
  });

  let machines = 0;
  /** A process on a machine of its own, until the test has ended. */
  function run(flags: readonly string[], dataDir?: string): Promise<RunningServer> {
    const running = startServer(flags, dataDir ?? join(folder, `machine${++machines}`), 60_000);
    started.push(running);
    running.catch(() => {});
    return running;
  }

  function start(more: readonly string[] = [], url = cluster.url, dataDir?: string): Promise<RunningServer> {
    const store = ['--store', url, '--blobs', join(folder, 'blobs'), '--world', world];
    const flags = [
      ...SETTINGS,
      ...store,
      '--lease-seconds',
      String(LEASE_SECONDS),
      '--admin-token',
      ADMIN_TOKEN,
    ];
    return run([...flags, ...more], dataDir);
  }

  const organisms = async ({
    url,
  }: RunningServer): Promise<{ id: number; ageSteps: number; species: string }[]> =>
    (await fetch(`${url}/api/organisms`)).json() as never;

  test('a spare goes on with the world of an owner that was killed: nothing acknowledged is lost', {
    timeout: 120_000,
  }, async () => {
    const owner = await start();
    const waiting = start(['--spare', 'yes']);
    const room = await joinWorld(owner.url);
    const answers: boolean[] = [];
    for (let i = 0; i < 5; i++)
      answers.push((await stroke(room, { tool: 'ablate', radius: 4, points: [60 + 10 * i, 128] })).ok);
    expect(answers).toEqual([true, true, true, true, true]);
    const before = await organisms(owner);
    await owner.kill();
    const spare = await waiting;
    const after = await organisms(spare);
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(after[0].ageSteps).toBeGreaterThanOrEqual(before[0].ageSteps - 60);
    const isTold = async () => (/taken again, with \d+ entries/.test(spare.output()) ? true : undefined);
    await until('the operator is told', isTold, LIMIT_MS);
    expect(
      (await stroke(await joinWorld(spare.url), { tool: 'ablate', radius: 4, points: [128, 128] })).ok,
    ).toBe(true);
  });

  test('an owner that was paused for three lease times ends when it is continued, and has changed nothing', {
    timeout: 120_000,
  }, async () => {
    const owner = await start();
    const waiting = start(['--spare', 'yes']);
    const room = await joinWorld(owner.url);
    process.kill(owner.pid, 'SIGSTOP');
    const spare = await waiting;
    const before = await organisms(spare);
    // It finds this when it is continued.
    room.send(ClientMessageType.stroke, { id: 2, tool: 'ablate', radius: 20, points: [128, 128] });
    await pause(2 * LEASE_SECONDS * 1_000);
    process.kill(owner.pid, 'SIGCONT');
    await until('the old owner has ended', async () => (isAlive(owner.pid) ? undefined : true), LIMIT_MS);
    expect(owner.output()).toMatch(/taken the world \w+ over|could not be renewed/);
    expect((await organisms(spare)).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(
      (await stroke(await joinWorld(spare.url), { tool: 'ablate', radius: 4, points: [128, 128] })).ok,
    ).toBe(true);
  });

  test('an owner that is cut off from the store acknowledges nothing, and ends with its lease', {
    timeout: 120_000,
  }, async () => {
    const cable = await Cable.lay(cluster.port);
    const owner = await start([], cable.to(cluster.url));
    const waiting = start(['--spare', 'yes']);
    const room = await joinWorld(owner.url);
    expect((await stroke(room, { tool: 'ablate', radius: 4, points: [60, 60] })).ok).toBe(true);
    cable.cut();
    let acknowledged = false;
    void stroke(room, { tool: 'ablate', radius: 4, points: [90, 90] }).then(({ ok }) => {
      acknowledged = ok;
    });
    await until('the owner has ended', async () => (isAlive(owner.pid) ? undefined : true), LIMIT_MS);
    expect(acknowledged).toBe(false);
    expect(owner.output()).toContain(
      `the lease of the world ${world} could not be renewed within ${LEASE_SECONDS} s`,
    );
    const spare = await waiting;
    expect(
      (await stroke(await joinWorld(spare.url), { tool: 'ablate', radius: 4, points: [128, 128] })).ok,
    ).toBe(true);
    await cable.remove();
  });

  describe.skipIf(noBroker !== null)('with relays behind a broker', () => {
    let broker: Broker;
    let cable: Cable;
    let relay: RunningServer;
    let owner: RunningServer;

    /** The owner reaches the broker by a way of its own, which is cut without a word. */
    beforeEach(async () => {
      broker = await Broker.start();
      cable = await Cable.lay(broker.port);
      owner = await start(['--role', 'world', '--nats', cable.to(broker.url)]);
      relay = await run(['--role', 'relay', '--relay-of', world, '--nats', broker.url]);
    }, 60_000);
    afterEach(async () => {
      await cable.remove();
      await broker.stop();
    });

    /** @returns the spare, and whether it owns the world */
    function startSpare(): {
      readonly waiting: Promise<RunningServer>;
      readonly hasTakenOver: () => boolean;
    } {
      const waiting = start(['--role', 'world', '--nats', broker.url, '--spare', 'yes']);
      let isOwner = false;
      waiting.then(
        () => {
          isOwner = true;
        },
        () => {},
      );
      return { waiting, hasTakenOver: () => isOwner };
    }

    const isLost = async (): Promise<true | undefined> =>
      (await fetch(`${relay.url}/api/organisms`)).ok ? undefined : true;
    const isFound = async (): Promise<true | undefined> => ((await isLost()) ? undefined : true);

    test('relays follow a new owner: their viewers see the true pixels again, and the old one changes nothing when it wakes', {
      timeout: 180_000,
    }, async () => {
      const { waiting } = startSpare();
      const watcher = new Watcher(relay.url, SIDE);
      await watcher.join();
      process.kill(owner.pid, 'SIGSTOP');
      await waiting;
      const room = await until('a seat', () => joinWorld(relay.url).catch(() => undefined), LIMIT_MS);
      process.kill(owner.pid, 'SIGCONT');
      await until('the old owner has ended', async () => (isAlive(owner.pid) ? undefined : true), LIMIT_MS);
      expect((await stroke(room, { tool: 'ablate', radius: 4, points: [128, 128] })).ok).toBe(true);
      await setSpeed(relay.url, ADMIN_TOKEN, 0);
      await watcher.seesTruth();
      watcher.leave();
    });

    test('an owner that loses the broker alone stays the owner while no spare is there, and nobody loses the connection', {
      timeout: 180_000,
    }, async () => {
      const watcher = new Watcher(relay.url, SIDE);
      await watcher.join();
      const room = await joinWorld(relay.url);
      expect((await stroke(room, { tool: 'ablate', radius: 4, points: [60, 60] })).ok).toBe(true);
      cable.cut();
      expect(await stroke(room, { tool: 'ablate', radius: 4, points: [90, 90] })).toMatchObject({
        ok: false,
        reason: 'The world did not answer.',
      });
      await until('the relay misses the world', isLost, LIMIT_MS);
      await pause(2 * MAX_WITHOUT_BROKER_MS);
      expect(isAlive(owner.pid)).toBe(true);
      expect(await stroke(room, { tool: 'ablate', radius: 4, points: [90, 90] })).toMatchObject({
        ok: false,
        reason: 'The world cannot be reached at the moment.',
      });
      cable.mend();
      await until('the relay finds the world', isFound, LIMIT_MS);
      await setSpeed(relay.url, ADMIN_TOKEN, 0);
      await watcher.seesTruth();
      expect(watcher.losses).toBe(0);
      watcher.leave();
    });

    test('an owner that loses the broker alone saves, and gives the world up to a spare that has the broker', {
      timeout: 180_000,
    }, async () => {
      const { waiting } = startSpare();
      const room = await joinWorld(relay.url);
      expect((await stroke(room, { tool: 'ablate', radius: 4, points: [60, 60] })).ok).toBe(true);
      const before = await organisms(relay);
      cable.cut();
      const spare = await waiting;
      await until('the old owner has ended', async () => (isAlive(owner.pid) ? undefined : true), LIMIT_MS);
      expect(owner.output()).toMatch(
        new RegExp(`the broker cannot be reached for \\d+ s, and .* reaches it: the world ${world} is saved`),
      );
      expect(owner.output()).toContain('world saved');
      const next = await until('a seat', () => joinWorld(relay.url).catch(() => undefined), LIMIT_MS);
      expect((await stroke(next, { tool: 'ablate', radius: 4, points: [128, 128] })).ok).toBe(true);
      expect((await organisms(relay)).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
      // What had the world keeps it: the old owner, started again, waits, and a way that is mended changes nothing.
      const again = start(['--role', 'world', '--nats', cable.to(broker.url), '--spare', 'yes']);
      again.catch(() => {});
      cable.mend();
      await pause(MAX_WITHOUT_BROKER_MS);
      expect(isAlive(spare.pid)).toBe(true);
    });

    test('while the broker is down for all, the owner keeps the world, and when it is back nobody has taken it over', {
      timeout: 180_000,
    }, async () => {
      const { hasTakenOver } = startSpare();
      const room = await joinWorld(relay.url);
      expect((await stroke(room, { tool: 'ablate', radius: 4, points: [60, 60] })).ok).toBe(true);
      await pause(MAX_WITHOUT_BROKER_MS);
      await broker.kill();
      await pause(2 * MAX_WITHOUT_BROKER_MS);
      await broker.run();
      await until('the relay finds the world', isFound, LIMIT_MS);
      await pause(2_000);
      expect([isAlive(owner.pid), hasTakenOver()]).toEqual([true, false]);
      expect((await stroke(room, { tool: 'ablate', radius: 4, points: [90, 90] })).ok).toBe(true);
    });

    test('nobody takes the lease of a dead owner without the broker, and who has it first does', {
      timeout: 180_000,
    }, async () => {
      const { waiting, hasTakenOver } = startSpare();
      await until('the spare waits', async () => ((await spares()) > 0 ? true : undefined), LIMIT_MS);
      await broker.kill();
      await owner.kill();
      await pause(3 * LEASE_SECONDS * 1_000);
      expect(hasTakenOver()).toBe(false);
      await broker.run();
      await waiting;
      await until('the relay finds the world', isFound, LIMIT_MS);
    });

    async function spares(): Promise<number> {
      const database = new Postgres(cluster.url, 'regrow test');
      const { count } = await database.ask('select from regrow.spare where world = $1', world);
      database.close();
      return count;
    }
  });

  test('a process without --spare does not start while another owns the world', {
    timeout: 60_000,
  }, async () => {
    await start();
    await expect(start()).rejects.toThrow(`the world ${world} is owned by`);
  });

  test('a world moves from its data directory into the store, and to another machine, with its admins and records', {
    timeout: 120_000,
  }, async () => {
    const home = join(folder, `home${worlds}`);
    const before = await run([...SETTINGS, '--admin-token', ADMIN_TOKEN], home);
    const room = await joinWorld(before.url);
    expect((await stroke(room, { tool: 'plant', species: 'pikachu', radius: 1, points: [40, 200] })).ok).toBe(
      true,
    );
    const ids = (await organisms(before)).map(({ id }) => id);
    expect(await before.stop()).toBe(0);

    const moved = await start([], cluster.url, home);
    const isTold = async () => (moved.output().includes('has been copied into the store') ? true : undefined);
    await until('the operator is told', isTold, LIMIT_MS);
    expect((await organisms(moved)).map(({ id }) => id)).toEqual(ids);
    const ban = await ask(moved, 'sanctions', {
      kind: 'ban',
      address: '198.51.100.7',
      minutes: 60,
      reason: 'a test',
    });
    expect(ban.status).toBe(200);
    const [record] = readdirSync(join(home, 'sessions'));
    expect(record).toMatch(/Z\.json$/);
    const database = new Postgres(cluster.url, 'regrow test');
    const isCopied = async () => {
      const { count } = await database.ask(
        'select from regrow.file where world = $1 and path = $2',
        world,
        'kept/index',
      );
      return count > 0 || undefined;
    };
    await until('records are copied', isCopied, LIMIT_MS);
    database.close();
    await moved.kill();

    const elsewhere = await start();
    expect(readdirSync(join(folder, `machine${machines}`, 'sessions'))).toContain(record);
    expect((await organisms(elsewhere)).map(({ id }) => id)).toEqual(ids);
    expect(await (await ask(elsewhere, 'audit')).text()).toContain('198.51.100.7');
    expect(await elsewhere.stop()).toBe(0);
  });
});

/** Asks as an admin. @param body - of a POST; default: it is a GET */
async function ask({ url }: RunningServer, path: string, body?: object): Promise<Response> {
  const json = { 'Content-Type': 'application/json' };
  const login = await fetch(`${url}/admin/api/login`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ token: ADMIN_TOKEN }),
  });
  const [Cookie] = login.headers.get('set-cookie')!.split(';');
  const method = body === undefined ? 'GET' : 'POST';
  return fetch(`${url}/admin/api/${path}`, {
    method,
    headers: { ...json, Cookie },
    body: body && JSON.stringify(body),
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
