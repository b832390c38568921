/** The drawing in hand, the tools, and what a press, a drag and a release make of it. Knows no page. */
import { blankDrawing, type Drawing, MAX_COLOURS } from '../../shared/drawing/drawing.ts';
import { coloursOf } from '../../shared/drawing/packed.ts';
import { Signal } from '../events.ts';
import { reduced } from './fit.ts';
import { History } from './history.ts';
import {
  areaAround,
  brushed,
  type Cell,
  CLEAR,
  type Colour,
  colourAt,
  copyOf,
  isOn,
  isSameDrawing,
  lineCells,
  mirrored,
  onBoard,
  paint,
  type Symmetry,
  shifted,
} from './raster.ts';

export const DRAW_TOOLS = ['pencil', 'eraser', 'fill', 'line', 'move', 'picker'] as const;
export type DrawTool = (typeof DRAW_TOOLS)[number];

export const MAX_PENCIL_SIZE = 6;
/** A body of this many cells learns in about a minute. */
export const FIRST_SIDE = 32;

interface Stroke {
  readonly tool: DrawTool;
  readonly before: Drawing;
  readonly start: Cell;
  last: Cell;
}

export class Easel {
  /** The drawing, or what a tool does to it next. */
  readonly changed = new Signal<[]>();
  /** A change is finished: the drawing is worth keeping and checking. */
  readonly settled = new Signal<[]>();
  readonly #history = new History();
  #drawing: Drawing = blankDrawing(FIRST_SIDE);
  #stroke: Stroke | null = null;
  #tool: DrawTool = 'pencil';
  /** Where the picker goes back to. */
  #toolBefore: DrawTool = 'pencil';
  #colour: Colour = [43, 138, 62, 255];
  #size = 1;
  #symmetry: Symmetry = { across: false, down: false };

  get drawing(): Drawing {
    return this.#drawing;
  }

  get tool(): DrawTool {
    return this.#tool;
  }

  get colour(): Colour {
    return this.#colour;
  }

  /** Side of the square that the pencil, the eraser and the line paint, cells. */
  get size(): number {
    return this.#size;
  }

  get symmetry(): Symmetry {
    return this.#symmetry;
  }

  get canUndo(): boolean {
    return this.#history.canUndo;
  }

  get canRedo(): boolean {
    return this.#history.canRedo;
  }

  get isDown(): boolean {
    return this.#stroke !== null;
  }

  choose(tool: DrawTool): void {
    if (tool === 'picker' && this.#tool !== 'picker') this.#toolBefore = this.#tool;
    this.#tool = tool;
    this.changed.emit();
  }

  /** Takes a colour in hand, and a tool that paints. */
  take(colour: Colour): void {
    this.#colour = colour;
    if (this.#tool === 'picker') this.#tool = this.#toolBefore;
    if (this.#tool === 'eraser' || this.#tool === 'move') this.#tool = 'pencil';
    this.changed.emit();
  }

  resizeBrush(size: number): void {
    this.#size = Math.min(MAX_PENCIL_SIZE, Math.max(1, Math.round(size)));
    this.changed.emit();
  }

  mirror(symmetry: Symmetry): void {
    this.#symmetry = symmetry;
    this.changed.emit();
  }

  /** Another drawing, which nothing can undo. */
  open(drawing: Drawing): void {
    this.#stroke = null;
    this.#history.forget();
    this.#drawing = drawing;
    this.changed.emit();
  }

  /** Another drawing in the place of this one, which undo brings back. */
  replace(drawing: Drawing): void {
    this.cancel();
    if (isSameDrawing(drawing, this.#drawing)) return;
    this.#history.note(this.#drawing);
    this.#drawing = drawing;
    this.changed.emit();
    this.settled.emit();
  }

  resizeBoard(side: number): void {
    if (side !== this.#drawing.width || side !== this.#drawing.height)
      this.replace(onBoard(this.#drawing, side));
  }

  undo(): void {
    this.#goTo(this.#history.undo(this.#drawing));
  }

  redo(): void {
    this.#goTo(this.#history.redo(this.#drawing));
  }

  /** @param tool - in place of the one in hand: a pen's eraser, the second button */
  press(cell: Cell, tool: DrawTool = this.#tool): void {
    this.cancel();
    if (tool === 'picker') {
      this.#pick(cell);
      return;
    }
    this.#stroke = { tool, before: this.#drawing, start: cell, last: cell };
    this.#drawing = copyOf(this.#drawing);
    this.#apply(cell);
    if (tool === 'fill') this.release();
  }

  drag(cell: Cell): void {
    if (this.#stroke === null) return;
    if (cell[0] === this.#stroke.last[0] && cell[1] === this.#stroke.last[1]) return;
    this.#apply(cell);
  }

  release(): void {
    const stroke = this.#stroke;
    if (stroke === null) return;
    this.#stroke = null;
    if (isSameDrawing(stroke.before, this.#drawing)) {
      this.#drawing = stroke.before;
      return;
    }
    // Many colours come only from pictures; one more than fits makes the nearest ones one.
    if (coloursOf(this.#drawing).length > MAX_COLOURS) this.#drawing = reduced(this.#drawing, MAX_COLOURS);
    this.#history.note(stroke.before);
    this.changed.emit();
    this.settled.emit();
  }

  /** Takes back what the stroke under way has done. */
  cancel(): void {
    if (this.#stroke === null) return;
    this.#drawing = this.#stroke.before;
    this.#stroke = null;
    this.changed.emit();
  }

  #goTo(drawing: Drawing | null): void {
    this.cancel();
    if (drawing === null) return;
    this.#drawing = drawing;
    this.changed.emit();
    this.settled.emit();
  }

  #pick(cell: Cell): void {
    if (!isOn(this.#drawing, cell)) return;
    const colour = colourAt(this.#drawing, cell);
    if (colour[3] > 0) this.take(colour);
    else this.choose('eraser');
  }

  #apply(cell: Cell): void {
    const stroke = this.#stroke;
    if (stroke === null) return;
    const { tool, before, start, last } = stroke;
    switch (tool) {
      case 'pencil':
        this.#paint(brushed(lineCells(last, cell), this.#size), this.#colour);
        break;
      case 'eraser':
        this.#paint(brushed(lineCells(last, cell), this.#size), CLEAR);
        break;
      case 'line':
        this.#drawing = copyOf(before);
        this.#paint(brushed(lineCells(start, cell), this.#size), this.#colour);
        break;
      case 'fill':
        for (const place of mirrored([cell], before, this.#symmetry))
          paint(this.#drawing, areaAround(this.#drawing, place), this.#colour);
        break;
      case 'move':
        this.#drawing = shifted(before, cell[0] - start[0], cell[1] - start[1]);
        break;
      case 'picker':
        break;
      default:
        tool satisfies never;
    }
    stroke.last = cell;
    this.changed.emit();
  }

  #paint(cells: readonly Cell[], colour: Colour): void {
    paint(this.#drawing, mirrored(cells, this.#drawing, this.#symmetry), colour);
  }
}
