/** `npm run world` on a world that is in a store, beside its server and without. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Postgres } from '../../server/store/postgres.ts';
import type { Overview } from '../../server/upkeep/overview.ts';
import type { Verdict } from '../../server/upkeep/verify.ts';
import { joinWorld, plant } from '../player.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { Cluster, noPostgres } from '../store/cluster.ts';

const root = join(import.meta.dirname, '../..');
const WORLD = 'meadow';
const LIMIT_MS = 60_000;

describe.skipIf(noPostgres !== null)('a world in a store', { timeout: 180_000 }, () => {
  let cluster: Cluster;
  let folder: string;
  let server: RunningServer;
  let machines = 0;
  /** Ids of the bodies when the first backup was made. */
  let bodies: number[];

  beforeAll(async () => {
    cluster = await Cluster.start();
    folder = mkdtempSync(join(tmpdir(), 'regrow-stored-world-'));
    server = await start();
    const room = await joinWorld(server.url);
    await plant(room, 30, 220);
    bodies = await organisms(server);
  }, 180_000);
  afterAll(async () => {
    await server?.stop();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const store = (world = WORLD): string[] => [
    ...['--store', cluster.url, '--blobs', join(folder, 'blobs')],
    ...['--world', world],
  ];
  const SMALL = ['--size', '256', '--garden', '2', '--engine', 'wasm', '--threads', '1', '--tuner', 'off'];
  function start(world = WORLD): Promise<RunningServer> {
    // On a busy machine, an owner may be late by many seconds.
    const flags = [...SMALL, ...store(world), '--save-seconds', '1', '--lease-seconds', '20'];
    return startServer(flags, join(folder, `machine${++machines}`), 100_000);
  }
  const organisms = async ({ url }: RunningServer): Promise<number[]> =>
    ((await (await fetch(`${url}/api/organisms`)).json()) as { id: number }[]).map(({ id }) => id);

  interface Ran {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
  }
  function run(...args: string[]): Promise<Ran> {
    const script = join(root, 'server/commands/world.ts');
    return new Promise((resolve) => {
      execFile(process.execPath, [script, ...args], (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });
  }
  async function told<T>(...args: string[]): Promise<T> {
    const { stdout, stderr } = await run(...args, '--json');
    expect(stderr).toBe('');
    return JSON.parse(stdout) as T;
  }

  test('info tells what is there and who owns it, beside its server, and never the password', async () => {
    const found = await told<Overview>('info', ...store());
    expect(found.holder).toEqual({ owner: expect.stringContaining(`process ${server.pid}`) });
    expect(found.folder).toBe(`the world meadow of postgres://127.0.0.1:${cluster.port}/postgres`);
    expect(found.world).toMatchObject({ width: 256, organisms: bodies.length });
    expect(found.registry).toMatchObject({ isSound: true, rows: { admins: 1 } });
    const { stdout } = await run('info', ...store());
    expect(stdout).toMatch(/owned by .*, process \d+/);
    expect(stdout).not.toContain('written');
  });

  test('verify reads every page, beside its server', async () => {
    const { faults, notes } = await told<Verdict>('verify', ...store());
    expect(faults).toEqual([]);
    expect(notes.join('\n')).toMatch(/meadow\/world.regrow: \d+ pages, step \d+/);
    const { code, stdout } = await run('verify', ...store());
    expect([code, stdout]).toEqual([0, expect.stringContaining(`the world meadow of postgres://`)]);
  });

  test('a backup beside its server makes a data directory, which a server of its own goes on with', async () => {
    const to = join(folder, 'backup');
    const { path } = await told<{ path: string }>('backup', ...store(), '--to', to);
    expect(path).toBe(to);
    expect(statSync(join(to, 'guest-key')).mode & 0o077).toBe(0);
    expect(readFileSync(join(to, 'backup.json'), 'utf8')).toContain('"world":"meadow"');
    const home = join(folder, 'home');
    const restored = await run('restore', to, home);
    expect([restored.code, restored.stderr]).toEqual([0, '']);
    const alone = await startServer(SMALL, home, 100_000);
    expect(await organisms(alone)).toEqual(bodies);
    expect(await alone.stop()).toBe(0);
  });

  test('a restore is refused beside the server, and over a world that is there, and changes nothing', async () => {
    const beside = await run('restore', join(folder, 'backup'), ...store());
    expect([beside.code, beside.stderr]).toEqual([
      1,
      expect.stringMatching(/the world meadow is owned by .*: stop that server first/),
    ]);
    expect(await server.stop()).toBe(0);
    const over = await run('restore', join(folder, 'backup'), ...store());
    expect([over.code, over.stderr]).toEqual([
      1,
      expect.stringContaining('is there already. With --replace, it gets another name in the store'),
    ]);
    expect((await told<Verdict>('verify', ...store())).faults).toEqual([]);
  });

  test('with --replace, the backup of a data directory is the world in the store, and what was there is another', async () => {
    const home = join(folder, 'home');
    const alone = await startServer(SMALL, home, 100_000);
    const room = await joinWorld(alone.url);
    await plant(room, 220, 220);
    const more = await organisms(alone);
    expect(more.length).toBe(bodies.length + 1);
    const to = join(folder, 'of-a-folder');
    expect((await run('backup', home, '--to', to)).code).toBe(0);
    expect(await alone.stop()).toBe(0);

    const before = readdirSync(to).sort();
    const { code, stdout } = await run('restore', to, ...store(), '--replace');
    expect(code).toBe(0);
    expect(readdirSync(to).sort()).toEqual(before);
    const [, aside] = /what was there is the world (meadow-\d{14}) of the store/.exec(stdout)!;
    const old = await told<Overview>('info', ...store(aside));
    expect([old.world?.organisms, old.holder]).toEqual([bodies.length, null]);
    expect((await told<Verdict>('verify', ...store(aside))).faults).toEqual([]);

    server = await start();
    expect(await organisms(server)).toEqual(more);
    expect(await server.stop()).toBe(0);
    // The next saves removed nothing of the world that was set aside.
    expect((await told<Verdict>('verify', ...store(aside))).faults).toEqual([]);
    server = await start(aside);
    expect(await organisms(server)).toEqual(bodies);
  });

  test('a blob that is missing is a fault, with what to do, and no backup is made', async () => {
    const database = new Postgres(cluster.url, 'regrow test');
    const { rows } = await database.ask<{ blob: string }>(
      'select p.blob from regrow.piece p join regrow.file f on f.id = p.file where f.world = $1 and p.blob is not null',
      WORLD,
    );
    database.close();
    for (const { blob } of rows) rmSync(join(folder, 'blobs', blob));
    const { code, stdout } = await run('verify', ...store());
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAULT the store cannot read pages-\d+\.pack/);
    expect(stdout).toMatch(/FAULT the store cannot read sessions\//);
    expect(stdout).toContain('`npm run world -- restore BACKUP --replace` brings a backup back');
    expect(stdout).not.toContain('world -- recover');
    const to = join(folder, 'unsound');
    const failed = await run('backup', ...store(), '--to', to);
    expect(failed.code).toBe(1);
    expect(readdirSync(folder)).not.toContain('unsound');
  });

  test('what does not go together is refused in a sentence', async () => {
    const refusals = await Promise.all([
      run('recover', ...store()),
      run('info', folder, ...store()),
      run('info', ...store('reef')),
      run('backup', ...store(), '--to', join(folder, 'x'), '--with-token'),
      run('info', '--store', cluster.url),
    ]);
    expect(refusals.map(({ code, stderr }) => [code, stderr.trim()])).toEqual([
      [1, expect.stringMatching(/^recover works on data directories only.* restore a backup$/)],
      [1, `the world is in ${folder} or in a store: give one of them`],
      [1, expect.stringMatching(/^the store has no world reef: it has meadow, meadow-\d+$/)],
      [1, '--with-token is for data directories: a store has no file with a token'],
      [1, '--store needs --blobs'],
    ]);
    const left = readdirSync(tmpdir()).filter((name) => name.startsWith('regrow-command-'));
    await until('no copy is left', async () => (left.length === 0 ? true : undefined), LIMIT_MS);
  });
});

test.skipIf(noPostgres === null)(`no world was in a store: ${noPostgres}`, () => {});
