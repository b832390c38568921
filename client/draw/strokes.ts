/** Pointer and keys on the paper: a mouse, a pen and one finger draw; two fingers, a wheel and the middle button look. */
import type { Point } from '../../shared/geometry.ts';
import type { DrawTool, Easel } from './easel.ts';
import type { Paper } from './paper.ts';
import { type Cell, isOn } from './raster.ts';

/** `buttons` of a pen's eraser end. */
const PEN_ERASER = 32;
const MIDDLE_BUTTON = 1;
const SECOND_BUTTON = 2;
const CELLS_WITH_SHIFT = 8;

const DIRECTIONS: Readonly<Record<string, Cell>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Strokes {
  readonly #paper: Paper;
  readonly #easel: Easel;
  readonly #told: (cell: Cell) => void;
  readonly #abort = new AbortController();
  /** Pointers that are down. */
  readonly #pointers = new Map<number, Point>();
  /** Two fingers have been down, or the middle button is: nothing is drawn until all are up. */
  #isLooking = false;
  /** A finger that acts when it lets go, because a second one may follow. */
  #waiting: { readonly cell: Cell; readonly tool: DrawTool } | null = null;
  #pen: number | null = null;
  #isSpaceHeld = false;

  /** @param told - called when keys have moved the cursor */
  constructor(paper: Paper, easel: Easel, told: (cell: Cell) => void) {
    this.#paper = paper;
    this.#easel = easel;
    this.#told = told;
    const { canvas } = paper;
    const options = { signal: this.#abort.signal };
    canvas.addEventListener('pointerdown', (event) => this.#down(event), options);
    canvas.addEventListener('pointermove', (event) => this.#move(event), options);
    canvas.addEventListener('pointerup', (event) => this.#up(event), options);
    canvas.addEventListener('pointercancel', (event) => this.#lost(event), options);
    canvas.addEventListener('pointerleave', () => this.#leave(), options);
    canvas.addEventListener('contextmenu', (event) => event.preventDefault(), options);
    // Safari's own, of a trackpad: it would zoom the page.
    canvas.addEventListener('gesturestart', (event) => event.preventDefault(), options);
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { ...options, passive: false });
    canvas.addEventListener('keydown', (event) => this.#keyDown(event), options);
    canvas.addEventListener('keyup', (event) => this.#keyUp(event), options);
    canvas.addEventListener('blur', () => this.#endKey(), options);
  }

  dispose(): void {
    this.#abort.abort();
  }

  #down(event: PointerEvent): void {
    // A palm rests on the screen while a pen draws.
    if (this.#pen !== null && event.pointerType === 'touch') return;
    event.preventDefault();
    // The first of its kind: others that were down have let go where nobody saw it, as the board was closed.
    if (event.isPrimary) {
      this.#pointers.clear();
      this.#isLooking = false;
      this.#waiting = null;
    }
    const { canvas } = this.#paper;
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    if (event.pointerType === 'pen') this.#pen = event.pointerId;
    const at = this.#placeOf(event);
    this.#pointers.set(event.pointerId, at);
    if (this.#pointers.size > 1 || event.button === MIDDLE_BUTTON) {
      this.#isLooking = true;
      this.#waiting = null;
      this.#easel.cancel();
    }
    if (this.#isLooking) return;
    const cell = this.#paper.cellAt(at);
    this.#paper.cursor = null;
    const tool = toolOf(event, this.#easel.tool);
    if (event.pointerType === 'touch' && (tool === 'fill' || tool === 'picker'))
      this.#waiting = { cell, tool };
    else this.#easel.press(cell, tool);
  }

  #move(event: PointerEvent): void {
    const at = this.#placeOf(event);
    const before = this.#pointers.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType !== 'touch') this.#hover(at);
      return;
    }
    if (this.#isLooking) {
      this.#look(event.pointerId, before, at);
      return;
    }
    this.#pointers.set(event.pointerId, at);
    for (const step of event.getCoalescedEvents?.() ?? [])
      this.#easel.drag(this.#paper.cellAt(this.#placeOf(step)));
    this.#easel.drag(this.#paper.cellAt(at));
  }

  #up(event: PointerEvent): void {
    if (!this.#forget(event)) return;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) this.#easel.press(waiting.cell, waiting.tool);
    this.#easel.release();
  }

  #lost(event: PointerEvent): void {
    if (!this.#forget(event)) return;
    this.#waiting = null;
    this.#easel.cancel();
  }

  /** @returns whether it was a pointer that draws */
  #forget({ pointerId }: PointerEvent): boolean {
    if (!this.#pointers.delete(pointerId)) return false;
    if (this.#pen === pointerId) this.#pen = null;
    const hasDrawn = !this.#isLooking;
    if (this.#pointers.size === 0) this.#isLooking = false;
    return hasDrawn;
  }

  /** One pointer of those that look has moved: all of them hold the cells under them, as far as two can. */
  #look(id: number, before: Point, at: Point): void {
    const [other] = [...this.#pointers].filter(([pointer]) => pointer !== id);
    this.#pointers.set(id, at);
    if (other === undefined) {
      this.#paper.pan(at.x - before.x, at.y - before.y);
      return;
    }
    const [, still] = other;
    const reach = (point: Point): number => Math.max(8, Math.hypot(point.x - still.x, point.y - still.y));
    const middle = { x: (at.x + still.x) / 2, y: (at.y + still.y) / 2 };
    this.#paper.pan((at.x - before.x) / 2, (at.y - before.y) / 2);
    this.#paper.zoomBy(reach(at) / reach(before), middle);
  }

  #hover(at: Point): void {
    const cell = this.#paper.cellAt(at);
    this.#paper.cursor = isOn(this.#easel.drawing, cell) ? cell : null;
  }

  #leave(): void {
    if (this.#pointers.size === 0 && document.activeElement !== this.#paper.canvas) this.#paper.cursor = null;
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 16 : event.deltaY;
    this.#paper.zoomBy(1.002 ** -Math.min(240, Math.max(-240, pixels)), this.#placeOf(event));
  }

  #keyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = DIRECTIONS[event.key];
    const { drawing } = this.#easel;
    const from: Cell = this.#paper.cursor ?? [drawing.width >> 1, drawing.height >> 1];
    if (direction !== undefined) {
      const cells = event.shiftKey ? CELLS_WITH_SHIFT : 1;
      const within = (value: number, side: number): number => Math.min(side - 1, Math.max(0, value));
      const to: Cell = [
        within(from[0] + direction[0] * cells, drawing.width),
        within(from[1] + direction[1] * cells, drawing.height),
      ];
      this.#paper.cursor = to;
      if (this.#isSpaceHeld) this.#easel.drag(to);
      this.#told(to);
    } else if (event.key === ' ' || event.key === 'Enter') {
      if (!event.repeat) {
        this.#paper.cursor = from;
        this.#easel.press(from);
        this.#isSpaceHeld = event.key === ' ' && this.#easel.isDown;
        if (!this.#isSpaceHeld) this.#easel.release();
        this.#told(from);
      }
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #keyUp(event: KeyboardEvent): void {
    if (event.key === ' ') this.#endKey();
  }

  #endKey(): void {
    if (!this.#isSpaceHeld) return;
    this.#isSpaceHeld = false;
    this.#easel.release();
  }

  #placeOf({ clientX, clientY }: MouseEvent): Point {
    const { left, top } = this.#paper.canvas.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }
}

function toolOf(event: PointerEvent, inHand: DrawTool): DrawTool {
  if (event.button === SECOND_BUTTON || (event.buttons & PEN_ERASER) !== 0) return 'eraser';
  return event.altKey ? 'picker' : inHand;
}
