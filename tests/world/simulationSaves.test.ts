import { beforeAll, describe, expect, test } from 'vitest';
import { makeSimulation, ofType } from './makeSimulation.ts';
import { loadBlob } from './makeWorld.ts';

beforeAll(loadBlob);

describe('saving', () => {
  test('happens at the set interval, when asked, and at the end', async () => {
    const { saved, posted, ask, runUntil } = await makeSimulation({ saveSeconds: 2 });
    ask(1, { kind: 'save' });
    await runUntil(5_000);
    expect(saved).toHaveLength(1 + 2 + 1);
    expect(ofType(posted, 'answer')).toEqual([{ type: 'answer', request: 1, value: null }]);
    expect(posted.at(-1)).toEqual({ type: 'stopped' });
  });

  test('that fails at the end is tried again, and then an error', async () => {
    let saves = 0;
    const { posted, runUntil } = await makeSimulation({
      write: async () => {
        saves++;
        throw new Error('disk full');
      },
    });
    await expect(runUntil(2_500)).rejects.toThrow('disk full');
    expect(saves).toBe(3);
    expect(ofType(posted, 'stopped')).toEqual([]);
  });

  test('that fails twice at the end and then succeeds has saved the world', async () => {
    let saves = 0;
    const { posted, runUntil } = await makeSimulation({
      write: async () => {
        if (++saves < 3) throw new Error('too many open files');
      },
    });
    await runUntil(1_000);
    expect(posted.at(-1)).toEqual({ type: 'stopped' });
  });

  test('is written as the last one when it holds the state at the stop, also when it was asked for before', async () => {
    const lasts: boolean[] = [];
    let finish = (): void => {};
    const first = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { ask, runUntil } = await makeSimulation({
      write: async (_state, _segment, isLast) => {
        lasts.push(isLast);
        if (lasts.length === 1) await first;
      },
    });
    ask(1, { kind: 'save' });
    await runUntil(1_000, (nowMs) => {
      // It waits for the first one, and the save of the stop is the same.
      if (nowMs === 500) ask(2, { kind: 'save' });
      if (nowMs >= 1_000) setTimeout(finish, 20);
    });
    expect(lasts).toEqual([false, true]);
  });

  test('does not hold up the frames', async () => {
    let finish: () => void = () => {};
    const slow = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { counted, runUntil } = await makeSimulation({ saveSeconds: 1, write: () => slow });
    await runUntil(5_000, (nowMs) => {
      if (nowMs >= 4_900) finish();
    });
    expect(counted.steps).toBeGreaterThan(140);
  });
});
