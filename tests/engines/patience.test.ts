import { expect, test } from 'vitest';
import { Patience } from '../../server/engines/webgpu/patience.ts';

/** What every submission is slept for when each step takes so long, or as long as was slept. */
function sleeps(patience: Patience, stepMs: readonly number[], steps = 2): number[] {
  return stepMs.map((ms) => {
    const slept = patience.sleepMs(steps);
    patience.learn(steps, Math.max(slept, ms * steps));
    return slept;
  });
}

test('a GPU that answers within a few milliseconds is never slept for', () => {
  expect(sleeps(new Patience(), Array(10).fill(1.9))).toEqual(Array(10).fill(0));
});

test('most of a slow step is slept, once four are known', () => {
  expect(sleeps(new Patience(), [20, 20, 20, 20, 20, 20])).toEqual([0, 0, 0, 0, 35, 35]);
});

test('one stall is not slept for again', () => {
  const patience = new Patience();
  sleeps(patience, [20, 20, 20, 20]);
  expect(sleeps(patience, [3_000, 20, 20, 20, 20])).toEqual([35, 35, 35, 35, 35]);
});

test('steps that became quicker are slept for less and less', () => {
  const patience = new Patience();
  sleeps(patience, [20, 20, 20, 20]);
  const slept = sleeps(patience, Array(40).fill(1));
  expect(slept[0]).toBe(35);
  expect(slept.every((ms, i) => i === 0 || ms <= slept[i - 1])).toBe(true);
  expect(slept.at(-1)).toBe(0);
});

test('nothing is slept for longer than a quarter of a second, and a report without steps teaches nothing', () => {
  const patience = new Patience();
  sleeps(patience, Array(4).fill(900), 16);
  patience.learn(0, 1);
  expect(patience.sleepMs(16)).toBe(249);
  expect(patience.sleepMs(0)).toBe(0);
});
