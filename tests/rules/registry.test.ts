import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serializeRule } from '../../server/rules/format.ts';
import type { RuleFile } from '../../server/rules/load.ts';
import { type Actor, checkRegistry, Registry, sha256Of } from '../../server/rules/registry.ts';
import {
  openRegistryFile,
  REGISTRY_TABLES,
  RegistryError,
  registryError,
} from '../../server/rules/registryFile.ts';
import { FORMAT } from '../../server/rules/registryFormats.ts';
import { RuleError } from '../../server/rules/rule.ts';
import { randomRule } from './rules.ts';

const ann: Actor = { who: 'Ann', address: '10.0.0.1' };
const file = (name: string, randomSeed: number, metadata: Record<string, string> = {}): RuleFile => {
  const rule = { ...randomRule(randomSeed), name, metadata };
  return { rule, bytes: serializeRule(rule) };
};

let folder: string;
let path: string;
let registry: Registry;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-registry-'));
  path = join(folder, 'registry.db');
  registry = new Registry(folder, 0);
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true });
});

describe('rules', () => {
  test('get the next version of their name, and are read back bit for bit', () => {
    const [first, second] = [file('moss', 1), file('moss', 2, { metrics: '{"mse":0.5}' })];
    expect(registry.add({ bytes: first.bytes, origin: 'uploaded' }, ann)).toMatchObject({ version: 1 });
    const added = registry.add({ bytes: second.bytes, origin: 'tuned', status: 'candidate', parent: 1 }, ann);
    expect(added).toMatchObject({
      name: 'moss',
      version: 2,
      parent: 1,
      origin: 'tuned',
      metrics: { mse: 0.5 },
    });
    expect(added.sha256).toBe(sha256Of(second.bytes));
    expect(Buffer.from(registry.read(added.id).bytes).equals(second.bytes)).toBe(true);
    expect(registry.find('moss').version).toBe(2);
    expect(registry.find('moss', 1).id).toBe(1);
    registry.judge(2, 'rejected', { heldOut: 0.1 }, ann);
    expect(registry.byId(2)).toMatchObject({ status: 'rejected', metrics: { heldOut: 0.1 } });
  });

  test('that are known already, or are not rules, change nothing', () => {
    const { bytes } = file('moss', 1);
    registry.add({ bytes, origin: 'uploaded' }, ann);
    const again = () => registry.add({ bytes, origin: 'uploaded' }, ann);
    expect(again).toThrow(new RuleError('the file is in the registry already: it is moss v1'));
    expect(() => registry.add({ bytes: bytes.subarray(0, 90), origin: 'uploaded' }, ann)).toThrow(RuleError);
    expect(() => registry.add({ bytes: file('x', 2).bytes, origin: 'tuned', parent: 9 }, ann)).toThrow(
      'no rule has the number 9',
    );
    expect(() => registry.find('fern')).toThrow('there is no rule fern');
    expect(() => registry.find('moss', 3)).toThrow('there is no rule moss v3');
    expect(registry.rules()).toHaveLength(1);
    expect(registry.audit.entries(9)).toHaveLength(1);
  });

  test('shipped ones are entered once, and a new one comes into force unless an admin chose another', () => {
    registry.enterShipped([file('fern', 1), file('moss', 2)]);
    registry.enterShipped([file('fern', 1), file('moss', 2)]);
    expect(registry.rules().map(({ name, version }) => [name, version])).toEqual([
      ['fern', 1],
      ['moss', 1],
    ]);
    const chosen = registry.add({ bytes: file('moss', 3).bytes, origin: 'uploaded' }, ann);
    registry.settle(
      registry.wantSwap({ species: 'moss', rule: chosen.id, scope: 'species' }, ann).id,
      'in force',
      '',
      ann,
    );
    registry.enterShipped([file('fern', 4), file('moss', 5)]);
    const now = registry.inForce();
    expect(now.get('fern')).toMatchObject({ version: 2, origin: 'shipped', isShipped: true });
    expect(now.get('moss')).toMatchObject({ version: 2, origin: 'uploaded', isShipped: false });
    expect(registry.find('moss')).toMatchObject({ version: 3, origin: 'shipped' });
  });
});

