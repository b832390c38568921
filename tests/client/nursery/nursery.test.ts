import { describe, expect, test } from 'vitest';
import { heightOf } from '../../../client/nursery/curve.ts';
import { captionOf, frameAt } from '../../../client/nursery/film.ts';
import { aboutTime, ownText, stageText, withTimes } from '../../../client/nursery/words.ts';
import { GATES } from '../../../server/nursery/gates.ts';
import {
  DRAWING_STATES,
  FILM,
  HEALED_KINDS,
  type LearningView,
  type NurseryView,
  type OwnDrawing,
  PASSES,
} from '../../../shared/nursery.ts';

describe('a film', () => {
  test('shows every frame in order, rests when it is grown and when it is healed, and begins again', () => {
    const shown = Array.from({ length: 200 }, (_, tick) => frameAt(tick));
    const first = shown.slice(0, shown.indexOf(0, 1));
    expect([...new Set(first)]).toEqual(Array.from({ length: FILM.frames }, (_, i) => i));
    expect(first.filter((frame) => frame === FILM.growthFrames - 1).length).toBeGreaterThan(3);
    expect(first.filter((frame) => frame === FILM.frames - 1).length).toBeGreaterThan(3);
    expect(shown.slice(first.length, 2 * first.length)).toEqual(first);
  });

  test('says what is seen', () => {
    expect(captionOf(0)).toBe('A seed: one cell');
    expect(captionOf(FILM.growthFrames - 1)).toBe('It grows: step 182');
    expect(captionOf(FILM.growthFrames)).toBe('It is torn');
    expect(captionOf(FILM.frames - 1)).toBe('It heals: step 110');
  });
});

test('a curve of errors is logarithmic, and one of healing is not; both stay within their plot', () => {
  expect(heightOf(1e-4, true)).toBe(0);
  expect(heightOf(0.1, true)).toBe(1);
  expect(heightOf(Number.POSITIVE_INFINITY, true)).toBe(1);
  expect(heightOf(Math.sqrt(1e-5), true)).toBeCloseTo(0.5);
  expect([heightOf(-3, false), heightOf(0.4, false), heightOf(2, false)]).toEqual([0, 0.4, 1]);
});

test.each([
  [null, 'a while'],
  [Number.POSITIVE_INFINITY, 'a while'],
  [20, 'less than a minute'],
  [130, 'about 2 min'],
  [3 * 3_600, 'about 3 h'],
])('%s s are told as "%s"', (seconds, text) => {
  expect(aboutTime(seconds)).toBe(text);
});

test.each(DRAWING_STATES)("what has become of one's own drawing is told in a sentence: %s", (state) => {
  const own: OwnDrawing = {
    id: 1,
    name: 'Ghost',
    drawing: '',
    state,
    reason: '',
    species: null,
    before: 2,
    waitSeconds: 300,
  };
  expect(ownText(own)).toMatch(/^[A-Z0-9].*[.!]$/);
});

test('a species that has withered says why', () => {
  const own = { state: 'withered', reason: 'It could not live in the world: it dies' } as OwnDrawing;
  expect(ownText(own)).toBe('It has withered. It could not live in the world: it dies');
});

test("one's own drawings are told the times that the page shows now, not those of their last change", () => {
  const own = { id: 3, state: 'queued', before: 2, waitSeconds: 1_600 } as OwnDrawing;
  const view = { learning: null, queue: [{ id: 8 }, { id: 3, waitSeconds: 240 }] } as unknown as NurseryView;
  expect(ownText(withTimes(own, view))).toBe('1 before it: about 4 min.');
  const begun = { ...own, state: 'learning', before: null } as const;
  const learning = { id: 3, secondsLeft: 70 } as LearningView;
  expect(ownText(withTimes(begun, { ...view, learning }))).toBe('It is being learned: about 1 min left.');
  expect(withTimes(begun, view)).toBe(begun);
});

test('each stage of a learning is told', () => {
  const view = { iterations: 40, secondsLeft: 100 } as LearningView;
  const texts = (['starting', 'learning', 'judging', 'planting'] as const).map((stage) =>
    stageText({ ...view, stage }),
  );
  expect(texts[1]).toBe('Lesson 40: about 2 min left');
  expect(new Set(texts).size).toBe(4);
});

test('the page draws the bars that the gates judge by', () => {
  expect(PASSES).toEqual({ maxError: GATES.maxError, minRecovery: GATES.minRecovery });
  expect(HEALED_KINDS).toEqual(GATES.kinds);
});
