/** The admin's HTTP, over a real server and a fake world. Real probes are tested in `tests/swaps/swapDesk.test.ts`. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Room } from '@colyseus/sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Admin } from '../../server/admin/admin.ts';
import { AdminTable } from '../../server/admin/adminTable.ts';
import { readConfig } from '../../server/config.ts';
import { SanctionTable } from '../../server/guests/sanctionTable.ts';
import { exportDistill } from '../../server/rules/distill.ts';
import { serializeRule } from '../../server/rules/format.ts';
import { Registry } from '../../server/rules/registry.ts';
import type { Rule } from '../../server/rules/rule.ts';
import type { Prober } from '../../server/swaps/prober.ts';
import type { AuditEntry, Report } from '../../shared/adminApi.ts';
import {
  ClientMessageType,
  CloseCode,
  type HelloMessage,
  type NamedMessage,
  type NoticeMessage,
  type ReportMessage,
  ServerMessageType,
  type StrokeResultMessage,
} from '../../shared/protocol.ts';
import { makeAdmin } from '../makeAdmin.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { join as joinWorld, left, next, pause, startServer, type TestServer } from '../rooms/harness.ts';
import { randomRule } from '../rules/rules.ts';
import { until } from '../serverProcess.ts';

const TOKEN = 'a token for this test only';
let folder: string;
let server: TestServer;
let world: FakeWorld;
let admin: Admin;
let probed: string[];
/** Ann is an owner, Bob a moderator. */
let tokens: { readonly Ann: string; readonly Bob: string };

/** A fake probe: a rule named `dead` fails. */
const prober: Prober = async ({ rule, species, sha256, label }) => {
  probed.push(label);
  if (rule.name === 'dead') return { ok: false, reason: 'dead does not grow' };
  const mature = { x: 0, y: 0, width: 1, height: 1, rgba: new Float32Array([1, 0, 0, 1]) };
  const card = { name: species, x: 0, y: 0, width: 1, height: 1, thumbnail: 'data:,' };
  const film = {
    width: 1,
    height: 1,
    frames: 2,
    stepsPerFrame: 8,
    cutFrame: 1,
    rgba: new Uint8Array(8).fill(255),
  };
  const figures = { cells: 9, healthGrown: 1, healthCut: 0.5, healthHealed: 0.9 };
  return { ok: true, next: { rule, mature, card, sha256, label }, probe: { film, figures }, fault: null };
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-admin-'));
  tokens = { Ann: makeAdmin(folder, 'Ann'), Bob: makeAdmin(folder, 'Bob', 'moderator') };
  world = new FakeWorld();
  probed = [];
  const config = { ...readConfig(['--admin-token', TOKEN], {}), dataDir: folder };
  admin = new Admin(world, config, prober);
  server = await startServer({ perAddress: 1_000, trustProxy: 1 }, world, { admin });
  world.run(20);
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what the test checks
  readonly body: any;
  readonly headers: Headers;
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const isBytes = body instanceof Uint8Array;
  const response = await fetch(`${server.url}admin/api/${path}`, {
    method,
    headers: {
      ...(body === undefined
        ? {}
        : { 'Content-Type': isBytes ? 'application/octet-stream' : 'application/json' }),
      ...headers,
    },
    ...(body === undefined
      ? {}
      : { body: isBytes || typeof body === 'string' ? body : JSON.stringify(body) }),
  } as RequestInit);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json;');
  return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
}

