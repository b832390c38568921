import { describe, expect, test } from 'vitest';
import { Places } from '../../server/world/places.ts';
import { seededRandom } from '../engines/fixtures.ts';

interface Dot {
  x: number;
  y: number;
}

/** Dots that came, moved and went. Some lie a little outside the world. */
function scattered(seed: number): { readonly places: Places<Dot>; readonly dots: Set<Dot> } {
  const random = seededRandom(seed);
  const at = (): number => Math.floor(random() * 1_000) - 40;
  const places = new Places<Dot>();
  const dots = new Set<Dot>();
  for (let n = 0; n < 400; n++) {
    const dot = { x: at(), y: at() };
    places.add(dot);
    dots.add(dot);
    const [some] = dots;
    const draw = random();
    if (draw < 0.2) {
      places.remove(some);
      dots.delete(some);
    } else if (draw < 0.6) {
      const { x, y } = some;
      Object.assign(some, draw < 0.4 ? { x: x + 1 } : { x: at(), y: at() });
      places.moved(some, x, y);
    }
  }
  return { places, dots };
}

describe.each([1, 2, 3])('places, random seed %i', (seed) => {
  const { places, dots } = scattered(seed);
  const byPlace = (a: Dot, b: Dot): number => a.x - b.x || a.y - b.y;

  test.each([
    [500, 500, 0],
    [500, 500, 70],
    [-40, 10, 130],
    [63, 64, 1],
    [300, 900, 100_000],
  ])('within reach of (%i, %i), %i cells, are those that are', (x, y, reach) => {
    const near = [...dots].filter((dot) => Math.max(Math.abs(dot.x - x), Math.abs(dot.y - y)) <= reach);
    expect([...places.within(x, y, reach)].sort(byPlace)).toEqual(near.sort(byPlace));
  });

  test.each([
    [500, 500, 1],
    [500, 500, 40],
    [-30, 900, 7],
    [90_000, 0, 5],
    [500, 500, 10_000],
  ])('nearest to (%i, %i), %i of them, are the nearest in order', (x, y, limit) => {
    const distance = (dot: Dot): number => Math.hypot(dot.x - x, dot.y - y);
    const all = Array.from(dots, distance).sort((a, b) => a - b);
    expect(places.nearest(x, y, limit).map(distance)).toEqual(all.slice(0, limit));
  });
});

test('of none, none are near', () => {
  const places = new Places<Dot>();
  expect([...places.within(0, 0, 1e6)]).toEqual([]);
  expect(places.nearest(5, 5, 3)).toEqual([]);
});
