/**
 * A glow behind bodies in view that sleep, which breathes. It is a few elements whose opacity the browser animates by
 * itself: nothing is drawn while nothing happens.
 */
import { type Census, EMPTY_CENSUS, isAsleep } from '../../shared/census.ts';
import type { Rect, Size } from '../../shared/geometry.ts';
import { h } from '../dom.ts';
import { type Camera, cellToScreen } from './camera.ts';

/** Bodies with a glow, those nearest to the middle of the view. */
const MAX_GLOWS = 24;
/** A smaller body has none, in CSS pixels. */
const MIN_BODY = 40;
/** Size of a glow, in bodies. */
const SPREAD = 1.7;

export class Sleepers {
  readonly #root: HTMLElement;
  readonly #glows: HTMLElement[] = [];
  #census = EMPTY_CENSUS;
  #bodyCells = 1;
  /** Indices of bodies that sleep, as far as is known. */
  #asleep = new Set<number>();
  #shown = '';

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** @param bodyCells - the longer side of a grown body */
  settle(census: Census, bodyCells: number): void {
    this.#census = census;
    this.#bodyCells = bodyCells;
    this.#asleep = new Set();
    for (let i = 0; i < census.count; i++) if (isAsleep(census, i)) this.#asleep.add(i);
    this.#shown = '';
  }

  /** Cells that have changed: who lives there does not sleep now. */
  stir({ x, y, width, height }: Rect): void {
    const { xs, ys } = this.#census;
    for (const i of this.#asleep) {
      if (xs[i] < x || ys[i] < y || xs[i] >= x + width || ys[i] >= y + height) continue;
      this.#asleep.delete(i);
      this.#shown = '';
    }
  }

  draw(camera: Camera, view: Size): void {
    const place = `${camera.x},${camera.y},${camera.zoom},${view.width},${view.height}`;
    if (place === this.#shown) return;
    this.#shown = place;
    const body = this.#bodyCells * camera.zoom;
    const inView = body < MIN_BODY ? [] : this.#inView(camera, view);
    while (this.#glows.length < inView.length) this.#add();
    this.#root.style.setProperty('--sleeper', `${SPREAD * body}px`);
    this.#glows.forEach((glow, i) => {
      const index = inView[i];
      glow.hidden = index === undefined;
      if (index === undefined) return;
      const { x, y } = cellToScreen(camera, view, this.#census.xs[index] + 0.5, this.#census.ys[index] + 0.5);
      glow.style.transform = `translate(${x}px, ${y}px) translate(-50%, -50%)`;
    });
  }

  /** Those nearest to the middle, by their index, so that a glow stays with its body while the view moves a little. */
  #inView(camera: Camera, view: Size): number[] {
    const { xs, ys } = this.#census;
    const halfWidth = view.width / 2 / camera.zoom;
    const halfHeight = view.height / 2 / camera.zoom;
    const found: number[] = [];
    for (const i of this.#asleep)
      if (Math.abs(xs[i] - camera.x) <= halfWidth && Math.abs(ys[i] - camera.y) <= halfHeight) found.push(i);
    if (found.length > MAX_GLOWS) {
      const away = (i: number): number => Math.hypot(xs[i] - camera.x, ys[i] - camera.y);
      found.sort((a, b) => away(a) - away(b)).length = MAX_GLOWS;
    }
    return found.sort((a, b) => a - b);
  }

  #add(): void {
    const glow = h('i', { class: 'sleeper' });
    // Each breathes in its own time.
    glow.style.animationDelay = `-${(this.#glows.length * 0.73) % 4.8}s`;
    this.#glows.push(glow);
    this.#root.append(glow);
  }
}