async function logIn(
  token = tokens.Ann,
): Promise<
  (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
> {
  const { headers } = await call('POST', 'login', { token });
  const cookie = headers.get('set-cookie')!.split(';')[0];
  return (method, path, body, more = {}) => call(method, path, body, { Cookie: cookie, ...more });
}

const named = (name: string, randomSeed = 1): Rule => ({ ...randomRule(randomSeed), name, metadata: {} });
const bytesOf = (name: string, randomSeed = 1): Uint8Array => serializeRule(named(name, randomSeed));

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
    [{ name: 'bob', role: 'owner' }, 'there is an admin bob already'],
    [{ name: 'The server', role: 'owner' }, 'the name The server is taken by the server'],
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

describe('refused, with the fact named and nothing changed:', () => {
  test('a request without a cookie, or with a made-up one', async () => {
    for (const path of ['live', 'rules', 'audit', 'organisms', 'nothing']) {
      expect([path, (await call('GET', path)).status]).toEqual([path, 401]);
      const forged = { Cookie: `regrow_admin=${'a'.repeat(43)}` };
      expect((await call('GET', path, undefined, forged)).status).toBe(401);
    }
    expect((await call('POST', 'rules', bytesOf('moss'))).status).toBe(401);
  });

  test('a request from another site, with or without a cookie', async () => {
    const ann = await logIn();
    for (const headers of [
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
    ]) {
      const { status, body } = await ann(
        'POST',
        'world',
        { kind: 'speed', stepsPerSecond: 0 },
        headers as never,
      );
      expect([status, body.error]).toEqual([403, 'another site may not ask for this']);
    }
    const form = await ann('POST', 'world', 'kind=speed', { 'Content-Type': 'text/plain' });
    expect(form.status).toBe(415);
    expect(world.asked).toEqual([]);
  });

  test('an upload that is too long, with or without a Content-Length', async () => {
    const ann = await logIn();
    const long = await ann('POST', 'rules', new Uint8Array(1_048_577));
    expect([long.status, long.body.error]).toEqual([413, 'more than 1048576 bytes']);
    const cookie = (await call('POST', 'login', { token: TOKEN })).headers.get('set-cookie')!.split(';')[0];
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
        if (sent > 64 * 2 ** 20) controller.close();
      },
    });
    const headers = { Cookie: cookie, 'Content-Type': 'application/octet-stream' };
    const request = { method: 'POST', body: endless, headers, duplex: 'half' } as RequestInit;
    // The server answers and closes; which of the two the client notices first depends on the network.
    const status = await fetch(`${server.url}admin/api/rules`, request).then(
      (response) => response.status,
      () => 413,
    );
    expect(status).toBe(413);
    expect(sent).toBeLessThan(16 * 2 ** 20);
    expect((await ann('GET', 'rules')).body.rules).toEqual([]);
  });

  const nan = (): Uint8Array => {
    const bytes = bytesOf('moss').slice();
    new DataView(bytes.buffer).setFloat32(bytes.length - 4, Number.NaN, true);
    return bytes;
  };
  const header = (json: unknown, zeros = 0): Uint8Array => {
    const text = Buffer.from(JSON.stringify(json));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    return Uint8Array.from(Buffer.concat([length, text, Buffer.alloc(zeros)]));
  };
  const meta = { formatVersion: '1', name: 'moss', fireRate: '0.5' };
  test.each([
    ['nothing', () => new Uint8Array(0), 'rules', /0 bytes, too few/],
    ['a bomb of zeros', () => new Uint8Array(1_000_000), 'rules', /header is not JSON/],
    ['NaN', nan, 'rules', /w2 holds NaN|b2 holds NaN|b1 holds NaN/],
    [
      'a hidden size past the limit',
      () => header({ __metadata__: meta, ...shapes(260) }, 4 * (260 * 65 + 16)),
      'rules',
      /hidden a multiple of 4 from 4 to 256/,
    ],
    [
      'a wrong shape',
      () => header({ __metadata__: meta, w1: { dtype: 'F32', shape: [3, 3], data_offsets: [0, 36] } }, 36),
      'rules',
      /tensor b1 is missing/,
    ],
    [
      'a path for a name',
      () => header({ __metadata__: { ...meta, name: '../../etc/passwd' }, ...shapes(4) }, 4 * (4 * 65 + 16)),
      'rules',
      /is not a rule name/,
    ],
    ['a path in the query', () => bytesOf('moss'), 'rules?name=..%2F..%2Fx', /is not a rule name/],
    ['what does not grow', () => bytesOf('dead'), 'rules', /dead does not grow/],
  ])('an upload of %s', async (_, bytes, path, reason) => {
    const ann = await logIn();
    const { status, body } = await ann('POST', path, bytes());
    expect([status, body.error]).toEqual([422, expect.stringMatching(reason)]);
    expect((await ann('GET', 'rules')).body.rules).toEqual([]);
  });

  function shapes(hidden: number): Record<string, unknown> {
    let end = 0;
    const tensor = (...shape: number[]) => {
      const begin = end;
      end += 4 * shape.reduce((product, size) => product * size, 1);
      return { dtype: 'F32', shape, data_offsets: [begin, end] };
    };
    return { w1: tensor(hidden, 48), b1: tensor(hidden), w2: tensor(16, hidden), b2: tensor(16) };
  }

  test.each([
    ['POST', 'world', { kind: 'stop' }, 400, /kind must be one of speed, garden, save/],
    [
      'POST',
      'world',
      { kind: 'speed', stepsPerSecond: 1e9 },
      400,
      /stepsPerSecond must be a number from 0 to 1000/,
    ],
    ['POST', 'world', { kind: 'speed', stepsPerSecond: '1' }, 400, /stepsPerSecond must be a number/],
    ['POST', 'world/clear', { x: -1, y: 0, radius: 3 }, 400, /x must be a number from 0 to 1024/],
    ['POST', 'world', { kind: 'garden', count: 1.5 }, 400, /count must be a whole number/],
    ['POST', 'world', '[]', 400, /not a JSON object/],
    ['POST', 'world', '{', 400, /not JSON/],
    ['POST', 'world', `{"a":"${'x'.repeat(5_000)}"}`, 413, /more than 4096 bytes/],
    ['POST', 'swaps', { species: 'moss', rule: 1, scope: 'all' }, 400, /scope must be one of/],
    ['POST', 'swaps', { species: '../x', rule: 1, scope: 'species' }, 422, /is not a rule name/],
    ['POST', 'swaps', { species: 'moss', rule: 9, scope: 'species' }, 422, /no rule has the number 9/],
    [
      'POST',
      'swaps',
      { species: 'moss', rule: 1, scope: 'organism' },
      400,
      /organism must be a whole number/,
    ],
    ['POST', 'rollback', { species: 'moss' }, 422, /there is no species moss/],
    ['POST', 'guests/nobody', { action: 'kick', of: 'guest' }, 404, /no guest nobody is known/],
    ['POST', 'guests/nobody', { action: 'hug', of: 'guest' }, 400, /action must be one of kick, mute, ban/],
    ['POST', 'guests/nobody', { action: 'ban', of: 'all' }, 400, /of must be one of guest, address/],
    ['POST', 'sanctions', { kind: 'ban', address: 'home' }, 400, /address must be an IP address/],
    ['POST', 'sanctions', { kind: 'ban', address: '10.0.0.1', minutes: 0 }, 400, /minutes must be a whole/],
    ['POST', 'bodies/remove', { guest: '' }, 400, /that is the garden/],
    ['POST', 'reports/7', { outcome: 'handled' }, 409, /somebody has handled it already/],
    ['DELETE', 'sanctions/x', undefined, 404, /it is not in force any more/],
    ['DELETE', 'sanctions/%E0%A4%A', undefined, 400, /the path cannot be decoded/],
    ['GET', 'rules/7/probe', undefined, 422, /no rule has the number 7/],
    ['GET', 'audit?before=x', undefined, 400, /before must be a whole number/],
    ['GET', 'nothing', undefined, 404, /there is no/],
    ['GET', 'rules/..%2f..%2fx/file', undefined, 404, /there is no/],
    ['PUT', 'rules', undefined, 405, /GET, POST is expected/],
  ])('%s %s %j', async (method, path, body, status, reason) => {
    const ann = await logIn();
    const answer = await ann(method, path, body);
    expect([answer.status, answer.body.error]).toEqual([status, expect.stringMatching(reason)]);
    expect(world.asked).toEqual([]);
  });
});

