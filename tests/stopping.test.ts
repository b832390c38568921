import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Part, Stopping } from '../server/stopping.ts';

class FakeProcess {
  readonly #listeners = new Map<string, (error: Error) => void>();
  readonly exits: number[] = [];

  on(event: string, listener: (error: Error) => void): void {
    this.#listeners.set(event, listener);
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  send(event: string, error = new Error('')): void {
    this.#listeners.get(event)!(error);
  }
}

/** A part whose stop ends when the test says so. */
class FakePart implements Part {
  readonly what: string;
  readonly ifCutShort: string;
  readonly patienceMs = 60_000;
  stops = 0;
  progress: (text: string) => void = () => {};
  done: () => void = () => {};
  fail: (error: Error) => void = () => {};

  constructor(name: string) {
    this.what = `stopping the ${name}`;
    this.ifCutShort = `the ${name} is lost`;
  }

  stop(progress: (text: string) => void): Promise<void> {
    this.stops++;
    this.progress = progress;
    return new Promise((resolve, reject) => {
      this.done = resolve;
      this.fail = reject;
    });
  }
}

let fake: FakeProcess;
let lines: string[];
let stopping: Stopping;
let world: FakePart;
let room: FakePart;
beforeEach(() => {
  vi.useFakeTimers();
  fake = new FakeProcess();
  lines = [];
  stopping = new Stopping(fake, (line) => lines.push(line));
  world = new FakePart('world');
  room = new FakePart('room');
  stopping.add(world);
  stopping.add(room);
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])(
  '%s stops the parts in order, and the process ends with 0',
  async (signal) => {
    fake.send(signal);
    await pass();
    expect([world.stops, room.stops]).toEqual([1, 0]);
    world.done();
    await pass();
    expect([world.stops, room.stops]).toEqual([1, 1]);
    expect(fake.exits).toEqual([]);
    room.done();
    await pass();
    expect(fake.exits).toEqual([0]);
    expect(lines).toEqual([]);
  },
);

test('a signal before any part was started ends the process', async () => {
  const early = new FakeProcess();
  new Stopping(early, () => {});
  early.send('SIGTERM');
  await pass();
  expect(early.exits).toEqual([0]);
});

test('signals within 2 s are one request: each part stops once, and nothing is said', async () => {
  fake.send('SIGINT');
  fake.send('SIGINT');
  await pass(1_999);
  fake.send('SIGTERM');
  expect(lines).toEqual([]);
  expect(fake.exits).toEqual([]);
  expect(world.stops).toBe(1);
});

test('a second request says what is going on and what would be lost; the third ends at once', async () => {
  fake.send('SIGINT');
  await pass(2_500);
  lines.length = 0;
  fake.send('SIGINT');
  expect(lines).toEqual([
    'stopping the world: 3 s …; one more signal may end at once: the world is lost; the room is lost',
  ]);
  expect(fake.exits).toEqual([]);
  await pass(2_500);
  world.done();
  await pass();
  fake.send('SIGINT');
  expect(lines.at(-1)).toBe('ended at once: the room is lost');
  expect(fake.exits).toEqual([1]);
});

test('after 10 s of stopping, the second request ends at once', async () => {
  fake.send('SIGINT');
  await pass(10_000);
  fake.send('SIGINT');
  expect(lines.at(-1)).toBe('ended at once: the world is lost; the room is lost');
  expect(fake.exits).toEqual([1]);
});

test('a stop that takes longer than 2 s is reported every 2 s, with the progress of its part', async () => {
  fake.send('SIGTERM');
  await pass(2_000);
  world.progress('120 of 8,192 pages');
  await pass(2_000);
  world.done();
  await pass(2_000);
  expect(lines).toEqual([
    'stopping the world: 2 s …',
    'stopping the world: 120 of 8,192 pages, 4 s …',
    'stopping the room: 6 s …',
  ]);
});

test('a part may take as long as it makes progress', async () => {
  fake.send('SIGTERM');
  for (let i = 0; i < 10; i++) {
    await pass(59_000);
    world.progress(`${i}`);
  }
  world.done();
  await pass();
  room.done();
  await pass();
  expect(fake.exits).toEqual([0]);
});

test('a part that makes no progress is given up: the others are stopped, and the process ends with 1', async () => {
  fake.send('SIGTERM');
  await pass(60_000);
  expect(lines).toContain('stopping the world: no progress within 60 s; the world is lost');
  expect(room.stops).toBe(1);
  room.done();
  await pass();
  expect(fake.exits).toEqual([1]);
});

test('a part that fails is reported, the others are stopped, and the process ends with 1', async () => {
  fake.send('SIGTERM');
  await pass();
  world.fail(new Error('the disk is full'));
  await pass();
  expect(lines).toEqual(['stopping the world: the disk is full; the world is lost']);
  room.done();
  await pass();
  expect(fake.exits).toEqual([1]);
});

test('an uncaught error stops everything, and the process ends with 1', async () => {
  fake.send('uncaughtException', new Error('a bug'));
  await pass();
  world.done();
  await pass();
  room.done();
  await pass();
  expect(lines[0]).toContain('a bug');
  expect(fake.exits).toEqual([1]);
});

test('an uncaught error during a stop is reported, and the stop goes on', async () => {
  fake.send('SIGTERM');
  await pass();
  fake.send('uncaughtException', new Error('EMFILE: too many open files'));
  fake.send('uncaughtException', new Error('EMFILE: too many open files'));
  await pass();
  expect(lines.filter((line) => line.includes('EMFILE'))).toHaveLength(2);
  expect(fake.exits).toEqual([]);
  world.done();
  await pass();
  room.done();
  await pass();
  expect([world.stops, room.stops]).toEqual([1, 1]);
  expect(fake.exits).toEqual([1]);
});

test('a part that is added during a stop is stopped, too', async () => {
  fake.send('SIGTERM');
  await pass();
  const late = new FakePart('late one');
  stopping.add(late);
  world.done();
  await pass();
  room.done();
  await pass();
  expect(late.stops).toBe(1);
  late.done();
  await pass();
  expect(fake.exits).toEqual([0]);
});
