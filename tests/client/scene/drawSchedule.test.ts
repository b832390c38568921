import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DrawSchedule, LightSchedule } from '../../../client/scene/drawSchedule.ts';

/** How long the faked browser needs to be ready for a frame. */
let frameMs = 16;

beforeEach(() => {
  frameMs = 16;
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => Number(setTimeout(draw, frameMs)));
  vi.stubGlobal('cancelAnimationFrame', (frame: number) => clearTimeout(frame));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('drawing', () => {
  test('happens once per frame, however often it is requested', () => {
    const draw = vi.fn();
    const schedule = new DrawSchedule(draw);
    for (let i = 0; i < 10; i++) schedule.request();
    expect(draw).not.toHaveBeenCalled();
    vi.advanceTimersByTime(16);
    expect(draw).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1_000);
    expect(draw).toHaveBeenCalledTimes(1);
  });

  test('can be requested again while it draws', () => {
    let drawn = 0;
    const schedule: DrawSchedule = new DrawSchedule(() => {
      if (++drawn < 3) schedule.request();
    });
    schedule.request();
    vi.advanceTimersByTime(1_000);
    expect(drawn).toBe(3);
  });

  test('leaves a slow browser half of the time for other work', () => {
    frameMs = 100;
    let drawn = 0;
    const schedule: DrawSchedule = new DrawSchedule(() => {
      drawn++;
      schedule.request();
    });
    schedule.request();
    vi.advanceTimersByTime(5_000);
    const before = drawn;
    vi.advanceTimersByTime(10_000);
    // A frame of 100 ms, then a pause of about 100 ms.
    expect(drawn - before).toBeGreaterThanOrEqual(49);
    expect(drawn - before).toBeLessThanOrEqual(51);
    schedule.dispose();
    vi.advanceTimersByTime(10_000);
    expect(drawn - before).toBeLessThanOrEqual(51);
  });
});

describe('light', () => {
  test('is asked for at most every 220 ms, and once more after the last request', () => {
    const asked: number[] = [];
    const schedule = new LightSchedule(() => asked.push(performance.now()));
    const from = performance.now();
    for (let i = 0; i < 10; i++) {
      schedule.request(performance.now());
      vi.advanceTimersByTime(50);
    }
    vi.advanceTimersByTime(10_000);
    expect(asked.map((at) => at - from)).toEqual([0, 220, 440, 660]);
  });

  test('is not asked for after dispose', () => {
    const ask = vi.fn();
    const schedule = new LightSchedule(ask);
    schedule.request(performance.now());
    schedule.request(performance.now());
    schedule.dispose();
    vi.advanceTimersByTime(10_000);
    expect(ask).toHaveBeenCalledTimes(1);
  });
});
