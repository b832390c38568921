// What the trainer does with a block of 16 cells (`BLOCK`) besides the products of `tiles.ts`.
import { denseBlock, LANE_BYTES } from '../../engines/wasm/assembly/mlp';
import { fourUnits } from './tiles';

// @inline
function addTo(address: usize, value: v128): void {
  v128.store(address, f32x4.add(v128.load(address), value));
}

/** The transpose of `perceive`: adds a cell's perception gradient to the gradient of its 3x3 states. */
// @inline
export function scatter(perceptionGradient: usize, cell: usize, rowBytes: usize): void {
  const eighth = f32x4.splat(0.125);
  for (let k: usize = 0; k < 64; k += 16) {
    const above = cell + k - rowBytes;
    const here = cell + k;
    const below = cell + k + rowBytes;
    const gx = f32x4.mul(v128.load(perceptionGradient + k, 64), eighth);
    const gy = f32x4.mul(v128.load(perceptionGradient + k, 128), eighth);
    const sum = f32x4.add(gx, gy);
    const difference = f32x4.sub(gx, gy);
    const gx2 = f32x4.add(gx, gx);
    const gy2 = f32x4.add(gy, gy);
    addTo(here, v128.load(perceptionGradient + k));
    v128.store(above - 64, f32x4.sub(v128.load(above - 64), sum));
    v128.store(above, f32x4.sub(v128.load(above), gy2));
    addTo(above + 64, difference);
    v128.store(here - 64, f32x4.sub(v128.load(here - 64), gx2));
    addTo(here + 64, gx2);
    v128.store(below - 64, f32x4.sub(v128.load(below - 64), difference));
    addTo(below, gy2);
    addTo(below + 64, sum);
  }
}

/**
 * The first layer over a block. Units that are silent in all 16 cells, about half, are left out: everything after
 * this, forward and backward, would only add zeros for them.
 *
 * @param lanes - f32 [48][16]
 * @param activations - f32 [hidden + 4][16]: the first `count` are the units that are not silent, then zeros up to
 *   a multiple of 4
 * @param list - u32 [hidden + 4]: the indices of those units, as unit << 6; unit `hidden` stands for none
 * @returns count, rounded up to a multiple of 4
 */
export function activateBlock(
  lanes: usize,
  activations: usize,
  list: usize,
  weights: usize,
  bias: usize,
  hidden: i32,
): i32 {
  const first = list;
  let at = activations;
  for (let u = 0; u < hidden; u += 4) {
    denseBlock(lanes, at, weights, bias, 48, 4, true);
    weights += 768;
    bias += 16;
    // Each row is stored, and the next one overwrites it if its unit is silent. A branch would be mispredicted often.
    let row = at;
    for (let i = 0; i < 4; i++) {
      const v0 = v128.load(row);
      const v1 = v128.load(row, 16);
      const v2 = v128.load(row, 32);
      const v3 = v128.load(row, 48);
      v128.store(at, v0);
      v128.store(at, v1, 16);
      v128.store(at, v2, 32);
      v128.store(at, v3, 48);
      store<u32>(list, (u + i) << 6);
      const active = <usize>v128.any_true(v128.or(v128.or(v0, v1), v128.or(v2, v3)));
      at += active << 6;
      list += active << 2;
      row += LANE_BYTES;
    }
  }
  while ((list - first) & 12) {
    store<u32>(list, hidden << 6);
    clear(at, LANE_BYTES);
    list += 4;
    at += LANE_BYTES;
  }
  return <i32>((list - first) >> 2);
}

/**
 * Gradients of the listed units before relu: rows · deltas where the unit was not silent, else 0.
 *
 * @param deltas - f32 [16][16]: lanes of the gradient of the second layer's output
 * @param rows - f32 [hidden + 1][16], the second layer by unit
 * @param biasSums - f32 [hidden + 1][4]: gets sums over the cells; each unit's four are still to be added up
 * @param output - f32 [count][16]
 */
export function unitGradients(
  deltas: usize,
  activations: usize,
  list: usize,
  count: i32,
  rows: usize,
  biasSums: usize,
  output: usize,
): void {
  const zero = f32x4.splat(0);
  for (let k = 0; k < count; k += 4) {
    fourUnits(deltas, output, rows, list);
    for (let i = 0; i < 4; i++) {
      const g0 = v128.and(v128.load(output), f32x4.gt(v128.load(activations), zero));
      const g1 = v128.and(v128.load(output, 16), f32x4.gt(v128.load(activations, 16), zero));
      const g2 = v128.and(v128.load(output, 32), f32x4.gt(v128.load(activations, 32), zero));
      const g3 = v128.and(v128.load(output, 48), f32x4.gt(v128.load(activations, 48), zero));
      v128.store(output, g0);
      v128.store(output, g1, 16);
      v128.store(output, g2, 32);
      v128.store(output, g3, 48);
      addTo(biasSums + (load<u32>(list) >> 2), f32x4.add(f32x4.add(g0, g1), f32x4.add(g2, g3)));
      output += LANE_BYTES;
      activations += LANE_BYTES;
      list += 4;
    }
  }
}

/** Clears `bytes` (a multiple of 16). */
// @inline
export function clear(address: usize, bytes: usize): void {
  memory.fill(address, 0, bytes);
}
