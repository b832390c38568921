/**
 * The ground under the world: a grid of dots that follows the camera, the light that falls from what lives,
 * and the world's border. A 2D canvas of its own, drawn only when the camera or the light moves: the cells
 * above it change twenty times a second and must not pay for it. The ground's colour is the style sheet's.
 */
import type { Rect, Size } from '../shared/geometry.ts';
import { type Camera, cellToScreen } from './camera.ts';
import { develop } from './dom.ts';
import type { Light } from './stream/messages.ts';
import type { Palette } from './theme.ts';

/** Dots stand this many CSS pixels apart, or up to twice as far. */
const DOT_SPACING = 26;
/** Side of the tile that a dot is drawn on once, and the dot's radius on it. */
const TILE = 64;
const TILE_DOT = 2.3;

export class Ground {
  readonly #canvas: HTMLCanvasElement;
  readonly #paper: CanvasRenderingContext2D;
  readonly #world: Size;
  readonly #glow = document.createElement('canvas');
  /** The cells that the glow covers. */
  #glowCells: Rect | null = null;
  #tile: HTMLCanvasElement;
  #palette: Palette;
  #view: Size = { width: 1, height: 1 };
  #pixelRatio = 1;
  #drawn = '';

  constructor(canvas: HTMLCanvasElement, world: Size, palette: Palette) {
    this.#canvas = canvas;
    this.#paper = canvas.getContext('2d') as CanvasRenderingContext2D;
    this.#world = world;
    this.#palette = palette;
    this.#tile = dotTile(palette.dot);
  }

  resize(view: Size, pixelRatio: number): void {
    this.#view = view;
    this.#pixelRatio = pixelRatio;
    this.#canvas.width = Math.round(view.width * pixelRatio);
    this.#canvas.height = Math.round(view.height * pixelRatio);
    this.#drawn = '';
  }

  paint(palette: Palette): void {
    this.#palette = palette;
    this.#tile = dotTile(palette.dot);
    this.#drawn = '';
  }

  /** New light, drawn with the next picture. */
  shine(glow: NonNullable<Light['glow']>): void {
    develop(this.#glow, glow.image);
    this.#glowCells = glow.cells;
    this.#drawn = '';
  }

  draw(camera: Camera): void {
    const place = `${camera.x},${camera.y},${camera.zoom}`;
    if (place === this.#drawn) return;
    this.#drawn = place;
    const paper = this.#paper;
    paper.setTransform(this.#pixelRatio, 0, 0, this.#pixelRatio, 0, 0);
    paper.clearRect(0, 0, this.#view.width, this.#view.height);
    const from = cellToScreen(camera, this.#view, 0, 0);
    const width = this.#world.width * camera.zoom;
    const height = this.#world.height * camera.zoom;
    if (this.#glowCells !== null) {
      const cells = this.#glowCells;
      const at = cellToScreen(camera, this.#view, cells.x, cells.y);
      paper.imageSmoothingEnabled = true;
      paper.globalAlpha = this.#palette.isDark ? 0.5 : 0.4;
      paper.drawImage(this.#glow, at.x, at.y, cells.width * camera.zoom, cells.height * camera.zoom);
    }
    this.#dots(camera);
    this.#border(from.x, from.y, width, height);
  }

  /** The finer dots fade out as they come closer together, until their spacing doubles. */
  #dots(camera: Camera): void {
    const level = Math.log2(DOT_SPACING / camera.zoom);
    const finer = 2 ** Math.floor(level);
    const nearness = level - Math.floor(level);
    const paper = this.#paper;
    for (const [spacing, alpha] of [
      [finer * 2, 1],
      [finer, 1 - nearness],
    ]) {
      const pattern = paper.createPattern(this.#tile, 'repeat');
      if (pattern === null || alpha < 0.02) continue;
      const scale = (spacing * camera.zoom) / TILE;
      const origin = cellToScreen(camera, this.#view, 0, 0);
      // The dot stands in the middle of its tile, and on a whole cell of the world.
      const shift = (TILE / 2) * scale;
      pattern.setTransform(new DOMMatrix([scale, 0, 0, scale, origin.x - shift, origin.y - shift]));
      paper.globalAlpha = alpha;
      paper.fillStyle = pattern;
      paper.fillRect(0, 0, this.#view.width, this.#view.height);
    }
    paper.globalAlpha = 1;
  }

  #border(x: number, y: number, width: number, height: number): void {
    const paper = this.#paper;
    const corner = 6;
    paper.fillStyle = this.#palette.outside;
    paper.beginPath();
    paper.rect(0, 0, this.#view.width, this.#view.height);
    paper.roundRect(x, y, width, height, corner);
    paper.fill('evenodd');
    paper.strokeStyle = this.#palette.edge;
    for (const [lineWidth, alpha] of [
      [14, 0.07],
      [6, 0.12],
      [1.5, 0.9],
    ]) {
      paper.globalAlpha = alpha;
      paper.lineWidth = lineWidth;
      paper.beginPath();
      paper.roundRect(x, y, width, height, corner);
      paper.stroke();
    }
    paper.globalAlpha = 1;
  }
}

function dotTile(color: string): HTMLCanvasElement {
  const tile = document.createElement('canvas');
  tile.width = TILE;
  tile.height = TILE;
  const paper = tile.getContext('2d') as CanvasRenderingContext2D;
  paper.fillStyle = color;
  paper.beginPath();
  paper.arc(TILE / 2, TILE / 2, TILE_DOT, 0, Math.PI * 2);
  paper.fill();
  return tile;
}
