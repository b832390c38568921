/** Guests and what they did, sanctions, bodies and reports; also while the disk fails. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Room } from '@colyseus/sdk';
import { beforeEach, describe, expect, test } from 'vitest';
import { SanctionTable } from '../../server/guests/sanctionTable.ts';
import { Registry } from '../../server/rules/registry.ts';
import type { AuditEntry, Report } from '../../shared/adminPeople.ts';
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
import { join as joinWorld, left, next } from '../rooms/harness.ts';
import { until } from '../serverProcess.ts';
import { admin, folder, logIn, restart, server, tokens, useAdminServer, world } from './adminServer.ts';

useAdminServer();

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
      { kind: 'control', control: { kind: 'remove', organism: 3, by: 'Bob' } },
      { kind: 'control', control: { kind: 'removeByGuest', guest, by: 'Bob' } },
    ]);
    await room.leave();
  });
});

describe('what is lost', () => {
  const gone = { species: 'pikachu', x: 50, y: 60, planter: 'Ash', cause: 'removed', secondsAgo: 9 };

  test('is listed, for a guest what they did away with or had planted', async () => {
    const bob = await logIn(tokens.Bob);
    const { room, guest } = await joinAs();
    const lost = [
      { ...gone, loss: 1, guest: 'another', by: { guest, name: 'Mallory' } },
      { ...gone, loss: 2, guest, by: { guest: '', name: 'Ann' } },
      { ...gone, loss: 3, guest: 'another', by: { guest: '', name: 'Ann' } },
    ];
    world.answers.set('lost', lost);
    expect((await bob('GET', 'deeds')).body.lost).toEqual(lost);
    expect((await bob('GET', `guests/${guest}`)).body.lost).toEqual(lost.slice(0, 2));
    await room.leave();
  });

  test('is brought back by a moderator: one, or all of a guest; each is audited before it is done', async () => {
    const bob = await logIn(tokens.Bob);
    const { room, hello, guest } = await joinAs();
    world.answers.set('lost', [{ ...gone, loss: 2, guest, by: { guest: '', name: 'Ann' } }]);
    const answer = {
      organisms: 0,
      refused: [{ species: 'pikachu', x: 50, y: 60, reason: 'No room: it would grow into a mew.' }],
      left: 0,
    };
    world.answers.set('bringBack', answer);
    expect((await bob('POST', 'bodies/bring-back', { of: 'loss', loss: 2 })).body).toEqual(answer);
    await bob('POST', 'bodies/bring-back', { of: 'organism', organism: 7 });
    await bob('POST', 'bodies/bring-back', { of: 'guest', guest });
    expect(world.asked.filter(({ kind }) => kind === 'bringBack')).toEqual([
      { kind: 'bringBack', wanted: { loss: 2 } },
      { kind: 'bringBack', wanted: { organism: 7 } },
      { kind: 'bringBack', wanted: { by: guest } },
    ]);
    const { entries } = (await bob('GET', 'audit?text=bring+back')).body;
    expect(entries.map(({ who, subject, detail }: AuditEntry) => [who, subject, detail])).toEqual([
      ['Bob', hello.name, `all of guest ${guest}`],
      ['Bob', '', 'organism 7'],
      ['Bob', 'Ash', 'loss 2 pikachu at 50, 60'],
    ]);
    await room.leave();
  });

  test('and is back, or is not known, cannot be brought back', async () => {
    const bob = await logIn(tokens.Bob);
    const { status, body } = await bob('POST', 'bodies/bring-back', { of: 'loss', loss: 9 });
    expect([status, body.error]).toEqual([409, 'it is back already, or is no longer remembered']);
    expect(world.asked.filter(({ kind }) => kind === 'bringBack')).toEqual([]);
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
      'That is gone already.',
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
  expect((await named).reason).toContain('is reserved');
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
    await restart(() => setWriteVersion(3));
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
