import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Decoder, type WorkerLike } from '../../../client/stream/decoder.ts';
import type { Batch, FromWorker, ToWorker } from '../../../client/stream/messages.ts';
import { key, picture, wire } from './pages.ts';

const world = { width: 1_024, height: 1_024 };
const pages = { left: 0, top: 0, right: 3, bottom: 3 };

class FakeWorker implements WorkerLike {
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly heard: ToWorker[] = [];
  isAlive = true;

  postMessage(message: ToWorker): void {
    this.heard.push(message);
  }
  terminate(): void {
    this.isAlive = false;
  }
  say(data: FromWorker): void {
    this.onmessage?.({ data } as MessageEvent<FromWorker>);
  }
  die(message: string): void {
    this.onerror?.({ message, preventDefault: () => {} } as ErrorEvent);
  }
}

function setUp() {
  const workers: FakeWorker[] = [];
  const decoder = new Decoder(world, () => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker;
  });
  const decoded: number[] = [];
  const failed: string[] = [];
  decoder.decoded.on((frame) => decoded.push(frame));
  decoder.failed.on((reason) => failed.push(reason));
  decoder.join();
  const frame = (number: number): void =>
    decoder.frame(wire({ frame: number, step: 0, updates: [key({}, number, picture(0, 1))] }));
  const answer = (epoch: number, number: number): void =>
    workers.at(-1)?.say({ type: 'decoded', epoch, frame: number, gaps: [], decodeMs: 0.1 });
  return { decoder, workers, decoded, failed, frame, answer };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a frame is reported when the worker has decoded it, and not after the next connection has begun', () => {
  const { decoder, decoded, frame, answer } = setUp();
  frame(4);
  expect(decoded).toEqual([]);
  answer(1, 4);
  expect(decoded).toEqual([4]);
  frame(5);
  decoder.join();
  answer(1, 5);
  expect(decoded).toEqual([4]);
  decoder.dispose();
});

test('the worker is told about a view only when it has changed', () => {
  const { decoder, workers } = setUp();
  decoder.look(1, pages);
  decoder.look(1, { ...pages });
  decoder.look(2, pages);
  expect(workers[0].heard.filter(({ type }) => type === 'look')).toHaveLength(2);
  decoder.dispose();
});

test('batches wait until they are taken, and their buffers go back to the worker', () => {
  const { decoder, workers } = setUp();
  const batch: Batch = { type: 'pages', buffer: new ArrayBuffer(8), keys: [1], blanks: [] };
  workers[0].say(batch);
  expect(decoder.take()).toBe(batch);
  expect(decoder.take()).toBeUndefined();
  decoder.give(batch, [77]);
  expect(workers[0].heard.at(-1)).toMatchObject({ type: 'give', released: [77] });
  decoder.dispose();
});

describe('a worker that dies', () => {
  test('fails the connection, and the next one has a new worker that knows the view', () => {
    const { decoder, workers, failed, decoded, frame, answer } = setUp();
    decoder.look(0, pages);
    workers[0].say({ type: 'pages', buffer: new ArrayBuffer(8), keys: [], blanks: [] });
    workers[0].die('out of memory');
    expect(failed).toEqual(['the decoder failed: out of memory']);
    expect(workers[0].isAlive).toBe(false);
    expect(workers).toHaveLength(1);
    expect(decoder.take()).toBeUndefined();
    frame(1); // belongs to the connection that is being closed
    decoder.join();
    expect(workers).toHaveLength(2);
    expect(workers[1].heard.map(({ type }) => type)).toEqual(['open', 'look', 'join']);
    frame(9);
    answer(2, 9);
    expect(decoded).toEqual([9]);
    decoder.dispose();
  });

  test('without an error is noticed after ten seconds with frames waiting and no answer', () => {
    const { decoder, failed, frame } = setUp();
    frame(1);
    frame(2);
    vi.advanceTimersByTime(10_500);
    expect(failed).toEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(failed).toEqual(['the decoder failed: no answer to 2 frames']);
    decoder.dispose();
  });

  test('is not looked for while no frame waits', () => {
    const { decoder, failed, frame, answer } = setUp();
    frame(1);
    answer(1, 1);
    vi.advanceTimersByTime(60_000);
    expect(failed).toEqual([]);
    decoder.dispose();
  });
});

test('a frame that breaks the grammar fails its own connection and no later one', () => {
  const { decoder, workers, failed } = setUp();
  workers[0].say({ type: 'broken', epoch: 1, reason: 'update 0 of 1 is truncated' });
  decoder.join();
  workers[0].say({ type: 'broken', epoch: 1, reason: 'late' });
  expect(failed).toEqual(['update 0 of 1 is truncated']);
  decoder.dispose();
});
