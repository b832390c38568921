// What the trainer needs around `denseBlock`: the transpose of perception, and the rank-k updates that
// gather weight gradients. A block is 16 cells (`BLOCK`).
import { LANE_BYTES, madd } from '../../engines/wasm/assembly/mlp';

// @ts-ignore: decorator
@inline
function addTo(address: usize, value: v128): void {
  v128.store(address, f32x4.add(v128.load(address), value));
}

/** The transpose of `perceive`: adds a cell's perception gradient to the gradient of its 3x3 states. */
// @ts-ignore: decorator
@inline
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
 * gradient[row][0..48) += Σ blocks, cells  rows[block][row][cell] · columns[block][cell][0..48)
 *
 * @param rowCount - a multiple of 4
 */
export function accumulateWide(
  rows: usize,
  rowsStep: usize,
  columns: usize,
  columnsStep: usize,
  blocks: i32,
  rowCount: i32,
  gradient: usize,
): void {
  for (let r = 0; r < rowCount; r += 4) {
    for (let p: usize = 0; p < 192; p += 32) {
      const g = gradient + <usize>r * 192 + p;
      let a00 = v128.load(g);
      let a01 = v128.load(g, 16);
      let a10 = v128.load(g, 192);
      let a11 = v128.load(g, 208);
      let a20 = v128.load(g, 384);
      let a21 = v128.load(g, 400);
      let a30 = v128.load(g, 576);
      let a31 = v128.load(g, 592);
      for (let b = 0; b < blocks; b++) {
        let d = rows + <usize>b * rowsStep + <usize>r * LANE_BYTES;
        let x = columns + <usize>b * columnsStep + p;
        const end = d + LANE_BYTES;
        while (d < end) {
          const x0 = v128.load(x);
          const x1 = v128.load(x, 16);
          let s = v128.load32_splat(d);
          a00 = madd(s, x0, a00);
          a01 = madd(s, x1, a01);
          s = v128.load32_splat(d, 64);
          a10 = madd(s, x0, a10);
          a11 = madd(s, x1, a11);
          s = v128.load32_splat(d, 128);
          a20 = madd(s, x0, a20);
          a21 = madd(s, x1, a21);
          s = v128.load32_splat(d, 192);
          a30 = madd(s, x0, a30);
          a31 = madd(s, x1, a31);
          d += 4;
          x += 192;
        }
      }
      v128.store(g, a00);
      v128.store(g, a01, 16);
      v128.store(g, a10, 192);
      v128.store(g, a11, 208);
      v128.store(g, a20, 384);
      v128.store(g, a21, 400);
      v128.store(g, a30, 576);
      v128.store(g, a31, 592);
    }
  }
}

/**
 * gradient[row][0..16) += Σ blocks, cells  rows[block][row][cell] · columns[block][cell][0..16)
 *
 * @param rowCount - a multiple of 4
 */
export function accumulateNarrow(
  rows: usize,
  rowsStep: usize,
  columns: usize,
  columnsStep: usize,
  blocks: i32,
  rowCount: i32,
  gradient: usize,
): void {
  for (let r = 0; r < rowCount; r += 4) {
    for (let p: usize = 0; p < 64; p += 32) {
      const g = gradient + <usize>r * 64 + p;
      let a00 = v128.load(g);
      let a01 = v128.load(g, 16);
      let a10 = v128.load(g, 64);
      let a11 = v128.load(g, 80);
      let a20 = v128.load(g, 128);
      let a21 = v128.load(g, 144);
      let a30 = v128.load(g, 192);
      let a31 = v128.load(g, 208);
      for (let b = 0; b < blocks; b++) {
        let d = rows + <usize>b * rowsStep + <usize>r * LANE_BYTES;
        let x = columns + <usize>b * columnsStep + p;
        const end = d + LANE_BYTES;
        while (d < end) {
          const x0 = v128.load(x);
          const x1 = v128.load(x, 16);
          let s = v128.load32_splat(d);
          a00 = madd(s, x0, a00);
          a01 = madd(s, x1, a01);
          s = v128.load32_splat(d, 64);
          a10 = madd(s, x0, a10);
          a11 = madd(s, x1, a11);
          s = v128.load32_splat(d, 128);
          a20 = madd(s, x0, a20);
          a21 = madd(s, x1, a21);
          s = v128.load32_splat(d, 192);
          a30 = madd(s, x0, a30);
          a31 = madd(s, x1, a31);
          d += 4;
          x += 64;
        }
      }
      v128.store(g, a00);
      v128.store(g, a01, 16);
      v128.store(g, a10, 64);
      v128.store(g, a11, 80);
      v128.store(g, a20, 128);
      v128.store(g, a21, 144);
      v128.store(g, a30, 192);
      v128.store(g, a31, 208);
    }
  }
}

/** relu backward: zeroes the gradient where the unit was silent; adds the rest to [hidden][4] bias sums. */
export function maskHidden(hiddenGradient: usize, activation: usize, biasSums: usize, hidden: i32): void {
  const zero = f32x4.splat(0);
  for (let u = 0; u < hidden; u++) {
    let g0 = v128.load(hiddenGradient);
    let g1 = v128.load(hiddenGradient, 16);
    let g2 = v128.load(hiddenGradient, 32);
    let g3 = v128.load(hiddenGradient, 48);
    g0 = v128.and(g0, f32x4.gt(v128.load(activation), zero));
    g1 = v128.and(g1, f32x4.gt(v128.load(activation, 16), zero));
    g2 = v128.and(g2, f32x4.gt(v128.load(activation, 32), zero));
    g3 = v128.and(g3, f32x4.gt(v128.load(activation, 48), zero));
    v128.store(hiddenGradient, g0);
    v128.store(hiddenGradient, g1, 16);
    v128.store(hiddenGradient, g2, 32);
    v128.store(hiddenGradient, g3, 48);
    addTo(biasSums, f32x4.add(f32x4.add(g0, g1), f32x4.add(g2, g3)));
    hiddenGradient += LANE_BYTES;
    activation += LANE_BYTES;
    biasSums += 16;
  }
}

/** Clears `bytes` (a multiple of 16). */
// @ts-ignore: decorator
@inline
export function clear(address: usize, bytes: usize): void {
  memory.fill(address, 0, bytes);
}

