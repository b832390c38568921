/**
 * The stage: owns the canvases and decides when to draw. The cells are drawn only when they or the camera have changed,
 * the overlay only while something on it moves.
 */
import type { Point, Rect, Size } from '../../shared/geometry.ts';
import type { Brush } from '../hands/brush.ts';
import type { Ghosts } from '../hands/ghosts.ts';
import type { Inspector } from '../hands/inspector.ts';
import type { HeldSeed, Planting } from '../hands/planting.ts';
import type { Light } from '../stream/messages.ts';
import { prefersReducedMotion, type Theme } from '../style/theme.ts';
import { type Camera, startCamera } from './camera.ts';
import { CensusTaker } from './census.ts';
import { DrawSchedule, LightSchedule } from './drawSchedule.ts';
import { Ground } from './ground.ts';
import type { LabelRoom } from './label.ts';
import type { Minimap } from './minimap.ts';
import { Overlay, type Ring } from './overlay.ts';
import type { Players } from './players.ts';
import type { Seeds } from './seeds.ts';
import { Sleepers } from './sleepers.ts';
import type { Viewpoint } from './viewpoint.ts';
import type { WorldView } from './worldView.ts';

/** Device pixels per CSS pixel. A higher ratio costs memory and cannot be seen. */
const MAX_PIXEL_RATIO = 3;

export interface StageParts {
  readonly root: HTMLElement;
  readonly ground: HTMLCanvasElement;
  /** Lies between the ground and the cells. */
  readonly sleepers: HTMLElement;
  readonly overlay: HTMLCanvasElement;
  readonly theme: Theme;
  readonly viewpoint: Viewpoint;
  readonly ghosts: Ghosts;
  readonly players: Players;
  readonly brush: Brush;
  readonly planting: Planting;
  readonly inspector: Inspector;
  readonly seeds: Seeds;
  /** @returns the part of the view that no panel covers; pixels */
  readonly free: () => Rect;
  readonly labelRoom: () => LabelRoom;
  /** Asks for the light of the view and the map; the answer goes to `shine`. */
  readonly askLight: () => void;
}

export class Stage {
  minimap: Minimap | null = null;
  /** In pixels; null when the pointer is not over the world. */
  pointer: Point | null = null;
  /** Whether the player used the keyboard last: without a pointer, tools then act in the middle of the view. */
  isKeyed = false;
  readonly #parts: StageParts;
  readonly #overlay: Overlay;
  readonly #resizes: ResizeObserver;
  readonly #census = new CensusTaker(() => this.#settle());
  readonly #sleepers: Sleepers;
  readonly #drawing = new DrawSchedule(() => this.#draw());
  readonly #lighting: LightSchedule;
  #start: Point = { x: 0, y: 0 };
  #worldView: WorldView | null = null;
  #ground: Ground | null = null;
  #isWorldDirty = false;

  constructor(parts: StageParts) {
    this.#parts = parts;
    this.#lighting = new LightSchedule(parts.askLight);
    this.#sleepers = new Sleepers(parts.sleepers);
    this.#overlay = new Overlay(parts.overlay, parts.theme.palette, () => this.refresh());
    this.#resizes = new ResizeObserver(() => this.#resize());
    this.#resizes.observe(parts.root);
    parts.viewpoint.moved.on(() => {
      this.#worldView?.look(parts.viewpoint.drawn, parts.viewpoint.level);
      this.invalidate();
    });
    parts.theme.changed.on((palette) => {
      this.#overlay.paint(palette);
      this.#ground?.paint(palette);
      this.invalidate();
    });
  }

  /** @param camera - where to look; null for the start */
  open(world: Size, start: Point, view: WorldView, camera: Camera | null): void {
    this.#start = start;
    this.#worldView = view;
    view.onChanged = (cells) => this.#sleepers.stir(cells);
    this.#ground = new Ground(this.#parts.ground, world, this.#parts.theme.palette);
    this.#resize();
    this.#parts.viewpoint.enter(world);
    if (camera === null) this.goHome();
    else this.#parts.viewpoint.look(camera);
  }

  goHome(): void {
    const { viewpoint, free, brush } = this.#parts;
    viewpoint.look(startCamera(this.#start, viewpoint.size, free(), brush.bodyCells));
  }

  dispose(): void {
    this.#resizes.disconnect();
    this.#census.dispose();
    this.#drawing.dispose();
    this.#lighting.dispose();
    this.#worldView?.dispose();
  }

  /** Where the tool would act, in pixels; null when it would act nowhere. */
  get aim(): Point | null {
    return this.pointer ?? (this.isKeyed ? this.#parts.viewpoint.middle : null);
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

  /** Takes what `askLight` has asked for. */
  shine({ glow, map }: Light): void {
    if (glow !== null) this.#ground?.shine(glow);
    if (map !== null) this.minimap?.show(map);
    if (glow !== null || map !== null) this.invalidate();
  }

  /** The viewpoint comes last: those who hear that it has moved find all canvases in their new size. */
  #resize(): void {
    const { clientWidth, clientHeight } = this.#parts.root;
    const size: Size = { width: Math.max(1, clientWidth), height: Math.max(1, clientHeight) };
    const pixelRatio = Math.min(MAX_PIXEL_RATIO, window.devicePixelRatio || 1);
    this.#overlay.resize(size, pixelRatio);
    this.#worldView?.resize(size, pixelRatio);
    this.#ground?.resize(size, pixelRatio);
    this.#parts.viewpoint.resize(size, pixelRatio);
  }

  #draw(): void {
    const view = this.#worldView;
    if (view === null) return;
    const now = performance.now();
    const { viewpoint, ghosts, players, theme, inspector, planting, brush, seeds } = this.#parts;
    if (this.#isWorldDirty) {
      this.#isWorldDirty = false;
      view.draw();
      this.#lighting.request(now);
      this.#ground?.draw(viewpoint.drawn);
      this.#sleepers.draw(viewpoint.drawn, viewpoint.size);
      this.minimap?.draw(viewpoint.camera, viewpoint.size, theme.palette, brush.bodyCells);
      this.#census.refresh(now);
    }
    ghosts.sweep(now);
    const isGliding = players.glide(now, prefersReducedMotion());
    const ring = this.#ring(now);
    planting.hold(this.#heldSeed());
    this.#overlay.begin(viewpoint.drawn);
    this.#overlay.seeds(seeds.signs(now), prefersReducedMotion());
    this.#overlay.ghosts(ghosts, now);
    this.#overlay.watched(inspector.watched);
    this.#overlay.ring(ring);
    this.#overlay.seedling(planting.shown, ring.budget, this.#parts.labelRoom);
    this.#overlay.cursors(players.others);
    const isResting = ring.at !== null && ring.budget < 0.99;
    if (isGliding || isResting || ghosts.list.length > 0) this.refresh();
  }

  #settle(): void {
    const { census } = this.#census;
    this.#ground?.settle(census, this.#parts.brush.bodyCells);
    this.#sleepers.settle(census, this.#parts.brush.bodyCells);
    this.minimap?.settle(census);
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
    const { brush, viewpoint } = this.#parts;
    const { aim } = this;
    const species = brush.known.find(({ name }) => name === brush.species);
    if (brush.tool !== 'plant' || aim === null || species === undefined) return null;
    const { x, y } = viewpoint.toCell(aim);
    return { species, x: Math.floor(x), y: Math.floor(y) };
  }
}
