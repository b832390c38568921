/** Records and jobs of a data directory, and what the next owner of the world finds of them. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FolderCopies } from '../../server/store/folderCopies.ts';
import { FakeDisk } from '../storage/fakeDisk.ts';

let folders: string[];
let disk: FakeDisk;
let lines: string[];
beforeEach(() => {
  folders = [];
  disk = new FakeDisk();
  lines = [];
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function machine(): string {
  const folder = mkdtempSync(join(tmpdir(), 'regrow-folders-'));
  folders.push(folder);
  return folder;
}

function put(dataDir: string, path: string, content: string): void {
  mkdirSync(dirname(join(dataDir, path)), { recursive: true });
  writeFileSync(join(dataDir, path), content);
}

const get = (dataDir: string, path: string): string | null =>
  existsSync(join(dataDir, path)) ? readFileSync(join(dataDir, path), 'utf8') : null;

const copiesOf = (dataDir: string, from = disk): FolderCopies =>
  new FolderCopies(from, dataDir, (line) => lines.push(line));

/** What a machine finds that takes over now. */
async function elsewhere(paths: readonly string[], from = disk): Promise<(string | null)[]> {
  const dataDir = machine();
  await copiesOf(dataDir, from).restore();
  return paths.map((path) => get(dataDir, path));
}

const RECORD = 'sessions/2026-01-01T00-00-00.000Z.json';
const OPEN = 'sessions/2026-01-02T00-00-00.000Z.open.jsonl';
const JOB = 'tuner/jobs/20260101-pikachu';
const FILM = 'nursery/kept/7/growth.gif';

test('records, jobs and films are there on the next machine, as they were', async () => {
  const home = machine();
  const all = {
    [RECORD]: '{}',
    [OPEN]: 'line\n',
    [`${JOB}/job.json`]: 'job',
    'tuner/wounds/pikachu.json': 'wounds',
    'tuner/attempts.json': 'attempts',
    [FILM]: 'film',
  };
  for (const [path, content] of Object.entries(all)) put(home, path, content);
  put(home, `${JOB}/checkpoint.bin`, 'at 100');
  const copies = copiesOf(home);
  expect(await copies.restore()).toBe(false);
  await copies.copy();
  expect(await elsewhere([...Object.keys(all), `${JOB}/checkpoint.bin`])).toEqual([
    ...Object.values(all),
    'at 100',
  ]);
});

test('what changes is copied again, what goes is gone, and no bundle of it stays', async () => {
  const home = machine();
  put(home, RECORD, 'first');
  put(home, `${JOB}/job.json`, 'job');
  const copies = copiesOf(home);
  await copies.copy();
  put(home, RECORD, 'second, longer');
  rmSync(join(home, JOB), { recursive: true });
  await copies.copy(true);
  expect(await elsewhere([RECORD, `${JOB}/job.json`])).toEqual(['second, longer', null]);
  expect(disk.names.filter((name) => name.endsWith('.pack'))).toHaveLength(1);
  const before = [...disk.names];
  await copies.copy(true);
  expect(disk.names).toEqual(before);
});

test('what is being written has no copy', async () => {
  const home = machine();
  put(home, RECORD, 'whole');
  put(home, `${RECORD}.tmp`, 'half');
  put(home, 'tuner/jobs/_20260101-moss.7.part/job.json', 'half');
  put(home, `${JOB}/job.json`, 'job');
  put(home, `${JOB}/checkpoint.bin.tmp`, 'half');
  await copiesOf(home).copy();
  expect(
    await elsewhere([
      RECORD,
      `${RECORD}.tmp`,
      'tuner/jobs/_20260101-moss.7.part/job.json',
      `${JOB}/checkpoint.bin.tmp`,
    ]),
  ).toEqual(['whole', null, null, null]);
});

test('a long entry that goes on changing is copied less often, and at the end', async () => {
  const home = machine();
  const now = vi.spyOn(performance, 'now').mockReturnValue(1_000_000);
  put(home, OPEN, 'a'.repeat(1_000_000));
  const copies = copiesOf(home);
  await copies.copy();
  put(home, OPEN, 'b'.repeat(1_000_001));
  now.mockReturnValue(1_009_000);
  await copies.copy();
  expect((await elsewhere([OPEN]))[0]).toMatch(/^a/);
  now.mockReturnValue(1_011_000);
  await copies.copy();
  expect((await elsewhere([OPEN]))[0]).toMatch(/^b/);
  put(home, OPEN, 'c');
  await copies.close();
  expect(await elsewhere([OPEN])).toEqual(['c']);
});

test('folders of this machine give way to those of the store, and are kept aside', async () => {
  const home = machine();
  put(home, RECORD, 'of the world');
  await copiesOf(home).copy();
  const other = machine();
  put(other, 'sessions/2020-01-01T00-00-00.000Z.json', 'old');
  put(other, `${JOB}/job.json`, 'old');
  expect(await copiesOf(other).restore()).toBe(true);
  expect(get(other, RECORD)).toBe('of the world');
  expect(get(other, 'sessions/2020-01-01T00-00-00.000Z.json')).toBeNull();
  expect(get(other, 'sessions.replaced/2020-01-01T00-00-00.000Z.json')).toBe('old');
  expect(get(other, 'tuner/jobs.replaced/20260101-pikachu/job.json')).toBe('old');
});

test('killed at any moment, a copy leaves each entry as it was or as it is', async () => {
  const home = machine();
  put(home, RECORD, 'old');
  put(home, `${JOB}/job.json`, 'old');
  put(home, `${JOB}/measured.json`, 'old');
  const copies = copiesOf(home);
  await copies.copy();
  const paths = [RECORD, `${JOB}/job.json`, `${JOB}/measured.json`];
  for (const path of paths) put(home, path, 'newer');
  const sound = disk;
  const ends = new Set<string | null>();
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 40 }), async (at) => {
      const there = sound.afterKill();
      const next = copiesOf(home, there);
      await next.restore();
      for (const path of paths) put(home, path, 'newer');
      there.expect({ at, verdict: 'kill' });
      await next.copy(true);
      const found = await elsewhere(paths, there.afterKill());
      expect([found[0], found[1], found[2]]).toEqual([found[0], found[1], found[1]]);
      for (const content of found) ends.add(content);
    }),
    { seed: 5, numRuns: 40 },
  );
  expect([...ends].sort()).toEqual(['newer', 'old']);
});

test('a store that fails is told of once, and has everything when it is back', async () => {
  const home = machine();
  put(home, RECORD, 'whole');
  const copies = copiesOf(home);
  const open = disk.open.bind(disk);
  const failing = vi.spyOn(disk, 'open').mockRejectedValue(Object.assign(new Error('gone'), { code: 'EIO' }));
  await copies.copy();
  await copies.copy();
  expect(lines).toEqual(['records and jobs are not copied to the store: gone']);
  failing.mockImplementation(open);
  await copies.copy();
  expect(await elsewhere([RECORD])).toEqual(['whole']);
});
