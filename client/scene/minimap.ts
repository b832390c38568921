/**
 * A map of the world in a corner, with a box around the view; a click or drag moves the view. The server sends one level
 * at a time, so the map shows each place as it was last seen, at any level, over spots where the census has organisms.
 */
import type { Size } from '../../shared/geometry.ts';
import { develop, h } from '../dom.ts';
import type { Picture } from '../stream/messages.ts';
import type { Palette } from '../style/theme.ts';
import { type Camera, screenToCell } from './camera.ts';
import type { Settler } from './census.ts';

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
  #settlers: readonly Settler[] = [];

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
  settle(settlers: readonly Settler[]): void {
    this.#settlers = settlers;
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
    paper.fillStyle = palette.accent;
    const radius = Math.max(2.2, 0.4 * body * scale);
    // Small spots must stand out from the ground; large ones lie under the picture of their organism.
    paper.globalAlpha = radius > 3 ? 0.4 : 0.75;
    paper.beginPath();
    for (const { x, y } of this.#settlers) {
      paper.moveTo(x * scale + radius, y * scale);
      paper.arc(x * scale, y * scale, radius, 0, Math.PI * 2);
    }
    paper.fill();
    paper.globalAlpha = 1;
    paper.imageSmoothingEnabled = true;
    paper.drawImage(this.#picture, 0, 0, width, height);
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
