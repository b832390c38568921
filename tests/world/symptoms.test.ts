import { beforeEach, describe, expect, test } from 'vitest';
import { RunningTime } from '../../server/world/runningTime.ts';
import { type BodyFigures, Symptoms, type WiltCause } from '../../server/world/symptoms.ts';

let time: RunningTime;
let symptoms: Symptoms;
let step: number;

beforeEach(() => {
  step = 0;
  time = new RunningTime(step);
  symptoms = new Symptoms(time);
});

const WHOLE: BodyFigures = {
  id: 7,
  cells: 100,
  matureCells: 100,
  health: 1,
  isOutOfRange: false,
  isWhole: true,
};

interface Course {
  readonly stepsPerSecond?: number;
  readonly isTwo?: boolean;
}

/** Lets seconds pass in quarters; @returns when it must wilt, in seconds from now, and why; null: it need not. */
function live(
  seconds: number,
  bodyAt: (second: number) => Partial<BodyFigures>,
  { stepsPerSecond = 30, isTwo = false }: Course = {},
): { readonly after: number; readonly cause: WiltCause } | null {
  let exact = step;
  for (let quarter = 1; quarter <= seconds * 4; quarter++) {
    exact += stepsPerSecond / 4;
    step = exact >>> 0;
    time.pass(0.25, step);
    const body = { ...WHOLE, ...bodyAt(quarter / 4) };
    const isWhole = body.health >= 0.95 && body.cells <= 105;
    const cause = symptoms.judge({ ...body, isWhole }, symptoms.mayBeTwo(body.id) ? isTwo : undefined);
    if (cause !== null) return { after: quarter / 4, cause };
  }
  return null;
}

describe('a body too large', () => {
  const large = () => ({ cells: 131 });

  test('wilts within 5 s', () => {
    expect(live(60, large)).toEqual({ after: 3.25, cause: 'too large' });
  });

  test('wilts also while it is struck', () => {
    expect(live(2, large)).toBeNull();
    symptoms.struck(WHOLE.id);
    expect(live(60, large)).toMatchObject({ after: 1.25 });
  });

  test('of 1.3 times its size never does', () => {
    expect(live(120, () => ({ cells: 130 }))).toBeNull();
  });

  test('does not if it shrinks in time, and then its 3 s start again', () => {
    expect(live(2.75, large)).toBeNull();
    expect(live(1, () => ({}))).toBeNull();
    expect(live(2.75, large)).toBeNull();
  });
});

describe('a body that is two', () => {
  test('wilts after 20 s, and not before', () => {
    expect(live(60, () => ({ health: 0.8 }), { isTwo: true })).toEqual({ after: 20.25, cause: 'two bodies' });
  });

  test('does not if its parts grow together in time', () => {
    expect(live(19, () => ({ health: 0.8 }), { isTwo: true })).toBeNull();
    expect(live(1, () => ({ health: 0.8 }))).toBeNull();
    expect(live(9, () => ({ health: 0.8 }), { isTwo: true })).toBeNull();
  });

  test('is examined only when it has not been whole for 10 s without a stroke', () => {
    const looks = (seconds: number): boolean => {
      live(seconds, () => ({ health: 0.8 }));
      return symptoms.mayBeTwo(WHOLE.id);
    };
    expect(looks(9)).toBe(false);
    symptoms.struck(WHOLE.id);
    expect(looks(9)).toBe(false);
    expect(looks(2)).toBe(true);
    live(0.25, () => ({}));
    expect(symptoms.mayBeTwo(WHOLE.id)).toBe(false);
  });

  test('counts as two between two examinations', () => {
    live(12, () => ({ health: 0.8 }), { isTwo: true });
    step += 900;
    time.pass(30, step);
    expect(symptoms.judge({ ...WHOLE, health: 0.8, isWhole: false }, undefined)).toBe('two bodies');
  });
});

describe('a body out of shape', () => {
  test('wilts when it has not got better for 20 s', () => {
    expect(live(60, () => ({ health: 0.59 }))).toEqual({ after: 20.25, cause: 'out of shape' });
  });

  test('of health 0.6 never does', () => {
    expect(live(120, () => ({ health: 0.6 }))).toBeNull();
  });

  test('does not as long as it heals, however slowly', () => {
    // 0.1 better every 60 s.
    expect(live(240, (second) => ({ health: 0.1 + second / 600 }))).toBeNull();
  });

  test('wilts when it stops healing half way', () => {
    // Half whole at 40 s.
    const stopped = live(120, (second) => ({ health: Math.min(0.1 + second / 100, 0.5) }))!;
    expect(stopped.cause).toBe('out of shape');
    expect(stopped.after).toBeGreaterThan(57);
    expect(stopped.after).toBeLessThan(63);
  });

  test('wilts when it swings between better and worse without end', () => {
    expect(live(60, (second) => ({ health: 0.3 + 0.2 * Math.sin(second) }))).toMatchObject({
      cause: 'out of shape',
    });
  });

  test('gets its full time again after every stroke', () => {
    for (let stroke = 0; stroke < 10; stroke++) {
      expect(live(19, () => ({ health: 0.2 }))).toBeNull();
      symptoms.struck(WHOLE.id);
    }
    expect(live(21, () => ({ health: 0.2 }))).toEqual({ after: 20.25, cause: 'out of shape' });
  });
});

test('a body out of range wilts at once', () => {
  expect(symptoms.judge({ ...WHOLE, isOutOfRange: true }, undefined)).toBe('out of range');
});

test('a healthy body never wilts', () => {
  expect(live(600, () => ({ cells: 109, health: 0.97 }))).toBeNull();
});

describe('time', () => {
  test('stands still in a paused world', () => {
    expect(live(600, () => ({ cells: 300, health: 0 }), { stepsPerSecond: 0, isTwo: true })).toBeNull();
  });

  test('in a slow world counts in steps: a body gets as many to heal as elsewhere', () => {
    // 12 steps per second: 600 steps are 50 s.
    const slow = live(60, () => ({ health: 0.3 }), { stepsPerSecond: 12 });
    expect(slow).toEqual({ after: 50.25, cause: 'out of shape' });
  });

  test('in a slow world gives a body that is too large 60 steps', () => {
    // 12 steps per second: 60 steps are 5 s.
    const slow = live(60, () => ({ cells: 131 }), { stepsPerSecond: 12 });
    expect(slow).toEqual({ after: 5.25, cause: 'too large' });
  });

  test.each([
    ['a slow world after 300 steps', 12, 25],
    ['a fast one after 10 s', 300, 10],
  ])('a body that is not whole is examined for twins in %s', (_when, stepsPerSecond, seconds) => {
    live(seconds, () => ({ health: 0.8 }), { stepsPerSecond });
    expect(symptoms.mayBeTwo(WHOLE.id)).toBe(false);
    live(0.25, () => ({ health: 0.8 }), { stepsPerSecond });
    expect(symptoms.mayBeTwo(WHOLE.id)).toBe(true);
  });

  test('in a fast world counts in seconds', () => {
    const fast = live(60, () => ({ health: 0.3 }), { stepsPerSecond: 200 });
    expect(fast).toEqual({ after: 20.25, cause: 'out of shape' });
  });

  test('goes on where step numbers wrap', () => {
    step = 2 ** 32 - 200;
    time = new RunningTime(step);
    symptoms = new Symptoms(time);
    expect(live(60, () => ({ health: 0.3 }), { stepsPerSecond: 40 })).toEqual({
      after: 20.25,
      cause: 'out of shape',
    });
  });
});
