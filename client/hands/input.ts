/**
 * Turns mouse, touch and wheel events into intentions: pan, zoom, hover, use the tool, tap. Knows neither the camera nor
 * the tools.
 */
import type { Point } from '../../shared/geometry.ts';

export interface InputActions {
  /** Whether a plain drag pans (the hand tool) instead of using the tool. */
  dragPans(): boolean;
  pan(dx: number, dy: number): void;
  zoom(at: Point, factor: number): void;
  /** The pointer is at this place; null when it has left. */
  hover(at: Point | null): void;
  toolDown(at: Point): void;
  toolMove(at: Point): void;
  toolUp(): void;
  toolCancel(): void;
  /** The pointer was pressed and released without moving. */
  tap(at: Point): void;
  /** Panning by drag or pinch has begun or ended. */
  panning(isOn: boolean): void;
}

/**
 * A finger uses the tool once it has stayed down this long, or moved this far (CSS pixels): before that, a second finger
 * may come and make it a pinch.
 */
const TOUCH_DECIDE_MS = 90;
const TOUCH_SLOP = 7;
/** CSS pixels that a mouse may move in a tap. */
const TAP_SLOP = 5;
/** Powers of e per unit of the wheel; a notch is about 100 units. */
const WHEEL_ZOOM = 0.0016;
const PINCH_WHEEL_ZOOM = 0.011;

type Mode = 'idle' | 'deciding' | 'tool' | 'pan' | 'pinch';

export class PointerInput {
  readonly #target: HTMLElement;
  readonly #actions: InputActions;
  readonly #abort = new AbortController();
  readonly #fingers = new Map<number, Point>();
  #mode: Mode = 'idle';
  #start: Point = { x: 0, y: 0 };
  #last: Point = { x: 0, y: 0 };
  #moved = false;
  #decide: ReturnType<typeof setTimeout> | undefined;
  #isSpaceHeld = false;

  constructor(target: HTMLElement, actions: InputActions) {
    this.#target = target;
    this.#actions = actions;
    const options = { signal: this.#abort.signal };
    target.addEventListener('pointerdown', (event) => this.#down(event), options);
    target.addEventListener('pointermove', (event) => this.#move(event), options);
    target.addEventListener('pointerup', (event) => this.#up(event, false), options);
    target.addEventListener('pointercancel', (event) => this.#up(event, true), options);
    target.addEventListener(
      'pointerleave',
      (event) => {
        if (event.pointerType !== 'touch' && this.#mode === 'idle') actions.hover(null);
      },
      options,
    );
    target.addEventListener('contextmenu', (event) => event.preventDefault(), options);
    target.addEventListener('wheel', (event) => this.#wheel(event), { ...options, passive: false });
  }

  /** While the space bar is held, every tool pans. */
  set isSpaceHeld(held: boolean) {
    this.#isSpaceHeld = held;
  }

  dispose(): void {
    clearTimeout(this.#decide);
    this.#abort.abort();
  }

  #at(event: MouseEvent): Point {
    const box = this.#target.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #down(event: PointerEvent): void {
    const at = this.#at(event);
    this.#fingers.set(event.pointerId, at);
    this.#target.setPointerCapture(event.pointerId);
    if (this.#fingers.size === 2) {
      this.#beginPinch();
      return;
    }
    if (this.#fingers.size > 2 || this.#mode !== 'idle') return;
    this.#start = at;
    this.#last = at;
    this.#moved = false;
    const pans = event.button !== 0 || this.#isSpaceHeld || this.#actions.dragPans();
    if (pans) {
      this.#mode = 'pan';
      this.#actions.panning(true);
    } else if (event.pointerType === 'touch') {
      this.#mode = 'deciding';
      this.#decide = setTimeout(() => this.#beginTool(), TOUCH_DECIDE_MS);
    } else this.#beginTool();
  }

  #beginTool(): void {
    clearTimeout(this.#decide);
    this.#mode = 'tool';
    this.#actions.toolDown(this.#start);
  }

  #beginPinch(): void {
    clearTimeout(this.#decide);
    if (this.#mode === 'tool') this.#actions.toolCancel();
    if (this.#mode !== 'pan') this.#actions.panning(true);
    this.#mode = 'pinch';
    this.#moved = true;
  }

  #move(event: PointerEvent): void {
    const at = this.#at(event);
    const before = this.#fingers.get(event.pointerId);
    if (before === undefined) {
      this.#actions.hover(at);
      return;
    }
    if (this.#mode === 'pinch') {
      this.#pinch(event.pointerId, before, at);
      return;
    }
    this.#fingers.set(event.pointerId, at);
    const travelled = Math.hypot(at.x - this.#start.x, at.y - this.#start.y);
    if (travelled > (event.pointerType === 'touch' ? TOUCH_SLOP : TAP_SLOP)) this.#moved = true;
    if (this.#mode === 'deciding' && this.#moved) this.#beginTool();
    if (this.#mode === 'pan') {
      this.#actions.pan(at.x - this.#last.x, at.y - this.#last.y);
    } else if (this.#mode === 'tool') {
      // The browser merges the moves since the last frame of the screen into one event; the path is in its parts.
      const parts = event.getCoalescedEvents?.() ?? [];
      for (const part of parts.length > 0 ? parts : [event]) this.#actions.toolMove(this.#at(part));
    }
    this.#last = at;
    if (event.pointerType !== 'touch') this.#actions.hover(at);
  }

  #pinch(id: number, before: Point, at: Point): void {
    const other = [...this.#fingers].find(([finger]) => finger !== id)?.[1];
    this.#fingers.set(id, at);
    if (other === undefined) return;
    const spread = Math.hypot(before.x - other.x, before.y - other.y);
    const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    this.#actions.pan((at.x - before.x) / 2, (at.y - before.y) / 2);
    if (spread > 1) this.#actions.zoom(middle, Math.hypot(at.x - other.x, at.y - other.y) / spread);
  }

  #up(event: PointerEvent, isCancelled: boolean): void {
    if (!this.#fingers.delete(event.pointerId)) return;
    const isTouch = event.pointerType === 'touch';
    if (this.#mode === 'pinch') {
      // The finger that stays goes on panning: it must not begin a stroke.
      const rest = [...this.#fingers.values()][0];
      if (rest !== undefined) {
        this.#mode = 'pan';
        this.#last = rest;
        return;
      }
    }
    if (this.#fingers.size > 0) return;
    if (this.#mode === 'deciding') {
      if (isCancelled) clearTimeout(this.#decide);
      else this.#beginTool();
    }
    if (this.#mode === 'tool') {
      if (isCancelled) this.#actions.toolCancel();
      else this.#actions.toolUp();
    } else if (this.#mode === 'pan' || this.#mode === 'pinch') this.#actions.panning(false);
    if (!this.#moved && !isCancelled && event.button === 0) this.#actions.tap(this.#at(event));
    if (isTouch) this.#actions.hover(null);
    this.#mode = 'idle';
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 33 : event.deltaMode === 2 ? 400 : 1;
    if (event.shiftKey && !event.ctrlKey) {
      this.#actions.pan(
        -(event.deltaX || event.deltaY) * unit,
        event.deltaX === 0 ? 0 : -event.deltaY * unit,
      );
      return;
    }
    // A pinch on a touchpad comes as wheel events with Ctrl, in much smaller units.
    const rate = event.ctrlKey ? PINCH_WHEEL_ZOOM : WHEEL_ZOOM;
    const delta = Math.max(-240, Math.min(240, event.deltaY * unit));
    this.#actions.zoom(this.#at(event), Math.exp(-delta * rate));
  }
}
