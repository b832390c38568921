/**
 * Draws the pages in view, strip by strip, with Pixi's WebGL renderer, on a canvas that is transparent elsewhere. Knows
 * the decoder's batches, not the connection.
 */
import 'pixi.js/unsafe-eval';
import { type Buffer, Container, type Geometry, Mesh, type Shader, Ticker, WebGLRenderer } from 'pixi.js';
import { PAGE_CELLS, type PageRect, type Rect, type Size, VIEW_MARGIN_PAGES } from '../../shared/geometry.ts';
import { cover } from '../stream/cover.ts';
import type { Decoder } from '../stream/decoder.ts';
import { BATCHES } from '../stream/messages.ts';
import { Pyramid } from '../stream/pyramid.ts';
import { type Camera, visibleCells } from './camera.ts';
import {
  createGeometry,
  createShader,
  createUniforms,
  INSTANCE_FLOATS,
  type PageUniforms,
} from './pageShader.ts';
import { type PageTexture, Strips } from './strips.ts';

/** Squares that a layer has room for at first: each page of its strip once. Parts of a coarse page can be many more. */
const FIRST_SQUARES = 64;

/** The squares that one strip contributes to a drawing. */
interface Layer {
  readonly mesh: Mesh<Geometry, Shader>;
  /** [the most squares so far, INSTANCE_FLOATS] */
  instances: Float32Array;
  readonly buffer: Buffer;
  count: number;
}

export class WorldView {
  /** Called with the cells of a page at level 0 that changed while it was held. */
  onChanged: (cells: Rect) => void = () => {};
  readonly #renderer: WebGLRenderer;
  readonly #decoder: Decoder;
  readonly #world: Size;
  readonly #pyramid: Pyramid;
  readonly #strips: Strips;
  readonly #uniforms: PageUniforms;
  readonly #stage = new Container();
  readonly #layers: Layer[] = [];
  #camera: Camera;
  #level = 0;
  #view: Size = { width: 1, height: 1 };
  #pixelRatio = 1;

  /** @throws Error when the browser has no WebGL 2 */
  static async create(canvas: HTMLCanvasElement, decoder: Decoder, world: Size): Promise<WorldView> {
    const renderer = new WebGLRenderer();
    await renderer.init({
      canvas,
      width: 1,
      height: 1,
      autoDensity: true,
      antialias: false,
      backgroundAlpha: 0,
      preferWebGLVersion: 2,
      // Pixi's accessibility, events and filters are not used, so their chunks need not be loaded.
      skipExtensionImports: true,
      powerPreference: 'high-performance',
    });
    // The ticker would wake the page sixty times per second to collect garbage that we do not make.
    Ticker.system.autoStart = false;
    Ticker.system.stop();
    // The bundler puts all of Pixi into one chunk, so the event system is loaded all the same, and would measure the canvas
    // at every move of the pointer. Under `npm run dev` it is not loaded.
    renderer.events?.setTargetElement(null as unknown as HTMLElement);
    if (renderer.context.webGLVersion < 2) throw new Error('this browser has no WebGL 2');
    return new WorldView(renderer, decoder, world);
  }

  private constructor(renderer: WebGLRenderer, decoder: Decoder, world: Size) {
    this.#renderer = renderer;
    this.#decoder = decoder;
    this.#world = world;
    this.#camera = { x: world.width / 2, y: world.height / 2, zoom: 1 };
    this.#pyramid = new Pyramid(world);
    const { gl } = renderer;
    this.#strips = new Strips(this.#pyramid, gl.getParameter(gl.MAX_TEXTURE_SIZE) as number);
    this.#uniforms = createUniforms(this.#strips.pagesPerStrip * PAGE_CELLS);
  }

