import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MessageError, readMessage } from '../../server/rooms/messages.ts';
import { RoomQuestions } from '../../server/rooms/roomQuestions.ts';
import { NoAnswerError, type WorldQuery } from '../../server/world/messages.ts';
import { ClientMessageType, type RoomResultMessage } from '../../shared/protocol.ts';
import { doer } from '../world/doer.ts';
import { FakeWorld } from './fakeWorld.ts';

let world: FakeWorld;
let answers: RoomResultMessage[];
let questions: RoomQuestions;

beforeEach(() => {
  vi.useFakeTimers();
  world = new FakeWorld();
  answers = [];
  questions = new RoomQuestions(
    world,
    () => doer('Ann'),
    (answer) => answers.push(answer),
  );
});
afterEach(() => {
  vi.useRealTimers();
});

const ask = (x: number): void => questions.ask({ species: 'pikachu', at: [x, 5] });
const askedAt = (): number[] => world.asked.map((query) => (query as WorldQuery & { kind: 'room' }).x);

test('a question is answered at once, with the cell and the reason', async () => {
  world.roomFault = 'No room.';
  ask(1);
  await vi.advanceTimersByTimeAsync(0);
  expect(answers).toEqual([{ species: 'pikachu', at: [1, 5], reason: 'No room.' }]);
  world.roomFault = null;
  await vi.advanceTimersByTimeAsync(1_000);
  ask(2);
  await vi.advanceTimersByTimeAsync(0);
  expect(answers[1]).toEqual({ species: 'pikachu', at: [2, 5], reason: null });
});

test('only the newest waiting question is asked, and at most 8 per second', async () => {
  for (let ms = 0; ms < 990; ms += 10) {
    ask(ms);
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(askedAt()).toEqual([0, 120, 240, 370, 490, 620, 740, 870]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(askedAt()[8]).toBe(980);
  expect(answers).toHaveLength(9);
});

test('one question is asked at a time, also while the world is slow', async () => {
  const pending: ((reason: string | null) => void)[] = [];
  const slow = {
    ask: () => new Promise((resolve) => pending.push(resolve)),
  } as unknown as FakeWorld;
  questions = new RoomQuestions(
    slow,
    () => doer('Ann'),
    (answer) => answers.push(answer),
  );
  for (const x of [1, 2, 3]) {
    ask(x);
    await vi.advanceTimersByTimeAsync(300);
  }
  expect(pending).toHaveLength(1);
  pending[0](null);
  await vi.advanceTimersByTimeAsync(0);
  expect(pending).toHaveLength(2);
  pending[1](null);
  await vi.advanceTimersByTimeAsync(0);
  expect(answers.map(({ at }) => at[0])).toEqual([1, 3]);
});

test('a question without an answer does not stop the next one', async () => {
  let asked = 0;
  const failing = {
    ask: async () => {
      if (asked++ === 0) throw new NoAnswerError('the world is busy');
      return null;
    },
  } as unknown as FakeWorld;
  questions = new RoomQuestions(
    failing,
    () => doer('Ann'),
    (answer) => answers.push(answer),
  );
  ask(1);
  await vi.advanceTimersByTimeAsync(200);
  ask(2);
  await vi.advanceTimersByTimeAsync(200);
  expect(answers.map(({ at }) => at[0])).toEqual([2]);
});

test('after a guest has left nothing is asked or sent for them, and no timer runs', async () => {
  ask(1);
  ask(2);
  questions.dispose();
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(1_000);
  ask(3);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(askedAt()).toEqual([1]);
  expect(answers).toEqual([]);
});

/** MessagePack of `{species: …, at: […]}`, as the SDK writes it. */
function message(species: unknown, at: unknown): Uint8Array {
  const bytes = (value: unknown): number[] => {
    if (typeof value === 'string') return [0xa0 + value.length, ...Buffer.from(value)];
    if (Array.isArray(value)) return [0x90 + value.length, ...value.flatMap(bytes)];
    if (value === null) return [0xc0];
    const number = Buffer.alloc(9);
    number[0] = 0xcb;
    number.writeDoubleBE(value as number, 1);
    return [...number];
  };
  return Uint8Array.from([0x82, ...bytes('species'), ...bytes(species), ...bytes('at'), ...bytes(at)]);
}

test('a question names a species and a cell, which may lie outside the world', () => {
  const read = (species: unknown, at: unknown) =>
    readMessage(ClientMessageType.room, message(species, at), { width: 64, height: 64 });
  expect(read('mew', [3, -9])).toEqual({ type: 'room', message: { species: 'mew', at: [3, -9] } });
  for (const at of [null, [], [1], [1, 2, 3], [1.5, 2], [Number.NaN, 0], [1e300, 0], ['1', 2], 'here'])
    expect(() => read('mew', at)).toThrow(MessageError);
  for (const species of [7, null]) expect(() => read(species, [1, 2])).toThrow(MessageError);
});
