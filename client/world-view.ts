/**
 * The living cells on the screen: a sprite a page, through Pixi's WebGL renderer, on a canvas that is clear
 * elsewhere. Knows the page store, not the wire.
 */
import 'pixi.js/unsafe-eval';
import { Container, WebGLRenderer } from 'pixi.js';
import { PAGE_CELLS, pageIndex, type Size } from '../shared/geometry.ts';
import { type Camera, snapCamera } from './camera.ts';
import { Overview } from './overview.ts';
import { BLANK, type PageStore } from './page-store.ts';
import { type Slot, Strips } from './strips.ts';

export class WorldView {
  readonly overview: Overview;
  readonly #renderer: WebGLRenderer;
  readonly #store: PageStore;
  readonly #stage = new Container();
  readonly #pages = new Container();
  readonly #strips = new Strips();
  readonly #slots = new Map<number, Slot>();
  readonly #changed = new Set<number>();
  /** Pages that the overview has not drawn yet. */
  readonly #faded = new Set<number>();
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
      backgroundAlpha: 0,
      // Pixi's accessibility, events and filters are not ours; skipping them leaves their chunks unloaded.
      skipExtensionImports: true,
      powerPreference: 'high-performance',
    });
    // Pages of one strip are drawn together, strip by strip. A shader that chooses among sixteen textures for
    // every pixel would be several times slower where there is no GPU.
    renderer.limits.maxBatchableTextures = 1;
    return new WorldView(renderer, store, world);
  }

  private constructor(renderer: WebGLRenderer, store: PageStore, world: Size) {
    this.#renderer = renderer;
    this.#store = store;
    this.#camera = { x: world.width / 2, y: world.height / 2, zoom: 1 };
    this.overview = new Overview(world);
    this.#stage.addChild(this.#pages);
  }

  /** Whether the processor stands in for a GPU: then every costly nicety is better left out. */
  get isSoftware(): boolean {
    const { gl } = this.#renderer;
    const info = gl.getExtension('WEBGL_debug_renderer_info');
    const name = String(gl.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
    return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
  }

  /** The camera as drawn: what positions on the screen must be computed from. */
  get camera(): Camera {
    return this.#camera;
  }

  /** Whether the page is on the screen now. */
  isShown(index: number): boolean {
    return this.#slots.has(index);
  }

  resize(view: Size, pixelRatio: number): void {
    this.#view = view;
    this.#pixelRatio = pixelRatio;
    this.#renderer.resize(view.width, view.height, pixelRatio);
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

  draw(): void {
    const { zoom, x, y } = this.#camera;
    this.#pages.scale.set(zoom);
    this.#pages.position.set(this.#view.width / 2 - x * zoom, this.#view.height / 2 - y * zoom);
    this.#strips.isSmooth = zoom * this.#pixelRatio < 1;
    this.#showPages();
    this.#renderer.render(this.#stage);
  }

  /** Brings the overview up to date; true when it changed. */
  drawOverview(): boolean {
    if (this.#faded.size === 0) return false;
    for (const index of this.#faded) {
      const page = this.#store.get(index);
      if (page !== undefined) this.overview.draw(page);
    }
    this.#faded.clear();
    return true;
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
        if (page === undefined || page.pixels === BLANK) {
          this.#hide(index);
          continue;
        }
        const slot = this.#slots.get(index);
        if (slot === undefined) {
          const taken = this.#strips.take(page);
          this.#slots.set(index, taken);
          taken.strip.sprites.addChild(taken.sprite);
          if (taken.strip.sprites.parent === null) this.#pages.addChild(taken.strip.sprites);
        } else if (this.#changed.has(index)) this.#strips.write(slot, page);
      }
    }
    this.#changed.clear();
  }

  #hide(index: number): void {
    const slot = this.#slots.get(index);
    if (slot === undefined) return;
    this.#slots.delete(index);
    slot.strip.sprites.removeChild(slot.sprite);
    this.#strips.give(slot);
  }
}
