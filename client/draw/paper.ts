/** The drawing as one sees it: cells on a checkered ground, with a template, marks and a grid; zoomed and moved. */
import type { Drawing } from '../../shared/drawing/drawing.ts';
import { seedOf } from '../../shared/drawing/growth.ts';
import type { Point } from '../../shared/geometry.ts';
import type { Theme } from '../style/theme.ts';
import type { Easel } from './easel.ts';
import type { Cell } from './raster.ts';

/** CSS pixels around the board when all of it is in view. */
const MARGIN = 10;
/** Times the scale at which the board fits. */
const MAX_ZOOM = 12;
/** CSS pixels per cell from which on a grid helps. */
const GRID_FROM = 7;
/** Opacity of a template under the drawing. */
const TEMPLATE = 0.3;

export class Paper {
  readonly canvas: HTMLCanvasElement;
  readonly #easel: Easel;
  readonly #theme: Theme;
  /** One pixel per cell. */
  readonly #cells = document.createElement('canvas');
  readonly #observer: ResizeObserver;
  readonly #ends: (() => void)[];
  #template: Drawing | null = null;
  #marks: readonly number[] = [];
  #cursor: Cell | null = null;
  #frame = 0;
  /** Times the scale at which the board fits. */
  #zoom = 1;
  /** Where the board's middle is seen, from the middle of the canvas; CSS pixels. */
  #offset: Point = { x: 0, y: 0 };

  constructor(canvas: HTMLCanvasElement, easel: Easel, theme: Theme) {
    this.canvas = canvas;
    this.#easel = easel;
    this.#theme = theme;
    this.#observer = new ResizeObserver(() => this.refresh());
    this.#observer.observe(canvas);
    this.#ends = [easel.changed.on(() => this.refresh()), theme.changed.on(() => this.refresh())];
  }

