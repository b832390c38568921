/**
 * Where the viewer looks: pan and zoom as pure arithmetic. Knows no DOM and no renderer.
 * Cells are the world's unit, pixels are CSS pixels of the view.
 */
import type { Point, Rect, Size } from '../../shared/geometry.ts';

export interface Camera {
  /** Cell at the middle of the view. */
  readonly x: number;
  readonly y: number;
  /** CSS pixels a cell. */
  readonly zoom: number;
}

export const MAX_ZOOM = 48;
/** At the start the shorter side of the view is so many bodies long. */
const START_BODIES = 4.6;
/** CSS pixels of a body at the start, whatever the screen. */
const MIN_START_BODY = 68;
const MAX_START_BODY = 340;
/** Share of the shorter side of the view that may show what lies beyond the world's edge. */
const MARGIN = 0.35;
/** Room left around the world when all of it is in view. */
const FIT = 0.86;

export const cellToScreen = (camera: Camera, view: Size, x: number, y: number): Point => ({
  x: (x - camera.x) * camera.zoom + view.width / 2,
  y: (y - camera.y) * camera.zoom + view.height / 2,
});

export const screenToCell = (camera: Camera, view: Size, x: number, y: number): Point => ({
  x: (x - view.width / 2) / camera.zoom + camera.x,
  y: (y - view.height / 2) / camera.zoom + camera.y,
});

/** The whole world in view, with room around it; a small one is not blown up for that. */
export const minZoom = (view: Size, world: Size): number =>
  Math.min(MAX_ZOOM, Math.min(view.width / world.width, view.height / world.height) * FIT);

/** The nearest camera that does not lose the world. */
export function clampCamera(camera: Camera, view: Size, world: Size): Camera {
  const zoom = Math.min(MAX_ZOOM, Math.max(minZoom(view, world), camera.zoom));
  const margin = (Math.min(view.width, view.height) * MARGIN) / zoom;
  const within = (at: number, pixels: number, cells: number): number => {
    const low = pixels / 2 / zoom - margin;
    const high = cells - low;
    return low > high ? cells / 2 : Math.min(high, Math.max(low, at));
  };
  return {
    x: within(camera.x, view.width, world.width),
    y: within(camera.y, view.height, world.height),
    zoom,
  };
}

/** Zooms by a factor; the cell under `at` (pixels) stays under it, unless the world's edge forbids. */
export function zoomAbout(camera: Camera, view: Size, world: Size, at: Point, factor: number): Camera {
  const zoom = Math.min(MAX_ZOOM, Math.max(minZoom(view, world), camera.zoom * factor));
  const held = screenToCell(camera, view, at.x, at.y);
  return clampCamera(
    { x: held.x - (at.x - view.width / 2) / zoom, y: held.y - (at.y - view.height / 2) / zoom, zoom },
    view,
    world,
  );
}

/**
 * The first camera: `at` stands in the middle of what the panels leave free, and organisms look about
 * equally large on every screen.
 *
 * @param free - pixels of the view that nothing covers
 * @param bodyCells - the longer side of a usual organism
 */
export function startCamera(at: Point, view: Size, free: Rect, bodyCells: number): Camera {
  const wanted = Math.min(view.width, view.height) / START_BODIES;
  const zoom = Math.min(MAX_START_BODY, Math.max(MIN_START_BODY, wanted)) / bodyCells;
  return {
    x: at.x + (view.width / 2 - (free.x + free.width / 2)) / zoom,
    y: at.y + (view.height / 2 - (free.y + free.height / 2)) / zoom,
    zoom,
  };
}

/** Moves the picture by pixels: dragging right shows what lies to the left. */
export const panBy = (camera: Camera, view: Size, world: Size, dx: number, dy: number): Camera =>
  clampCamera({ ...camera, x: camera.x - dx / camera.zoom, y: camera.y - dy / camera.zoom }, view, world);

/** The camera as it is drawn: moved by whole device pixels, so that cells of whole pixels stay sharp. */
export function snapCamera(camera: Camera, view: Size, pixelRatio: number): Camera {
  const { zoom } = camera;
  const snap = (at: number, pixels: number): number => {
    const origin = Math.round((pixels / 2 - at * zoom) * pixelRatio) / pixelRatio;
    return (pixels / 2 - origin) / zoom;
  };
  return { x: snap(camera.x, view.width), y: snap(camera.y, view.height), zoom };
}

/** Whole cells in view, clipped to the world; null when none are. */
export function visibleCells(camera: Camera, view: Size, world: Size): Rect | null {
  const from = screenToCell(camera, view, 0, 0);
  const to = screenToCell(camera, view, view.width, view.height);
  const x = Math.max(0, Math.floor(from.x));
  const y = Math.max(0, Math.floor(from.y));
  const width = Math.min(world.width, Math.ceil(to.x)) - x;
  const height = Math.min(world.height, Math.ceil(to.y)) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}