describe('rules', () => {
  test('are uploaded, probed, listed, shown as a film and handed out again', async () => {
    const ann = await logIn();
    const bytes = bytesOf('moss');
    const { status, body } = await ann('POST', 'rules', bytes);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      rule: { id: 1, label: 'moss v1', origin: 'uploaded' },
      figures: { cells: 9 },
      fault: null,
    });
    expect((await ann('POST', 'rules', bytes)).body.error).toBe(
      'the file is in the registry already: it is moss v1',
    );
    expect((await ann('POST', 'rules?name=fern', bytes)).body.rule.label).toBe('fern v1');
    const json = exportDistill(named('lizard', 3), 'planar');
    expect((await ann('POST', 'rules?name=lizard', json)).body.rule.label).toBe('lizard v1');
    expect((await ann('POST', 'rules', json)).body.error).toContain('?name= is missing');

    const { rules } = (await ann('GET', 'rules')).body;
    expect(rules.map(({ label }: { label: string }) => label)).toEqual(['fern v1', 'lizard v1', 'moss v1']);
    expect((await ann('GET', 'rules/1/probe')).body).toMatchObject({
      film: { frames: 2, cutFrame: 1 },
      thumbnail: 'data:,',
    });
    expect((await ann('GET', 'rules/1/film.png')).headers.get('content-type')).toBe('image/png');
    const file = await ann('GET', 'rules/1/file');
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="moss-v1.safetensors"');
    expect(Number(file.headers.get('content-length'))).toBe(bytes.length);
  });

  test('are swapped and rolled back, and everybody reads who did it', async () => {
    const ann = await logIn();
    for (const randomSeed of [1, 2]) await ann('POST', 'rules', bytesOf('moss', randomSeed));
    const { room } = await joinWorld(server);
    const told = next<{ text: string }>(room, ServerMessageType.notice);
    const swap = await ann('POST', 'swaps', { species: 'moss', rule: 1, scope: 'species' });
    expect(swap.body).toEqual({ ok: true, swap: 1, organisms: 1 });
    expect(await told).toEqual({ text: 'Ann swapped moss to moss v1' });
    await ann('POST', 'swaps', { species: 'moss', rule: 2, scope: 'species' });
    expect((await ann('POST', 'rollback', { species: 'moss' })).body).toMatchObject({ ok: true, swap: 3 });
    expect((await ann('POST', 'rollback', { species: 'moss', version: 2 })).body).toMatchObject({ swap: 4 });
    await pause(50);
    const { swaps, species } = (await ann('GET', 'rules')).body;
    expect(swaps.map(({ label, status }: Record<string, string>) => [label, status])).toEqual([
      ['moss v2', 'watched'],
      ['moss v1', 'watched'],
      ['moss v2', 'watched'],
      ['moss v1', 'watched'],
    ]);
    expect(species).toEqual([{ species: 'moss', rule: 2 }]);
    await room.leave();
  });

  test('that the world rolls back are rolled back in the registry, and everybody reads why', async () => {
    const ann = await logIn();
    await ann('POST', 'rules', bytesOf('moss'));
    await ann('POST', 'swaps', { species: 'moss', rule: 1, scope: 'species' });
    const { room } = await joinWorld(server);
    const told = next<{ text: string }>(room, ServerMessageType.notice);
    const outcome = { id: 1, species: 'moss', scope: 'species', who: 'Ann', rule: 'moss v1' } as const;
    world.onSwap({ ...outcome, verdict: 'rolled back', reason: 'it dies: 0 of 9 cells are left' });
    expect((await told).text).toBe('moss went back from moss v1: it dies: 0 of 9 cells are left');
    await pause(50);
    const { swaps, species } = (await ann('GET', 'rules')).body;
    expect(swaps[0]).toMatchObject({ status: 'rolled back', reason: 'it dies: 0 of 9 cells are left' });
    expect(species).toEqual([]);
    await room.leave();
  });
});

