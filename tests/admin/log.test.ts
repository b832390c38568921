/** Who did what, in the log. */
import { expect, test } from 'vitest';
import { ClientMessageType, ServerMessageType } from '../../shared/protocol.ts';
import { join, next } from '../rooms/harness.ts';
import { call, lines, logIn, server, TOKEN, tokens, useAdminServer } from './adminServer.ts';

useAdminServer();

const said = (pattern: RegExp): (typeof lines)[number] | undefined =>
  lines.find(([, text]) => pattern.test(text));

test('has each act of an admin, with name, role, address, answer and the id of the request', async () => {
  const ann = await logIn();
  const { headers } = await ann('POST', 'world', { kind: 'speed', stepsPerSecond: 10 });
  await expect.poll(() => said(/^admin: Ann .*POST .*world: 200$/)).toBeDefined();
  const [level, , facts] = said(/^admin: Ann .*world: 200$/)!;
  expect([level, facts]).toEqual([
    'info',
    { admin: 'Ann', role: 'owner', address: '127.0.0.1', request: headers.get('x-request-id') },
  ]);
  expect(said(/^admin: Ann from 127\.0\.0\.1 logged in$/)).toBeDefined();
});

test('has what an admin was refused, and not what the page asks by itself', async () => {
  const bob = await logIn(tokens.Bob);
  await bob('POST', 'world', { kind: 'speed', stepsPerSecond: 10 });
  await bob('GET', 'live');
  await expect.poll(() => said(/^admin: Bob .*POST .*world: 403$/)).toBeDefined();
  expect(lines.filter(([level, text]) => level === 'info' && text.includes('live'))).toEqual([]);
});

test('has requests, joins and strokes with guest and address for those who debug', async () => {
  const { room } = await join(server);
  room.send(ClientMessageType.stroke, { id: 1, tool: 'ablate', radius: 2, points: [5, 6] });
  await next(room, ServerMessageType.strokeResult);
  await room.leave();
  await expect.poll(() => said(/^left$/)).toBeDefined();
  const [level, , facts] = said(/^joined$/)!;
  expect([level, facts]).toEqual([
    'debug',
    {
      guest: expect.stringMatching(/^[\w-]{22}$/),
      name: expect.any(String),
      address: '127.0.0.1',
      visit: room.sessionId,
    },
  ]);
  expect(said(/^stroke$/)![2]).toMatchObject({ guest: facts!.guest, tool: 'ablate', x: 5, y: 6 });
  expect(said(/^POST \/matchmake\/joinOrCreate\/world: 200$/)![2]).toMatchObject({ route: 'matchmake' });
});

test('an id that a trusted proxy gives is kept; one that is no plain id is replaced', async () => {
  const idOf = async (id: string): Promise<string | null> =>
    (await fetch(`${server.url}healthz`, { headers: { 'X-Request-Id': id } })).headers.get('x-request-id');
  expect(await idOf('a1b2-c3:d4.e5_f6')).toBe('a1b2-c3:d4.e5_f6');
  for (const bad of ['a b', '"', 'x'.repeat(65), '{}', ''])
    expect(await idOf(bad)).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
});

test('never has a token, a cookie or a query', async () => {
  await call('POST', 'login', { token: 'wrong token of somebody' });
  await logIn();
  await logIn(TOKEN);
  await fetch(`${server.url}api/organisms?token=secret-query`);
  await expect.poll(() => said(/organisms/)).toBeDefined();
  const all = JSON.stringify(lines);
  for (const secret of [tokens.Ann, TOKEN, 'wrong token of somebody', 'regrow_admin', 'secret-query'])
    expect(all).not.toContain(secret);
});
