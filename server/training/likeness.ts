/** How like its picture a training body is, in its place or beside it: the world's health, on a training grid. */
import { CHANNELS } from '../rules/rule.ts';
import { FAR_MARGIN, FAR_STRIDE, healthFrom } from '../world/likeness.ts';
import { cellIndex, type GridShape } from './kernel.ts';
import { forEachCell } from './states.ts';
import type { Target } from './target.ts';

/** From where the picture is to where a body stands, in whole cells. */
export interface Shift {
  readonly dx: number;
  readonly dy: number;
}

export const IN_PLACE: Shift = { dx: 0, dy: 0 };

/** The picture's cells that are not empty, and their colours. */
export class Likeness {
  readonly #shape: GridShape;
  /** [n] */
  readonly #xs: Int32Array;
  readonly #ys: Int32Array;
  /** [n, 4] */
  readonly #rgba: Float32Array;

  constructor({ shape, rgba }: Pick<Target, 'shape' | 'rgba'>) {
    this.#shape = shape;
    const xs: number[] = [];
    const ys: number[] = [];
    const values: number[] = [];
    forEachCell(shape, (x, y, cell) => {
      const own = rgba.subarray(cell * 4, cell * 4 + 4);
      if (own.every((value) => value === 0)) return;
      xs.push(x);
      ys.push(y);
      values.push(...own);
    });
    this.#xs = Int32Array.from(xs);
    this.#ys = Int32Array.from(ys);
    this.#rgba = Float32Array.from(values);
  }

  /**
   * 1 − Σ(own − picture)² / Σ picture², clamped to 0..1, as if the picture stood `shift` from its place.
   *
   * @param state - [cellCount, 16]
   * @param open - [cellCount]: cells of the picture where it is 0 cannot exist and are left out; default: none
   */
  health(state: Float32Array, { dx, dy }: Shift = IN_PLACE, open?: Uint8Array): number {
    const { overlap, energy } = this.#compare(state, dx, dy, open);
    return healthFrom(overlap, this.#energyOf(state), energy);
  }

  /** The shift at most `reach` cells from `from` at which the body is most like its picture; `from` among equals. */
  bestShift(state: Float32Array, from: Shift, reach: number): Shift {
    let best = from;
    let most = this.#compare(state, from.dx, from.dy).overlap;
    for (let dy = from.dy - reach; dy <= from.dy + reach; dy++) {
      for (let dx = from.dx - reach; dx <= from.dx + reach; dx++) {
        const { overlap } = this.#compare(state, dx, dy);
        if (overlap > most) [best, most] = [{ dx, dy }, overlap];
      }
    }
    return best;
  }

  /** As `bestShift`, as far away as the world looks for a body that is out of shape in its place. */
  farShift(state: Float32Array, from: Shift): Shift {
    let best = from;
    let most = this.#compare(state, from.dx, from.dy).overlap;
    for (let dy = from.dy - FAR_MARGIN; dy <= from.dy + FAR_MARGIN; dy += FAR_STRIDE) {
      for (let dx = from.dx - FAR_MARGIN; dx <= from.dx + FAR_MARGIN; dx += FAR_STRIDE) {
        const { overlap } = this.#compare(state, dx, dy);
        if (overlap > most) [best, most] = [{ dx, dy }, overlap];
      }
    }
    return this.bestShift(state, best, 1);
  }

  /**
   * Moves a body by whole cells, at most `reach` each way or as by `farShift`, so that it fits its picture best. What
   * comes in from outside the grid is empty.
   *
   * A rule knows a place only by its neighbours: to the rule, a body that has healed a cell beside its place is as
   * whole as any other. Teaching it that such a body is wrong would teach all whole bodies to wander.
   *
   * @returns whether it was moved
   */
  align(state: Float32Array, reach: number | 'far'): boolean {
    const { dx, dy } =
      reach === 'far' ? this.farShift(state, IN_PLACE) : this.bestShift(state, IN_PLACE, reach);
    if (dx === 0 && dy === 0) return false;
    const { width, height } = this.#shape;
    const before = state.slice();
    state.fill(0);
    forEachCell(this.#shape, (x, y, cell) => {
      if (x + dx < 0 || y + dy < 0 || x + dx >= width || y + dy >= height) return;
      const from = cellIndex(this.#shape, x + dx, y + dy) * CHANNELS;
      state.set(before.subarray(from, from + CHANNELS), cell * CHANNELS);
    });
    return true;
  }

  /**
   * Whether at least half of the picture stands a second time, at least `apart` cells from `place`.
   */
  isTwice(state: Float32Array, place: Shift, apart: number): boolean {
    const { width, height } = this.#shape;
    for (let dy = -height; dy <= height; dy++) {
      for (let dx = -width; dx <= width; dx++) {
        if (Math.hypot(dx - place.dx, dy - place.dy) < apart) continue;
        const { error, energy } = this.#compare(state, dx, dy);
        if (error < 0.5 * energy) return true;
      }
    }
    return false;
  }

  /** Sums over the picture's cells: own · picture, picture², (own − picture)². */
  #compare(
    state: Float32Array,
    dx: number,
    dy: number,
    open?: Uint8Array,
  ): { overlap: number; energy: number; error: number } {
    const { width, height } = this.#shape;
    let overlap = 0;
    let energy = 0;
    let own2 = 0;
    for (let i = 0; i < this.#xs.length; i++) {
      const x = this.#xs[i] + dx;
      const y = this.#ys[i] + dy;
      const isInside = x >= 0 && y >= 0 && x < width && y < height;
      const cell = isInside ? cellIndex(this.#shape, x, y) : -1;
      if (open !== undefined && (cell < 0 || open[cell] === 0)) continue;
      for (let c = 0; c < 4; c++) {
        const want = this.#rgba[i * 4 + c];
        energy += want * want;
        if (cell < 0) continue;
        const own = state[cell * CHANNELS + c];
        overlap += own * want;
        own2 += own * own;
      }
    }
    return { overlap, energy, error: own2 + energy - 2 * overlap };
  }

  #energyOf(state: Float32Array): number {
    let sum = 0;
    forEachCell(this.#shape, (_x, _y, cell) => {
      for (let c = 0; c < 4; c++) sum += state[cell * CHANNELS + c] ** 2;
    });
    return sum;
  }
}