describe('the world', () => {
  test('is paused, cleared, planted and saved, and each act is audited with name and address', async () => {
    const ann = await logIn();
    const from = { 'X-Forwarded-For': '10.0.0.7' };
    await ann('POST', 'world', { kind: 'speed', stepsPerSecond: 0 }, from);
    await ann('POST', 'world/clear', { x: 5, y: 6, radius: 7 }, from);
    await ann('POST', 'world', { kind: 'garden', count: 3 }, from);
    await ann('POST', 'world', { kind: 'save' }, from);
    expect(world.asked).toMatchObject([
      { kind: 'control', control: { kind: 'speed', stepsPerSecond: 0 } },
      { kind: 'control', control: { kind: 'clear', x: 5, y: 6, radius: 7 } },
      { kind: 'control', control: { kind: 'garden', count: 3 } },
      { kind: 'save' },
    ]);
    world.wilted.set('pikachu v1', 3);
    expect((await ann('GET', 'live')).body).toMatchObject({
      stepsPerSecond: 0,
      width: 1024,
      wilted: { 'pikachu v1': 3 },
      players: [],
    });
    const { entries } = (await ann('GET', 'audit')).body;
    expect(
      entries.slice(0, 4).map(({ action, who, address }: Record<string, string>) => [action, who, address]),
    ).toEqual(['save', 'garden', 'clear', 'speed'].map((action) => [action, 'Ann', '10.0.0.7']));
    expect((await ann('GET', `audit?before=${entries[3].id}`)).body.entries[0].action).toBe('login');
  });

  test('goes on when the registry is corrupt, and the admin reads why', async () => {
    await server.close();
    writeFileSync(join(folder, 'registry.db'), 'nonsense '.repeat(99));
    const config = { ...readConfig(['--admin-token', TOKEN], {}), dataDir: folder };
    world = new FakeWorld();
    admin = new Admin(world, config, prober);
    server = await startServer({ perAddress: 1_000 }, world, { admin });
    world.run(20);
    const ann = await logIn(TOKEN);
    for (const answer of [await ann('GET', 'rules'), await ann('POST', 'rules', bytesOf('moss'))])
      expect([answer.status, answer.body.error]).toEqual([
        503,
        expect.stringContaining('is not a registry, or is corrupt'),
      ]);
    expect((await ann('GET', 'live')).status).toBe(200);
    const { room } = await joinWorld(server);
    expect((await ann('GET', 'live')).body.players).toHaveLength(1);
    await room.leave();
  });
});

