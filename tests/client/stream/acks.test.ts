import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Acks } from '../../../client/stream/acks.ts';
import { ACK_EVERY_MS } from '../../../shared/limits.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function setUp(): { acks: Acks; said: number[] } {
  const said: number[] = [];
  return { acks: new Acks((frame) => said.push(frame)), said };
}

test('a frame after a pause is acknowledged at once', () => {
  const { acks, said } = setUp();
  acks.decoded(1);
  expect(said).toEqual([1]);
  vi.advanceTimersByTime(ACK_EVERY_MS);
  acks.decoded(2);
  expect(said).toEqual([1, 2]);
});

test('of the frames that follow, the newest is acknowledged for all, every ACK_EVERY_MS', () => {
  const { acks, said } = setUp();
  for (let frame = 1; frame <= 40; frame++) {
    acks.decoded(frame);
    vi.advanceTimersByTime(ACK_EVERY_MS / 5);
  }
  expect(said.length).toBeLessThanOrEqual(9);
  vi.advanceTimersByTime(ACK_EVERY_MS);
  expect(said.at(-1)).toBe(40);
  vi.advanceTimersByTime(10 * ACK_EVERY_MS);
  expect(said.at(-1)).toBe(40);
  expect(new Set(said).size).toBe(said.length);
});

test('the server may ask for fewer acknowledgements, until the connection ends', () => {
  const { acks, said } = setUp();
  acks.everyMs = 5 * ACK_EVERY_MS;
  for (let frame = 1; frame <= 10; frame++) {
    acks.decoded(frame);
    vi.advanceTimersByTime(ACK_EVERY_MS);
  }
  expect(said).toEqual([1, 5, 10]);
  acks.reset();
  expect(acks.everyMs).toBe(ACK_EVERY_MS);
});

test('frames of the last connection are not acknowledged to the next one', () => {
  const { acks, said } = setUp();
  acks.decoded(70);
  acks.decoded(71);
  acks.reset();
  vi.advanceTimersByTime(10 * ACK_EVERY_MS);
  expect(said).toEqual([70]);
  acks.decoded(3);
  expect(said).toEqual([70, 3]);
});
