import { expect, test } from 'vitest';
import { Patience } from '../../server/engines/webgpu/patience.ts';

/** How long each submission is slept for, when a submission takes its steps' time or the sleep, whichever is longer. */
function sleeps(patience: Patience, stepMs: readonly number[], steps = 2): number[] {
  return stepMs.map((ms) => {
    const slept = patience.sleepMs(steps);
    patience.learn(steps, Math.max(slept, ms * steps));
    return slept;
  });
}

test('the engine never sleeps for a GPU that answers within a few milliseconds', () => {
  expect(sleeps(new Patience(), Array(10).fill(1.9))).toEqual(Array(10).fill(0));
});

test('the engine sleeps for most of a slow step once four submissions are known', () => {
  expect(sleeps(new Patience(), [20, 20, 20, 20, 20, 20])).toEqual([0, 0, 0, 0, 35, 35]);
});

test('a single delayed submission does not lengthen the next sleep', () => {
  const patience = new Patience();
  sleeps(patience, [20, 20, 20, 20]);
  expect(sleeps(patience, [3_000, 20, 20, 20, 20])).toEqual([35, 35, 35, 35, 35]);
});

test('when steps become faster the sleep becomes shorter', () => {
  const patience = new Patience();
  sleeps(patience, [20, 20, 20, 20]);
  const slept = sleeps(patience, Array(40).fill(1));
  expect(slept[0]).toBe(35);
  expect(slept.every((ms, i) => i === 0 || ms <= slept[i - 1])).toBe(true);
  expect(slept.at(-1)).toBe(0);
});

test('a sleep takes at most 0.25 s, and a submission without steps does not count', () => {
  const patience = new Patience();
  sleeps(patience, Array(4).fill(900), 16);
  patience.learn(0, 1);
  expect(patience.sleepMs(16)).toBe(249);
  expect(patience.sleepMs(0)).toBe(0);
});
