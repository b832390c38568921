import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clampCamera, MAX_ZOOM, minZoom } from '../../../client/scene/camera.ts';
import { chooseLevel, pagesInView } from '../../../client/scene/level.ts';
import { topLevel } from '../../../shared/geometry.ts';
import { MAX_VIEWPORT_PAGES } from '../../../shared/limits.ts';

fc.configureGlobal({ seed: 1 });

const desktop = { width: 1_920, height: 1_080 };
const huge = { width: 65_536, height: 65_536 };

const sizes = (min: number, max: number): fc.Arbitrary<{ width: number; height: number }> =>
  fc.record({ width: fc.integer({ min, max }), height: fc.integer({ min, max }) });

describe('the level of a view', () => {
  test('is 0 while a cell takes a device pixel or more', () => {
    for (const zoom of [1, 2, 8, MAX_ZOOM]) expect(chooseLevel(null, zoom, 1, desktop, huge)).toBe(0);
    expect(chooseLevel(null, 0.5, 2, desktop, huge)).toBe(0);
  });

  test('has texels of 0.75 to 1.75 device pixels, unless there is no such level', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.005, max: 48, noNaN: true }),
        fc.constantFrom(1, 1.5, 2, 3),
        fc.option(fc.integer({ min: 0, max: 10 })),
        (zoom, ratio, last) => {
          const level = chooseLevel(last, zoom, ratio, { width: 360, height: 740 }, huge);
          const pixels = zoom * ratio * 2 ** level;
          if (level < 10) expect(pixels).toBeGreaterThanOrEqual(0.75);
          if (level > 0) expect(pixels).toBeLessThanOrEqual(1.75);
        },
      ),
    );
  });

  test('does not switch to and fro while the zoom stays near a border', () => {
    let level = chooseLevel(null, 0.76, 1, desktop, huge);
    const seen: number[] = [];
    for (let i = 0; i < 40; i++) {
      level = chooseLevel(level, i % 2 === 0 ? 0.74 : 0.85, 1, desktop, huge);
      seen.push(level);
    }
    expect(new Set(seen)).toEqual(new Set([1]));
  });

  test('never has more pages in view than the server streams, in any world and at any zoom', () => {
    fc.assert(
      fc.property(
        sizes(200, 8_000),
        sizes(64, 65_536),
        fc.double({ min: 1e-4, max: 100, noNaN: true }),
        fc.constantFrom(1, 2, 3),
        (view, world, wanted, ratio) => {
          const { zoom } = clampCamera({ x: 0, y: 0, zoom: wanted }, view, world);
          const level = chooseLevel(null, zoom, ratio, view, world);
          expect(level).toBeLessThanOrEqual(topLevel(world));
          expect(pagesInView(zoom, view, world, level)).toBeLessThanOrEqual(MAX_VIEWPORT_PAGES);
        },
      ),
    );
  });

  test('has fewer than 700 pages when the whole of the largest world is in view', () => {
    const zoom = minZoom(desktop, huge);
    const level = chooseLevel(null, zoom, 1, desktop, huge);
    expect(huge.width * zoom).toBeLessThanOrEqual(desktop.width);
    expect(pagesInView(zoom, desktop, huge, level)).toBeLessThan(700);
  });
});
