import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PictureLimits, PictureRefusal, Pictures } from '../../server/http/pictures.ts';
import { NoAnswerError, type WorldQuery } from '../../server/world/messages.ts';

const FRAME_MS = 50;
/** A quarter of the largest rectangle: an eighth of a second's work. */
const rect = (x: number) => ({ x, y: 0, width: 1_024, height: 1_024 });
const small = (x: number) => ({ x, y: 0, width: 8, height: 8 });
const waits = (): boolean => false;

let asked: number[];
let answer: () => Promise<Uint8Array<ArrayBuffer>>;
let pictures: Pictures;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  asked = [];
  answer = async () => new Uint8Array(0);
  const world = {
    ask: (query: WorldQuery) => {
      if (query.kind === 'pixels') asked.push(query.rect.x);
      return answer() as never;
    },
  };
  pictures = new Pictures({
    world,
    frameMs: FRAME_MS,
    now: () => performance.now(),
    encode: async () => Buffer.from('png'),
  });
});
afterEach(() => vi.useRealTimers());

const ask = (x: number, address: string, of = small): Promise<string> =>
  pictures.ask(of(x), address, waits).then(
    () => 'made',
    (error) => {
      if (!(error instanceof PictureRefusal)) throw error;
      return String(error.status);
    },
  );

/** Lets time pass, and what is due then be done. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5) {
    vi.advanceTimersByTime(5);
    await turn();
  }
}

test('all who ask for one rectangle within a frame share one picture', async () => {
  const answers = Array.from({ length: 5 }, (_, i) => ask(0, `address ${i}`));
  await pass(10);
  answers.push(ask(0, 'late'));
  await pass(10);
  expect(await Promise.all(answers)).toEqual(Array(6).fill('made'));
  expect(asked).toEqual([0]);
});

test('a picture of an earlier frame is not sent again', async () => {
  const first = ask(0, 'a');
  await pass(FRAME_MS + 20);
  const second = ask(0, 'a');
  await pass(20);
  expect(await Promise.all([first, second])).toEqual(['made', 'made']);
  expect(asked).toEqual([0, 0]);
});

test('one address floods, and another gets every picture, each after one of the flood’s', async () => {
  const flood: Promise<string>[] = [];
  const honest: string[] = [];
  for (let i = 0; i < 10; i++) {
    for (let n = 0; n < 20; n++) flood.push(ask(1_000 + i * 20 + n, 'flood', rect));
    const mine = ask(i, 'honest', rect);
    const before = asked.length;
    await pass(400);
    honest.push(await mine);
    expect(asked.slice(before).indexOf(i)).toBeLessThanOrEqual(2);
  }
  expect(honest).toEqual(Array(10).fill('made'));
  await pass(12_000);
  const outcomes = await Promise.all(flood);
  expect(outcomes.filter((outcome) => outcome === '429').length).toBeGreaterThan(100);
});

test('the world is asked for two of the largest pictures per second at most, whoever asks', async () => {
  const all = Array.from({ length: 100 }, (_, i) => ask(i, `address ${i}`, rect));
  await pass(4_000);
  // Eight of these in a second.
  expect(asked.length).toBeGreaterThan(20);
  expect(asked.length).toBeLessThanOrEqual(33);
  await pass(11_000);
  const outcomes = await Promise.all(all);
  expect(new Set(outcomes)).toEqual(new Set(['made', '503']));
});

test('what waits is bounded, and who has left meanwhile costs the world nothing', async () => {
  const first = ask(0, 'first', rect);
  const all = Array.from({ length: 400 }, (_, i) => {
    const picture = pictures.ask(rect(1 + i), `address ${i}`, () => true);
    return picture.then(
      () => 'made',
      ({ status }: PictureRefusal) => String(status),
    );
  });
  await pass(200);
  expect(await first).toBe('made');
  expect(await Promise.all(all)).toEqual(Array(400).fill('503'));
  expect(asked).toEqual([0]);
});

test('pictures that an address has not taken yet are bounded in bytes', async () => {
  const response = Object.assign(new EventEmitter(), { closed: false });
  pictures.holdUnsent('a', 33 * 2 ** 20, response);
  expect(await ask(0, 'a')).toBe('429');
  const other = ask(0, 'b');
  await pass(20);
  expect(await other).toBe('made');
  response.emit('close');
  const again = ask(1, 'a');
  await pass(20);
  expect(await again).toBe('made');
  for (let i = 0; i < 9; i++) pictures.holdUnsent(`address ${i}`, 32 * 2 ** 20, response);
  expect(await ask(2, 'b')).toBe('503');
});

test('of several worlds in one process, an address has what it has of one', async () => {
  const limits = new PictureLimits(() => performance.now());
  const [one, other] = [0, 1].map(() => {
    const world = { ask: () => answer() as never };
    const encode = async (): Promise<Buffer> => Buffer.from('png');
    return new Pictures({ world, frameMs: FRAME_MS, now: () => performance.now(), encode, limits });
  });
  const response = Object.assign(new EventEmitter(), { closed: false });
  one.holdUnsent('a', 33 * 2 ** 20, response);
  await expect(other.ask(small(0), 'a', waits)).rejects.toThrow('has not taken its last pictures yet');
  response.emit('close');
  const made = other.ask(small(0), 'a', waits);
  await pass(20);
  expect((await made).toString()).toBe('png');
});

test('who left while the picture was made is owed nothing', async () => {
  const left = Object.assign(new EventEmitter(), { closed: true });
  for (let i = 0; i < 9; i++) pictures.holdUnsent('a', 32 * 2 ** 20, left);
  const mine = ask(0, 'a');
  await pass(20);
  expect(await mine).toBe('made');
});

test('a world that gives no pixels fails that picture only, for all who share it', async () => {
  answer = () => Promise.reject(new NoAnswerError('the world is busy'));
  const failing = [pictures.ask(small(0), 'a', waits), pictures.ask(small(0), 'b', waits)];
  const failures = Promise.allSettled(failing);
  await pass(20);
  for (const failure of await failures)
    expect(failure).toMatchObject({ reason: { message: 'the world is busy' } });
  answer = async () => new Uint8Array(0);
  const next = ask(0, 'a');
  await pass(20);
  expect(await next).toBe('made');
});
