/** What an admin was told is done survives the end of the process, however it comes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Registry } from '../../server/rules/registry.ts';
import type { Done, PeopleAnswer, Sanction } from '../../shared/adminPeople.ts';
import { startServer } from '../serverProcess.ts';

const TOKEN = 'a token of an owner for one test';
const FLAGS = [
  '--garden',
  '1',
  '--size',
  '128',
  '--engine',
  'wasm',
  '--tuner',
  'off',
  '--admin-token',
  TOKEN,
];

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'regrow-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

async function logIn(url: string) {
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ token: TOKEN });
  const login = await fetch(`${url}/admin/api/login`, { method: 'POST', headers, body });
  const Cookie = login.headers.get('set-cookie')!.split(';')[0];
  return async <T>(method: string, path: string, fields?: object): Promise<T> => {
    const sent = { method, headers: { ...headers, Cookie }, body: fields && JSON.stringify(fields) };
    const answer = await fetch(`${url}/admin/api/${path}`, sent);
    expect(answer.status).toBe(200);
    return (await answer.json()) as T;
  };
}

test('bans, mutes, and those that were lifted are after a kill as they were answered, with the audit log', async () => {
  const killed = await startServer(FLAGS, dataDir);
  const ask = await logIn(killed.url);
  const sanction = (fields: object): Promise<Done & { sanction: Sanction }> =>
    ask('POST', 'sanctions', { reason: 'swears', ...fields });
  const lifted = await sanction({ kind: 'ban', address: '10.0.0.1' });
  const replaced = await sanction({ kind: 'mute', address: '10.0.0.2', minutes: 5 });
  const answers = [
    await ask<Done>('DELETE', `sanctions/${lifted.sanction.id}`),
    await sanction({ kind: 'mute', address: '10.0.0.2' }),
    await sanction({ kind: 'ban', address: '10.0.0.3', minutes: 60 }),
  ];
  await killed.kill();
  for (const answer of [lifted, replaced, ...answers]) expect(answer.unwritten).toBeUndefined();

  const again = await startServer(FLAGS, dataDir);
  const { sanctions } = await (await logIn(again.url))<PeopleAnswer>('GET', 'people');
  await again.kill();
  expect(sanctions).toEqual(answers.slice(1).map((answer) => (answer as { sanction: Sanction }).sanction));
  const registry = new Registry(dataDir, 5_000);
  const acts = registry.audit.entries(20).map(({ action }) => action);
  registry.close();
  expect(acts.filter((action) => /ban|mute/.test(action)).reverse()).toEqual([
    'ban',
    'mute',
    'unban',
    'mute',
    'ban',
  ]);
});
