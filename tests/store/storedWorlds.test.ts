/** Several worlds of one server whose state is in PostgreSQL: `--worlds meadow,reef --store postgres://…`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Postgres } from '../../server/store/postgres.ts';
import { joinWorld, plant } from '../player.ts';
import { childrenOf, type RunningServer, startServer, until } from '../serverProcess.ts';
import { Cluster, noPostgres } from './cluster.ts';
import { LEASE_SECONDS } from './machines.ts';

const LIMIT_MS = 60_000;
/** Four processes start one after the other, perhaps on a machine that is busy. */
const START_MS = 120_000;
const WORLDS = ['meadow', 'reef'];

describe.skipIf(noPostgres !== null)('several worlds in one store', () => {
  let cluster: Cluster;
  let folder: string;
  let server: RunningServer;

  const start = (machine: string): Promise<RunningServer> =>
    startServer(
      [
        ...[
          '--worlds',
          WORLDS.join(','),
          '--relays',
          '1',
          '--size',
          '256',
          '--garden',
          '2',
          '--engine',
          'wasm',
        ],
        ...['--tuner', 'off', '--threads', '1', '--guests-per-address', '100', '--log', 'text'],
        ...['--store', cluster.url, '--blobs', join(folder, 'blobs'), '--lease-seconds', `${LEASE_SECONDS}`],
      ],
      join(folder, machine),
      START_MS,
    );

  beforeAll(async () => {
    cluster = await Cluster.start();
    folder = mkdtempSync(join(tmpdir(), 'regrow-stored-worlds-'));
    server = await start('one');
  }, START_MS + LIMIT_MS);
  afterAll(async () => {
    await server?.stop();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const at = (world: string): string => `${server.url}/w/${world}`;
  const organisms = async (world: string): Promise<string[]> => {
    const answer = await fetch(`${at(world)}/api/organisms`);
    if (!answer.ok) return [];
    return ((await answer.json()) as { id: number; species: string }[]).map(
      ({ id, species }) => `${id} ${species}`,
    );
  };
  const awaitWorld = (world: string): Promise<string[]> =>
    until(
      world,
      async () => {
        const found = await organisms(world);
        return found.length > 0 ? found : undefined;
      },
      LIMIT_MS,
    );
  const plantIn = async (world: string): Promise<void> => {
    const room = await until('a seat', () => joinWorld(at(world)).catch(() => undefined), LIMIT_MS);
    await plant(room, 30, 220);
    await room.leave();
  };

  test('each has a lease, files and a registry of its own', async () => {
    const database = new Postgres(cluster.url, 'regrow test');
    const leases = await database.ask<{ world: string }>('select world from regrow.lease order by world');
    expect(leases.rows.map(({ world }) => world)).toEqual(WORLDS);
    for (const world of WORLDS) {
      const files = await database.ask<{ path: string }>(
        'select path from regrow.file where world = $1',
        world,
      );
      const paths = files.rows.map(({ path }) => path).join(' ');
      expect(paths).toMatch(/world\/world\.regrow/);
      expect(paths).toMatch(/registry/);
      expect(paths).toMatch(/keys\/guest-key/);
    }
    database.close();
  });

  test('the operator reads by which command an admin of each gets a token', () => {
    for (const world of WORLDS)
      expect(server.output()).toContain(
        `rotate admin --store … --blobs ${join(folder, 'blobs')} --world ${world}\` prints a new one`,
      );
  });

  test('one that is killed comes back with what it had acknowledged', { timeout: 4 * LIMIT_MS }, async () => {
    await plantIn('reef');
    const before = await organisms('reef');
    const [killed] = childrenOf(server.pid, 'main.ts', '--world=reef\0');
    process.kill(killed, 'SIGKILL');
    await until('its end', async () => ((await organisms('reef')).length === 0 ? true : undefined), LIMIT_MS);
    expect(await awaitWorld('reef')).toEqual(before);
  });

  test('all go on on another machine, each as it was', { timeout: START_MS + 4 * LIMIT_MS }, async () => {
    await plantIn('meadow');
    const before = await Promise.all(WORLDS.map(organisms));
    expect(before[0]).not.toEqual(before[1]);
    expect(await server.stop()).toBe(0);
    server = await start('two');
    expect(await Promise.all(WORLDS.map(awaitWorld))).toEqual(before);
  });

  test('a second server of the same worlds does not start while the first owns them', {
    timeout: START_MS + LIMIT_MS,
  }, async () => {
    await expect(start('three')).rejects.toThrow('the world meadow is owned by');
  });
});

test.skipIf(noPostgres === null)(`no worlds were kept in a store: ${noPostgres}`, () => {});