/** Joins, and tells the guest's id. */
async function joinAs(): Promise<{ room: Room; hello: HelloMessage; guest: string }> {
  const joined = await joinWorld(server);
  const { visits } = admin.audience;
  return { ...joined, guest: visits.find(({ id }) => id === joined.hello.you)!.guest };
}

async function strokeOf(room: Room, id: number): Promise<StrokeResultMessage> {
  const result = next<StrokeResultMessage>(
    room,
    ServerMessageType.strokeResult,
    (message) => message.id === id,
  );
  room.send(ClientMessageType.stroke, { id, tool: 'ablate', radius: 2, points: [5, 6] });
  return result;
}

describe('guests', () => {
  test('are muted for a time: their strokes are refused with the reason until the mute is lifted', async () => {
    const bob = await logIn(tokens.Bob);
    const { room, hello, guest } = await joinAs();
    expect((await strokeOf(room, 1)).ok).toBe(true);
    const told = next<NoticeMessage>(room, ServerMessageType.notice);
    const measure = { action: 'mute', of: 'guest', minutes: 60, reason: 'enough' };
    const { body } = await bob('POST', `guests/${guest}`, measure);
    expect(body.sanction).toMatchObject({ kind: 'mute', guest, who: 'Bob', reason: 'enough' });
    expect((await told).text).toBe('An admin has taken your tools away for 60 min. (enough)');
    expect(await strokeOf(room, 2)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('An admin has taken your tools away for'),
    });
    expect((await bob('GET', 'live')).body.players).toMatchObject([
      { id: hello.you, guest, isMuted: true, strokes: 1, name: hello.name },
    ]);
    expect((await bob('GET', 'people')).body.sanctions).toEqual([body.sanction]);
    const again = next<NoticeMessage>(room, ServerMessageType.notice);
    await bob('DELETE', `sanctions/${body.sanction.id}`);
    expect((await again).text).toBe('You have your tools again.');
    expect((await strokeOf(room, 3)).ok).toBe(true);
    const { entries } = (await bob('GET', 'audit')).body;
    expect(
      entries.slice(0, 2).map(({ who, role, action, subject }: AuditEntry) => [who, role, action, subject]),
    ).toEqual([
      ['Bob', 'moderator', 'unmute', hello.name],
      ['Bob', 'moderator', 'mute', hello.name],
    ]);
    await room.leave();
  });

  test('are kicked with a reason, and may join again', async () => {
    const bob = await logIn(tokens.Bob);
    const { room, guest } = await joinAs();
    const gone = left(room);
    await bob('POST', `guests/${guest}`, { action: 'kick', of: 'guest', reason: 'enough' });
    expect(await gone).toEqual({ code: CloseCode.removed, reason: 'enough' });
    const again = await joinWorld(server);
    await again.room.leave();
  });

  test.each(['guest', 'address'])('are banned by %s, across a restart, until it is lifted', async (of) => {
    const bob = await logIn(tokens.Bob);
    const { room, guest } = await joinAs();
    const gone = left(room);
    const { body } = await bob('POST', `guests/${guest}`, { action: 'ban', of, minutes: 5 });
    expect(body.sanction).toMatchObject({ address: '127.0.0.1', guest: of === 'guest' ? guest : '' });
    expect((await gone).code).toBe(CloseCode.removed);
    await expect(joinWorld(server)).rejects.toThrow(/^an admin has banned .* from this world for 5 min/);
    const registry = new Registry(folder, 1_000);
    expect(new SanctionTable(registry).load()).toEqual([body.sanction]);
    registry.close();
    expect((await bob('DELETE', `sanctions/${body.sanction.id}`)).status).toBe(200);
    const again = await joinWorld(server);
    await again.room.leave();
  });

  test('a reason is one line of plain text, for players and for the log', async () => {
    const bob = await logIn(tokens.Bob);
    const reason = 'enough\n2026-01-01 all is well\u001b[2J\u202e';
    const { body } = await bob('POST', 'sanctions', { kind: 'mute', address: '10.9.8.7', reason });
    expect(body.sanction.reason).toBe('enough 2026-01-01 all is well [2J');
    await bob('DELETE', `sanctions/${body.sanction.id}`);
  });

  test('an address is banned for good, though nobody is known from it', async () => {
    const bob = await logIn(tokens.Bob);
    const { body } = await bob('POST', 'sanctions', { kind: 'ban', address: '2001:db8::7' });
    expect(body.sanction).toMatchObject({ address: '2001:db8::', guest: '', until: '' });
  });

  test('are listed with what they did and what they planted, and all of it can be removed', async () => {
    const bob = await logIn(tokens.Bob);
    const { room, hello, guest } = await joinAs();
    await strokeOf(room, 1);
    const planted = { id: 3, species: 'pikachu', x: 50, y: 60, health: 0.9 };
    world.answers.set('bodiesOf', [planted]);
    const { guests } = (await bob('GET', 'people')).body;
    expect(guests).toMatchObject([
      { id: guest, name: hello.name, address: '127.0.0.1', visits: 1, strokes: 1 },
    ]);
    const one = (await bob('GET', `guests/${guest}`)).body;
    expect([one.guest, one.bodies]).toEqual([guests[0], [planted]]);
    expect(one.deeds).toMatchObject([{ guest, tool: 'ablate', x: 5, y: 6 }]);
    expect((await bob('GET', 'deeds')).body.deeds).toEqual(one.deeds);
    world.answers.set('control', 1);
    expect((await bob('POST', 'bodies/remove', { organism: 3 })).body).toEqual({ organisms: 1 });
    expect((await bob('POST', 'bodies/remove', { guest })).body).toEqual({ organisms: 1 });
    expect(world.asked.slice(-2)).toEqual([
      { kind: 'control', control: { kind: 'remove', organism: 3 } },
      { kind: 'control', control: { kind: 'removeByGuest', guest } },
    ]);
    await room.leave();
  });
});

