/**
 * Cuts a drag into pieces that each fit one message, so that others see it while it happens. A piece begins where the
 * one before ended. Besides its length, each piece costs a whole disc of the budget, so it waits until it is long
 * enough. Pure.
 */
import { MAX_STROKE_POINTS, MAX_STROKE_SEGMENT } from '../../shared/limits.ts';

/** Most cells that a piece may cover: less than half of the whole budget, at any radius. */
const MAX_PIECE_CELLS = 2_400;
const SEND_EVERY_MS = 100;
/** After this time a piece is sent even if it is short. */
const MAX_WAIT_MS = 240;
/** Radii: a piece of this length is worth its extra disc. */
const WORTH_RADII = 1.5;

/** To a hundredth of a cell: finer than any pointer, and shorter in a message. */
const round = (value: number): number => Math.round(value * 100) / 100;

export class StrokeBuilder {
  readonly #radius: number;
  readonly #done: number[][] = [];
  #points: number[];
  #length = 0;
  #sentAt: number;
  #isFirst = true;

  constructor(radius: number, x: number, y: number, now: number) {
    this.#radius = radius;
    this.#points = [round(x), round(y)];
    this.#sentAt = now;
  }

  /** Adds a point. One closer to the last than a fifth of the radius, or a quarter cell, is left out. */
  add(x: number, y: number): void {
    const reach = (MAX_PIECE_CELLS - Math.PI * this.#radius ** 2) / (2 * this.#radius);
    const longest = Math.min(MAX_STROKE_SEGMENT - 1, reach);
    for (;;) {
      const fromX = this.#points[this.#points.length - 2];
      const fromY = this.#points[this.#points.length - 1];
      const distance = Math.hypot(x - fromX, y - fromY);
      if (distance < Math.max(0.25, this.#radius * 0.2)) return;
      const room = Math.min(longest, reach - this.#length);
      if (room < 0.5 || this.#points.length >= MAX_STROKE_POINTS * 2) {
        this.#seal();
        continue;
      }
      const share = Math.min(1, room / distance);
      this.#points.push(round(fromX + (x - fromX) * share), round(fromY + (y - fromY) * share));
      this.#length += distance * share;
      if (share === 1) return;
    }
  }

  /** @returns the pieces to send now; the first one at once, so that a click is a dab */
  take(now: number, isEnd = false): number[][] {
    const waited = now - this.#sentAt;
    const isWorth = this.#length >= this.#radius * WORTH_RADII && waited >= SEND_EVERY_MS;
    const isLate = this.#length > 0 && waited >= MAX_WAIT_MS;
    if (this.#isFirst || isWorth || isLate || (isEnd && this.#length > 0)) this.#seal();
    if (this.#done.length > 0) this.#sentAt = now;
    return this.#done.splice(0);
  }

  #seal(): void {
    this.#done.push(this.#points);
    this.#points = this.#points.slice(-2);
    this.#length = 0;
    this.#isFirst = false;
  }
}
