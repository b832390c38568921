/** `npm run world` beside a server that plays, saves every second, and is killed. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LOCK_FILES } from '../../server/storage/lock.ts';
import type { Overview } from '../../server/upkeep/overview.ts';
import type { Verdict } from '../../server/upkeep/verify.ts';
import { joinWorld, stroke } from '../player.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';

const root = join(import.meta.dirname, '../..');
const weights = join(root, 'tests/fixtures/dataDirectory-1/weights');
const FLAGS = '--size 256x192 --garden 4 --engine wasm --threads 1 --steps-per-second 100 --tuner off'
  .split(' ')
  .concat('--weights-dir', weights);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-world-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
const command = (script: string, args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
const run = (...args: string[]): Promise<Ran> => command('server/commands/world.ts', args);
const infoOf = async (dir: string): Promise<Overview> =>
  JSON.parse((await run('info', dir, '--json')).stdout) as Overview;
async function verdictOf(dir: string, ...flags: string[]): Promise<Verdict & { code: number }> {
  const { code, stdout, stderr } = await run('verify', dir, '--json', ...flags);
  expect(stderr).toBe('');
  return { code, ...(JSON.parse(stdout) as Verdict) };
}
const replay = ['--replay', '--weights-dir', weights];

/** A server with five bodies, one of them a player's, that has saved twice. */
async function startWorld(dataDir: string, saveSeconds: number): Promise<RunningServer> {
  const server = await startServer([...FLAGS, '--save-seconds', String(saveSeconds)], dataDir);
  const player = await joinWorld(server.url);
  let place = 0;
  await until(
    'a planting that finds room',
    async () => {
      const points = [20 + ((place * 24) % 216), 20 + ((Math.floor(place / 9) * 24) % 152)];
      place++;
      const { ok } = await stroke(player, { tool: 'plant', radius: 1, points, species: 'blob' });
      return ok || undefined;
    },
    30_000,
  );
  await until(
    'two saves',
    async () => (readdirSync(dataDir).includes('world.regrow.1') ? true : undefined),
    30_000,
  );
  return server;
}

/** @param name - of a folder that is not there yet */
async function backUp(dataDir: string, name: string): Promise<string> {
  const to = join(folder, name);
  const { code, stdout, stderr } = await run('backup', dataDir, '--to', to);
  expect([code, stdout, stderr]).toEqual([0, expect.stringContaining('is a sound backup of'), '']);
  return to;
}

describe('beside a server that runs', () => {
  let server: RunningServer;
  let dataDir: string;
  beforeAll(async () => {
    dataDir = join(folder, 'running');
    server = await startWorld(dataDir, 1);
  });
  afterAll(() => server?.kill());

  test('info tells what is there, and who holds it', async () => {
    const { holder, world, saves, journal, registry } = await infoOf(dataDir);
    expect(holder).toMatchObject({ host: hostname(), purpose: 'the server' });
    expect(world).toMatchObject({ width: 256, height: 192, organisms: 5, bySpecies: { blob: 5 } });
    expect(Object.keys(world!.byPlanter)).toHaveLength(2);
    expect(saves.map(({ file, isSound, format }) => [file, isSound, format])).toEqual([
      ['world.regrow', true, 2],
      ['world.regrow.1', true, 2],
    ]);
    expect(journal).toMatchObject({ isSound: true, afterGap: [] });
    expect(registry).toMatchObject({ isSound: true, inForce: { blob: 'blob v1' } });
    expect((await run('info', dataDir)).stdout).toMatch(
      /in use by the server: process \d+ on host .*\n.*256x192/,
    );
  });

  test('verify finds no fault while saves come and go', { timeout: 120_000 }, async () => {
    for (let i = 0; i < 6; i++) expect(await verdictOf(dataDir)).toMatchObject({ code: 0, faults: [] });
    const { code, faults, notes } = await verdictOf(dataDir, ...replay);
    expect([code, faults]).toEqual([0, []]);
    expect(notes.join()).toMatch(/follows from the save before it, to the bit/);
  });

  test('a backup is whole, and holds what was acknowledged before it', { timeout: 120_000 }, async () => {
    const to = join(folder, 'backups');
    const before = await infoOf(dataDir);
    for (const name of ['first', 'second', 'third']) await backUp(dataDir, join('backups', name));
    expect(readdirSync(to).sort()).toEqual(['first', 'second', 'third']);
    const copy = join(to, 'third');
    const { holder, world } = await infoOf(copy);
    expect(holder).toBeNull();
    expect(world!.step).toBeGreaterThanOrEqual(before.world!.step);
    expect(world!.byPlanter).toEqual(before.world!.byPlanter);
    expect(await verdictOf(copy, ...replay)).toMatchObject({ code: 0, faults: [] });
    expect(readdirSync(copy)).not.toContain('admin-token');
    // Into a folder that is there, under a name with the date. An earlier version kept a token in a file.
    writeFileSync(join(dataDir, 'admin-token'), 'a token of an earlier version\n');
    expect((await run('backup', dataDir, '--to', to, '--with-token')).code).toBe(0);
    const dated = readdirSync(to).find((name) => name.startsWith('regrow-'))!;
    expect(statSync(join(to, dated, 'admin-token')).mode & 0o777).toBe(0o600);
  });

  test('a second server, a restore and a recovery are refused by name, and the first server goes on', async () => {
    const { pid, since } = JSON.parse(readFileSync(join(dataDir, LOCK_FILES.holder), 'utf8'));
    const said = `${dataDir} is in use by the server: process ${pid} on host ${hostname()}, since ${since}`;
    const second = await command('server/main.ts', ['--port', '0', '--data-dir', dataDir, ...FLAGS]);
    const refused = [
      second,
      await run('restore', await backUp(dataDir, 'refused'), dataDir, '--replace'),
      await run('recover', dataDir, '--yes', '--weights-dir', weights),
    ];
    for (const { code, stderr } of refused) {
      expect(stderr).toContain(said);
      expect(code).toBe(1);
    }
    const step = (await infoOf(dataDir)).world!.step;
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    await until(
      'further steps',
      async () => ((await infoOf(dataDir)).world!.step > step ? true : undefined),
      20_000,
    );
  });
});

