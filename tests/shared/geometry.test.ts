import { expect, test } from 'vitest';
import {
  MAX_WORLD_CELLS,
  PAGE_CELLS,
  PAGE_SHIFT,
  pageIndex,
  pagesAcross,
  pagesTouched,
  topLevel,
} from '../../shared/geometry.ts';

test('a page is 2^PAGE_SHIFT cells wide', () => {
  expect(2 ** PAGE_SHIFT).toBe(PAGE_CELLS);
});

test('the pages of the largest world have every index of 20 bits', () => {
  const across = pagesAcross(MAX_WORLD_CELLS);
  expect(pageIndex(across - 1, across - 1, across)).toBe(2 ** 20 - 1);
});

test('one page of the top level shows the whole world, and no page below it does', () => {
  for (const side of [1, 64, 65, 128, 129, 2_048, MAX_WORLD_CELLS]) {
    const top = topLevel({ width: side, height: 1 });
    expect(pagesAcross(side, top)).toBe(1);
    if (top > 0) expect(pagesAcross(side, top - 1)).toBeGreaterThan(1);
  }
  expect(topLevel({ width: MAX_WORLD_CELLS, height: MAX_WORLD_CELLS })).toBe(10);
});

test('the pages of a rectangle are those that it touches, with a margin if wanted, clipped to the world', () => {
  const world = { width: 256, height: 128 };
  const cells = { x: 64, y: 0, width: 64, height: 65 };
  expect(pagesTouched(cells, world, 0, 0)).toEqual({ left: 1, top: 0, right: 1, bottom: 1 });
  expect(pagesTouched(cells, world, 0, 0.5)).toEqual({ left: 0, top: 0, right: 2, bottom: 1 });
  expect(pagesTouched(cells, world, 1, 0)).toEqual({ left: 0, top: 0, right: 0, bottom: 0 });
});

test('a rectangle outside the world touches no page', () => {
  const { left, right } = pagesTouched(
    { x: 900, y: 0, width: 10, height: 10 },
    { width: 256, height: 256 },
    0,
    0,
  );
  expect(right).toBeLessThan(left);
});
