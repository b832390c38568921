import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { adminToken } from '../../server/admin/token.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a token is made once, readable by its owner only, and printed only then', () => {
  const path = join(folder, 'data', 'admin-token');
  const first = adminToken(join(folder, 'data'), '');
  const token = readFileSync(path, 'utf8').trim();
  expect(token).toMatch(/^[A-Za-z0-9_-]{32}$/);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(first.notes.join()).toContain(token);
  const again = adminToken(join(folder, 'data'), '');
  expect(again.notes).toEqual([]);
  expect([again.matches(token), again.matches(`${token}x`), again.matches('')]).toEqual([true, false, false]);
});

test('a configured token is used, and no file is written', () => {
  const token = adminToken(join(folder, 'data'), 'a chosen token of mine');
  expect([token.matches('a chosen token of mine'), token.notes]).toEqual([true, []]);
  expect(() => statSync(join(folder, 'data'))).toThrow();
});

test('a file that others can read is closed to them; a file without a token stops the start', () => {
  const path = join(folder, 'admin-token');
  writeFileSync(path, 'a token that is long enough\n');
  chmodSync(path, 0o644);
  expect(adminToken(folder, '').notes.join()).toContain('could be read by others');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, '\n');
  expect(() => adminToken(folder, '')).toThrow('does not hold a token of at least 16 characters');
});
