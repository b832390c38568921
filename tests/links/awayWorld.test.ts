/** What a player at a relay is told while the world cannot be reached. */
import { setImmediate as turn } from 'node:timers/promises';
import { getMessageBytes, Protocol } from '@colyseus/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { linkRelay, type RelayLink } from '../../server/links/relayLink.ts';
import { RelayPeople } from '../../server/links/relayPeople.ts';
import { type ClientMessage, readMessage } from '../../server/rooms/messages.ts';
import { decodeMsgpack } from '../../server/rooms/msgpack.ts';
import type { Person } from '../../server/rooms/sight.ts';
import { Tally } from '../../server/tally.ts';
import { ClientMessageType, ServerMessageType, type StrokeResultMessage } from '../../shared/protocol.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { hubOf } from './ends.ts';
import { type Way, Ways } from './ways.ts';

const AWAY = 'The world cannot be reached at the moment.';
const LOST = 'The world did not answer.';

let world: FakeWorld;
let host: ReturnType<typeof hubOf>;
let way: Way;
let link: RelayLink;
let people: RelayPeople;
let tally: Tally;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  world = new FakeWorld(256, 256);
  const ways = new Ways();
  host = hubOf(world, ways);
  way = ways.way('one');
  link = await linkRelay({ transport: way, log: () => {} });
  tally = new Tally();
  people = new RelayPeople(link, tally);
});
afterEach(async () => {
  await link.stop();
  await host.close();
  vi.useRealTimers();
});

const pass = async (ms: number): Promise<void> => {
  await vi.advanceTimersByTimeAsync(ms);
  await turn();
};

interface Player {
  readonly heard: { readonly type: number; readonly message: Record<string, unknown> }[];
  /** What it was told of its strokes, and that is forgotten. */
  results(): Pick<StrokeResultMessage, 'id' | 'ok' | 'reason'>[];
  say(type: number, message: object): void;
  stroke(id: number): void;
  readonly person: Person;
}

/** A client with a socket at the relay. */
function enter(visit: string): Player {
  const heard: { type: number; message: Record<string, unknown> }[] = [];
  const hear = (bytes: Uint8Array): boolean => {
    const message = decodeMsgpack(bytes.subarray(2)) as Record<string, unknown>;
    return heard.push({ type: bytes[1], message: { ...message } }) > 0;
  };
  const person = people.enter(
    {
      id: visit,
      hearsPlayers: true,
      post: (type, message) => hear(getMessageBytes.raw(Protocol.ROOM_DATA, type, message)),
      postEncoded: hear,
      close: () => {},
    },
    { id: visit.repeat(22), isNew: true, address: '192.0.2.1' },
  );
  person.start();
  const say = (type: number, message: object): void => {
    const payload = getMessageBytes.raw(Protocol.ROOM_DATA, type, message).subarray(2);
    const read: ClientMessage = readMessage(type, payload, world.ready);
    person.handle(read, type, payload);
  };
  return {
    heard,
    results() {
      const results = heard.filter(({ type }) => type === ServerMessageType.strokeResult);
      for (const result of results) heard.splice(heard.indexOf(result), 1);
      return results.map(({ message: { id, ok, reason } }) => ({ id, ok, reason })) as ReturnType<
        Player['results']
      >;
    },
    say,
    stroke: (id) => say(ClientMessageType.stroke, { id, tool: 'ablate', radius: 2, points: [9, 9] }),
    person,
  };
}

test('a stroke while the world is away is refused at once, with the energy that there is', async () => {
  const ann = enter('a');
  await turn();
  const { budget } = ann.heard[0].message as { budget: { capacity: number } };
  way.onDown('the broker is gone');
  ann.stroke(1);
  ann.say(ClientMessageType.stroke, { id: 2, tool: 'plant', radius: 1, points: [9, 9], species: 'pikachu' });
  const [{ message }] = ann.heard.slice(-1);
  expect(message.budget).toEqual(budget);
  expect(ann.results()).toEqual([
    { id: 1, ok: false, reason: AWAY },
    { id: 2, ok: false, reason: AWAY },
  ]);
  expect([...tally.refusals()]).toEqual([{ what: 'stroke', reason: 'no_answer', count: 2 }]);
});

test('strokes that were on their way when the world was lost are refused, and none that was answered', async () => {
  const [ann, bob] = [enter('a'), enter('b')];
  await turn();
  ann.stroke(1);
  await turn();
  expect(ann.results()).toMatchObject([{ id: 1, ok: true }]);
  way.isCut = true;
  ann.stroke(2);
  bob.stroke(7);
  // Nothing is heard of the world for 4 s.
  await pass(6_000);
  expect(ann.results()).toEqual([{ id: 2, ok: false, reason: LOST }]);
  expect(bob.results()).toEqual([{ id: 7, ok: false, reason: LOST }]);
});

test('a stroke that is lost on a way that seems sound is refused within 13 s', async () => {
  const ann = enter('a');
  await turn();
  world.silent = true;
  const { send } = way;
  way.send = () => {};
  ann.stroke(3);
  way.send = send;
  await pass(11_000);
  expect(ann.results()).toEqual([]);
  await pass(2_000);
  expect(ann.results()).toEqual([{ id: 3, ok: false, reason: LOST }]);
});

test('drawings, names, reports and removals are refused, too, while the world is away', async () => {
  const ann = enter('a');
  await turn();
  way.isCut = true;
  ann.say(ClientMessageType.submit, { name: 'Rex', drawing: 'x', isFree: true });
  way.onDown('the broker is gone');
  expect(ann.heard.at(-1)).toMatchObject({ type: ServerMessageType.submitted, message: { reason: LOST } });
  ann.say(ClientMessageType.submit, { name: 'Rex', drawing: 'x', isFree: true });
  expect(ann.heard.at(-1)).toMatchObject({ type: ServerMessageType.submitted, message: { reason: AWAY } });
  const before = ann.heard.length;
  ann.say(ClientMessageType.name, { name: 'Ann' });
  ann.say(ClientMessageType.remove, { organism: 3 });
  ann.say(ClientMessageType.report, { about: 'body', organism: 3, reason: 'other' });
  ann.say(ClientMessageType.withdraw, { drawing: 3 });
  ann.say(ClientMessageType.cursor, { at: [1, 1] });
  expect(ann.heard.slice(before)).toEqual(
    Array.from({ length: 4 }, () => ({ type: ServerMessageType.notice, message: { text: AWAY } })),
  );
});

test('when the world is back, it takes strokes again, and knows what each client looks at', async () => {
  const entered = vi.spyOn(host.crowd, 'enter');
  const ann = enter('a');
  const said = vi.spyOn(entered.mock.results[0].value as Person, 'handle');
  ann.say(ClientMessageType.viewport, { x: 0, y: 0, width: 64, height: 64, level: 0 });
  await turn();
  way.isCut = true;
  way.onDown('the broker is gone');
  ann.say(ClientMessageType.viewport, { x: 64, y: 64, width: 64, height: 64, level: 0 });
  ann.say(ClientMessageType.presence, { isHidden: true });
  said.mockClear();
  way.isCut = false;
  way.onUp();
  await turn();
  expect(said.mock.calls.map(([{ type, message }]) => ({ type, message }))).toEqual([
    { type: 'viewport', message: { x: 64, y: 64, width: 64, height: 64, level: 0 } },
    { type: 'presence', message: { isHidden: true } },
  ]);
  ann.stroke(4);
  await turn();
  expect(ann.results()).toMatchObject([{ id: 4, ok: true }]);
});
