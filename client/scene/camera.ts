/**
 * Where the player looks: pan and zoom as pure arithmetic. Knows no DOM and no renderer. Places in the world are in
 * cells; places in the view are in CSS pixels.
 */
import type { Point, Rect, Size } from '../../shared/geometry.ts';

export interface Camera {
  /** Cell at the middle of the view. */
  readonly x: number;
  readonly y: number;
  /** CSS pixels per cell. */
  readonly zoom: number;
}

export const MAX_ZOOM = 48;
/** Bodies that fit along the shorter side of the view at the start. */
const START_BODIES = 4.6;
/** CSS pixels of a body at the start, on any screen. */
const MIN_START_BODY = 68;
const MAX_START_BODY = 340;
/** Share of the view's shorter side that may lie beyond the world's edge. */
const MARGIN = 0.35;
/** Share of the view that the world fills when all of it is in view. */
const FIT = 0.86;

export const cellToScreen = (camera: Camera, view: Size, x: number, y: number): Point => ({
  x: (x - camera.x) * camera.zoom + view.width / 2,
  y: (y - camera.y) * camera.zoom + view.height / 2,
});

export const screenToCell = (camera: Camera, view: Size, x: number, y: number): Point => ({
  x: (x - view.width / 2) / camera.zoom + camera.x,
  y: (y - view.height / 2) / camera.zoom + camera.y,
});

/** @returns the zoom at which the whole world is in view with some room around it, at most MAX_ZOOM */
export const minZoom = (view: Size, world: Size): number =>
  Math.min(MAX_ZOOM, Math.min(view.width / world.width, view.height / world.height) * FIT);

/** @returns the nearest camera that keeps the world in view and the zoom within its bounds */
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

/** Zooms by a factor. The cell under `at` (pixels) stays there, unless `clampCamera` moves the camera. */
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
 * The first camera: `at` is in the middle of what the panels leave free, and bodies look about equally large on every
 * screen.
 *
 * @param at - a cell
 * @param free - the part of the view that no panel covers; pixels
 * @param bodyCells - the longer side of a grown body
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

/** Moves the picture by pixels: a drag to the right shows what lies to the left. */
export const panBy = (camera: Camera, view: Size, world: Size, dx: number, dy: number): Camera =>
  clampCamera({ ...camera, x: camera.x - dx / camera.zoom, y: camera.y - dy / camera.zoom }, view, world);

/** Moves the camera by less than a device pixel: the world then begins on a whole one, and cells are drawn sharply. */
export function snapCamera(camera: Camera, view: Size, pixelRatio: number): Camera {
  const { zoom } = camera;
  const snap = (at: number, pixels: number): number => {
    const origin = Math.round((pixels / 2 - at * zoom) * pixelRatio) / pixelRatio;
    return (pixels / 2 - origin) / zoom;
  };
  return { x: snap(camera.x, view.width), y: snap(camera.y, view.height), zoom };
}

/** @returns the cells in view, clipped to the world; null when there are none */
export function visibleCells(camera: Camera, view: Size, world: Size): Rect | null {
  const from = screenToCell(camera, view, 0, 0);
  const to = screenToCell(camera, view, view.width, view.height);
  const x = Math.max(0, Math.floor(from.x));
  const y = Math.max(0, Math.floor(from.y));
  const width = Math.min(world.width, Math.ceil(to.x)) - x;
  const height = Math.min(world.height, Math.ceil(to.y)) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}