describe('swaps', () => {
  test('are wanted, then hold or fail; the newest that holds is in force', () => {
    registry.enterShipped([file('moss', 1)]);
    const other = registry.add({ bytes: file('fern', 2).bytes, origin: 'uploaded' }, ann);
    const swap = registry.wantSwap({ species: 'moss', rule: other.id, scope: 'species' }, ann);
    expect(registry.wanted()).toEqual([swap]);
    expect(registry.inForce().get('moss')?.name).toBe('moss');
    registry.settle(swap.id, 'watched', '', ann);
    expect(registry.wanted()).toEqual([]);
    expect(registry.inForce().get('moss')).toMatchObject({ name: 'fern', swap: swap.id });
    expect(registry.beforeInForce('moss')).toMatchObject({ name: 'moss', version: 1 });
    registry.settle(swap.id, 'rolled back', 'it ran away', ann);
    expect(registry.inForce().get('moss')?.name).toBe('moss');
    expect(registry.swaps('moss')[0]).toMatchObject({ status: 'rolled back', reason: 'it ran away' });
    expect(() => registry.beforeInForce('moss')).toThrow('moss has had no rule before moss v1');
    expect(() => registry.beforeInForce('gone')).toThrow('there is no species gone');
  });

  test('are gone back from one by one: a rule that was left by going back is not come back to', () => {
    registry.enterShipped([file('moss', 1)]);
    const swapTo = (rule: number): void => {
      const { id } = registry.wantSwap({ species: 'moss', rule, scope: 'species' }, ann);
      registry.settle(id, 'in force', '', ann);
    };
    const versions = [2, 3].map((seed) => {
      const { id } = registry.add({ bytes: file('moss', seed).bytes, origin: 'uploaded' }, ann);
      swapTo(id);
      return id;
    });
    for (const version of [2, 1]) {
      const before = registry.beforeInForce('moss');
      expect(before.version).toBe(version);
      swapTo(before.id);
    }
    expect(() => registry.beforeInForce('moss')).toThrow('moss has had no rule before moss v1');
    swapTo(versions[1]);
    expect(registry.beforeInForce('moss').version).toBe(1);
  });

  test('of one organism put no rule into force', () => {
    registry.enterShipped([file('moss', 1)]);
    const other = registry.add({ bytes: file('moss', 2).bytes, origin: 'uploaded' }, ann);
    const swap = registry.wantSwap({ species: 'moss', rule: other.id, scope: 'organism', organism: 7 }, ann);
    registry.settle(swap.id, 'in force', '', ann);
    expect(registry.inForce().get('moss')?.version).toBe(1);
  });

  test('leave an audit entry each: who, from where, what', () => {
    registry.enterShipped([file('moss', 1)]);
    const swap = registry.wantSwap({ species: 'moss', rule: 1, scope: 'species' }, ann);
    registry.settle(swap.id, 'refused', 'it is dead', ann);
    const [newest, before] = registry.audit.entries(2);
    expect(newest).toMatchObject({
      ...ann,
      action: 'swap refused',
      subject: 'moss',
      detail: 'moss v1: it is dead',
    });
    expect(before).toMatchObject({ ...ann, action: 'swap', detail: 'to moss v1, all' });
    expect(registry.audit.entries(9, before.id).every(({ id }) => id < before.id)).toBe(true);
  });
});

describe('two programs', () => {
  test("see each other's changes", () => {
    const other = new Registry(folder, 0);
    const before = registry.dataVersion;
    other.add({ bytes: file('moss', 1).bytes, origin: 'uploaded' }, ann);
    expect(registry.dataVersion).not.toBe(before);
    expect(registry.find('moss').version).toBe(1);
    other.close();
  });

  test("a locked registry is reported; the other program's change stays, the refused one leaves nothing", () => {
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const add = () => registry.add({ bytes: file('moss', 1).bytes, origin: 'uploaded' }, ann);
    expect(add).toThrow(
      expect.objectContaining({ fault: 'locked', message: expect.stringContaining('is locked') }),
    );
    expect(registry.rules()).toEqual([]);
    other.exec('ROLLBACK');
    other.close();
    expect(add()).toMatchObject({ version: 1 });
  });

  test('a program that is killed during a change leaves none of it', () => {
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    other.exec(
      "INSERT INTO audit (at, who, address, action, subject, detail) VALUES ('', '', '', 'half', '', '')",
    );
    // The system closes a dead process's file without a commit.
    other.close();
    expect(registry.audit.entries(9)).toEqual([]);
  });
});

