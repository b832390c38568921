/**
 * A drag as a row of strokes that each fit one message, so that others see it while it happens. Pure.
 * A piece begins where the last one ended. Each piece costs a whole disc more than its length, therefore
 * it waits until it is worth sending.
 */
import { MAX_STROKE_POINTS, MAX_STROKE_SEGMENT } from '../../shared/limits.ts';

/** Cells of area one piece may cover: well under a player's whole budget, at any radius. */
const MAX_PIECE_CELLS = 2_400;
const SEND_EVERY_MS = 100;
/** A slow drag is sent anyway after this long. */
const SEND_AT_LATEST_MS = 240;
/** A piece as long as this many radii is worth its extra disc. */
const WORTH_RADII = 1.5;

/** A hundredth of a cell is finer than any pointer, and shorter on the wire. */
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

  /** Adds a sample; those closer than a fifth of a radius to the last say nothing new. */
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

  /** The pieces to send now. The first one goes at once: a click is a dab. */
  take(now: number, isEnd = false): number[][] {
    const waited = now - this.#sentAt;
    const isWorth = this.#length >= this.#radius * WORTH_RADII && waited >= SEND_EVERY_MS;
    const isLate = this.#length > 0 && waited >= SEND_AT_LATEST_MS;
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
