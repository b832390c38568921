import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GuestTable } from '../../server/guests/guestTable.ts';
import { Registry } from '../../server/rules/registry.ts';
import { REGISTRY_FILE, REGISTRY_TABLES, RegistryError } from '../../server/rules/registryFile.ts';
import { RegistryCopy } from '../../server/store/registryCopy.ts';
import { FakeDisk } from '../storage/fakeDisk.ts';

const ANN = { who: 'Ann', address: '192.0.2.1' };

let home: string;
let elsewhere: string;
let disk: FakeDisk;
let registry: Registry;
let copies: RegistryCopy[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'regrow-here-'));
  elsewhere = mkdtempSync(join(tmpdir(), 'regrow-there-'));
  disk = new FakeDisk();
  registry = new Registry(home, 1_000);
  copies = [];
});
afterEach(async () => {
  for (const copy of copies) await copy.close().catch(() => {});
  registry.close();
  for (const folder of [home, elsewhere]) rmSync(folder, { recursive: true });
});

function copyFor(dataDir: string, from = disk, maxChangedBytes?: number): RegistryCopy {
  const copy = new RegistryCopy(from, dataDir, () => {}, maxChangedBytes);
  copies.push(copy);
  return copy;
}

function note(text: string): void {
  registry.file.change(() => registry.audit.note(ANN, 'test', text, ''));
}

function rowsIn(folder: string): unknown {
  using database = new DatabaseSync(join(folder, REGISTRY_FILE));
  return REGISTRY_TABLES.map((table) => database.prepare(`SELECT * FROM ${table}`).all());
}

test('what was there, and every change since by any connection, is in the registry of the next machine', async () => {
  note('before');
  const copy = copyFor(home);
  expect(await copy.restore()).toBe(false);
  await copy.begin();
  note('after');
  const guests = new GuestTable(home);
  const row = { name: 'Bob', address: '192.0.2.2', seen: '2026', strokes: 1, plantings: 0, energy: 5.5 };
  guests.keep([{ id: 'a', ...row }], []);
  guests.keep(
    [
      { id: 'a', ...row, strokes: 2 },
      { id: 'b', ...row },
    ],
    [],
  );
  guests.keep([], ['b']);
  await registry.file.copied();
  guests.close();
  expect(await copyFor(elsewhere, disk.afterPowerLoss()).restore()).toBe(true);
  expect(rowsIn(elsewhere)).toEqual(rowsIn(home));
  // It opens as any registry does.
  new Registry(elsewhere, 1_000).close();
});

test('the next owner goes on from there, and a third has it all', async () => {
  await copyFor(home).begin();
  note('one');
  await registry.file.copied();
  await copies[0].close();
  registry.close();
  const second = copyFor(elsewhere);
  expect(await second.restore()).toBe(true);
  registry = new Registry(elsewhere, 1_000);
  await second.begin();
  note('two');
  await registry.file.copied();
  const third = mkdtempSync(join(tmpdir(), 'regrow-third-'));
  expect(await copyFor(third).restore()).toBe(true);
  expect(rowsIn(third)).toEqual(rowsIn(elsewhere));
  rmSync(third, { recursive: true });
});

test('a registry that is on the machine already is renamed', async () => {
  await copyFor(home).begin();
  const other = new Registry(elsewhere, 1_000);
  other.file.change(() => other.audit.note(ANN, 'test', 'of another life', ''));
  other.close();
  await copyFor(elsewhere).restore();
  expect(existsSync(join(elsewhere, `${REGISTRY_FILE}.replaced`))).toBe(true);
  expect(JSON.stringify(rowsIn(elsewhere))).not.toContain('another life');
});

test('after so many bytes of changes a new base is made, and the old changes are removed', async () => {
  const copy = copyFor(home, disk, 4_000);
  await copy.begin();
  for (let i = 0; i < 60; i++) {
    note(`change ${i} ${'x'.repeat(300)}`);
    await registry.file.copied();
  }
  await copy.close();
  expect(disk.names.filter((name) => name.startsWith('journal-'))).not.toContain('journal-00000001.log');
  await copyFor(elsewhere).restore();
  expect(rowsIn(elsewhere)).toEqual(rowsIn(home));
});

test('while the store does not take it, a change is said to be done and not safe', async () => {
  const copy = copyFor(home);
  await copy.begin();
  disk.judge = () => 'ENOSPC';
  note('doubtful');
  const asked = registry.file.copied().catch((error: unknown) => error);
  await copy.close().catch(() => {});
  const error = await asked;
  expect(error).toBeInstanceOf(RegistryError);
  expect((error as Error).message).toContain('it was done, but may be lost');
});

test('without a store nobody follows, and nothing is waited for', async () => {
  note('alone');
  await registry.file.copied();
  expect(registry.file.changes).toBeGreaterThan(0);
});
