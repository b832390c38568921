import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FailedLogins, MAX_FAILED_ADDRESSES } from '../../server/admin/failedLogins.ts';
import { Registry } from '../../server/rules/registry.ts';
import { RegistryError } from '../../server/rules/registryFile.ts';

const HOUR_MS = 60 * 60_000;
const START = Date.parse('2026-01-01T10:20:00Z');
let folder: string;
let registry: Registry;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  registry = new Registry(folder, 1_000);
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true });
});

const rows = () =>
  registry.audit
    .entries(1_000)
    .map(({ at, who, action, address, count }) => [at, who, action, address, count]);

test('wrong tokens of one address within an hour are one row with a count, at the time of the first', () => {
  const failed = new FailedLogins();
  for (let n = 0; n < 60; n++) {
    failed.note('10.0.0.1', START + n * 1_000);
    if (n % 7 === 0) failed.flush(registry, START + n * 1_000);
  }
  failed.note('10.0.0.2', START + 60_000);
  failed.flush(registry, START + 60_000);
  expect(rows()).toEqual([
    ['2026-01-01T10:21:00.000Z', 'somebody', 'login refused', '10.0.0.2', 1],
    ['2026-01-01T10:20:00.000Z', 'somebody', 'login refused', '10.0.0.1', 60],
  ]);
  failed.note('10.0.0.1', START + HOUR_MS);
  failed.flush(registry, START + HOUR_MS);
  expect(rows()[0]).toEqual(['2026-01-01T11:20:00.000Z', 'somebody', 'login refused', '10.0.0.1', 1]);
});

test('beyond a bound, all further addresses of an hour share a row', () => {
  const failed = new FailedLogins();
  for (let n = 0; n < MAX_FAILED_ADDRESSES + 50; n++) failed.note(`address ${n}`, START);
  failed.flush(registry, START);
  expect(rows()).toHaveLength(MAX_FAILED_ADDRESSES + 1);
  expect(rows()[0].slice(3)).toEqual(['other addresses', 50]);
  // The next hour has room again.
  failed.flush(registry, START + HOUR_MS);
  failed.note('address 999', START + HOUR_MS);
  failed.flush(registry, START + HOUR_MS);
  expect(rows()[0].slice(3)).toEqual(['address 999', 1]);
});

test('what could not be written is written by a later flush', () => {
  const failed = new FailedLogins();
  failed.note('10.0.0.1', START);
  const broken = {
    audit: registry.audit,
    file: {
      change: () => {
        throw new RegistryError('the disk is full');
      },
    },
  } as unknown as Registry;
  expect(() => failed.flush(broken, START)).toThrow('the disk is full');
  failed.note('10.0.0.1', START);
  failed.flush(registry, START + HOUR_MS);
  expect(rows()).toEqual([['2026-01-01T10:20:00.000Z', 'somebody', 'login refused', '10.0.0.1', 2]]);
});
