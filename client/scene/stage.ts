/**
 * The stage: owns the camera and the canvases, and decides when to draw. The cells are drawn only when they have changed,
 * the overlay only while something on it moves.
 */
import type { Point, Rect, Size } from '../../shared/geometry.ts';
import { Signal } from '../events.ts';
import type { Brush } from '../hands/brush.ts';
import type { Ghosts } from '../hands/ghosts.ts';
import type { Inspector } from '../hands/inspector.ts';
import type { HeldSeed, Planting } from '../hands/planting.ts';
import type { Light } from '../stream/messages.ts';
import { prefersReducedMotion, type Theme } from '../style/theme.ts';
import {
  type Camera,
  cellToScreen,
  clampCamera,
  panBy,
  screenToCell,
  startCamera,
  visibleCells,
  zoomAbout,
} from './camera.ts';
import { Census } from './census.ts';
import { DrawSchedule, LightSchedule } from './drawSchedule.ts';
import { Ground } from './ground.ts';
import type { LabelRoom } from './label.ts';
import { chooseLevel } from './level.ts';
import type { Minimap } from './minimap.ts';
import { Overlay, type Ring } from './overlay.ts';
import type { Players } from './players.ts';
import type { WorldView } from './worldView.ts';

export interface StageParts {
  readonly root: HTMLElement;
  readonly ground: HTMLCanvasElement;
  readonly overlay: HTMLCanvasElement;
  readonly theme: Theme;
  readonly ghosts: Ghosts;
  readonly players: Players;
  readonly brush: Brush;
  readonly planting: Planting;
  readonly inspector: Inspector;
  /** @returns the part of the view that no panel covers; pixels */
  readonly free: () => Rect;
  readonly labelRoom: () => LabelRoom;
  /** Asks for the light of the view and the map; the answer goes to `shine`. */
  readonly askLight: () => void;
}

export class Stage {
  /** The camera or the size of the view has changed. */
  readonly moved = new Signal<[Camera]>();
  minimap: Minimap | null = null;
  /** In pixels; null when the pointer is not over the world. */
  pointer: Point | null = null;
  /** Whether the player used the keyboard last: without a pointer, tools then act in the middle of the view. */
  isKeyed = false;
  readonly #parts: StageParts;
  readonly #overlay: Overlay;
  readonly #resizes: ResizeObserver;
  readonly #census = new Census(() => this.#settle());
  readonly #drawing = new DrawSchedule(() => this.#draw());
  readonly #lighting: LightSchedule;
  #world: Size = { width: 1, height: 1 };
  #start: Point = { x: 0, y: 0 };
  #worldView: WorldView | null = null;
  #ground: Ground | null = null;
  #view: Size = { width: 1, height: 1 };
  #pixelRatio = 1;
  #camera: Camera = { x: 0, y: 0, zoom: 6 };
  #level: number | null = null;
  #isWorldDirty = false;

  constructor(parts: StageParts) {
    this.#parts = parts;
    this.#lighting = new LightSchedule(parts.askLight);
    this.#overlay = new Overlay(parts.overlay, parts.theme.palette, () => this.refresh());
    this.#resizes = new ResizeObserver(() => this.#resize());
    this.#resizes.observe(parts.root);
    parts.theme.changed.on((palette) => {
      this.#overlay.paint(palette);
      this.#ground?.paint(palette);
      this.invalidate();
    });
  }

  get camera(): Camera {
    return this.#camera;
  }

