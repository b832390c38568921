import { expect, test } from 'vitest';
import { Viewpoint } from '../../../client/scene/viewpoint.ts';

const WORLD = { width: 2_048, height: 1_024 };
const VIEW = { width: 800, height: 600 };

function setUp() {
  const viewpoint = new Viewpoint();
  let moves = 0;
  viewpoint.moved.on(() => moves++);
  viewpoint.resize(VIEW, 2);
  return { viewpoint, moves: () => moves };
}

function entered() {
  const parts = setUp();
  parts.viewpoint.enter(WORLD);
  return parts;
}

test('before there is a world, nothing is in view and the camera stays', () => {
  const { viewpoint, moves } = setUp();
  const before = viewpoint.camera;
  viewpoint.look({ x: 100, y: 100, zoom: 8 });
  viewpoint.pan(50, 0);
  viewpoint.zoom(2);
  expect(viewpoint.camera).toEqual(before);
  expect(viewpoint.visible).toBeNull();
  expect(moves()).toBe(0);
});

test('a world that is entered is in view at once', () => {
  const { viewpoint, moves } = entered();
  expect(viewpoint.visible).not.toBeNull();
  expect(moves()).toBe(1);
});

test('a move is told once, and a move to the same place not at all', () => {
  const { viewpoint, moves } = entered();
  viewpoint.look({ x: 500, y: 500, zoom: 8 });
  expect(moves()).toBe(2);
  viewpoint.look({ x: 500, y: 500, zoom: 8 });
  expect(moves()).toBe(2);
});

test('a drag to the right shows what lies to the left', () => {
  const { viewpoint } = entered();
  viewpoint.look({ x: 500, y: 500, zoom: 8 });
  viewpoint.pan(80, -16);
  expect(viewpoint.camera).toEqual({ x: 490, y: 502, zoom: 8 });
});

test('without a place, zooming keeps the cell in the middle of the view', () => {
  const { viewpoint } = entered();
  viewpoint.look({ x: 500, y: 500, zoom: 8 });
  viewpoint.zoom(2);
  expect(viewpoint.camera).toEqual({ x: 500, y: 500, zoom: 16 });
});

test('a smaller view keeps the world in view, and is told even if the camera stays', () => {
  const { viewpoint, moves } = entered();
  viewpoint.look({ x: 500, y: 500, zoom: 8 });
  viewpoint.resize({ width: 400, height: 300 }, 1);
  expect(viewpoint.camera).toEqual({ x: 500, y: 500, zoom: 8 });
  expect(viewpoint.visible).toEqual({ x: 475, y: 481, width: 50, height: 38 });
  expect(moves()).toBe(3);
});

test('places are those of the camera as drawn, and there and back is the same place', () => {
  const { viewpoint } = entered();
  viewpoint.look({ x: 500.123, y: 500.456, zoom: 3.3 });
  const corner = viewpoint.toScreen(0, 0);
  // 2 device pixels per CSS pixel: a cell's corner lies on whole ones.
  expect((corner.x * 2) % 1).toBeCloseTo(0, 6);
  const back = viewpoint.toCell(viewpoint.toScreen(123, 45));
  expect(back.x).toBeCloseTo(123, 6);
  expect(back.y).toBeCloseTo(45, 6);
});

test('the level is coarser the further the camera is away', () => {
  const { viewpoint } = entered();
  viewpoint.look({ x: 1_000, y: 500, zoom: 8 });
  expect(viewpoint.level).toBe(0);
  viewpoint.look({ x: 1_000, y: 500, zoom: 0.2 });
  expect(viewpoint.level).toBeGreaterThan(0);
});
