import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pagesOf, viewOf } from '../../../server/stream/deliver/view.ts';
import { pagesAcross, type Rect, type Size } from '../../../shared/geometry.ts';
import { MAX_VIEWPORT_PAGES } from '../../../shared/limits.ts';

const pagesInView = (viewport: Rect, world: Size, level: number): number[] =>
  pagesOf(viewOf(viewport, world, level), world);

const WORLD = { width: 1024, height: 640 };

describe('the pages in view', () => {
  test('are those that the viewport touches with half a page around it, the nearest first', () => {
    // Columns and rows 3..6: cells 224..416 with the margin.
    const pages = pagesInView({ x: 256, y: 256, width: 128, height: 128 }, WORLD, 0);
    expect(pages.length).toBe(16);
    expect(new Set(pages.slice(0, 4))).toEqual(new Set([4 * 16 + 4, 4 * 16 + 5, 5 * 16 + 4, 5 * 16 + 5]));
  });

  test('are cut to the world, and none outside it', () => {
    expect(pagesInView({ x: -500, y: -500, width: 510, height: 510 }, WORLD, 0)).toEqual([0]);
    expect(pagesInView({ x: 5_000, y: 0, width: 100, height: 100 }, WORLD, 0)).toEqual([]);
    expect(pagesInView({ x: -1e9, y: -1e9, width: 2e9, height: 2e9 }, WORLD, 0).length).toBe(16 * 10);
  });

  test('are at most MAX_VIEWPORT_PAGES, all inside the world, none twice', () => {
    const world = { width: 65_536, height: 65_536 };
    const coordinate = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    const size = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(coordinate, coordinate, size, size, (x, y, width, height) => {
        const pages = pagesInView({ x, y, width, height }, world, 0);
        expect(pages.length).toBeLessThanOrEqual(MAX_VIEWPORT_PAGES);
        expect(new Set(pages).size).toBe(pages.length);
        const end = pagesAcross(world.width) * pagesAcross(world.height);
        expect(pages.every((page) => page >= 0 && page < end)).toBe(true);
      }),
      { numRuns: 200, seed: 5 },
    );
    expect(pagesInView({ x: 0, y: 0, width: 65_536, height: 65_536 }, world, 0).length).toBeGreaterThan(
      2_000,
    );
  });
});
