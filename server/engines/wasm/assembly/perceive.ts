// The perception of one cell, shared by the engine and the trainer, so that a rule runs as it was trained.
import { madd } from './mlp';

/**
 * 48 values of one cell: identity 16 | Sobel-x/8 16 | Sobel-y/8 16.
 *
 * @param cell - address of the cell's 16 channels; its neighbours lie 64 bytes and `rowBytes` away
 */
// @inline
export function perceive(cell: usize, rowBytes: usize, output: usize): void {
  const eighth = f32x4.splat(0.125);
  const quarter = f32x4.splat(0.25);
  for (let k: usize = 0; k < 64; k += 16) {
    const here = cell + k;
    const above = here - rowBytes;
    const below = here + rowBytes;
    const diagonal = f32x4.sub(v128.load(below, 64), v128.load(above - 64));
    const counter = f32x4.sub(v128.load(above, 64), v128.load(below - 64));
    v128.store(output + k, v128.load(here));
    const sobelX = f32x4.mul(f32x4.add(diagonal, counter), eighth);
    v128.store(output + k, madd(f32x4.sub(v128.load(here, 64), v128.load(here - 64)), quarter, sobelX), 64);
    const sobelY = f32x4.mul(f32x4.sub(diagonal, counter), eighth);
    v128.store(output + k, madd(f32x4.sub(v128.load(below), v128.load(above)), quarter, sobelY), 128);
  }
}