describe('a file that is', () => {
  const spoil = (at: number, bytes: Uint8Array): void => {
    registry.add({ bytes: file('moss', 1).bytes, origin: 'uploaded' }, ann);
    registry.close();
    const opened = openSync(path, 'r+');
    writeSync(opened, bytes, 0, bytes.length, at);
    closeSync(opened);
  };
  const reopen = () => {
    registry = new Registry(folder, 0);
    return registry;
  };
  afterEach(() => {
    // The outer `afterEach` closes what is open.
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
    registry = new Registry(folder, 0);
  });

  test('not a database is refused and left as it is', () => {
    registry.close();
    writeFileSync(path, 'nonsense '.repeat(99));
    expect(reopen).toThrow(RegistryError);
    expect(reopen).toThrow(`${path} is not a registry, or is corrupt (file is not a database)`);
    expect(readFileSync(path, 'utf8')).toBe('nonsense '.repeat(99));
  });

  test('damaged inside is refused', () => {
    spoil(4_096, Buffer.alloc(100, 0xff));
    expect(reopen).toThrow(/registry\.db is (no registry, or is )?corrupt/);
  });

  test('read-only can be read, and a write is refused with the reason', () => {
    // With an unknown write version SQLite does not write, on any system and for any user.
    spoil(18, Uint8Array.of(3));
    expect(reopen().rules()).toHaveLength(1);
    expect(() => registry.audit.note(ann, 'a', 'b', 'c')).toThrow(/registry\.db is read-only/);
    registry.enterShipped([]);
    expect(registry.audit.entries(9)).toHaveLength(1);
    registry.close();
  });

  test('of a later format is left alone', () => {
    registry.close();
    const later = new DatabaseSync(path);
    later.exec('PRAGMA user_version = 999');
    later.close();
    expect(reopen).toThrow(`is of format 999; this program reads format ${FORMAT}`);
  });
});

test.each([
  [5, 'locked', 'is locked by another program'],
  [10 + 256 * 3, 'stale', 'cannot be read or written (disk error)'],
  [10 + 256 * 19, 'stale', 'the disk has no room for the file of shared memory'],
  [13, 'other', 'the disk is full'],
  [11, 'corrupt', 'is corrupt'],
])('SQLite’s code %i is reported as %s, in words', (errcode, fault, words) => {
  const error = Object.assign(new Error('said SQLite'), { code: 'ERR_SQLITE_ERROR', errcode });
  expect(registryError(path, error)).toMatchObject({ fault, message: expect.stringContaining(words) });
});

test('a commit waits for the disk', () => {
  const database = openRegistryFile(path, 0);
  expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
  database.close();
});