describe('reports', () => {
  test('of a body and of a name reach the moderators, who handle them by name', async () => {
    const bob = await logIn(tokens.Bob);
    const [mallory, ann] = [await joinAs(), await joinAs()];
    world.answers.set('inspect', {
      ...{ id: 3, species: 'snorlax', x: 50, y: 60, guest: mallory.guest, planter: mallory.hello.name },
    });
    const answered = async (message: ReportMessage): Promise<string> => {
      const notice = next<NoticeMessage>(ann.room, ServerMessageType.notice);
      ann.room.send(ClientMessageType.report, message);
      return (await notice).text;
    };
    const thanks = 'Thank you. A moderator will look at it.';
    expect(await answered({ about: 'body', organism: 3, reason: 'in the way' })).toBe(thanks);
    expect(await answered({ about: 'name', player: mallory.hello.you, reason: 'offensive' })).toBe(thanks);
    expect(await answered({ about: 'name', player: ann.hello.you, reason: 'other' })).toBe('That is you.');
    expect(await answered({ about: 'name', player: 'nobody', reason: 'other' })).toBe(
      'That is not there any more.',
    );
    expect((await bob('GET', 'live')).body.reports).toBe(2);
    const reports = (await bob('GET', 'people')).body.reports as Report[];
    expect(reports).toMatchObject([
      { about: 'name', reason: 'offensive', guest: mallory.guest, organism: null, by: { guest: ann.guest } },
      { about: 'body', reason: 'in the way', guest: mallory.guest, organism: 3, x: 50, y: 60 },
    ]);
    await bob('POST', `reports/${reports[1].id}`, { outcome: 'dismissed' });
    expect((await bob('POST', `reports/${reports[1].id}`, { outcome: 'handled' })).status).toBe(409);
    expect((await bob('GET', 'live')).body.reports).toBe(1);
    expect((await bob('GET', 'people')).body.reports[1].handled).toMatchObject({
      who: 'Bob',
      outcome: 'dismissed',
    });
    expect((await bob('GET', 'audit')).body.entries[0]).toMatchObject({
      who: 'Bob',
      action: 'report dismissed',
      subject: mallory.hello.name,
    });
    for (const { room } of [mallory, ann]) await room.leave();
  });

  test.each([
    { about: 'weather' },
    { about: 'body', organism: 3, reason: 'vandalism' },
    { about: 'body', organism: 0, reason: 'other' },
    { about: 'name', player: 'x'.repeat(300), reason: 'other' },
  ])('that our client never sends close the client: %j', async (message) => {
    const { room } = await joinAs();
    const gone = left(room);
    room.send(ClientMessageType.report, message);
    expect((await gone).code).toBe(CloseCode.badMessage);
  });
});

