/**
 * A training state and what can be done to its cells: [cellCount, 16] as `kernel.ts` lays it out. Everything
 * here changes it in place.
 */
import { ALIVE_THRESHOLD, CHANNELS } from '../rules/rule.ts';
import { cellIndex, type GridShape } from './kernel.ts';
import type { Random } from './random.ts';

export type CellTest = (x: number, y: number) => boolean;

export const seedX = (shape: GridShape): number => Math.floor(shape.width / 2);
export const seedY = (shape: GridShape): number => Math.floor(shape.height / 2);

/** One cell in the middle: alpha and hidden channels 1, RGB 0. */
export function plantSeed(state: Float32Array, shape: GridShape): void {
  state.fill(0);
  stampSeed(state, shape);
}

/** The same, whatever is around it. */
export function stampSeed(state: Float32Array, shape: GridShape): void {
  const seed = cellIndex(shape, seedX(shape), seedY(shape)) * CHANNELS;
  state.fill(0, seed, seed + 3);
  state.fill(1, seed + 3, seed + CHANNELS);
}

export function forEachCell(shape: GridShape, visit: (x: number, y: number, cell: number) => void): void {
  for (let y = 0; y < shape.height; y++) {
    for (let x = 0; x < shape.width; x++) visit(x, y, cellIndex(shape, x, y));
  }
}

export function clearWhere(state: Float32Array, shape: GridShape, within: CellTest): void {
  forEachCell(shape, (x, y, cell) => {
    if (within(x, y)) state.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
  });
}

/** Adds noise to every channel of living cells. @param deviation - of a normal distribution about 0 */
export function addNoise(
  state: Float32Array,
  shape: GridShape,
  deviation: number,
  random: Random,
  within: CellTest = () => true,
): void {
  if (deviation === 0) return;
  forEachCell(shape, (x, y, cell) => {
    const first = cell * CHANNELS;
    if (state[first + 3] <= ALIVE_THRESHOLD || !within(x, y)) return;
    for (let c = 0; c < CHANNELS; c++) state[first + c] += deviation * random.normal();
  });
}

/** Cells whose alpha is above the threshold. */
export function livingCells(state: Float32Array, shape: GridShape): number {
  let count = 0;
  forEachCell(shape, (_x, _y, cell) => {
    if (state[cell * CHANNELS + 3] > ALIVE_THRESHOLD) count++;
  });
  return count;
}

/**
 * Moves a body back to where its picture is, by the whole cells, at most `reach` each way, at which it fits best.
 * What is moved in from outside the grid is empty.
 *
 * A rule knows no place but by its neighbours: a body that has healed a cell beside where it was is as whole to
 * it as any other, and to teach it that it must be elsewhere would teach all whole bodies to wander.
 *
 * @param target - [cellCount, 4]
 * @returns whether it was moved
 */
export function align(state: Float32Array, target: Float32Array, shape: GridShape, reach: number): boolean {
  let [bestX, bestY] = [0, 0];
  let least = shiftedError(state, target, shape, 0, 0);
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const error = shiftedError(state, target, shape, dx, dy);
      if (error < least) [bestX, bestY, least] = [dx, dy, error];
    }
  }
  if (bestX === 0 && bestY === 0) return false;
  const before = state.slice();
  state.fill(0);
  forEachCell(shape, (x, y, cell) => {
    if (!isInside(shape, x + bestX, y + bestY)) return;
    const from = cellIndex(shape, x + bestX, y + bestY) * CHANNELS;
    state.set(before.subarray(from, from + CHANNELS), cell * CHANNELS);
  });
  return true;
}

const isInside = (shape: GridShape, x: number, y: number): boolean =>
  x >= 0 && y >= 0 && x < shape.width && y < shape.height;

/** Square error of RGBA, summed, of the cell at (x + dx, y + dy) against the picture's at (x, y). */
function shiftedError(
  state: Float32Array,
  target: Float32Array,
  shape: GridShape,
  dx: number,
  dy: number,
): number {
  let sum = 0;
  forEachCell(shape, (x, y, cell) => {
    const from = isInside(shape, x + dx, y + dy) ? cellIndex(shape, x + dx, y + dy) * CHANNELS : -1;
    for (let c = 0; c < 4; c++) sum += ((from < 0 ? 0 : state[from + c]) - target[cell * 4 + c]) ** 2;
  });
  return sum;
}

/** Mean square error of RGBA, as the kernel measures it. @param target - [cellCount, 4] */
export function meanSquareError(state: Float32Array, target: Float32Array, shape: GridShape): number {
  let sum = 0;
  forEachCell(shape, (_x, _y, cell) => {
    for (let c = 0; c < 4; c++) sum += (state[cell * CHANNELS + c] - target[cell * 4 + c]) ** 2;
  });
  return sum / (shape.width * shape.height * 4);
}
