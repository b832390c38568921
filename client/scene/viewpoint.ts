/**
 * Where the page looks: the camera, the size of the view, and the level that follows from both. Knows no canvas and no
 * renderer. Places in the view are in CSS pixels.
 */
import type { Point, Rect, Size } from '../../shared/geometry.ts';
import { Signal } from '../events.ts';
import {
  type Camera,
  cellToScreen,
  clampCamera,
  panBy,
  screenToCell,
  snapCamera,
  visibleCells,
  zoomAbout,
} from './camera.ts';
import { chooseLevel } from './level.ts';

export class Viewpoint {
  /** The camera or the size of the view has changed. */
  readonly moved = new Signal<[Camera]>();
  /** Null until `enter`: until then there is nowhere to look, and the camera stays. */
  #world: Size | null = null;
  #size: Size = { width: 1, height: 1 };
  #pixelRatio = 1;
  #camera: Camera = { x: 0, y: 0, zoom: 6 };
  #drawn: Camera = this.#camera;
  #level: number | null = null;

  get camera(): Camera {
    return this.#camera;
  }

  /** The camera on whole device pixels, so that cells are drawn sharply. */
  get drawn(): Camera {
    return this.#drawn;
  }

  get size(): Size {
    return this.#size;
  }

  get middle(): Point {
    return { x: this.#size.width / 2, y: this.#size.height / 2 };
  }

  /** The level at which the view is shown. */
  get level(): number {
    return this.#level ?? 0;
  }

  /** The cells in view; null when there are none. */
  get visible(): Rect | null {
    return this.#world === null ? null : visibleCells(this.#camera, this.#size, this.#world);
  }

  /** @param world - cells */
  enter(world: Size): void {
    this.#world = world;
    this.resize(this.#size, this.#pixelRatio);
  }

  /** @param pixelRatio - device pixels per CSS pixel */
  resize(size: Size, pixelRatio: number): void {
    this.#size = size;
    this.#pixelRatio = pixelRatio;
    if (this.#world === null) return;
    this.#camera = clampCamera(this.#camera, size, this.#world);
    this.#aim(this.#world);
  }

  /** Looks from the nearest camera that keeps the world in view. */
  look(camera: Camera): void {
    if (this.#world !== null) this.#move(clampCamera(camera, this.#size, this.#world), this.#world);
  }

  /** Moves the picture by pixels. */
  pan(dx: number, dy: number): void {
    if (this.#world !== null) this.#move(panBy(this.#camera, this.#size, this.#world, dx, dy), this.#world);
  }

  /** @param at - pixels; by default the middle of the view */
  zoom(factor: number, at: Point = this.middle): void {
    if (this.#world !== null)
      this.#move(zoomAbout(this.#camera, this.#size, this.#world, at, factor), this.#world);
  }

  /** Uses the camera as drawn, so that the cell is the one that is seen there. */
  toCell(at: Point): Point {
    return screenToCell(this.#drawn, this.#size, at.x, at.y);
  }

  toScreen(x: number, y: number): Point {
    return cellToScreen(this.#drawn, this.#size, x, y);
  }

  #move(camera: Camera, world: Size): void {
    const { x, y, zoom } = this.#camera;
    if (camera.x === x && camera.y === y && camera.zoom === zoom) return;
    this.#camera = camera;
    this.#aim(world);
  }

  #aim(world: Size): void {
    this.#drawn = snapCamera(this.#camera, this.#size, this.#pixelRatio);
    this.#level = chooseLevel(this.#level, this.#camera.zoom, this.#pixelRatio, this.#size, world);
    this.moved.emit(this.#camera);
  }
}
