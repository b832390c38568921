/** Real owners and spares of one world, with a real PostgreSQL between them, and relays behind a real broker. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Postgres } from '../../server/store/postgres.ts';
import { MAX_WITHOUT_BROKER_MS } from '../../server/store/standby.ts';
import { Broker, noBroker } from '../links/broker.ts';
import { Cable } from '../links/cable.ts';
import { setSpeed } from '../links/speed.ts';
import { Watcher } from '../links/watcher.ts';
import { joinWorld, stroke } from '../player.ts';
import { type RunningServer, until } from '../serverProcess.ts';
import { noPostgres } from './cluster.ts';
import {
  ADMIN_TOKEN,
  hasEnded,
  isAlive,
  LEASE_SECONDS,
  LIMIT_MS,
  Machines,
  organismsAt,
  pause,
  SIDE,
} from './machines.ts';

describe.skipIf(noPostgres !== null || noBroker !== null)(
  'a world in PostgreSQL with relays behind a broker',
  () => {
    let machines: Machines;
    let broker: Broker;
    let cable: Cable;
    let relay: RunningServer;
    let owner: RunningServer;

    beforeAll(async () => {
      machines = await Machines.open();
    });
    afterAll(() => machines?.close());
    /** The owner reaches the broker by a way of its own, which is cut without a word. */
    beforeEach(async () => {
      machines.beginWorld();
      broker = await Broker.start();
      cable = await Cable.lay(broker.port);
      owner = await machines.start(['--role', 'world', '--nats', cable.to(broker.url)]);
      relay = await machines.run(['--role', 'relay', '--relay-of', machines.world, '--nats', broker.url]);
    });
    afterEach(async () => {
      await machines.kill();
      await cable.remove();
      await broker.stop();
    });

    /** @returns the spare, and whether it owns the world */
    function startSpare(): {
      readonly waiting: Promise<RunningServer>;
      readonly hasTakenOver: () => boolean;
    } {
      const waiting = machines.start(['--role', 'world', '--nats', broker.url, '--spare', 'yes']);
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
      await hasEnded(owner);
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
      const before = await organismsAt(relay);
      cable.cut();
      const spare = await waiting;
      await hasEnded(owner);
      expect(owner.output()).toMatch(
        new RegExp(
          `the broker cannot be reached for \\d+ s, and .* reaches it: the world ${machines.world} is saved`,
        ),
      );
      expect(owner.output()).toContain('world saved');
      const next = await until('a seat', () => joinWorld(relay.url).catch(() => undefined), LIMIT_MS);
      expect((await stroke(next, { tool: 'ablate', radius: 4, points: [128, 128] })).ok).toBe(true);
      expect((await organismsAt(relay)).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
      // What had the world keeps it: the old owner, started again, waits, and a way that is mended changes nothing.
      const again = machines.start(['--role', 'world', '--nats', cable.to(broker.url), '--spare', 'yes']);
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
      const database = new Postgres(machines.cluster.url, 'regrow test');
      const { count } = await database.ask('select from regrow.spare where world = $1', machines.world);
      database.close();
      return count;
    }
  },
);
