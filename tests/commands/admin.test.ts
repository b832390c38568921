import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Admins } from '../../server/admin/admins.ts';
import { AdminTable } from '../../server/admin/adminTable.ts';
import { Registry } from '../../server/rules/registry.ts';

const CLI = join(import.meta.dirname, '../../server/commands/admin.ts');
let folder: string;
/** As a running server has it open. */
let server: Registry;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-admin-cli-'));
  server = new Registry(folder, 0);
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const run = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args, '--data-dir', folder], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

function whose(token: string): string | undefined {
  const admins = new Admins('');
  admins.load(new AdminTable(server).all());
  return admins.whose(token.trim())?.name;
}

test('an admin is added, listed, given another token and revoked, beside a running server', async () => {
  expect((await run('list')).stdout).toContain('no admin yet');
  const first = await run('add', 'Ann', '--role', 'owner');
  // Only the token goes to standard output: a script can take it.
  expect(first.stdout).toMatch(/^[A-Za-z0-9_-]{32}\n$/);
  expect(first.stderr).toContain('Ann is an owner of /admin');
  expect(whose(first.stdout)).toBe('Ann');
  expect((await run('add', 'Bob')).stderr).toContain('Bob is a moderator');
  expect(JSON.parse((await run('list', '--json')).stdout)).toMatchObject([
    { name: 'Ann', role: 'owner', used: '' },
    { name: 'Bob', role: 'moderator', used: '' },
  ]);
  const second = await run('rotate', 'ann');
  expect([whose(first.stdout), whose(second.stdout)]).toEqual([undefined, 'Ann']);
  expect(await run('revoke', 'Ann')).toMatchObject({ code: 0, stderr: expect.stringContaining('No owner') });
  expect(whose(second.stdout)).toBeUndefined();
  expect((await run('list')).stdout).toMatch(
    /name +role +added +logged in last\nBob +moderator +\S+ +never\n/,
  );
});

test('the audit log is printed for people, and all of it as lines of JSON', async () => {
  await run('add', 'Ann');
  server.audit.note({ who: 'red\u001b[31m', address: '', role: 'owner' }, 'speed', '', '0', undefined, 3);
  const { stdout } = await run('audit');
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(/^\S+ {2}red \[31m \(owner\): speed {2}0 \(3 times\)$/),
    expect.stringMatching(/from command line: add admin Ann moderator$/),
    '',
  ]);
  const lines = (await run('audit', '--jsonl')).stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).action)).toEqual(['add admin', 'speed']);
});

test.each([
  [['add'], 'add takes NAME'],
  [['add', 'the server'], 'the name the server is reserved for the server'],
  [['add', '-', '--role', 'king'], '--role'],
  [['rotate', 'Zoe'], 'there is no admin Zoe'],
  [['revoke', 'Zoe'], 'there is no admin Zoe'],
  [['list', '--jsonl'], 'list does not know --jsonl'],
  [['sudo'], 'sudo is not a command'],
])('%j is refused with the fact named', async (args, reason) => {
  const { code, stderr } = await run(...args);
  expect([code, stderr]).toEqual([1, expect.stringContaining(reason)]);
});
