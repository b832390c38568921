/**
 * A map of the world in a corner, with a box around the view; a click or drag moves the view. The server sends one level
 * at a time, so the map shows each place as it was last seen, at any level, over spots where the census has organisms.
 */
import { type Census, EMPTY_CENSUS } from '../../shared/census.ts';
import type { Size } from '../../shared/geometry.ts';
import { develop, h } from '../dom.ts';
import type { Picture } from '../stream/messages.ts';
import type { Palette } from '../style/theme.ts';
import { type Camera, screenToCell } from './camera.ts';
import { spotMask, spotRadius } from './spots.ts';

/** Canvas pixels along the longer side; it is shown at half that size, for dense screens. */
const SIDE = 320;
const SIDE_REM = 10;
/** Canvas pixels. */
const MIN_BOX = 8;

export class Minimap {
  readonly #canvas = h('canvas', {
    class: 'minimap__canvas',
    role: 'img',
    'aria-label': 'Map of the world; the frame is what you see',
  });
  readonly #paper: CanvasRenderingContext2D;
  readonly #world: Size;
  /** What has been seen of the world. */
  readonly #picture = document.createElement('canvas');
  /** Ground, census and picture together: everything but the box. */
  readonly #base = document.createElement('canvas');
  #isBaseOld = true;
  /** Set by an observer: asking the canvas would make the browser lay out the page at every drawing. */
  #isShown = true;
  #palette: Palette | null = null;
  #census: Census = EMPTY_CENSUS;
  /** The spots of the census, in one colour. */
  readonly #spots = document.createElement('canvas');
  /** What the spots were drawn for. */
  #spotted: { readonly census: Census; readonly palette: Palette; readonly radius: number } | null = null;

  constructor(root: HTMLElement, world: Size, goTo: (x: number, y: number) => void) {
    this.#world = world;
    this.#paper = this.#canvas.getContext('2d') as CanvasRenderingContext2D;
    const longest = Math.max(world.width, world.height);
    this.#canvas.width = Math.max(1, Math.round((SIDE * world.width) / longest));
    this.#canvas.height = Math.max(1, Math.round((SIDE * world.height) / longest));
    this.#base.width = this.#canvas.width;
    this.#base.height = this.#canvas.height;
    this.#canvas.style.width = `${(SIDE_REM * world.width) / longest}rem`;
    this.#canvas.style.height = `${(SIDE_REM * world.height) / longest}rem`;
    root.replaceChildren(this.#canvas);
    root.hidden = false;
    new ResizeObserver(([{ contentRect }]) => {
      this.#isShown = contentRect.width > 0;
    }).observe(this.#canvas);
    const go = (event: PointerEvent): void => {
      const box = this.#canvas.getBoundingClientRect();
      goTo(
        ((event.clientX - box.left) / box.width) * world.width,
        ((event.clientY - box.top) / box.height) * world.height,
      );
    };
    this.#canvas.addEventListener('pointerdown', (event) => {
      this.#canvas.setPointerCapture(event.pointerId);
      go(event);
    });
    this.#canvas.addEventListener('pointermove', (event) => {
      if (this.#canvas.hasPointerCapture(event.pointerId)) go(event);
    });
  }

  /** Takes a newer picture of the world. */
  show(picture: Picture): void {
    develop(this.#picture, picture);
    this.#isBaseOld = true;
  }

  /** Takes a newer census. */
  settle(census: Census): void {
    this.#census = census;
    this.#isBaseOld = true;
  }

  /** @param body - the longer side of a grown body, in cells: the size of a spot */
  draw(camera: Camera, view: Size, palette: Palette, body: number): void {
    if (!this.#isShown) return;
    if (this.#isBaseOld || palette !== this.#palette) this.#drawBase(palette, body);
    const paper = this.#paper;
    const { width, height } = this.#canvas;
    const scale = width / this.#world.width;
    paper.drawImage(this.#base, 0, 0);
    const from = screenToCell(camera, view, 0, 0);
    const to = screenToCell(camera, view, view.width, view.height);
    const [x, w] = span(from.x * scale, to.x * scale, width);
    const [y, h] = span(from.y * scale, to.y * scale, height);
    paper.strokeStyle = palette.accent;
    paper.lineWidth = 3;
    paper.beginPath();
    paper.roundRect(x, y, w, h, Math.min(5, w / 3, h / 3));
    paper.stroke();
  }

  #drawBase(palette: Palette, body: number): void {
    this.#isBaseOld = false;
    this.#palette = palette;
    const paper = this.#base.getContext('2d') as CanvasRenderingContext2D;
    const { width, height } = this.#base;
    const scale = width / this.#world.width;
    paper.globalAlpha = 1;
    paper.fillStyle = palette.ground;
    paper.fillRect(0, 0, width, height);
    const radius = spotRadius(this.#census.count, 0.4 * body * scale, { width, height });
    this.#drawSpots(palette, scale, radius);
    // Small spots must stand out from the ground; large ones lie under the picture of their organism.
    paper.globalAlpha = radius > 3 ? 0.4 : 0.75;
    paper.drawImage(this.#spots, 0, 0);
    paper.globalAlpha = 1;
    paper.imageSmoothingEnabled = true;
    paper.drawImage(this.#picture, 0, 0, width, height);
  }

  /** Once for each census: the picture over the spots comes anew far more often. */
  #drawSpots(palette: Palette, scale: number, radius: number): void {
    const census = this.#census;
    const before = this.#spotted;
    if (before?.census === census && before.palette === palette && before.radius === radius) return;
    this.#spotted = { census, palette, radius };
    const { width, height } = this.#base;
    const mask = spotMask(census, scale, radius, { width, height });
    const pixels = new Uint8ClampedArray(mask.length * 4);
    for (let i = 0; i < mask.length; i++) pixels[i * 4 + 3] = mask[i];
    develop(this.#spots, { width, height, pixels });
    const paper = this.#spots.getContext('2d') as CanvasRenderingContext2D;
    paper.globalCompositeOperation = 'source-in';
    paper.fillStyle = palette.accent;
    paper.fillRect(0, 0, width, height);
    paper.globalCompositeOperation = 'source-over';
  }
}

/**
 * @param size - of the map along this axis
 * @returns where a side of the box begins and how long it is: inside the map, and at least MIN_BOX
 */
function span(from: number, to: number, size: number): [from: number, length: number] {
  const low = Math.max(1.5, from);
  const high = Math.min(size - 1.5, to);
  const missing = MIN_BOX - (high - low);
  if (missing <= 0) return [low, high - low];
  return [Math.min(size - 1.5 - MIN_BOX, Math.max(1.5, low - missing / 2)), MIN_BOX];
}
