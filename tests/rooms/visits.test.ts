/** Guests over the wire: tokens, names, limits and mutes as a client meets them. */
import { Client, type Room } from '@colyseus/sdk';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Guests } from '../../server/guests/guests.ts';
import { guestsInMemory } from '../../server/guests/openGuests.ts';
import { BUDGET_CELLS } from '../../shared/limits.ts';
import {
  type BudgetMessage,
  ClientMessageType,
  CloseCode,
  type HelloMessage,
  type NamedMessage,
  type NoticeMessage,
  type PlayersMessage,
  ROOM_NAME,
  ServerMessageType,
  type StrokeResultMessage,
} from '../../shared/protocol.ts';
import { fakeClock, left, next, pause, startServer, type TestServer, waitFor } from './harness.ts';

const LIMITS = { guestsPerAddress: 3, energyPerAddress: 1 };
let guests: Guests;
let server: TestServer;
beforeEach(async () => {
  fakeClock();
  guests = guestsInMemory(LIMITS);
  server = await startServer({}, undefined, { guests });
  server.world.run(20);
});
afterEach(async () => {
  await server.close();
  vi.useRealTimers();
});

async function visit(token?: string): Promise<{ room: Room; hello: HelloMessage }> {
  const options = token === undefined ? {} : { token };
  const room = await waitFor(new Client(server.url.replace(/\/$/, '')).join(ROOM_NAME, options));
  room.reconnection.enabled = false;
  for (const type of Object.values(ServerMessageType)) room.onMessage(type, () => {});
  return { room, hello: await next<HelloMessage>(room, ServerMessageType.hello) };
}
const idOf = ({ token }: HelloMessage): string => token!.split('.')[0];
const dab = { id: 1, tool: 'ablate', radius: 24, points: [100, 100] };

async function stroke(room: Room): Promise<StrokeResultMessage> {
  const result = next<StrokeResultMessage>(room, ServerMessageType.strokeResult);
  room.send(ClientMessageType.stroke, dab);
  return result;
}

test('who has no token, or a bad one, gets one; with it they are the same guest after a reload', async () => {
  const first = await visit();
  expect(first.hello).toMatchObject({ token: expect.any(String), isNameChosen: false });
  const named = next<NamedMessage>(first.room, ServerMessageType.named);
  first.room.send(ClientMessageType.name, { name: 'Ash' });
  expect(await named).toEqual({ name: 'Ash', isChosen: true });
  await first.room.leave();
  const again = await visit(first.hello.token);
  expect(again.hello).toMatchObject({ name: 'Ash', isNameChosen: true });
  expect(again.hello).not.toHaveProperty('token');
  const forged = await visit(`${idOf(first.hello)}.${'A'.repeat(43)}`);
  expect(forged.hello.name).not.toBe('Ash');
  expect(idOf(forged.hello)).not.toBe(idOf(first.hello));
});

test('a refused name is answered with the reason and the name that stays', async () => {
  const { room, hello } = await visit();
  const named = next<NamedMessage>(room, ServerMessageType.named);
  room.send(ClientMessageType.name, { name: 'Аdmin' });
  expect(await named).toEqual({
    name: hello.name,
    isChosen: false,
    reason: 'The name “Аdmin” is reserved.',
  });
});

test('two tabs of a guest are two players of one name, one hue and one energy', async () => {
  const one = await visit();
  const two = await visit(one.hello.token);
  one.room.send(ClientMessageType.name, { name: 'Ash' });
  const { players } = await next<PlayersMessage>(
    two.room,
    ServerMessageType.players,
    ({ players }) => players.filter(({ name }) => name === 'Ash').length === 2,
  );
  expect(new Set(players.map(({ hue }) => hue)).size).toBe(1);
  expect(new Set(players.map(({ id }) => id))).toEqual(new Set([one.hello.you, two.hello.you]));
  expect(JSON.stringify(players)).not.toContain(idOf(one.hello));
  const told = next<BudgetMessage>(two.room, ServerMessageType.budget);
  expect((await stroke(one.room)).ok).toBe(true);
  expect((await told).budget.cells).toBeLessThan(BUDGET_CELLS);
});

test('a reload brings no energy, and neither does a fresh guest of the same address', async () => {
  const { room, hello } = await visit();
  for (let i = 0; i < 3; i++) expect((await stroke(room)).ok).toBe(true);
  expect(await stroke(room)).toMatchObject({
    ok: false,
    reason: expect.stringMatching(/^Not enough energy: \d s\.$/),
  });
  await room.leave();
  const again = await visit(hello.token);
  expect((await stroke(again.room)).ok).toBe(false);
  const fresh = await visit();
  expect((await stroke(fresh.room)).reason).toMatch(/^Your address has used its energy: \d s\.$/);
});

