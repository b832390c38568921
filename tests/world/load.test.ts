import { describe, expect, test } from 'vitest';
import { LoadWatch } from '../../server/world/load.ts';

/** A watch that is looked at once per second. */
function makeWatch() {
  const watch = new LoadWatch(0);
  let now = 0;
  const run = (seconds: number, stepsPerSecond: number, wanted = 30): void => {
    for (let second = 0; second < seconds; second++) {
      now += 1_000;
      watch.look(now, stepsPerSecond, wanted);
    }
  };
  const sleep = (seconds: number): void => {
    now += seconds * 1_000;
  };
  // The first look learns the setting.
  run(1, 30);
  return { watch, run, sleep };
}

const scaleOf = (watch: LoadWatch): number | null => watch.load?.energyScale ?? null;

describe('a world whose steps fall behind', () => {
  test('refuses plantings after 10 s, gives half the energy after 20 s, a quarter after 30 s, and no less', () => {
    const { watch, run } = makeWatch();
    const stages: (number | null)[] = [];
    for (const seconds of [9, 1, 9, 1, 9, 1, 60]) {
      run(seconds, 23.9);
      stages.push(scaleOf(watch));
    }
    expect(stages).toEqual([null, 1, 1, 1 / 2, 1 / 2, 1 / 4, 1 / 4]);
    expect(watch.load).toEqual({ energyScale: 1 / 4, stepsPerSecond: 23.9, wanted: 30 });
  });

  test('goes back one stage for every 10 s over 90 %', () => {
    const { watch, run } = makeWatch();
    run(40, 10);
    const stages: (number | null)[] = [];
    for (const seconds of [9, 1, 10, 10]) {
      run(seconds, 28);
      stages.push(scaleOf(watch));
    }
    expect(stages).toEqual([1 / 4, 1 / 2, 1, null]);
  });

  test('stays where it is between 80 and 90 %, however long', () => {
    const { watch, run } = makeWatch();
    run(60, 25);
    expect(watch.load).toBeNull();
    run(12, 10);
    run(600, 26);
    expect(scaleOf(watch)).toBe(1);
  });

  test('one good second begins the 10 s anew', () => {
    const { watch, run } = makeWatch();
    for (let time = 0; time < 10; time++) {
      run(9, 5);
      run(1, 30);
    }
    expect(watch.load).toBeNull();
  });
});

describe('what does not count', () => {
  test('a paused world sheds nothing', () => {
    const { watch, run } = makeWatch();
    run(25, 10);
    expect(scaleOf(watch)).toBe(1 / 2);
    run(60, 0, 0);
    expect(watch.load).toBeNull();
    run(9, 30);
    expect(watch.load).toBeNull();
  });

  test('a world slower than one step per second, of which most seconds see no step, sheds nothing', () => {
    const { watch, run } = makeWatch();
    run(25, 10);
    for (let step = 0; step < 5; step++) {
      run(19, 0, 0.05);
      expect(watch.load).toBeNull();
      run(1, 1, 0.05);
    }
    run(60, 0.5, 1);
    expect(watch.load).not.toBeNull();
  });

  test('a change of the setting: the steps of the second in which it changed are not held against it', () => {
    const { watch, run } = makeWatch();
    run(9, 20);
    run(9, 20, 60);
    expect(watch.load).toBeNull();
    run(2, 20, 60);
    expect(scaleOf(watch)).toBe(1);
  });

  test('an hour of the machine’s sleep', () => {
    const { watch, run, sleep } = makeWatch();
    run(9, 10);
    sleep(3_600);
    run(1, 0.01);
    expect(watch.load).toBeNull();
    run(9, 10);
    expect(watch.load).toBeNull();
  });
});