/** Files beside world and registry: those that a backup takes, and those that it leaves. */
const BESIDE = [
  ['tuner/wounds/mew.json', 'wounds'],
  ['tuner/attempts.json', 'attempts'],
  ['nursery/kept/7/growth.gif', 'film'],
  ['sessions/_torn.jsonl', 'left'],
  ['nursery/kept/7/growth.gif.tmp', 'left'],
  ['nursery/jobs/8/checkpoint.bin', 'left'],
  ['tuner/films/mew.json', 'left'],
] as const;

describe('after a kill', () => {
  let dataDir: string;
  let backup: string;
  beforeAll(async () => {
    dataDir = join(folder, 'killed');
    const server = await startWorld(dataDir, 4);
    const inode = (): number | undefined =>
      statSync(join(dataDir, 'world.regrow'), { throwIfNoEntry: false })?.ino;
    const before = inode();
    // Just behind a save, so that none is in the way.
    await until('a save', async () => (![before, undefined].includes(inode()) ? true : undefined), 30_000);
    await server.kill();
    for (const [path, text] of BESIDE) {
      mkdirSync(dirname(join(dataDir, path)), { recursive: true });
      writeFileSync(join(dataDir, path), text);
    }
    backup = await backUp(dataDir, 'backup');
  }, 120_000);

  test('the data directory is sound, and follows from its journal to the bit', async () => {
    expect((await infoOf(dataDir)).holder).toBeNull();
    const { code, faults, notes } = await verdictOf(dataDir, ...replay);
    expect([code, faults]).toEqual([0, []]);
    expect(notes.join()).toMatch(/follows from the save before it, to the bit/);
    expect(await run('recover', dataDir, '--weights-dir', weights)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nothing to recover'),
    });
  });

  test('a damaged copy is found, recovered, and a server starts with it', { timeout: 120_000 }, async () => {
    const ruin = join(folder, 'ruin');
    cpSync(dataDir, ruin, { recursive: true });
    truncateSync(join(ruin, 'world.regrow'), 100);
    const { code, faults } = await verdictOf(ruin);
    expect(code).toBe(1);
    expect(faults[0].fact).toContain(join(ruin, 'world.regrow'));
    const recover = ['recover', ruin, '--weights-dir', weights];
    expect((await run(...recover)).stdout).toMatch(/goes on from .*world\.regrow\.1.*\nNothing was changed/);
    expect((await run(...recover, '--yes')).stdout).toContain(`${ruin} is sound`);
    const server = await startServer(FLAGS, ruin);
    expect(await (await fetch(`${server.url}/api/organisms`)).json()).toHaveLength(5);
    await server.kill();
  });

  test('a backup is restored into a new folder, and in place of an old world only when told to', {
    timeout: 120_000,
  }, async () => {
    const fresh = join(folder, 'fresh');
    const home = join(folder, 'home');
    cpSync(dataDir, home, { recursive: true });
    expect((await run('restore', backup, fresh)).code).toBe(0);
    const { world } = await infoOf(fresh);
    expect(world).toEqual((await infoOf(backup)).world);
    for (const [path, text] of BESIDE)
      if (text === 'left') expect([path, existsSync(join(fresh, path))]).toEqual([path, false]);
      else expect(readFileSync(join(fresh, path), 'utf8')).toBe(text);
    expect((await run('restore', backup, home)).stderr).toContain('is not empty. With --replace');
    const old = await infoOf(home);
    const { code, stdout } = await run('restore', backup, home, '--replace');
    const [, aside] = /held is in (\S+)/.exec(stdout)!;
    expect([code, (await infoOf(aside)).world]).toEqual([0, old.world]);
    expect((await infoOf(home)).world).toEqual(world);
    const server = await startServer(FLAGS, home);
    expect(await (await fetch(`${server.url}/api/organisms`)).json()).toHaveLength(5);
    expect(await server.stop()).toBe(0);
    expect(await verdictOf(home)).toMatchObject({ code: 0, faults: [] });
  });

  test('an unsound backup is not restored, and nothing is made of it', async () => {
    const bad = join(folder, 'bad');
    cpSync(backup, bad, { recursive: true });
    rmSync(join(bad, readdirSync(bad).find((name) => name.endsWith('.pack'))!));
    const { code, stderr } = await run('restore', bad, join(folder, 'none'));
    expect([code, stderr]).toEqual([1, expect.stringContaining('the backup is not sound')]);
    expect(readdirSync(folder)).not.toContain('none');
  });
});

test.each([
  [['info', '/nowhere'], 'there is no data directory /nowhere'],
  [['backup'], '--to is missing'],
  [['restore'], 'restore takes BACKUP [DIR]'],
  [['mend'], 'mend is not a command: info, verify, backup, restore, recover'],
  [['info', '--yes'], 'info does not know --yes'],
])('%j is refused with the reason', async (args, said) => {
  const { code, stderr } = await run(...args);
  expect([code, stderr]).toEqual([1, expect.stringContaining(said)]);
});
