import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTarget } from '../../server/training/target.ts';
import { STARTERS } from '../../shared/starters/starters.ts';

const root = join(import.meta.dirname, '../..');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-starters-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const starters = (...args: string[]): string =>
  execFileSync(process.execPath, ['server/commands/starters.ts', ...args], { cwd: root, encoding: 'utf8' });

test('weights/starters.svg is what the starters give', () => {
  const file = join(folder, 'all.svg');
  starters('--svg', file);
  expect(readFileSync(file, 'utf8')).toBe(readFileSync(join(root, 'weights/starters.svg'), 'utf8'));
});

test('weights/growth.svg is what the rule of the dragon does, on every machine', () => {
  const file = join(folder, 'growth.svg');
  starters('--growth', file);
  expect(readFileSync(file, 'utf8')).toBe(readFileSync(join(root, 'weights/growth.svg'), 'utf8'));
});

test('--png writes a picture of each that the trainer reads, of the same cells', () => {
  expect(starters('--png', folder)).toContain(`wrote ${STARTERS.length} pictures`);
  for (const { name, drawing } of STARTERS) {
    const target = readTarget({ image: join(folder, `${name.toLowerCase()}.png`), scale: 1, padding: 4 });
    expect([target.width, target.height]).toEqual([drawing.width, drawing.height]);
  }
});