  get visible(): Rect | null {
    return visibleCells(this.#camera, this.#view, this.#world);
  }

  /** The level at which the view is shown. */
  get level(): number {
    return this.#level ?? 0;
  }

  /** @param camera - where to look; null for the start */
  open(world: Size, start: Point, view: WorldView, camera: Camera | null): void {
    this.#world = world;
    this.#start = start;
    this.#worldView = view;
    this.#ground = new Ground(this.#parts.ground, world, this.#parts.theme.palette);
    this.#resize();
    if (camera === null) this.goHome();
    else this.look(camera);
  }

  goHome(): void {
    this.look(startCamera(this.#start, this.#view, this.#parts.free(), this.#parts.brush.bodyCells));
  }

  dispose(): void {
    this.#resizes.disconnect();
    this.#drawing.dispose();
    this.#lighting.dispose();
    this.#worldView?.dispose();
  }

  look(camera: Camera): void {
    this.#move(clampCamera(camera, this.#view, this.#world));
  }

  pan(dx: number, dy: number): void {
    this.#move(panBy(this.#camera, this.#view, this.#world, dx, dy));
  }

  /** @param at - pixels; by default the middle of the view */
  zoom(factor: number, at: Point = { x: this.#view.width / 2, y: this.#view.height / 2 }): void {
    this.#move(zoomAbout(this.#camera, this.#view, this.#world, at, factor));
  }

  /** Uses the camera as drawn, so that the cell is the one that is seen there. */
  toCell(at: Point): Point {
    return screenToCell(this.#worldView?.camera ?? this.#camera, this.#view, at.x, at.y);
  }

  toScreen(x: number, y: number): Point {
    return cellToScreen(this.#worldView?.camera ?? this.#camera, this.#view, x, y);
  }

  get middle(): Point {
    return { x: this.#view.width / 2, y: this.#view.height / 2 };
  }

  /** Where the tool would act, in pixels; null when it would act nowhere. */
  get aim(): Point | null {
    return this.pointer ?? (this.isKeyed ? this.middle : null);
  }

  /** The cells or the camera have changed: draws everything. */
  invalidate(): void {
    this.#isWorldDirty = true;
    this.refresh();
  }

  /** Something on the overlay has changed: draws at least the overlay. */
  refresh(): void {
    this.#drawing.request();
  }

  #move(camera: Camera): void {
    if (camera.x === this.#camera.x && camera.y === this.#camera.y && camera.zoom === this.#camera.zoom)
      return;
    this.#camera = camera;
    this.#aim();
  }

  /** The camera or the view has changed, and with it perhaps the level. */
  #aim(): void {
    this.#level = chooseLevel(this.#level, this.#camera.zoom, this.#pixelRatio, this.#view, this.#world);
    this.#worldView?.look(this.#camera, this.#level);
    this.invalidate();
    this.moved.emit(this.#camera);
  }

  /** Takes what `askLight` has asked for. */
  shine({ glow, map }: Light): void {
    if (glow !== null) this.#ground?.shine(glow);
    if (map !== null) this.minimap?.show(map);
    if (glow !== null || map !== null) this.invalidate();
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#parts.root;
    this.#view = { width: Math.max(1, clientWidth), height: Math.max(1, clientHeight) };
    this.#pixelRatio = Math.min(3, window.devicePixelRatio || 1);
    this.#overlay.resize(this.#view, this.#pixelRatio);
    if (this.#worldView === null) return;
    this.#worldView.resize(this.#view, this.#pixelRatio);
    this.#ground?.resize(this.#view, this.#pixelRatio);
    this.#camera = clampCamera(this.#camera, this.#view, this.#world);
    this.#aim();
  }

  #draw(): void {
    const view = this.#worldView;
    if (view === null) return;
    const now = performance.now();
    const { ghosts, players, theme, inspector, planting } = this.#parts;
    if (this.#isWorldDirty) {
      this.#isWorldDirty = false;
      view.draw();
      this.#lighting.request(now);
      this.#ground?.draw(view.camera);
      this.minimap?.draw(this.#camera, this.#view, theme.palette, this.#parts.brush.bodyCells);
      this.#census.refresh(now);
    }
    ghosts.sweep(now);
    const isGliding = players.glide(now, prefersReducedMotion());
    const ring = this.#ring(now);
    planting.hold(this.#heldSeed());
    this.#overlay.begin(view.camera);
    this.#overlay.ghosts(ghosts, now);
    this.#overlay.watched(inspector.watched);
    this.#overlay.ring(ring);
    this.#overlay.seedling(planting.shown, ring.budget, this.#parts.labelRoom);
    this.#overlay.cursors(players.others);
    const isResting = ring.at !== null && ring.budget < 0.99;
    if (isGliding || isResting || ghosts.list.length > 0) this.refresh();
  }

  #settle(): void {
    this.#ground?.settle(this.#census.settlers, this.#parts.brush.bodyCells);
    this.minimap?.settle(this.#census.settlers);
    this.invalidate();
  }

  #ring(now: number): Ring {
    const { brush } = this.#parts;
    return {
      at: this.aim,
      tool: brush.tool,
      radius: brush.radius,
      budget: brush.budget.share(now),
      isDown: brush.isDown,
    };
  }

  /** @returns null when no seed is in hand, or it is not held over the view */
  #heldSeed(): HeldSeed | null {
    const { brush } = this.#parts;
    const { aim } = this;
    const species = brush.known.find(({ name }) => name === brush.species);
    if (brush.tool !== 'plant' || aim === null || species === undefined) return null;
    const { x, y } = this.toCell(aim);
    return { species, x: Math.floor(x), y: Math.floor(y) };
  }
}
