/** `/admin/api/nursery`: who may do what, and what is told. */
import { beforeEach, expect, test } from 'vitest';
import { Nursery } from '../../server/nursery/desk/nursery.ts';
import { packDrawing } from '../../shared/drawing/packed.ts';
import type { AdminNurseryAnswer } from '../../shared/nursery.ts';
import { admin, call, folder, logIn, tokens, useAdminServer, world } from './adminServer.ts';

useAdminServer();

let nursery: Nursery;
beforeEach(async () => {
  nursery = new Nursery({
    desk: admin.desk,
    probe: admin.probe,
    world,
    dataDir: folder,
    mode: 'approve',
    threads: 1,
    maxSpecies: 4,
    maxWorldSpecies: 200,
    log: () => {},
    spawn: () => {
      throw new Error('nothing is learned here');
    },
  });
  await nursery.drawings.load();
  admin.nursery = nursery;
  const drawing = packDrawing({
    width: 8,
    height: 8,
    rgba: Uint8Array.from({ length: 256 }, (_, i) => (i % 4 === 3 ? 255 : 90)),
  });
  const maker = { guest: 'ann', name: 'Ann', address: '192.0.2.1' };
  expect(await nursery.submit({ name: 'Ghost', drawing, isFree: true }, maker)).toEqual({ reason: null });
  return () => nursery.stop();
});

test('a moderator sees picture, name, guest and address of what waits, and the count is on every page', async () => {
  const ask = await logIn(tokens.Bob);
  const { body } = await ask('GET', 'nursery');
  expect((body as AdminNurseryAnswer).drawings).toMatchObject([
    {
      id: 1,
      name: 'Ghost',
      maker: 'Ann',
      guest: 'ann',
      address: '192.0.2.1',
      state: 'waiting',
      bodies: null,
    },
  ]);
  expect((await ask('GET', 'live')).body.drawings).toBe(1);
});

test('nobody does so without a login', async () => {
  expect((await call('GET', 'nursery')).status).toBe(401);
  expect((await call('POST', 'nursery', { action: 'approve', drawing: 1 })).status).toBe(401);
});

test('a moderator approves, and a drawing that does not wait is no longer approved', async () => {
  const ask = await logIn(tokens.Bob);
  expect((await ask('POST', 'nursery', { action: 'approve', drawing: 1 })).status).toBe(200);
  expect(nursery.drawings.byId(1)?.state).not.toBe('waiting');
  const again = await ask('POST', 'nursery', { action: 'approve', drawing: 1 });
  expect([again.status, again.body.error]).toEqual([422, 'drawing 1 does not wait for a word']);
});

test('a refusal carries its reason to the maker, and into the audit log', async () => {
  const ask = await logIn(tokens.Bob);
  await ask('POST', 'nursery', { action: 'refuse', drawing: 1, reason: 'It is a trademark.' });
  expect(nursery.own('ann')).toMatchObject([{ state: 'refused', reason: 'It is a trademark.' }]);
  const entries = await admin.desk.ask((registry) => registry.audit.entries(5));
  expect(entries.find(({ action }) => action === 'refuse drawing')).toMatchObject({
    who: 'Bob',
    detail: 'drawing 1, "Ghost": It is a trademark.',
  });
});

test.each([
  [{ action: 'eat', drawing: 1 }, 400],
  [{ action: 'approve' }, 400],
  [{ action: 'approve', drawing: 99 }, 422],
  [{ action: 'remove', drawing: 1 }, 422],
  [{ action: 'refuse', drawing: 1, reason: 'x'.repeat(300) }, 400],
])('%j is refused', async (body, status) => {
  const ask = await logIn();
  expect((await ask('POST', 'nursery', body)).status).toBe(status);
  expect(nursery.drawings.byId(1)?.state).toBe('waiting');
});
