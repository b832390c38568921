import { describe, expect, test } from 'vitest';
import { capsulesOf } from '../../server/world/perturb.ts';

describe('capsules', () => {
  test('a straight drag is one, so that noise is added once', () => {
    const points = Array.from({ length: 30 }, (_, i) => [i * 3.3, i * 1.1]).flat();
    expect(capsulesOf(points, 4)).toEqual([{ x0: 0, y0: 0, x1: 95, y1: 31, radius: 4 }]);
  });

  test('a dab is a circle, also when it is repeated in place', () => {
    const circle = { x0: 5, y0: 6, x1: 5, y1: 6, radius: 2 };
    expect(capsulesOf([5.5, 6.2], 2)).toEqual([circle]);
    expect(capsulesOf([5.5, 6.2, 5.6, 6.3, 5.1, 6.9], 2)).toEqual([circle]);
  });

  test('a path that turns or comes back keeps its turns', () => {
    expect(capsulesOf([0, 0, 10, 0, 10, 10], 1)).toHaveLength(2);
    expect(capsulesOf([0, 0, 10, 0, 0, 0], 1)).toHaveLength(2);
  });
});
