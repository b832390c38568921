/** The whole world in a corner, with the box that is in view; a click or drag goes there. */
import type { Size } from '../shared/geometry.ts';
import { type Camera, screenToCell } from './camera.ts';
import { h } from './dom.ts';
import { unpremultiply } from './ground.ts';
import type { Overview } from './overview.ts';
import type { Palette } from './theme.ts';

/** The picture follows the halo's pace; the box follows every drawing. */
const PICTURE_EVERY_MS = 400;
/** Pages are streamed only where one looks; who lives elsewhere is asked for now and then. */
const CENSUS_EVERY_MS = 15_000;
const CENSUS_URL = '/api/organisms';

export class Minimap {
  readonly #canvas = h('canvas', {
    class: 'minimap__canvas',
    role: 'img',
    'aria-label': 'Map of the world; the frame is what you see',
  });
  readonly #paper: CanvasRenderingContext2D;
  readonly #overview: Overview;
  readonly #world: Size;
  readonly #picture: HTMLCanvasElement;
  readonly #image: ImageData;
  #organisms: readonly { readonly x: number; readonly y: number }[] = [];
  #countedAt = Number.NEGATIVE_INFINITY;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(root: HTMLElement, overview: Overview, world: Size, goTo: (x: number, y: number) => void) {
    this.#overview = overview;
    this.#world = world;
    this.#paper = this.#canvas.getContext('2d') as CanvasRenderingContext2D;
    this.#picture = h('canvas', { width: String(overview.width), height: String(overview.height) });
    this.#image = new ImageData(overview.width, overview.height);
    const longest = Math.max(world.width, world.height);
    this.#canvas.width = Math.round((320 * world.width) / longest);
    this.#canvas.height = Math.round((320 * world.height) / longest);
    this.#canvas.style.width = `${(10 * world.width) / longest}rem`;
    this.#canvas.style.height = `${(10 * world.height) / longest}rem`;
    root.replaceChildren(this.#canvas);
    root.hidden = false;
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

  draw(camera: Camera, view: Size, palette: Palette, now: number): void {
    if (this.#canvas.offsetParent === null) return;
    if (now - this.#drawnAt > PICTURE_EVERY_MS) {
      this.#drawnAt = now;
      this.#develop();
    }
    if (now - this.#countedAt > CENSUS_EVERY_MS) {
      this.#countedAt = now;
      void this.#count();
    }
    const paper = this.#paper;
    const { width, height } = this.#canvas;
    paper.fillStyle = palette.ground;
    paper.fillRect(0, 0, width, height);
    const scale = width / this.#world.width;
    paper.fillStyle = palette.accent;
    paper.globalAlpha = 0.4;
    for (const { x, y } of this.#organisms) {
      paper.beginPath();
      paper.arc(x * scale, y * scale, Math.max(1.5, 13 * scale), 0, Math.PI * 2);
      paper.fill();
    }
    paper.globalAlpha = 1;
    paper.imageSmoothingEnabled = true;
    paper.drawImage(this.#picture, 0, 0, width, height);
    const from = screenToCell(camera, view, 0, 0);
    const to = screenToCell(camera, view, view.width, view.height);
    const clip = (value: number, most: number): number => Math.min(most - 1, Math.max(1, value * scale));
    const x = clip(from.x, width);
    const y = clip(from.y, height);
    paper.strokeStyle = palette.accent;
    paper.lineWidth = 3;
    paper.beginPath();
    paper.roundRect(x, y, clip(to.x, width) - x, clip(to.y, height) - y, 5);
    paper.stroke();
  }

  /** The map is a help, not a need: without an answer it shows what has been seen. */
  async #count(): Promise<void> {
    try {
      const response = await fetch(CENSUS_URL);
      const organisms: unknown = response.ok ? await response.json() : [];
      if (Array.isArray(organisms)) this.#organisms = organisms;
    } catch {
      this.#organisms = [];
    }
  }

  /** Small bodies would be too faint: their average is boosted. */
  #develop(): void {
    unpremultiply(this.#overview.pixels, this.#image.data, 1.6);
    this.#picture.getContext('2d')?.putImageData(this.#image, 0, 0);
  }
}
