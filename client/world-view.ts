/**
 * The world on the screen: ground, halo and pages, through Pixi's WebGL renderer. Draws only when something
 * changed. Knows the page store, not the wire.
 */
import 'pixi.js/unsafe-eval';
import { BufferImageSource, Container, Sprite, Texture, WebGLRenderer } from 'pixi.js';
import { PAGE_CELLS, pageIndex, type Size } from '../shared/geometry.ts';
import { Backdrop } from './backdrop.ts';
import { type Camera, snapCamera } from './camera.ts';
import { Overview } from './overview.ts';
import type { PageStore } from './page-store.ts';
import { type Slot, Strips } from './strips.ts';
import type { Palette } from './theme.ts';

/** The halo changes slowly; five times a second is seen as continuous. */
const HALO_EVERY_MS = 200;
/** Wider blocks would light a square, not a body. */
const MAX_HALO_BLOCK = 16;

export class WorldView {
  readonly overview: Overview;
  readonly #renderer: WebGLRenderer;
  readonly #store: PageStore;
  readonly #stage = new Container();
  readonly #backdrop: Backdrop;
  readonly #ground = new Container();
  readonly #pages = new Container();
  readonly #strips = new Strips();
  readonly #slots = new Map<number, Slot>();
  readonly #changed = new Set<number>();
  readonly #faded = new Set<number>();
  readonly #halo: Sprite;
  readonly #haloPixels: Uint8Array;
  readonly #haloScratch: Uint8Array;
  #haloAt = Number.NEGATIVE_INFINITY;
  #camera: Camera;
  #view: Size = { width: 1, height: 1 };
  #pixelRatio = 1;

  static async create(canvas: HTMLCanvasElement, store: PageStore, world: Size): Promise<WorldView> {
    const renderer = new WebGLRenderer();
    await renderer.init({
      canvas,
      width: 1,
      height: 1,
      autoDensity: true,
      antialias: false,
      backgroundAlpha: 1,
      // Pixi's accessibility, events and filters are not ours; skipping them leaves their chunks unloaded.
      skipExtensionImports: true,
      powerPreference: 'high-performance',
    });
    return new WorldView(renderer, store, world);
  }

  private constructor(renderer: WebGLRenderer, store: PageStore, world: Size) {
    this.#renderer = renderer;
    this.#store = store;
    this.#camera = { x: world.width / 2, y: world.height / 2, zoom: 1 };
    this.#backdrop = new Backdrop(world);
    this.overview = new Overview(world);
    const { width, height, block } = this.overview;
    this.#haloPixels = new Uint8Array(width * height * 4);
    this.#haloScratch = new Uint8Array(width * height * 4);
    const source = new BufferImageSource({
      resource: this.#haloPixels,
      width,
      height,
      format: 'rgba8unorm',
      alphaMode: 'premultiplied-alpha',
      scaleMode: 'linear',
      autoGarbageCollect: false,
    });
    this.#halo = new Sprite(new Texture({ source }));
    this.#halo.scale.set(block);
    this.#halo.visible = block <= MAX_HALO_BLOCK;
    this.#ground.addChild(this.#halo, this.#pages);
    this.#stage.addChild(this.#backdrop.mesh, this.#ground);
  }

  /** The camera as drawn: what positions on the screen must be computed from. */
  get camera(): Camera {
    return this.#camera;
  }

  isShown(index: number): boolean {
    return this.#slots.has(index);
  }

  resize(view: Size, pixelRatio: number): void {
    this.#view = view;
    this.#pixelRatio = pixelRatio;
    this.#renderer.resize(view.width, view.height, pixelRatio);
  }

  paint(palette: Palette): void {
    this.#backdrop.paint(palette);
    this.#halo.alpha = palette.isDark ? 0.5 : 0.38;
  }

  look(camera: Camera): void {
    this.#camera = snapCamera(camera, this.#view, this.#pixelRatio, PAGE_CELLS);
  }

  /** These pages' pixels moved. */
  change(indexes: readonly number[]): void {
    for (const index of indexes) {
      this.#changed.add(index);
      this.#faded.add(index);
    }
  }

  /** These pages are no longer held. */
  forget(indexes: readonly number[]): void {
    for (const index of indexes) {
      this.#hide(index);
      this.overview.clear(index % this.#store.across, Math.floor(index / this.#store.across));
      this.#faded.add(index);
    }
  }

  draw(now: number): void {
    const { zoom, x, y } = this.#camera;
    this.#ground.scale.set(zoom);
    this.#ground.position.set(this.#view.width / 2 - x * zoom, this.#view.height / 2 - y * zoom);
    this.#backdrop.place(this.#camera, this.#view);
    this.#showPages();
    this.#drawHalo(now);
    this.#renderer.render(this.#stage);
  }

  dispose(): void {
    this.#renderer.destroy();
  }

  /** Pages in view have a slot each, others none; what changed in them is uploaded once a drawing. */
  #showPages(): void {
    const { across, down } = this.#store;
    const reachX = this.#view.width / 2 / this.#camera.zoom;
    const reachY = this.#view.height / 2 / this.#camera.zoom;
    const left = Math.max(0, Math.floor((this.#camera.x - reachX) / PAGE_CELLS));
    const top = Math.max(0, Math.floor((this.#camera.y - reachY) / PAGE_CELLS));
    const right = Math.min(across - 1, Math.floor((this.#camera.x + reachX) / PAGE_CELLS));
    const bottom = Math.min(down - 1, Math.floor((this.#camera.y + reachY) / PAGE_CELLS));
    for (const index of this.#slots.keys()) {
      const px = index % across;
      const py = (index - px) / across;
      if (px < left || px > right || py < top || py > bottom) this.#hide(index);
    }
    for (let py = top; py <= bottom; py++) {
      for (let px = left; px <= right; px++) {
        const index = pageIndex(px, py, across);
        const page = this.#store.get(index);
        if (page === undefined) continue;
        const slot = this.#slots.get(index);
        if (slot === undefined) {
          const taken = this.#strips.take(page);
          this.#slots.set(index, taken);
          this.#pages.addChild(taken.sprite);
        } else if (this.#changed.has(index)) this.#strips.write(slot, page);
      }
    }
    this.#changed.clear();
  }

  #hide(index: number): void {
    const slot = this.#slots.get(index);
    if (slot === undefined) return;
    this.#slots.delete(index);
    this.#pages.removeChild(slot.sprite);
    this.#strips.give(slot);
  }

  #drawHalo(now: number): void {
    if (this.#faded.size === 0 || now - this.#haloAt < HALO_EVERY_MS) return;
    this.#haloAt = now;
    for (const index of this.#faded) {
      const page = this.#store.get(index);
      if (page !== undefined) this.overview.draw(page);
    }
    this.#faded.clear();
    if (!this.#halo.visible) return;
    this.overview.soften(this.#haloPixels, this.#haloScratch);
    (this.#halo.texture.source as BufferImageSource).update();
  }
}
