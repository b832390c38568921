import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Camera,
  cellToScreen,
  clampCamera,
  MAX_ZOOM,
  minZoom,
  panBy,
  screenToCell,
  snapCamera,
  startCamera,
  visibleCells,
  zoomAbout,
} from '../../../client/scene/camera.ts';

fc.configureGlobal({ seed: 1 });

const phone = { width: 360, height: 740 };
const wall = { width: 3_840, height: 2_160 };
const world = { width: 1_024, height: 1_024 };
const huge = { width: 65_536, height: 65_536 };

const views = fc.record({
  width: fc.integer({ min: 200, max: 4_000 }),
  height: fc.integer({ min: 200, max: 3_000 }),
});
const worlds = fc.record({
  width: fc.integer({ min: 64, max: 65_536 }),
  height: fc.integer({ min: 64, max: 65_536 }),
});
const cameras: fc.Arbitrary<Camera> = fc.record({
  x: fc.double({ min: -1e5, max: 1e5, noNaN: true }),
  y: fc.double({ min: -1e5, max: 1e5, noNaN: true }),
  zoom: fc.double({ min: 0.01, max: 100, noNaN: true }),
});

test('screenToCell undoes cellToScreen', () => {
  fc.assert(
    fc.property(
      cameras,
      views,
      fc.integer({ max: 65_536 }),
      fc.integer({ max: 65_536 }),
      (camera, view, x, y) => {
        const there = cellToScreen(camera, view, x % 65_536, y % 65_536);
        const back = screenToCell(camera, view, there.x, there.y);
        expect(back.x).toBeCloseTo(x % 65_536, 3);
        expect(back.y).toBeCloseTo(y % 65_536, 3);
      },
    ),
  );
});

describe('zooming', () => {
  test('keeps the cell under the pointer, away from the world’s edges', () => {
    const camera = { x: 512, y: 512, zoom: 6 };
    const at = { x: 100, y: 650 };
    const before = screenToCell(camera, phone, at.x, at.y);
    const after = screenToCell(zoomAbout(camera, phone, world, at, 1.7), phone, at.x, at.y);
    expect(after.x).toBeCloseTo(before.x, 6);
    expect(after.y).toBeCloseTo(before.y, 6);
  });

  test('in and out by the same factor ends at the first camera', () => {
    const camera = { x: 500, y: 480, zoom: 6 };
    const at = { x: 50, y: 60 };
    const there = zoomAbout(camera, phone, world, at, 1.5);
    const back = zoomAbout(there, phone, world, at, 1 / 1.5);
    expect(back.x).toBeCloseTo(camera.x, 6);
    expect(back.zoom).toBeCloseTo(camera.zoom, 9);
  });

  test('never goes beyond its bounds', () => {
    fc.assert(
      fc.property(views, worlds, cameras, (view, size, camera) => {
        const { zoom } = clampCamera(camera, view, size);
        expect(zoom).toBeLessThanOrEqual(MAX_ZOOM);
        expect(zoom).toBeGreaterThanOrEqual(minZoom(view, size));
      }),
    );
  });

  test('can show the whole of any world, the largest too', () => {
    for (const size of [world, huge]) {
      const zoom = minZoom(phone, size);
      expect(size.width * zoom).toBeLessThanOrEqual(phone.width);
      expect(size.width * zoom).toBeGreaterThan(phone.width * 0.8);
    }
  });
});

describe('panning', () => {
  test('to the right shows what lies to the left', () => {
    const moved = panBy({ x: 512, y: 512, zoom: 6 }, phone, world, 60, -12);
    expect(moved.x).toBeCloseTo(502);
    expect(moved.y).toBeCloseTo(514);
  });

  test('always keeps a part of the world in view', () => {
    fc.assert(
      fc.property(views, worlds, cameras, (view, size, camera) => {
        expect(visibleCells(clampCamera(camera, view, size), view, size)).not.toBeNull();
      }),
    );
  });

  test('a clamped camera is not changed by clamping it again', () => {
    fc.assert(
      fc.property(views, worlds, cameras, (view, size, camera) => {
        const once = clampCamera(camera, view, size);
        const twice = clampCamera(once, view, size);
        expect(twice.x).toBeCloseTo(once.x, 6);
        expect(twice.y).toBeCloseTo(once.y, 6);
      }),
    );
  });
});

describe('visibleCells', () => {
  test('gives whole cells, clipped to the world', () => {
    expect(visibleCells({ x: 0, y: 512, zoom: 4 }, phone, world)).toEqual({
      x: 0,
      y: 419,
      width: 45,
      height: 186,
    });
  });
});

test('a snapped camera puts the world on whole device pixels, and moves by at most half of one', () => {
  fc.assert(
    fc.property(cameras, views, fc.constantFrom(1, 1.5, 2, 3), (camera, view, ratio) => {
      const drawn = snapCamera(camera, view, ratio);
      const edge = cellToScreen(drawn, view, 0, 0).x * ratio;
      expect(Math.abs(edge - Math.round(edge))).toBeLessThan(1e-3);
      expect(Math.abs(drawn.x - camera.x) * camera.zoom * ratio).toBeLessThanOrEqual(0.501);
    }),
  );
});

describe('the first camera', () => {
  test('puts the start in the middle of what the panels leave free', () => {
    const free = { x: 0, y: 100, width: 360, height: 300 };
    const at = cellToScreen(startCamera({ x: 500, y: 400 }, phone, free, 42), phone, 500, 400);
    expect(at.x).toBeCloseTo(180, 9);
    expect(at.y).toBeCloseTo(250, 9);
  });

  test('shows bodies equally large, however many cells they have, and more than three along a side', () => {
    for (const view of [phone, wall]) {
      const free = { x: 0, y: 0, ...view };
      const [small, large] = [21, 42].map(
        (body) => startCamera({ x: 0, y: 0 }, view, free, body).zoom * body,
      );
      expect(small).toBeCloseTo(large, 9);
      expect(small).toBeGreaterThan(60);
      expect(Math.min(view.width, view.height) / small).toBeGreaterThan(3);
    }
  });
});
