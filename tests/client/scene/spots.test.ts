import { expect, test } from 'vitest';
import { spotMask, spotRadius } from '../../../client/scene/spots.ts';

const at = (...places: readonly [x: number, y: number][]) => ({
  count: places.length,
  xs: Uint16Array.from(places, ([x]) => x),
  ys: Uint16Array.from(places, ([, y]) => y),
});
const MAP = { width: 20, height: 10 };

test('a spot covers the pixels within its radius, with an edge of one pixel', () => {
  const mask = spotMask(at([100, 50]), 0.1, 2, MAP);
  const row = (y: number): number[] => [...mask.subarray(y * 20, (y + 1) * 20)];
  expect(row(5).slice(6, 14)).toEqual([0, 0, 234, 255, 255, 234, 0, 0]);
  expect(row(4)).toEqual(row(5));
  expect(row(2).every((value) => value === 0)).toBe(true);
});

test('where spots overlap, the greater part counts: the order does not matter', () => {
  const [a, b, c]: [number, number][] = [
    [50, 50],
    [57, 44],
    [61, 50],
  ];
  const mask = spotMask(at(a, b, c), 0.1, 1.5, MAP);
  expect(spotMask(at(c, a, b), 0.1, 1.5, MAP)).toEqual(mask);
  const alone = [a, b, c].map((one) => spotMask(at(one), 0.1, 1.5, MAP));
  expect([...mask]).toEqual(Array.from(mask, (_, i) => Math.max(...alone.map((one) => one[i]))));
});

test('spots at and beyond the edge are cut', () => {
  const mask = spotMask(at([0, 0], [199, 99], [900, 900]), 0.1, 2, MAP);
  expect([mask[0], mask[199]]).toEqual([255, 255]);
  expect(mask.filter((value) => value > 0).length).toBeLessThan(20);
});

test.each([
  ['a few small bodies', 48, 1, 2.2],
  ['bodies larger than a spot', 48, 5, 5],
  [
    'many bodies, which then cover four tenths of the map',
    20_000,
    0.3,
    Math.sqrt((0.4 * 320 * 320) / (Math.PI * 20_000)),
  ],
  ['the most bodies', 65_535, 0.1, 0.7],
])('a spot of %s has a radius that shows it', (_what, count, body, radius) => {
  expect(spotRadius(count, body, { width: 320, height: 320 })).toBeCloseTo(radius, 9);
});
