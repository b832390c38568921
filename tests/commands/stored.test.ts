/** `npm run admin` and `npm run rules` on a world that is in a store, with its server running and not. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../serverProcess.ts';
import { Cluster, noPostgres } from '../store/cluster.ts';

const root = join(import.meta.dirname, '../..');
const WORLD = 'meadow';

describe.skipIf(noPostgres !== null)('a world in a store', { timeout: 120_000 }, () => {
  let cluster: Cluster;
  let folder: string;
  let machines = 0;

  beforeAll(async () => {
    cluster = await Cluster.start();
    folder = mkdtempSync(join(tmpdir(), 'regrow-stored-'));
    expect(await (await start()).stop()).toBe(0);
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const store = (): string[] => ['--store', cluster.url, '--blobs', join(folder, 'blobs')];
  function start(): Promise<RunningServer> {
    const small = ['--size', '128', '--garden', '1', '--engine', 'wasm', '--threads', '1', '--tuner', 'off'];
    return startServer(
      [...small, ...store(), '--world', WORLD],
      join(folder, `machine${++machines}`),
      100_000,
    );
  }

  interface Ran {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
  }
  function run(program: 'admin' | 'rules', args: readonly string[], env = process.env): Promise<Ran> {
    const script = join(root, `server/commands/${program}.ts`);
    return new Promise((resolve) => {
      execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });
  }
  const stored = (program: 'admin' | 'rules', ...args: string[]): Promise<Ran> =>
    run(program, [...args, ...store(), '--world', WORLD]);

  test('while no server runs, an admin is added, and the next owner lets them in', async () => {
    const { code, stdout, stderr } = await stored('admin', 'add', 'Ann', '--role', 'owner');
    expect([code, stderr]).toEqual([0, expect.stringContaining('Ann is an owner')]);
    expect((await stored('admin', 'list')).stdout).toMatch(/Ann +owner/);
    const server = await start();
    const login = await fetch(`${server.url}/admin/api/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token: stdout.trim() }),
    });
    expect(login.status).toBe(200);

    // Beside the server, the store is read, and not changed.
    const refused = await stored('admin', 'revoke', 'Ann');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/the world meadow is owned by .*\. While a server runs, change this at \/admin/),
    ]);
    expect((await stored('admin', 'audit')).stdout).toContain('Ann');
    expect(await server.stop()).toBe(0);
  });

  test('the environment says where the store is; a data directory that is named goes before it', async () => {
    const env = {
      ...process.env,
      REGROW_STORE: cluster.url,
      REGROW_BLOBS: join(folder, 'blobs'),
      REGROW_WORLD: WORLD,
      // Of the server, and nothing to a command.
      REGROW_ROLE: 'world',
    };
    expect(JSON.parse((await run('rules', ['list', '--json'], env)).stdout).length).toBeGreaterThan(0);
    const empty = mkdtempSync(join(folder, 'empty-'));
    expect((await run('rules', ['list', '--data-dir', empty], env)).stdout).toContain('no rule yet');
  });

  test('a world that is not there is named, and so is what is missing', async () => {
    const other = await run('admin', ['list', ...store(), '--world', 'reef']);
    expect([other.code, other.stderr]).toEqual([1, 'the store has no world reef: it has meadow\n']);
    const { code, stderr } = await run('admin', ['list', '--store', cluster.url]);
    expect([code, stderr]).toEqual([1, '--store needs --blobs\n']);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('regrow-command-'))).toEqual([]);
  });
});
