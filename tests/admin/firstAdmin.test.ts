import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Admins } from '../../server/admin/admins.ts';
import { AdminTable } from '../../server/admin/adminTable.ts';
import { prepareAdmins } from '../../server/admin/firstAdmin.ts';
import { Registry } from '../../server/rules/registry.ts';
import { makeAdmin } from '../makeAdmin.ts';

const OLD_TOKEN = 'a token that is long enough';
let dataDir: string;
let path: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'regrow-'));
  path = join(dataDir, 'admin-token');
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const start = (more: Partial<Parameters<typeof prepareAdmins>[0]> = {}) =>
  prepareAdmins({ dataDir, hasTokenOfSettings: false, page: '/admin', isSeen: false, ...more });

/** Name and role of the admin whose token it is. */
function whose(token: string): unknown {
  const registry = new Registry(dataDir, 1_000);
  const admins = new Admins('');
  admins.load(new AdminTable(registry).all());
  registry.close();
  const admin = admins.whose(token);
  return admin && [admin.name, admin.role];
}

describe('the first start', () => {
  test('makes an owner, and shows the token where nothing keeps it', () => {
    const { secret, notes } = start({ isSeen: true });
    const [, token] = /^admin token: ([A-Za-z0-9_-]{32}) /.exec(secret!)!;
    expect(whose(token)).toEqual(['admin', 'owner']);
    expect(notes).toEqual([]);
    expect(start({ isSeen: true })).toEqual({ secret: null, notes: [], carried: [] });
  });

  test('writes no token into a log or a pipe, and says how to get one', () => {
    const { secret, notes } = start();
    expect(secret).toBeNull();
    expect(notes).toEqual([
      expect.stringContaining(`\`npm run admin -- rotate admin --data-dir ${dataDir}\` prints a new one`),
    ]);
    expect(notes.join()).not.toMatch(/[A-Za-z0-9_-]{32}/);
  });

  test('makes nobody where the settings have a token', () => {
    expect(start({ hasTokenOfSettings: true, isSeen: true })).toEqual({
      secret: null,
      notes: [],
      carried: [],
    });
    expect(whose('')).toBeNull();
  });
});

describe('the token file of an earlier version', () => {
  test('goes on opening the page, as the owner admin: the registry keeps a hash, and the file was removed', () => {
    writeFileSync(path, `${OLD_TOKEN}\n`);
    const { secret, notes } = start({ isSeen: true });
    expect([secret, notes.join()]).toEqual([null, expect.stringContaining('the file was removed')]);
    expect(existsSync(path)).toBe(false);
    expect(whose(OLD_TOKEN)).toEqual(['admin', 'owner']);
  });

  test('a start that was killed before the file was removed does no harm', () => {
    writeFileSync(path, OLD_TOKEN);
    start();
    writeFileSync(path, OLD_TOKEN);
    expect(start().notes.join()).toContain('the file was removed');
    expect(whose(OLD_TOKEN)).toEqual(['admin', 'owner']);
  });

  test('opens nothing once its admin has another token, and the operator is told', () => {
    const token = makeAdmin(dataDir, 'Admin');
    writeFileSync(path, OLD_TOKEN);
    expect(start().notes.join()).toContain('is not used: the admin admin has a newer token');
    expect([whose(OLD_TOKEN), whose(token)]).toEqual([null, ['Admin', 'owner']]);
    expect(existsSync(path)).toBe(true);
  });

  test('that holds no token opens nothing', () => {
    writeFileSync(path, '\n');
    expect(start().notes.join()).toContain('does not hold a token of at least 16 characters');
    expect(whose('')).toBeNull();
  });

  test('works also while the registry cannot be used', () => {
    writeFileSync(path, OLD_TOKEN);
    writeFileSync(join(dataDir, 'registry.db'), 'nonsense '.repeat(99));
    const { notes, carried } = start();
    expect(notes).toEqual([expect.stringMatching(/^admins: .*registry\.db/)]);
    const admins = new Admins('');
    admins.load(carried);
    expect(admins.whose(OLD_TOKEN)?.name).toBe('admin');
  });
});