test('a mute survives a reload, and ends when it is lifted', async () => {
  const { room, hello } = await visit();
  const mute = guests.sanctionGuest('mute', idOf(hello), { minutes: 10, reason: '', who: 'Ann' })!;
  await room.leave();
  const again = await visit(hello.token);
  expect((await stroke(again.room)).reason).toBe('An admin has taken your tools away for 10 min.');
  guests.sanctions.lift(mute.id);
  expect((await stroke(again.room)).ok).toBe(true);
});

test('a guest beyond those of an address reads why, also when the seat was reserved in time', async () => {
  const rooms = [await visit(), await visit(), await visit()];
  const why = '3 guests from your address are here already, and more are not allowed';
  await expect(visit()).rejects.toThrow(why);
  await rooms[0].room.leave();
  await pause(50);
  const client = new Client(server.url.replace(/\/$/, ''));
  const joins = await waitFor(Promise.all([client.join(ROOM_NAME), client.join(ROOM_NAME)]));
  const closes = joins.map((room) => {
    room.reconnection.enabled = false;
    return left(room);
  });
  expect(await waitFor(Promise.race(closes))).toEqual({ code: CloseCode.refused, reason: why });
});

test('what was done is remembered of the guest who did it', async () => {
  server.world.outcome = { ok: true, step: 7, organisms: Array.from({ length: 20 }, (_, i) => i) };
  const { room, hello } = await visit();
  await stroke(room);
  const id = idOf(hello);
  expect(guests.deeds.of(id)).toMatchObject([
    {
      guest: id,
      name: hello.name,
      address: '127.0.0.1',
      tool: 'ablate',
      x: 100,
      y: 100,
      radius: 24,
      step: 7,
    },
  ]);
  expect(guests.deeds.of(id)[0].organisms).toHaveLength(8);
  expect(guests.find(id)).toMatchObject({ strokes: 1, plantings: 0, visits: 1 });
});

test('a client of more than 40 strokes per second, after 80 at once, is closed with the reason', async () => {
  const { room } = await visit();
  const gone = left(room);
  for (let i = 0; i < 80; i++) room.send(ClientMessageType.stroke, { ...dab, id: i });
  await pause(1_000);
  for (let i = 0; i < 30; i++) room.send(ClientMessageType.stroke, { ...dab, id: i });
  await pause(100);
  expect(room.connection.isOpen).toBe(true);
  for (let i = 0; i < 40; i++) room.send(ClientMessageType.stroke, { ...dab, id: i });
  expect(await waitFor(gone)).toEqual({
    code: CloseCode.tooFrequent,
    reason: 'more than 40 strokes per second',
  });
});

test('a client whose strokes are refused more than 10 times per second, after 160, is closed with the reason', async () => {
  const { room } = await visit();
  const gone = left(room);
  // 35 per second, of which the energy allows for few.
  for (let second = 0; second < 10 && room.connection.isOpen; second++) {
    for (let i = 0; i < 35; i++) room.send(ClientMessageType.stroke, { ...dab, id: i });
    await pause(1_000);
  }
  expect(await waitFor(gone)).toEqual({
    code: CloseCode.tooFrequent,
    reason: 'more than 10 strokes per second that were refused',
  });
});

test('a client that asks for many removals is told to wait, and the world is asked for few', async () => {
  const { room } = await visit();
  const told: string[] = [];
  room.onMessage(ServerMessageType.notice, ({ text }: NoticeMessage) => told.push(text));
  for (let i = 0; i < 40; i++) {
    room.send(ClientMessageType.remove, { organism: 1 });
    await pause(20);
  }
  const asked = server.world.asked.filter(({ kind }) => kind === 'removeOwn').length;
  expect(asked).toBeGreaterThanOrEqual(12);
  expect(asked).toBeLessThanOrEqual(13);
  expect(told).toContain('That was too much at once: wait a moment.');
});

test('the world is told who is here at once, and again every ten seconds', async () => {
  const { hello } = await visit();
  expect(server.world.presents).toEqual([[idOf(hello)]]);
  await pause(20_000);
  expect(server.world.presents).toEqual(Array(3).fill([idOf(hello)]));
});
