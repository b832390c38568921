import { expect, test } from 'vitest';
import { BUSY_SAMPLE_MS, Busy } from '../../server/rooms/busy.ts';

function setUp() {
  const busy = new Busy();
  let nowMs = 0;
  /** @returns how many of the samples it was busy in */
  const run = (share: number, seconds: number): number => {
    let busySamples = 0;
    for (let n = 0; n < (seconds * 1_000) / BUSY_SAMPLE_MS; n++) {
      nowMs += BUSY_SAMPLE_MS;
      busy.note(share, nowMs);
      if (busy.isBusy) busySamples++;
    }
    return busySamples;
  };
  return { busy, run };
}

test('a thread is busy when it had nothing to wait for in most of the last seconds, not for a short burst', () => {
  const { busy, run } = setUp();
  run(0.3, 60);
  run(1, 3);
  expect(busy.isBusy).toBe(false);
  run(1, 10);
  expect(busy.isBusy).toBe(true);
});

test('it is not busy any more once much less is to do, and that for at least half a minute', () => {
  const { busy, run } = setUp();
  run(1, 20);
  run(0.1, 10);
  expect(busy.isBusy).toBe(true);
  run(0.6, 60);
  expect(busy.isBusy).toBe(true);
  run(0.1, 20);
  expect(busy.isBusy).toBe(false);
});

test('a thread that is busy again each time spends more and more of its time so', () => {
  const { busy, run } = setUp();
  let changes = 0;
  for (let n = 0; n < 600; n++) {
    const before = busy.isBusy;
    // Whoever only watches costs less while it is busy, and as much as before when it is not.
    run(before ? 0.3 : 1, 2);
    if (busy.isBusy !== before) changes++;
  }
  expect(changes).toBeGreaterThan(2);
  expect(changes).toBeLessThan(12);
});
