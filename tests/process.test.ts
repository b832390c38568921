import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TAKEN_NAMES } from '../server/storage/beside.ts';
import { isWorldName } from '../shared/worldNames.ts';
import { type RunningServer, startServer, until } from './serverProcess.ts';

interface Organism {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly species: string;
  readonly ageSteps: number;
}

const root = join(import.meta.dirname, '..');
const FLAGS = ['--size', '320', '--garden', '4', '--engine', 'wasm'];

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'regrow-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

async function organisms(server: RunningServer): Promise<Organism[]> {
  const answer = (await (await fetch(`${server.url}/api/organisms`)).json()) as Organism[];
  return answer.sort((a, b) => a.id - b.id);
}

const seeds = (list: readonly Organism[]): unknown =>
  list.map(({ id, x, y, species }) => ({ id, x, y, species }));

test('a restart goes on with the same organisms, which are older', async () => {
  const first = await startServer(FLAGS, dataDir);
  const before = await until(
    'organisms of some age',
    async () => {
      const list = await organisms(first);
      return list.length === 4 && list[0].ageSteps > 20 ? list : undefined;
    },
    20_000,
  );
  expect(await first.stop()).toBe(0);

  const second = await startServer(FLAGS, dataDir);
  const after = await organisms(second);
  expect(seeds(after)).toEqual(seeds(before));
  expect(after[0].ageSteps).toBeGreaterThanOrEqual(before[0].ageSteps);
  expect(await second.stop()).toBe(0);
  // None of several worlds in this folder could be mixed with it.
  expect(readdirSync(dataDir).filter((name) => isWorldName(name) && !TAKEN_NAMES.has(name))).toEqual([]);
});

test('an unsound save is left out with a line that says so, and the one before it is used', async () => {
  const first = await startServer(FLAGS, dataDir);
  const planted = seeds(await organisms(first));
  expect(await first.stop()).toBe(0);
  const second = await startServer(FLAGS, dataDir);
  expect(await second.stop()).toBe(0);

  const newest = join(dataDir, 'world.regrow');
  truncateSync(newest, Math.floor(readFileSync(newest).length / 2));
  const third = await startServer(FLAGS, dataDir);
  expect(seeds(await organisms(third))).toEqual(planted);
  expect(third.output()).toMatch(/world\.regrow is unsound.*\n.*using the save before it/);
  expect(await third.stop()).toBe(0);
  expect(readdirSync(dataDir).some((file) => file.includes('corrupt'))).toBe(true);
});

test('a server whose log nobody reads any more goes on, and stops and saves on TERM', async () => {
  const child = spawn(
    process.execPath,
    ['server/main.ts', '--port', '0', '--host', '127.0.0.1', '--data-dir', dataDir, ...FLAGS],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.stdout.destroy();
  child.stderr.destroy();
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
  expect(readdirSync(dataDir)).toContain('world.regrow');
});

const run = (...args: string[]) =>
  spawnSync(process.execPath, ['server/main.ts', '--data-dir', dataDir, ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: 50_000,
  });

test('bad settings stop the start with every bad field named', () => {
  const { status, stderr } = run(
    '--port',
    '99999',
    '--epsilon',
    'two',
    '--frames-per-second',
    '0',
    '--colour',
    'red',
  );
  expect(status).toBe(1);
  for (const field of ['port', 'epsilon', 'frames-per-second', 'colour']) expect(stderr).toContain(field);
  expect(readdirSync(dataDir)).toEqual([]);
});

test('--help lists every setting and starts nothing', () => {
  const { status, stdout } = run('--help');
  expect(status).toBe(0);
  for (const flag of ['--port', '--size', '--steps-per-second', '--epsilon', '--garden', '--data-dir']) {
    expect(stdout).toContain(flag);
  }
});

test('a bad rule file stops the start with one line that names the file and the fact', () => {
  writeFileSync(join(dataDir, 'broken.safetensors'), 'not a rule');
  const { status, stderr } = run('--weights-dir', dataDir, '--port', '0');
  expect(status).toBe(1);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain('broken.safetensors');
});

test('a corrupt registry stops the start with one line that says what to do, and no world is planted', () => {
  writeFileSync(join(dataDir, 'registry.db'), 'nonsense '.repeat(99));
  const { status, stderr } = run('--port', '0');
  expect(status).toBe(1);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain(join(dataDir, 'registry.db'));
  expect(stderr).toContain('npm run world -- recover');
  expect(readdirSync(dataDir).filter((name) => !name.startsWith('lock.'))).toEqual(['registry.db']);
});

const hasMounts = spawnSync('unshare', ['--mount', 'true']).status === 0;
/** Runs a command for which the data directory is on a read-only file system. */
const onReadOnlyFolder = (...args: string[]) =>
  spawnSync(
    'unshare',
    [
      '--mount',
      'sh',
      '-c',
      'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"',
      dataDir,
      ...args,
    ],
    { cwd: root, encoding: 'utf8', timeout: 50_000 },
  );

test.skipIf(!hasMounts)(
  'a data directory on a read-only file system stops the start with one line that says so',
  () => {
    for (const folder of [dataDir, join(dataDir, 'not/made/yet')]) {
      const { status, stderr } = onReadOnlyFolder(
        process.execPath,
        'server/main.ts',
        '--port',
        '0',
        '--data-dir',
        folder,
      );
      expect(status).toBe(1);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toContain(folder);
      expect(stderr).toContain('read-only file system (EROFS)');
    }
  },
);
