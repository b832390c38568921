/** Who is let in, and what which role may ask. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AdminTable } from '../../server/admin/adminTable.ts';
import { Registry } from '../../server/rules/registry.ts';
import type { AuditEntry } from '../../shared/adminPeople.ts';
import { until } from '../serverProcess.ts';
import {
  type Answer,
  admin,
  call,
  folder,
  logIn,
  TOKEN,
  tokens,
  useAdminServer,
  world,
} from './adminServer.ts';

useAdminServer();

describe('logging in', () => {
  test('turns the token into a cookie that scripts and other sites cannot read', async () => {
    const { status, body, headers } = await call('POST', 'login', { token: tokens.Bob });
    expect([status, body]).toEqual([200, { who: 'Bob', role: 'moderator' }]);
    const [value, ...flags] = headers.get('set-cookie')!.split('; ');
    expect(value).toMatch(/^regrow_admin=[A-Za-z0-9_-]{43}$/);
    expect(flags).toEqual(['HttpOnly', 'SameSite=Strict', 'Max-Age=43200']);
    expect((await call('GET', 'live', undefined, { Cookie: value })).body).toMatchObject({
      who: 'Bob',
      role: 'moderator',
      left: { idleSeconds: expect.any(Number), seconds: expect.any(Number) },
    });
    const secure = await call('POST', 'login', { token: TOKEN }, { 'X-Forwarded-Proto': 'https' });
    expect(secure.body).toEqual({ who: 'the owner', role: 'owner' });
    expect(secure.headers.get('set-cookie')).toContain('; Secure');
  });

  test('with a wrong token is refused, and its address is soon told to wait', async () => {
    const answers: Answer[] = [];
    for (let n = 0; n < 6; n++) answers.push(await call('POST', 'login', { token: 'wrong' }));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 429, 429]);
    expect([answers[5].body.error, answers[5].headers.get('retry-after')]).toEqual([
      'too many wrong tokens: wait 1 s',
      '1',
    ]);
  });

  test('with the right token is never refused, whoever has guessed before, and from wherever', async () => {
    for (let n = 0; n < 80; n++)
      await call('POST', 'login', { token: `guess ${n}` }, { 'X-Forwarded-For': `10.1.0.${n % 40}` });
    for (const address of ['10.1.0.7', '10.9.9.9'])
      expect(
        (await call('POST', 'login', { token: tokens.Ann }, { 'X-Forwarded-For': address })).status,
      ).toBe(200);
  });

  test('and logging out are in the audit log with the admin they concern; failures are counted', async () => {
    for (let n = 0; n < 9; n++) await call('POST', 'login', { token: 'wrong' });
    const bob = await logIn(tokens.Bob);
    expect((await bob('POST', 'logout', {})).headers.get('set-cookie')).toContain('Max-Age=0');
    expect((await bob('GET', 'live')).status).toBe(401);
    const ann = await logIn();
    const logins = async () =>
      ((await ann('GET', 'audit?text=log')).body.entries as AuditEntry[]).map(
        ({ who, role, action, subject, count }) => [who, role, action, subject, count],
      );
    await until(
      'the count',
      async () => ((await logins()).some(([, , action]) => action === 'login refused') ? true : undefined),
      10_000,
    );
    expect((await logins()).sort()).toEqual([
      ['Ann', 'owner', 'login', 'Ann', 1],
      ['Bob', 'moderator', 'login', 'Bob', 1],
      ['Bob', 'moderator', 'logout', 'Bob', 1],
      ['somebody', '', 'login refused', '', 9],
    ]);
  });

  test('lasts until the token is rotated or revoked, by whomever', async () => {
    const [ann, bob] = [await logIn(), await logIn(tokens.Bob)];
    const rotated = await ann('POST', 'admins/bob', { action: 'rotate' });
    expect(rotated.body).toEqual({ name: 'Bob', token: expect.stringMatching(/^[A-Za-z0-9_-]{32}$/) });
    expect((await bob('GET', 'live')).status).toBe(401);
    expect((await call('POST', 'login', { token: tokens.Bob })).status).toBe(401);
    const again = await logIn(rotated.body.token);
    // As `npm run admin -- revoke Bob` does it.
    const registry = new Registry(folder, 1_000);
    new AdminTable(registry).revoke('Bob', { who: 'root', address: 'command line' });
    registry.close();
    await until(
      'the end',
      async () => ((await again('GET', 'live')).status === 401 ? true : undefined),
      5_000,
    );
    const { entries } = (await ann('GET', 'audit')).body;
    expect(entries[0]).toMatchObject({ who: 'the server', action: 'logout', subject: 'Bob' });
    expect((await ann('GET', 'live')).status).toBe(200);
  });
});

/** A path that fits a route. */
const exampleOf = (path: RegExp): string =>
  path.source
    .replace(/^\^|\$$/g, '')
    .replace(/\([^)]*\)/g, '7')
    .replaceAll('\\', '');

