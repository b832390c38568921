/**
 * Operations on a training state, [cellCount, 16] as `kernel.ts` lays it out. All change it in place.
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

/** Makes the middle cell a seed; the cells around it stay. */
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

/** Adds noise to every channel of living cells. @param deviation - of a normal distribution around 0 */
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

/** Number of cells whose alpha is above the threshold. */
export function livingCells(state: Float32Array, shape: GridShape): number {
  let count = 0;
  forEachCell(shape, (_x, _y, cell) => {
    if (state[cell * CHANNELS + 3] > ALIVE_THRESHOLD) count++;
  });
  return count;
}

/**
 * Mean square error of RGBA, as the kernel measures it.
 *
 * @param target - [cellCount, 4]
 * @param open - [cellCount]: cells where it is 0 are left out; default: none
 */
export function meanSquareError(
  state: Float32Array,
  target: Float32Array,
  shape: GridShape,
  open?: Uint8Array,
): number {
  let sum = 0;
  forEachCell(shape, (_x, _y, cell) => {
    if (open !== undefined && open[cell] === 0) return;
    for (let c = 0; c < 4; c++) sum += (state[cell * CHANNELS + c] - target[cell * 4 + c]) ** 2;
  });
  return sum / (shape.width * shape.height * 4);
}
