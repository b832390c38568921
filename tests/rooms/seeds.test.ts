import { describe, expect, test } from 'vitest';
import { MAX_TOLD_SEEDS, Seeds } from '../../server/rooms/seeds.ts';

const VIEW = { x: 0, y: 0, width: 100, height: 100 };

describe('seeds that wait', () => {
  test('are told as far as they lie in the view, with the seconds that are left now', () => {
    const seeds = new Seeds();
    seeds.hear(
      [
        { id: 1, x: 0, y: 0, seconds: 15 },
        { id: 2, x: 99, y: 99, seconds: 2 },
        { id: 3, x: 100, y: 5, seconds: 9 },
      ],
      1_000,
    );
    expect(seeds.in(VIEW, 6_000)).toEqual([
      { id: 1, x: 0, y: 0, seconds: 10 },
      { id: 2, x: 99, y: 99, seconds: 0 },
    ]);
    expect(seeds.in(null, 6_000)).toEqual([]);
  });

  test('are those nearest the middle where there are too many', () => {
    const seeds = new Seeds();
    const many = Array.from({ length: 1_000 }, (_, i) => ({ id: i + 1, x: i % 100, y: 50, seconds: 1 }));
    seeds.hear(many, 0);
    const told = seeds.in(VIEW, 0);
    expect(told).toHaveLength(MAX_TOLD_SEEDS);
    for (const { x } of told) expect(Math.abs(x - 50)).toBeLessThanOrEqual(7);
  });

  test('a new list has another version', () => {
    const seeds = new Seeds();
    const { version } = seeds;
    seeds.hear([], 0);
    expect(seeds.version).not.toBe(version);
  });
});