  /** Whether WebGL runs on the CPU: costly effects are then switched off. */
  get isSoftware(): boolean {
    const { gl } = this.#renderer;
    const info = gl.getExtension('WEBGL_debug_renderer_info');
    const name = String(gl.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
    return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
  }

  resize(view: Size, pixelRatio: number): void {
    this.#view = view;
    this.#pixelRatio = pixelRatio;
    this.#renderer.resize(view.width, view.height, pixelRatio);
  }

  /** @param camera - on whole device pixels: see `snapCamera` */
  look(camera: Camera, level: number): void {
    this.#camera = camera;
    this.#level = level;
  }

  /** The pages of the level that the view needs, with a margin; null when the world is out of view. */
  get pages(): PageRect | null {
    const cells = visibleCells(this.#camera, this.#view, this.#world);
    return cells === null ? null : this.#pyramid.pagesOf(cells, this.#level, VIEW_MARGIN_PAGES);
  }

  /** Uploads the batches that have come, and draws. */
  draw(): void {
    this.#strips.begin();
    for (let i = 0; i < BATCHES; i++) {
      const batch = this.#decoder.take();
      if (batch === undefined) break;
      this.#tellChanged(batch.keys);
      this.#decoder.give(batch, this.#strips.write(batch));
    }
    const cells = visibleCells(this.#camera, this.#view, this.#world);
    this.#place(cells);
    this.#renderer.render(this.#stage);
  }

  /** Only of pages of single cells: who is seen from further away is not told apart. */
  #tellChanged(keys: readonly number[]): void {
    for (const key of keys)
      if (this.#pyramid.levelOf(key) === 0 && this.#strips.get(key) !== undefined)
        this.onChanged(this.#pyramid.cellsOf(key));
  }

  /** @returns the premultiplied RGBA of a cell as drawn, at whichever level is held; zeros when none is */
  cellAt(x: number, y: number): [r: number, g: number, b: number, a: number] {
    const { width, height } = this.#world;
    if (!(x >= 0 && y >= 0 && x < width && y < height)) return [0, 0, 0, 0];
    for (const level of this.#levels()) {
      const side = PAGE_CELLS * 2 ** level;
      const page = this.#strips.get(this.#pyramid.key(level, Math.floor(x / side), Math.floor(y / side)));
      if (page === undefined) continue;
      const texel = 2 ** level;
      return this.#strips.texel(page, Math.floor(x / texel) % PAGE_CELLS, Math.floor(y / texel) % PAGE_CELLS);
    }
    return [0, 0, 0, 0];
  }

  dispose(): void {
    this.#strips.dispose();
    this.#renderer.destroy();
  }

  /** The level that is shown, then finer ones, then coarser ones. */
  *#levels(): Generator<number> {
    for (let level = this.#level; level >= 0; level--) yield level;
    for (let level = this.#level + 1; level <= this.#pyramid.top; level++) yield level;
  }

  /** Fills the layers' instances with the squares to draw. */
  #place(cells: Rect | null): void {
    const strips = this.#strips;
    while (this.#layers.length < strips.strips.length) this.#addLayer(this.#layers.length);
    for (const layer of this.#layers) layer.count = 0;
    if (cells !== null) {
      const rect = this.#pyramid.pagesOf(cells, this.#level, 0);
      this.#aim(rect);
      cover<PageTexture>(strips, this.#level, rect, (page, level, x, y, size, u, v, span) => {
        strips.touch(page);
        const slot = page.slot;
        if (slot === null) return;
        const layer = this.#layers[slot.strip];
        const at = layer.count++ * INSTANCE_FLOATS;
        if (at === layer.instances.length) grow(layer);
        const { instances } = layer;
        instances[at] = x;
        instances[at + 1] = y;
        instances[at + 2] = size;
        instances[at + 3] = level === 0 ? 1 : 0;
        instances[at + 4] = u;
        instances[at + 5] = v;
        instances[at + 6] = span;
        instances[at + 7] = slot.row * PAGE_CELLS;
      });
    }
    for (const { mesh, buffer, count } of this.#layers) {
      mesh.visible = count > 0;
      if (count === 0) continue;
      mesh.geometry.instanceCount = count;
      buffer.update(count * INSTANCE_FLOATS * 4);
    }
  }

  /** Sets the uniforms: the place of the rectangle's corner and the size of a page, in device pixels. */
  #aim(rect: PageRect): void {
    const { x, y, zoom } = this.#camera;
    const side = PAGE_CELLS * 2 ** this.#level;
    const scale = zoom * this.#pixelRatio;
    const { uOrigin, uView } = this.#uniforms.uniforms;
    uView[0] = Math.round(this.#view.width * this.#pixelRatio);
    uView[1] = Math.round(this.#view.height * this.#pixelRatio);
    uOrigin[0] = (rect.left * side - x) * scale + (this.#view.width * this.#pixelRatio) / 2;
    uOrigin[1] = (rect.top * side - y) * scale + (this.#view.height * this.#pixelRatio) / 2;
    this.#uniforms.uniforms.uPage = side * scale;
    this.#uniforms.update();
  }

  #addLayer(strip: number): void {
    const instances = new Float32Array(FIRST_SQUARES * INSTANCE_FLOATS);
    const { geometry, buffer } = createGeometry(instances);
    const shader = createShader(this.#strips.strips[strip].source, this.#uniforms);
    const mesh = new Mesh({ geometry, shader });
    this.#layers.push({ mesh, instances, buffer, count: 0 });
    this.#stage.addChild(mesh);
  }
}

function grow(layer: Layer): void {
  const instances = new Float32Array(layer.instances.length * 2);
  instances.set(layer.instances);
  layer.instances = instances;
  layer.buffer.data = instances;
}
