/**
 * The ground under the cells: a grid of dots, the light around bodies, spots for bodies too small to see, and the
 * world's border. It has a 2D canvas of its own, drawn only when the camera or the light changes, because the cells above
 * it change twenty times per second. Its colour comes from the style sheet.
 */
import { type Census, EMPTY_CENSUS } from '../../shared/census.ts';
import type { Rect, Size } from '../../shared/geometry.ts';
import { develop } from '../dom.ts';
import type { Light } from '../stream/messages.ts';
import type { Palette } from '../style/theme.ts';
import { type Camera, cellToScreen } from './camera.ts';

/** Dots are this many CSS pixels apart, or up to twice as far. */
const DOT_SPACING = 26;
/** A body of fewer CSS pixels than this gets a spot of light, so that it can be found. */
const LOST_PIXELS = 14;
const SPOT_RADIUS = 8;
/** In a view of more spots than this, they keep a larger distance. */
const MAX_SPOTS = 2_500;
/** Pixels of the tile that a dot is drawn on, and of the dot's radius. */
const TILE = 64;
const TILE_DOT = 2.3;

export class Ground {
  readonly #canvas: HTMLCanvasElement;
  readonly #paper: CanvasRenderingContext2D;
  readonly #world: Size;
  readonly #glow = document.createElement('canvas');
  /** The cells that `#glow` covers. */
  #glowCells: Rect | null = null;
  #tile: HTMLCanvasElement;
  #spot: HTMLCanvasElement;
  #census: Census = EMPTY_CENSUS;
  /** [rows, columns] of squares of the view: the number of the drawing that put a spot there last. */
  #taken = new Uint32Array(0);
  #drawings = 0;
  #bodyCells = 1;
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
    this.#spot = spotOf(palette.accent);
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
    this.#spot = spotOf(palette.accent);
    this.#drawn = '';
  }

  /** Takes new light, drawn at the next `draw`. */
  shine(glow: NonNullable<Light['glow']>): void {
    develop(this.#glow, glow.image);
    this.#glowCells = glow.cells;
    this.#drawn = '';
  }

  /** @param bodyCells - the longer side of a grown body */
  settle(census: Census, bodyCells: number): void {
    this.#census = census;
    this.#bodyCells = bodyCells;
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
    this.#spots(camera);
    this.#border(from.x, from.y, width, height);
  }

  /** From far away bodies are smaller than a dot, so a spot of light shows where each is. */
  #spots(camera: Camera): void {
    const body = this.#bodyCells * camera.zoom;
    if (body > LOST_PIXELS) return;
    const paper = this.#paper;
    paper.globalAlpha = Math.min(1, 2 * (1 - body / LOST_PIXELS)) * (this.#palette.isDark ? 0.7 : 0.6);
    // At most one spot per square of the view: spots stay apart, and ten thousand organisms cost no more.
    let square = SPOT_RADIUS;
    while (this.#placeSpots(camera, square, () => {}) > MAX_SPOTS) square *= 2;
    const spot = this.#spot;
    this.#placeSpots(camera, square, (x, y) => {
      paper.drawImage(spot, x - SPOT_RADIUS, y - SPOT_RADIUS, 2 * SPOT_RADIUS, 2 * SPOT_RADIUS);
    });
    paper.globalAlpha = 1;
  }

  /** Finds a place for at most one spot in each square of the view. @returns how many there are */
  #placeSpots(camera: Camera, square: number, place: (x: number, y: number) => void): number {
    const { count, xs, ys } = this.#census;
    const { width, height } = this.#view;
    const columns = Math.ceil((width + 2 * SPOT_RADIUS) / square);
    const squares = columns * Math.ceil((height + 2 * SPOT_RADIUS) / square);
    if (this.#taken.length < squares) this.#taken = new Uint32Array(squares);
    const taken = this.#taken;
    const drawing = ++this.#drawings;
    const left = width / 2 - camera.x * camera.zoom;
    const top = height / 2 - camera.y * camera.zoom;
    let found = 0;
    for (let i = 0; i < count; i++) {
      const x = xs[i] * camera.zoom + left;
      const y = ys[i] * camera.zoom + top;
      if (x < -SPOT_RADIUS || y < -SPOT_RADIUS || x >= width + SPOT_RADIUS || y >= height + SPOT_RADIUS)
        continue;
      const at = Math.floor((y + SPOT_RADIUS) / square) * columns + Math.floor((x + SPOT_RADIUS) / square);
      if (taken[at] === drawing) continue;
      taken[at] = drawing;
      found++;
      place(x, y);
    }
    return found;
  }

  /** When zooming out, every second dot fades until the spacing has doubled. */
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
      // The dot is in the middle of its tile, and lies on a corner of a cell.
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

/** @returns a canvas with a soft spot of light */
function spotOf(color: string): HTMLCanvasElement {
  const spot = document.createElement('canvas');
  spot.width = TILE;
  spot.height = TILE;
  const paper = spot.getContext('2d') as CanvasRenderingContext2D;
  const middle = TILE / 2;
  paper.fillStyle = color;
  // A bright core in two faint discs: a gradient to `transparent` would turn dark on the way.
  for (const [share, alpha] of [
    [1, 0.1],
    [0.6, 0.2],
    [0.28, 1],
  ]) {
    paper.globalAlpha = alpha;
    paper.beginPath();
    paper.arc(middle, middle, middle * share, 0, Math.PI * 2);
    paper.fill();
  }
  return spot;
}
