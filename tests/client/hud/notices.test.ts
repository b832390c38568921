import { expect, test } from 'vitest';
import { stateText } from '../../../client/hud/notices.ts';

const LOAD = { energyScale: 1, stepsPerSecond: 10, wanted: 30 };

test('players are told the most important of how the world is, and nothing while it is well', () => {
  expect(stateText({}, 1)).toBeNull();
  expect(stateText({}, 3)).toBe('Many are watching: you get one frame of 3 until you move.');
  expect(stateText({ load: LOAD }, 3)).toMatch(/^The world is busy: it takes 10 of 30 steps per second/);
  const paused = { isPaused: true, load: LOAD } as const;
  expect(stateText(paused, 3)).toBe('The world is paused: nothing grows or heals until it runs again.');
  expect(stateText({ ...paused, trouble: 'the disk is full' }, 3)).toBe(
    'The world cannot be saved at the moment: the disk is full. Strokes are refused until it can.',
  );
});