test('no guest may take an admin’s name', async () => {
  const { room } = await joinAs();
  const named = next<NamedMessage>(room, ServerMessageType.named);
  room.send(ClientMessageType.name, { name: 'bob' });
  expect((await named).reason).toContain('to choose');
  await room.leave();
});

describe('while the registry cannot be written', () => {
  /** With an unknown write version, SQLite does not write, on any system and for any user. */
  function setWriteVersion(version: number): void {
    const file = openSync(join(folder, 'registry.db'), 'r+');
    writeSync(file, Uint8Array.of(version), 0, 1, 18);
    closeSync(file);
  }

  beforeEach(async () => {
    await server.close();
    setWriteVersion(3);
    world = new FakeWorld();
    const config = { ...readConfig(['--admin-token', TOKEN], {}), dataDir: folder };
    admin = new Admin(world, config, prober);
    server = await startServer({ perAddress: 1_000, trustProxy: 1 }, world, { admin });
    world.run(20);
  });

  const isUnwritten = { unwritten: expect.stringContaining('registry.db is read-only') };

  test('muting, kicking, banning, lifting a ban and pausing are done at once, and the answer says so', async () => {
    const ann = await logIn();
    const { room, guest } = await joinAs();
    const measure = (action: string) => ({ action, of: 'address', minutes: 5 });
    expect((await ann('POST', `guests/${guest}`, measure('mute'))).body).toMatchObject(isUnwritten);
    expect((await ann('GET', 'live')).body.players).toMatchObject([{ isMuted: true }]);
    expect((await ann('POST', 'world', { kind: 'speed', stepsPerSecond: 0 })).body).toMatchObject(
      isUnwritten,
    );
    expect(world.asked).toMatchObject([{ kind: 'control', control: { kind: 'speed', stepsPerSecond: 0 } }]);
    const kicked = left(room);
    expect((await ann('POST', `guests/${guest}`, measure('kick'))).body).toEqual(isUnwritten);
    expect((await kicked).code).toBe(CloseCode.removed);

    const again = await joinAs();
    const banned = left(again.room);
    const { status, body } = await ann('POST', `guests/${again.guest}`, measure('ban'));
    expect([status, body]).toEqual([200, { sanction: expect.anything(), ...isUnwritten }]);
    expect((await banned).code).toBe(CloseCode.removed);
    await expect(joinWorld(server)).rejects.toThrow(
      'an admin has banned your address from this world for 5 min',
    );
    expect((await ann('DELETE', `sanctions/${body.sanction.id}`)).body).toEqual(isUnwritten);
    await (await joinWorld(server)).room.leave();
  });

  test('what cannot be undone is refused, and is not done', async () => {
    const ann = await logIn();
    expect((await ann('POST', 'world/clear', { x: 5, y: 6, radius: 7 })).status).toBe(503);
    expect(world.asked).toEqual([]);
  });

  test('the rows of what was done are written when it can be written again, with the time of the act', async () => {
    const ann = await logIn();
    const { room, guest } = await joinAs();
    const gone = left(room);
    const { body } = await ann('POST', `guests/${guest}`, { action: 'ban', of: 'address', minutes: 5 });
    await gone;
    const answered = new Date().toISOString();
    setWriteVersion(2);
    const entries = async () => (await ann('GET', 'audit')).body.entries;
    await until('the row', async () => ((await entries())[0]?.action === 'ban' ? true : undefined), 20_000);
    expect((await entries())[0].at <= answered).toBe(true);
    const registry = new Registry(folder, 1_000);
    expect(new SanctionTable(registry).load()).toEqual([body.sanction]);
    registry.close();
  });
});
