/**
 * The ground under the world: a grid of dots that follows the camera, the light that falls from what lives,
 * and the world's border. A 2D canvas of its own, drawn only when the camera or the light moves: the cells
 * above it change twenty times a second and must not pay for it. The ground's colour is the style sheet's.
 */
import type { Size } from '../shared/geometry.ts';
import { type Camera, cellToScreen } from './camera.ts';
import type { Overview } from './overview.ts';
import type { Palette } from './theme.ts';

/** Dots stand this many CSS pixels apart, or up to twice as far. */
const DOT_SPACING = 26;
/** Side of the tile that a dot is drawn on once, and the dot's radius on it. */
const TILE = 64;
const TILE_DOT = 2.3;
/** Wider blocks would light a square, not a body. */
const MAX_HALO_BLOCK = 16;

export class Ground {
  readonly #canvas: HTMLCanvasElement;
  readonly #paper: CanvasRenderingContext2D;
  readonly #world: Size;
  readonly #overview: Overview;
  readonly #halo = document.createElement('canvas');
  readonly #haloImage: ImageData;
  readonly #haloPixels: Uint8Array;
  readonly #haloScratch: Uint8Array;
  #tile: HTMLCanvasElement;
  #palette: Palette;
  #view: Size = { width: 1, height: 1 };
  #pixelRatio = 1;
  #drawn = '';

  constructor(canvas: HTMLCanvasElement, world: Size, overview: Overview, palette: Palette) {
    this.#canvas = canvas;
    this.#paper = canvas.getContext('2d') as CanvasRenderingContext2D;
    this.#world = world;
    this.#overview = overview;
    this.#palette = palette;
    this.#tile = dotTile(palette.dot);
    const { width, height } = overview;
    this.#halo.width = width;
    this.#halo.height = height;
    this.#haloImage = new ImageData(width, height);
    this.#haloPixels = new Uint8Array(width * height * 4);
    this.#haloScratch = new Uint8Array(width * height * 4);
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

  /**
   * @param isLightMoved - whether the overview has changed since it was last drawn
   * @returns whether there was anything to draw
   */
  draw(camera: Camera, isLightMoved: boolean): boolean {
    const isLit = this.#overview.block <= MAX_HALO_BLOCK;
    const place = `${camera.x},${camera.y},${camera.zoom}`;
    if (place === this.#drawn && !isLightMoved) return false;
    this.#drawn = place;
    if (isLit && isLightMoved) this.#light();
    const paper = this.#paper;
    paper.setTransform(this.#pixelRatio, 0, 0, this.#pixelRatio, 0, 0);
    paper.clearRect(0, 0, this.#view.width, this.#view.height);
    const from = cellToScreen(camera, this.#view, 0, 0);
    const width = this.#world.width * camera.zoom;
    const height = this.#world.height * camera.zoom;
    if (isLit) {
      const { block } = this.#overview;
      paper.imageSmoothingEnabled = true;
      paper.globalAlpha = this.#palette.isDark ? 0.5 : 0.4;
      const haloWidth = this.#halo.width * block * camera.zoom;
      const haloHeight = this.#halo.height * block * camera.zoom;
      paper.drawImage(this.#halo, from.x, from.y, haloWidth, haloHeight);
    }
    this.#dots(camera);
    this.#border(from.x, from.y, width, height);
    return true;
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

  #light(): void {
    this.#overview.soften(this.#haloPixels, this.#haloScratch);
    unpremultiply(this.#haloPixels, this.#haloImage.data, 1);
    this.#halo.getContext('2d')?.putImageData(this.#haloImage, 0, 0);
  }
}

/** Canvas pixels are not premultiplied. @param boost - of the alpha */
export function unpremultiply(from: Uint8Array, to: Uint8ClampedArray, boost: number): void {
  for (let at = 0; at < from.length; at += 4) {
    const alpha = from[at + 3];
    const scale = alpha > 0 ? 255 / alpha : 0;
    to[at] = from[at] * scale;
    to[at + 1] = from[at + 1] * scale;
    to[at + 2] = from[at + 2] * scale;
    to[at + 3] = alpha * boost;
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