describe('roles', () => {
  test('every route has one, and a path of it is found', () => {
    expect(admin.routes.length).toBeGreaterThan(20);
    for (const [, path, role] of admin.routes) {
      expect(['owner', 'moderator']).toContain(role);
      expect(exampleOf(path)).toMatch(path);
    }
  });

  test('a moderator is refused on each route of owners, and nothing happens', async () => {
    const bob = await logIn(tokens.Bob);
    const ofOwners = admin.routes.filter(([, , role]) => role === 'owner');
    for (const [method, path] of ofOwners) {
      const answer = await bob(method, exampleOf(path), method === 'GET' ? undefined : {});
      expect([method, path.source, answer.status, answer.body.error]).toEqual([
        method,
        path.source,
        403,
        'only an owner may do this',
      ]);
    }
    expect(world.asked).toEqual([]);
  });

  test('what concerns rules, swaps, speed, the tuner, sessions and admins is for owners', () => {
    const open = admin.routes.filter(([, , role]) => role === 'moderator').map(([, path]) => path.source);
    expect(open.filter((path) => /rule|swap|rollback|tuner|session|admins|jsonl|world\$/.test(path))).toEqual(
      [],
    );
  });

  test('a moderator reaches every other route, and an owner all', async () => {
    for (const [token, roles] of [
      [tokens.Bob, ['moderator']],
      [tokens.Ann, ['moderator', 'owner']],
    ] as const) {
      const somebody = await logIn(token);
      for (const [method, path, role] of admin.routes)
        if (method === 'GET' && roles.some((one) => one === role))
          expect([path.source, (await somebody(method, exampleOf(path))).status]).not.toEqual([
            path.source,
            403,
          ]);
    }
  });
});

describe('owners', () => {
  test('add, list and revoke admins; a token is told once, and the registry keeps only its hash', async () => {
    const ann = await logIn();
    const { body } = await ann('POST', 'admins', { name: 'Cleo', role: 'moderator' });
    expect((await call('POST', 'login', { token: body.token })).body).toEqual({
      who: 'Cleo',
      role: 'moderator',
    });
    const { admins, hasOwnerOfSettings } = (await ann('GET', 'admins')).body;
    expect(admins.map(({ name, role }: Record<string, string>) => [name, role])).toEqual([
      ['Ann', 'owner'],
      ['Bob', 'moderator'],
      ['Cleo', 'moderator'],
    ]);
    expect([Object.keys(admins[0]), hasOwnerOfSettings]).toEqual([['name', 'role', 'created', 'used'], true]);
    expect(readFileSync(join(folder, 'registry.db')).includes(body.token)).toBe(false);
    expect((await ann('DELETE', 'admins/cleo')).status).toBe(200);
    expect((await call('POST', 'login', { token: body.token })).status).toBe(401);
  });

  test.each([
    [{ name: 'bob', role: 'owner' }, 'there is already an admin called bob'],
    [{ name: 'The server', role: 'owner' }, 'the name The server is reserved for the server'],
    [{ name: ' ', role: 'owner' }, 'is not an admin’s name'.replace('’', "'")],
    [{ name: 'x'.repeat(25), role: 'owner' }, 'at most 24'],
    [{ name: 'a\u202eb', role: 'owner' }, "is not an admin's name"],
  ])('are told why %j is refused', async (body, reason) => {
    const ann = await logIn();
    const answer = await ann('POST', 'admins', body);
    expect([answer.status, answer.body.error]).toEqual([422, expect.stringContaining(reason)]);
  });

  test('export the audit log as lines of JSON, oldest first', async () => {
    const ann = await logIn();
    await admin.desk.ask(({ file, audit }) =>
      file.change(() => {
        for (let n = 0; n < 1_200; n++) audit.note({ who: 'Ann', address: '' }, 'count', String(n), '');
      }),
    );
    const { headers, body } = await ann('GET', 'audit.jsonl');
    expect(headers.get('content-disposition')).toContain('regrow-audit.jsonl');
    const rows = body
      .trimEnd()
      .split('\n')
      .map((line: string) => JSON.parse(line) as AuditEntry);
    expect(rows.filter(({ action }: AuditEntry) => action === 'count')).toHaveLength(1_200);
    expect(rows.map(({ id }: AuditEntry) => id)).toEqual(rows.map((_: AuditEntry, i: number) => i + 1));
  });

  test('page through the audit log, and filter it by any word', async () => {
    const ann = await logIn();
    await admin.desk.ask(({ file, audit }) =>
      file.change(() => {
        for (let n = 0; n < 250; n++)
          audit.note({ who: 'Ann', address: '' }, n % 50 === 0 ? 'rare_thing' : 'rareXthing', String(n), '');
      }),
    );
    const first = (await ann('GET', 'audit')).body;
    const second = (await ann('GET', `audit?before=${first.next}`)).body;
    expect([first.entries.length, second.entries[0].id]).toEqual([100, first.entries.at(-1).id - 1]);
    const found = (await ann('GET', 'audit?text=RARE_thing')).body;
    expect(found.entries.map(({ subject }: AuditEntry) => subject)).toEqual(['200', '150', '100', '50', '0']);
    expect(found.next).toBeNull();
    expect((await ann('GET', `audit?text=${'x'.repeat(65)}`)).status).toBe(400);
  });
});