describe('a start', () => {
  const spoil = (find: Uint8Array): void => {
    registry.close();
    const bytes = readFileSync(path);
    const at = bytes.indexOf(find);
    expect(at).toBeGreaterThan(0);
    bytes.fill(0xff, at, at + find.length);
    writeFileSync(path, bytes);
  };
  const WHAT_TO_DO = /registry\.db is corrupt: .*`npm run world -- recover [^`]*`/;
  beforeEach(() => {
    registry.enterShipped([file('moss', 1), file('fern', 2)]);
  });
  afterEach(() => {
    rmSync(path, { force: true });
    registry = new Registry(folder, 0);
  });

  test('makes a registry that is missing', () => {
    const fresh = join(folder, 'fresh/data');
    expect(checkRegistry(fresh)).toEqual([]);
    expect(existsSync(join(fresh, 'registry.db'))).toBe(true);
  });

  test('goes on with one that is whole', () => {
    expect(checkRegistry(folder)).toEqual([]);
    expect(registry.rules()).toHaveLength(2);
  });

  test('is refused when a rule in force is not what was entered, and the file is left as it is', () => {
    // The last of its weights: SQLite does not look there.
    spoil(file('moss', 1).bytes.subarray(-40));
    const before = readFileSync(path);
    expect(() => checkRegistry(folder)).toThrow(WHAT_TO_DO);
    expect(() => checkRegistry(folder)).toThrow('rule 1 is not what was entered');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('is refused when a rule in force is missing', () => {
    registry.close();
    const other = new DatabaseSync(path);
    other.exec('PRAGMA foreign_keys = OFF; DELETE FROM rules WHERE id = 2');
    other.close();
    expect(() => checkRegistry(folder)).toThrow(WHAT_TO_DO);
  });

  test('is refused when pages are damaged', () => {
    registry.close();
    const bytes = readFileSync(path);
    bytes.fill(0xff, 4_096);
    writeFileSync(path, bytes);
    expect(() => checkRegistry(folder)).toThrow(WHAT_TO_DO);
  });

  test('is refused with one of a later format', () => {
    registry.close();
    const later = new DatabaseSync(path);
    later.exec('PRAGMA user_version = 999');
    later.close();
    expect(() => checkRegistry(folder)).toThrow(`is of format 999; this program reads format ${FORMAT}`);
  });
});

describe('the format of the file', () => {
  const FORMATS = [
    'CREATE TABLE one (name TEXT) STRICT;',
    "ALTER TABLE one ADD COLUMN age INTEGER NOT NULL DEFAULT 7; INSERT INTO one (name) VALUES ('second');",
  ];
  const rowsOf = (formats: readonly string[]): unknown[] => {
    using database = openRegistryFile(join(folder, 'formats.db'), 0, formats);
    return database
      .prepare('SELECT * FROM one')
      .all()
      .map((row) => ({ ...row }));
  };

  test('an older file is brought up to date once, with its rows', () => {
    using old = openRegistryFile(join(folder, 'formats.db'), 0, FORMATS.slice(0, 1));
    old.exec("INSERT INTO one VALUES ('first')");
    const rows = [
      { name: 'first', age: 7 },
      { name: 'second', age: 7 },
    ];
    expect(rowsOf(FORMATS)).toEqual(rows);
    expect(rowsOf(FORMATS)).toEqual(rows);
  });

  test('a step that fails leaves the older file as it was', () => {
    openRegistryFile(join(folder, 'formats.db'), 0, FORMATS).close();
    const bad = [...FORMATS, 'CREATE TABLE two (name TEXT) STRICT; CREATE TABLE one (name TEXT);'];
    expect(() => rowsOf(bad)).toThrow('table one already exists');
    expect(rowsOf(FORMATS)).toHaveLength(1);
    expect(rowsOf([...FORMATS, 'CREATE TABLE two (name TEXT) STRICT;'])).toHaveLength(1);
  });

  test('every table is known to surveys and salvage', () => {
    using database = openRegistryFile(join(folder, 'tables.db'), 0);
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    expect(tables.map(({ name }) => name).sort()).toEqual([...REGISTRY_TABLES].sort());
  });
});

test('a change within a change is a part of it', () => {
  const fail = () =>
    registry.file.change(() => {
      registry.audit.note(ann, 'kick', 'Mallory', '');
      throw new Error('the outer change fails');
    });
  expect(fail).toThrow('the outer change fails');
  expect(registry.audit.entries(9)).toEqual([]);
});

/** mmap fails for the file of shared memory, as on FUSE with `direct_io`. */
const WITHOUT_MAPS = join(import.meta.dirname, 'withoutSharedMaps.c');
const hasCompiler = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;

test.skipIf(!hasCompiler)(
  'without shared memory maps, the file gets a rollback journal, and a note says so',
  () => {
    const library = join(folder, 'withoutSharedMaps.so');
    expect(spawnSync('cc', ['-shared', '-fPIC', '-o', library, WITHOUT_MAPS, '-ldl']).status).toBe(0);
    const script = `
    const { Registry, checkRegistry } = await import(${JSON.stringify(join(import.meta.dirname, '../../server/rules/registry.ts'))});
    const [folder] = process.argv.slice(1);
    const notes = checkRegistry(folder);
    const [one, other] = [new Registry(folder, 0), new Registry(folder, 0)];
    one.audit.note({ who: 'Ann', address: '' }, 'kick', '', '');
    console.log(JSON.stringify({ notes, seen: other.audit.entries(9).map(({ action }) => action) }));`;
    const open = (where: string) => {
      const env = { ...process.env, LD_PRELOAD: library };
      const { stdout, stderr } = spawnSync(process.execPath, ['-e', script, where], {
        env,
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      return JSON.parse(stdout) as unknown;
    };
    const notes = [expect.stringContaining('no shared memory maps')];
    expect(open(join(folder, 'new'))).toEqual({ notes, seen: ['kick'] });
    // What the write-ahead log of another system holds is brought over.
    registry.audit.note(ann, 'mute', '', '');
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    const copy = join(folder, 'copy');
    mkdirSync(copy);
    for (const suffix of ['', '-wal']) copyFileSync(`${path}${suffix}`, join(copy, `registry.db${suffix}`));
    expect(open(copy)).toEqual({ notes, seen: ['kick', 'mute'] });
    const after = new Registry(copy, 0);
    expect(after.audit.entries(9)).toHaveLength(2);
    after.close();
  },
);