  dispose(): void {
    this.#observer.disconnect();
    cancelAnimationFrame(this.#frame);
    for (const end of this.#ends) end();
  }

  /** A drawing to draw over, in the middle of the board; null: none. */
  set template(template: Drawing | null) {
    this.#template = template;
    this.refresh();
  }

  /** Indexes of cells that are marked as faulty. */
  set marks(cells: readonly number[]) {
    this.#marks = cells;
    this.refresh();
  }

  /** The cell under the pointer, or of the keyboard; null: none. */
  get cursor(): Cell | null {
    return this.#cursor;
  }

  set cursor(cell: Cell | null) {
    if (this.#cursor?.[0] === cell?.[0] && this.#cursor?.[1] === cell?.[1]) return;
    this.#cursor = cell;
    this.refresh();
  }

  /** @param at - CSS pixels from the canvas' top left corner @returns a cell, perhaps beside the board */
  cellAt(at: Point): Cell {
    const { x, y, cell } = this.#frameOf();
    return [Math.floor((at.x - x) / cell), Math.floor((at.y - y) / cell)];
  }

  /** @param at - stays in its place; CSS pixels from the canvas' top left corner */
  zoomBy(factor: number, at?: Point): void {
    const { clientWidth, clientHeight } = this.canvas;
    const place = at ?? { x: clientWidth / 2, y: clientHeight / 2 };
    const zoom = Math.min(MAX_ZOOM, Math.max(1, this.#zoom * factor));
    const grown = zoom / this.#zoom;
    const keep = (offset: number, middle: number): number => middle - (middle - offset) * grown;
    this.#zoom = zoom;
    this.#moveTo({
      x: keep(this.#offset.x, place.x - clientWidth / 2),
      y: keep(this.#offset.y, place.y - clientHeight / 2),
    });
  }

  /** CSS pixels. */
  pan(dx: number, dy: number): void {
    this.#moveTo({ x: this.#offset.x + dx, y: this.#offset.y + dy });
  }

  fit(): void {
    this.#zoom = 1;
    this.#moveTo({ x: 0, y: 0 });
  }

  refresh(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #moveTo({ x, y }: Point): void {
    // The board's middle stays in view, and a board that fits stays in the middle.
    const { clientWidth, clientHeight } = this.canvas;
    const { cell } = this.#frameOf();
    const reach = (cells: number, room: number): number => Math.max(0, (cells * cell - room) / 2 + MARGIN);
    const { width, height } = this.#easel.drawing;
    const within = (value: number, most: number): number => Math.min(most, Math.max(-most, value));
    this.#offset = {
      x: within(x, reach(width, clientWidth)),
      y: within(y, reach(height, clientHeight)),
    };
    this.refresh();
  }

  /** The board's top left corner and the side of a cell, CSS pixels. */
  #frameOf(): Point & { readonly cell: number } {
    const { clientWidth, clientHeight } = this.canvas;
    const { width, height } = this.#easel.drawing;
    const fitting = Math.min((clientWidth - 2 * MARGIN) / width, (clientHeight - 2 * MARGIN) / height);
    const cell = Math.max(1, fitting) * this.#zoom;
    return {
      x: (clientWidth - width * cell) / 2 + this.#offset.x,
      y: (clientHeight - height * cell) / 2 + this.#offset.y,
      cell,
    };
  }

  #draw(): void {
    this.#frame = 0;
    const { canvas } = this;
    const paper = canvas.getContext('2d');
    if (paper === null || canvas.clientWidth === 0) return;
    const ratio = window.devicePixelRatio;
    const [wide, high] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== wide) canvas.width = wide;
    if (canvas.height !== high) canvas.height = high;
    paper.setTransform(ratio, 0, 0, ratio, 0, 0);
    paper.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    const { drawing } = this.#easel;
    const { width, height } = drawing;
    const { x, y, cell } = this.#frameOf();
    this.#drawCells(drawing);
    paper.imageSmoothingEnabled = false;
    paper.drawImage(this.#cells, x, y, width * cell, height * cell);

    const { ink, accent, danger } = this.#theme.palette;
    paper.lineWidth = 1;
    if (cell >= GRID_FROM) {
      paper.globalAlpha = 0.13;
      paper.strokeStyle = ink;
      paper.beginPath();
      for (let u = 0; u <= width; u++) lineTo(paper, x + u * cell, y, x + u * cell, y + height * cell);
      for (let v = 0; v <= height; v++) lineTo(paper, x, y + v * cell, x + width * cell, y + v * cell);
      paper.stroke();
    }
    paper.globalAlpha = 0.9;
    paper.strokeStyle = accent;
    paper.setLineDash([6, 4]);
    paper.beginPath();
    const middleX = x + (width * cell) / 2;
    const middleY = y + (height * cell) / 2;
    if (this.#easel.symmetry.across) lineTo(paper, middleX, y, middleX, y + height * cell);
    if (this.#easel.symmetry.down) lineTo(paper, x, middleY, x + width * cell, middleY);
    paper.stroke();
    paper.setLineDash([]);
    paper.globalAlpha = 1;
    paper.lineWidth = 2;
    paper.strokeStyle = danger;
    for (const mark of this.#marks)
      paper.strokeRect(
        x + (mark % width) * cell + 1,
        y + Math.floor(mark / width) * cell + 1,
        cell - 2,
        cell - 2,
      );
    const seed = this.#easel.isDown ? null : seedOf(drawing);
    if (seed !== null)
      this.#drawSeed(
        paper,
        x + ((seed % width) + 0.5) * cell,
        y + (Math.floor(seed / width) + 0.5) * cell,
        cell,
      );
    if (this.#cursor !== null) {
      const [u, v] = this.#cursor;
      paper.strokeStyle = ink;
      paper.strokeRect(x + u * cell, y + v * cell, cell, cell);
    }
  }

  /** The cell that the body grows from. */
  #drawSeed(paper: CanvasRenderingContext2D, x: number, y: number, cell: number): void {
    const { halo, accent } = this.#theme.palette;
    const radius = Math.max(3, cell * 0.3);
    for (const [color, line] of [
      [halo, 4],
      [accent, 2],
    ] as const) {
      paper.strokeStyle = color;
      paper.lineWidth = line;
      paper.beginPath();
      paper.arc(x, y, radius, 0, 2 * Math.PI);
      paper.stroke();
    }
  }

  /** Ground, template and drawing, one over the other. */
  #drawCells({ width, height, rgba }: Drawing): void {
    const cells = this.#cells;
    if (cells.width !== width) cells.width = width;
    if (cells.height !== height) cells.height = height;
    const grounds = [this.#theme.palette.ground, this.#theme.palette.dot].map(rgbOf);
    const image = new ImageData(width, height);
    const under = this.#template;
    const left = under === null ? 0 : Math.floor((width - under.width) / 2);
    const top = under === null ? 0 : Math.floor((height - under.height) / 2);
    for (let cell = 0; cell < width * height; cell++) {
      const [u, v] = [cell % width, Math.floor(cell / width)];
      const at = cell * 4;
      // The second ground shows at a third of its strength: enough to tell clear from dark.
      const isOdd = (u + v) % 2 === 1;
      for (let c = 0; c < 3; c++)
        image.data[at + c] = isOdd ? grounds[0][c] + (grounds[1][c] - grounds[0][c]) / 3 : grounds[0][c];
      image.data[at + 3] = 255;
      const isOver =
        under !== null && u >= left && v >= top && u < left + under.width && v < top + under.height;
      if (under !== null && isOver)
        lay(image.data, at, under.rgba, ((v - top) * under.width + u - left) * 4, TEMPLATE);
      lay(image.data, at, rgba, at, 1);
    }
    cells.getContext('2d')?.putImageData(image, 0, 0);
  }
}

function lay(onto: Uint8ClampedArray, at: number, from: Uint8Array, first: number, opacity: number): void {
  const alpha = (from[first + 3] / 255) * opacity;
  for (let c = 0; c < 3; c++) onto[at + c] += (from[first + c] - onto[at + c]) * alpha;
}

function lineTo(paper: CanvasRenderingContext2D, x: number, y: number, toX: number, toY: number): void {
  paper.moveTo(x, y);
  paper.lineTo(toX, toY);
}

/** @param color - #rrggbb */
const rgbOf = (color: string): number[] =>
  [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
