import { describe, expect, test } from 'vitest';
import { lengthOf, placeOn } from './path.ts';

describe('the way of a pointer', () => {
  const path = [
    { x: 0, y: 0 },
    { x: 30, y: 0 },
    { x: 30, y: 10 },
  ];

  test('runs evenly along its legs, and stays at its ends', () => {
    expect(lengthOf(path)).toBe(40);
    expect(placeOn(path, 0)).toEqual({ x: 0, y: 0 });
    expect(placeOn(path, 0.5)).toEqual({ x: 20, y: 0 });
    expect(placeOn(path, 0.875)).toEqual({ x: 30, y: 5 });
    expect(placeOn(path, 1)).toEqual({ x: 30, y: 10 });
    expect(placeOn(path, 7)).toEqual({ x: 30, y: 10 });
  });

  test('of a dab is its place', () => {
    expect(placeOn([{ x: 3, y: 4 }], 0.5)).toEqual({ x: 3, y: 4 });
  });
});
