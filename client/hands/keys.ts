/** The keyboard: held keys pan and zoom smoothly, others act once. */
import { TOOL_LIST, type ToolId } from './tools.ts';

export interface KeyActions {
  pan(dx: number, dy: number): void;
  zoom(factor: number): void;
  tool(id: ToolId): void;
  size(direction: 1 | -1): void;
  /** Uses the tool at the pointer, or in the middle of the view. */
  use(): void;
  space(isHeld: boolean): void;
  help(): void;
  escape(): void;
  home(): void;
}

const PAN_PIXELS_PER_SECOND = 900;
/** Factor per second. */
const ZOOM_PER_SECOND = 3.2;

/** How the picture moves: a key that looks left moves it right. */
const DIRECTIONS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  KeyW: [0, 1],
  ArrowUp: [0, 1],
  KeyS: [0, -1],
  ArrowDown: [0, -1],
  KeyA: [1, 0],
  ArrowLeft: [1, 0],
  KeyD: [-1, 0],
  ArrowRight: [-1, 0],
};

export class Keys {
  readonly #actions: KeyActions;
  readonly #abort = new AbortController();
  readonly #held = new Set<string>();
  #frame = 0;
  #steppedAt = 0;

  constructor(actions: KeyActions) {
    this.#actions = actions;
    const options = { signal: this.#abort.signal };
    window.addEventListener('keydown', (event) => this.#down(event), options);
    window.addEventListener('keyup', (event) => this.#up(event), options);
    window.addEventListener('blur', () => this.#release(), options);
  }

  dispose(): void {
    this.#release();
    this.#abort.abort();
  }

  #down(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isCovered()) return;
    const zoom = event.key === '+' || event.key === '=' ? 'zoomIn' : event.key === '-' ? 'zoomOut' : null;
    if (zoom !== null || event.code in DIRECTIONS) {
      event.preventDefault();
      this.#held.add(zoom ?? event.code);
      if (this.#frame === 0) {
        this.#steppedAt = performance.now();
        this.#frame = requestAnimationFrame((now) => this.#step(now));
      }
      return;
    }
    const tool = TOOL_LIST.find(({ key }) => key === event.key);
    if (tool !== undefined) this.#actions.tool(tool.id);
    else if (event.key === 'Escape') this.#actions.escape();
    else if (event.key === '[') this.#actions.size(-1);
    else if (event.key === ']') this.#actions.size(1);
    else if (event.key === '?') this.#actions.help();
    else if (event.key === '0' || event.key === 'Home') this.#actions.home();
    else if (event.key === ' ' && !isButton(event.target)) this.#actions.space(true);
    else if (event.key === 'Enter' && !isButton(event.target)) this.#actions.use();
    else return;
    event.preventDefault();
  }

  #up(event: KeyboardEvent): void {
    if (event.key === ' ') this.#actions.space(false);
    this.#held.delete(event.code);
    if (event.key === '+' || event.key === '=') this.#held.delete('zoomIn');
    if (event.key === '-') this.#held.delete('zoomOut');
  }

  #release(): void {
    this.#held.clear();
    this.#actions.space(false);
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #step(now: number): void {
    const seconds = Math.min(0.1, Math.max(0.004, (now - this.#steppedAt) / 1_000));
    this.#steppedAt = now;
    let dx = 0;
    let dy = 0;
    for (const key of this.#held) {
      const direction = DIRECTIONS[key];
      if (direction === undefined) continue;
      dx += direction[0] * PAN_PIXELS_PER_SECOND * seconds;
      dy += direction[1] * PAN_PIXELS_PER_SECOND * seconds;
    }
    if (dx !== 0 || dy !== 0) this.#actions.pan(dx, dy);
    if (this.#held.has('zoomIn')) this.#actions.zoom(ZOOM_PER_SECOND ** seconds);
    if (this.#held.has('zoomOut')) this.#actions.zoom(ZOOM_PER_SECOND ** -seconds);
    this.#frame = this.#held.size > 0 ? requestAnimationFrame((next) => this.#step(next)) : 0;
  }
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('input, textarea, select, dialog[open]') !== null;

/** A dialog covers the world, also where nothing in it has the focus. */
const isCovered = (): boolean => document.querySelector('dialog[open]') !== null;

const isButton = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('button, a, summary') !== null;
