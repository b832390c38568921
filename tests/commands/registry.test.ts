import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exportDistill } from '../../server/rules/distill.ts';
import { writeRule } from '../../server/rules/load.ts';
import { Registry } from '../../server/rules/registry.ts';
import { randomRule } from '../rules/rules.ts';

const CLI = join(import.meta.dirname, '../../server/commands/rules.ts');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-registry-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args, '--data-dir', folder], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

const write = (randomSeed: number, metadata: Record<string, string> = {}): string => {
  const file = join(folder, `moss-${randomSeed}.safetensors`);
  writeRule(file, { ...randomRule(randomSeed), name: 'moss', metadata });
  return file;
};

test('rules are added, listed and shown while the server has the registry open', async () => {
  const server = new Registry(folder, 0);
  expect((await run('list')).stdout).toContain('no rule yet');
  expect((await run('add', write(1, { note: 'red\u001b[31m' }))).stdout).toContain(
    'moss v1 is in the registry',
  );
  expect(await run('add', write(2), '--parent', 'moss@1')).toMatchObject({ code: 0 });
  const json = join(folder, 'lizard.json');
  writeFileSync(json, exportDistill(randomRule(3), 'planar'));
  expect(await run('add', json, '--name', 'lizard')).toMatchObject({ code: 0 });

  expect(JSON.parse((await run('list', '--json')).stdout)).toMatchObject([
    { name: 'lizard', version: 1, origin: 'uploaded' },
    { name: 'moss', version: 2, origin: 'trained', parent: 1, inForceFor: [] },
    { name: 'moss', version: 1, origin: 'uploaded', parent: null },
  ]);
  const { stdout } = await run('show', 'moss@2');
  expect(stdout).toContain('moss v2: trained, ready, 8 hidden units');
  expect(stdout).toContain('parent: moss v1');
  expect(server.audit.entries(9).map(({ action, address }) => [action, address])).toEqual(
    Array(3).fill(['add rule', 'command line']),
  );
  server.close();
});

test('a rollback is written where a running server finds it', async () => {
  const server = new Registry(folder, 0);
  const actor = { who: 'Ann', address: '' };
  for (const randomSeed of [1, 2]) await run('add', write(randomSeed));
  for (const rule of [1, 2])
    server.settle(
      server.wantSwap({ species: 'moss', rule, scope: 'species' }, actor).id,
      'in force',
      '',
      actor,
    );
  const { stdout } = await run('rollback', 'moss');
  expect(stdout).toContain('moss goes back from moss v2 to moss v1');
  expect(server.wanted()).toMatchObject([
    { species: 'moss', rule: 1, scope: 'species', address: 'command line' },
  ]);
  expect((await run('rollback', 'moss', '--to', '2')).stderr).toBe('moss v2 is in force already\n');
  server.close();
});

test.each([
  [['show', 'fern'], 'there is no rule fern'],
  [['show', 'fern@0'], '"0" is not a version'],
  [['show', 'a@1@2'], 'not NAME or NAME@VERSION'],
  [['show'], 'show takes RULE'],
  [['list', 'fern'], 'list takes no argument'],
  [['rollback', 'fern'], 'there is no species fern'],
  [['rollback', 'fern', '--to', 'x'], '--to x is not a whole number from 1 to 999999999'],
  [['add', '/nowhere/x.safetensors'], '/nowhere/x.safetensors: no such file'],
  [['add', '/nowhere/x.json'], '--name is missing'],
  [['list', '--out', 'x'], 'list does not know --out'],
])('%j is refused in one line that names the fact', async (args, reason) => {
  const { code, stderr } = await run(...args);
  expect(code).toBe(1);
  expect(stderr).toContain(reason);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

test('a file that is not a registry is reported, and left as it is', async () => {
  writeFileSync(join(folder, 'registry.db'), 'nonsense '.repeat(99));
  const { code, stderr } = await run('list');
  expect(code).toBe(1);
  expect(stderr).toMatch(/registry\.db is not a registry, or is corrupt/);
});
