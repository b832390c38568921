import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Restarts } from '../../server/links/restarts.ts';

const TIMES = { firstWaitMs: 250, maxWaitMs: 10_000, wellMs: 10_000 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a process that ends early again and again is started ever later, up to a bound', () => {
  const restarts = new Restarts(TIMES);
  const waits: number[] = [];
  let failures = 0;
  for (let n = 0; n < 8; n++) {
    const begin = (next: number): void => {
      failures = next;
    };
    waits.push(restarts.after(failures, 10, begin));
    vi.advanceTimersByTime(waits[n]);
    expect(failures).toBe(n + 1);
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
});

test('after a process that was well, the wait is the shortest again', () => {
  expect(new Restarts(TIMES).after(7, 10_001, () => {})).toBe(250);
});

test('what waits is not started any more when that is cancelled', () => {
  const restarts = new Restarts(TIMES);
  const begin = vi.fn();
  restarts.after(0, 0, begin);
  restarts.cancel();
  vi.advanceTimersByTime(60_000);
  expect(begin).not.toHaveBeenCalled();
});
