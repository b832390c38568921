import { expect, test } from 'vitest';
import { type Body, SizeWatch } from './sizes.ts';

const MATURE = new Map([
  ['gengar', 1_000],
  ['mew', 500],
]);
const body = (id: number, cells: number, species = 'gengar'): Body => ({
  id,
  species,
  x: 0,
  y: 0,
  cells,
  health: 1,
  planter: '',
});

/** One sample every two seconds: the cells of body 1 in each; null: it is not there. */
function watched(cells: readonly (number | null)[]) {
  const watch = new SizeWatch(MATURE);
  for (const [i, own] of cells.entries()) watch.see(2 * i, own === null ? [] : [body(1, own)]);
  return watch.summary;
}

test('a sample sums cells and mature cells over all living bodies', () => {
  const sizes = new SizeWatch(MATURE).see(0, [body(1, 900), body(2, 600, 'mew')]);
  expect(sizes).toEqual({
    bodies: 2,
    cells: 1_500,
    matureCells: 1_500,
    livingOverMature: 1,
    largestOverMature: 1.2,
  });
});

test('a stretch lasts from the sample that finds it to the first that does not', () => {
  expect(watched([1_000, 1_400, 1_400, 1_000])).toMatchObject({
    overSizeLongestSeconds: 4,
    overSizeSeconds: 4,
    overSizeStretches: 0,
  });
});

test('exactly 1.3 mature sizes is not over-grown', () => {
  expect(watched([1_300, 1_300, 1_300]).overSizeLongestSeconds).toBe(0);
});

test('a stretch longer than five seconds counts once', () => {
  expect(watched([1_400, 1_400, 1_400, 1_400, 1_400, 1_400])).toMatchObject({
    overSizeLongestSeconds: 10,
    overSizeStretches: 1,
  });
});

test('a break ends a stretch, and two short ones are not a long one', () => {
  expect(watched([1_400, 1_400, 1_000, 1_400, 1_400, 1_000])).toMatchObject({
    overSizeLongestSeconds: 4,
    overSizeSeconds: 8,
    overSizeStretches: 0,
  });
});

test('a death ends a stretch', () => {
  expect(watched([1_400, 1_400, null, null, 1_400])).toMatchObject({ overSizeLongestSeconds: 4 });
});

test('two bodies that are over-grown in turn do not make one long stretch', () => {
  const watch = new SizeWatch(MATURE);
  for (let i = 0; i < 8; i++) watch.see(2 * i, [body(1 + (i % 2), 1_400), body(2 - (i % 2), 1_000)]);
  expect(watch.summary).toMatchObject({
    overSizeLongestSeconds: 2,
    overSizeSeconds: 14,
    overSizeStretches: 0,
  });
});

test('the largest body is given with its species and in parts of its own mature size', () => {
  const watch = new SizeWatch(MATURE);
  watch.see(0, [body(1, 1_500)]);
  watch.see(2, [body(1, 1_500), body(2, 1_000, 'mew')]);
  watch.see(4, [body(1, 1_900)]);
  expect(watch.summary.largest).toEqual({ species: 'mew', id: 2, cells: 1_000, ratio: 2, atSeconds: 2 });
});

test('body-hours are bodies over the time until the next sample', () => {
  const watch = new SizeWatch(MATURE);
  watch.see(0, [body(1, 1), body(2, 1)]);
  watch.see(1_800, [body(1, 1)]);
  watch.see(3_600, []);
  expect(watch.summary.bodyHours).toBe(1.5);
});

test('a species without a mature size is refused by name', () => {
  expect(() => new SizeWatch(MATURE).see(0, [body(1, 1, 'eevee')])).toThrow(
    new RangeError('no mature size is known of eevee'),
  );
});
