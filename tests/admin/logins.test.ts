import type { IncomingMessage } from 'node:http';
import { beforeEach, describe, expect, test } from 'vitest';
import type { AdminRow } from '../../server/admin/adminTable.ts';
import {
  COOKIE,
  type LoginEnd,
  Logins,
  MAX_IDLE_MS,
  MAX_LOGIN_MS,
  setCookie,
} from '../../server/admin/logins.ts';

const ann: AdminRow = { name: 'Ann', role: 'owner', hash: 'a', created: '', used: '' };
const bob: AdminRow = { ...ann, name: 'Bob', role: 'moderator', hash: 'b' };
let now: number;
let known: AdminRow[];
let ended: [name: string, why: LoginEnd][];
let logins: Logins;

beforeEach(() => {
  now = 0;
  known = [ann, bob];
  ended = [];
  logins = new Logins({
    now: () => now,
    isKnown: (admin) => known.includes(admin),
    ended: ({ admin: { name } }, why) => ended.push([name, why]),
  });
});

const withCookie = (cookie: string): IncomingMessage =>
  ({ headers: { cookie: `theme=dark; ${COOKIE}=${cookie}` } }) as unknown as IncomingMessage;

describe('a login ends', () => {
  test('when its admin has done nothing for an hour, however often the page asks by itself', () => {
    const request = withCookie(logins.begin(ann, '10.0.0.1'));
    for (; now < MAX_IDLE_MS; now += 1_000) expect(logins.whose(request, false)).not.toBeNull();
    expect(logins.left(request).idleSeconds).toBe(0);
    now = MAX_IDLE_MS + 1;
    expect(logins.whose(request, false)).toBeNull();
    expect(ended).toEqual([['Ann', 'idle']]);
  });

  test('after twelve hours, whatever its admin does', () => {
    const request = withCookie(logins.begin(ann, '10.0.0.1'));
    for (; now <= MAX_LOGIN_MS; now += MAX_IDLE_MS / 2) {
      expect(logins.left(request).seconds).toBe((MAX_LOGIN_MS - now) / 1_000);
      expect(logins.whose(request, true)?.admin).toBe(ann);
      expect(logins.left(request).idleSeconds).toBe(MAX_IDLE_MS / 1_000);
    }
    expect(logins.whose(request, true)).toBeNull();
    expect(ended).toEqual([['Ann', 'old']]);
  });

  test('at once when its admin was revoked, and only theirs', () => {
    const [anns, bobs] = [ann, bob].map((admin) => withCookie(logins.begin(admin, '10.0.0.1')));
    known = [ann];
    expect(logins.whose(bobs, true)).toBeNull();
    expect(logins.whose(anns, true)?.admin).toBe(ann);
    expect(ended).toEqual([['Bob', 'revoked']]);
  });

  test('when nobody asks any more: a sweep finds it', () => {
    logins.begin(ann, '10.0.0.1');
    now = MAX_IDLE_MS + 1;
    logins.sweep();
    logins.sweep();
    expect(ended).toEqual([['Ann', 'idle']]);
  });

  test('when its admin logs in for the ninth time, and nobody else is affected', () => {
    const first = withCookie(logins.begin(ann, '10.0.0.1'));
    const bobs = withCookie(logins.begin(bob, '10.0.0.2'));
    for (let n = 0; n < 8; n++) logins.begin(ann, '10.0.0.1');
    expect([logins.whose(first, true), logins.whose(bobs, true)?.admin]).toEqual([null, bob]);
    expect(ended).toEqual([['Ann', 'replaced']]);
  });
});

test('a made-up, foreign or missing cookie is nobody', () => {
  logins.begin(ann, '10.0.0.1');
  for (const cookie of ['', 'a'.repeat(43), '../../etc'])
    expect(logins.whose(withCookie(cookie), true)).toBeNull();
  expect(logins.whose({ headers: {} } as IncomingMessage, true)).toBeNull();
  expect(ended).toEqual([]);
});

test('the cookie goes to the API only, over TLS if there is TLS, and never to scripts or other sites', () => {
  // Without a Path, browsers take that of the request for it: /admin/api, under whatever path a proxy serves it.
  expect(setCookie('x', false)).toBe('regrow_admin=x; HttpOnly; SameSite=Strict; Max-Age=43200');
  expect(setCookie('', true)).toBe('regrow_admin=; HttpOnly; SameSite=Strict; Max-Age=0; Secure');
});
