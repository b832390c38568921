// The arithmetic of training: 4 rows of a product at a time, summed over k in registers. As with the layers of
// `mlp.ts`, each tile comes in two shapes with the same order of accumulation: wide, 16 columns, and narrow, 8.
import { columns, LANE_BYTES, madd, wide } from '../../engines/wasm/assembly/mlp';

// o[r][c] = Σk  w[r][k] · x[k][c], k < 16; `more`: added to what is there
// @inline
function wideRows(
  w0: usize,
  w1: usize,
  w2: usize,
  w3: usize,
  x: usize,
  xStep: usize,
  more: bool,
  o0: usize,
  o1: usize,
  o2: usize,
  o3: usize,
): void {
  let a00 = more ? v128.load(o0) : f32x4.splat(0);
  let a01 = more ? v128.load(o0, 16) : f32x4.splat(0);
  let a02 = more ? v128.load(o0, 32) : f32x4.splat(0);
  let a03 = more ? v128.load(o0, 48) : f32x4.splat(0);
  let a10 = more ? v128.load(o1) : f32x4.splat(0);
  let a11 = more ? v128.load(o1, 16) : f32x4.splat(0);
  let a12 = more ? v128.load(o1, 32) : f32x4.splat(0);
  let a13 = more ? v128.load(o1, 48) : f32x4.splat(0);
  let a20 = more ? v128.load(o2) : f32x4.splat(0);
  let a21 = more ? v128.load(o2, 16) : f32x4.splat(0);
  let a22 = more ? v128.load(o2, 32) : f32x4.splat(0);
  let a23 = more ? v128.load(o2, 48) : f32x4.splat(0);
  let a30 = more ? v128.load(o3) : f32x4.splat(0);
  let a31 = more ? v128.load(o3, 16) : f32x4.splat(0);
  let a32 = more ? v128.load(o3, 32) : f32x4.splat(0);
  let a33 = more ? v128.load(o3, 48) : f32x4.splat(0);
  const end = w0 + LANE_BYTES;
  while (w0 < end) {
    let x0 = v128.load(x);
    let x1 = v128.load(x, 16);
    let x2 = v128.load(x, 32);
    let x3 = v128.load(x, 48);
    x += xStep;
    let s = v128.load32_splat(w0);
    a00 = madd(s, x0, a00);
    a01 = madd(s, x1, a01);
    a02 = madd(s, x2, a02);
    a03 = madd(s, x3, a03);
    s = v128.load32_splat(w1);
    a10 = madd(s, x0, a10);
    a11 = madd(s, x1, a11);
    a12 = madd(s, x2, a12);
    a13 = madd(s, x3, a13);
    s = v128.load32_splat(w2);
    a20 = madd(s, x0, a20);
    a21 = madd(s, x1, a21);
    a22 = madd(s, x2, a22);
    a23 = madd(s, x3, a23);
    s = v128.load32_splat(w3);
    a30 = madd(s, x0, a30);
    a31 = madd(s, x1, a31);
    a32 = madd(s, x2, a32);
    a33 = madd(s, x3, a33);
    x0 = v128.load(x);
    x1 = v128.load(x, 16);
    x2 = v128.load(x, 32);
    x3 = v128.load(x, 48);
    x += xStep;
    s = v128.load32_splat(w0, 4);
    a00 = madd(s, x0, a00);
    a01 = madd(s, x1, a01);
    a02 = madd(s, x2, a02);
    a03 = madd(s, x3, a03);
    s = v128.load32_splat(w1, 4);
    a10 = madd(s, x0, a10);
    a11 = madd(s, x1, a11);
    a12 = madd(s, x2, a12);
    a13 = madd(s, x3, a13);
    s = v128.load32_splat(w2, 4);
    a20 = madd(s, x0, a20);
    a21 = madd(s, x1, a21);
    a22 = madd(s, x2, a22);
    a23 = madd(s, x3, a23);
    s = v128.load32_splat(w3, 4);
    a30 = madd(s, x0, a30);
    a31 = madd(s, x1, a31);
    a32 = madd(s, x2, a32);
    a33 = madd(s, x3, a33);
    w0 += 8;
    w1 += 8;
    w2 += 8;
    w3 += 8;
  }
  v128.store(o0, a00);
  v128.store(o0, a01, 16);
  v128.store(o0, a02, 32);
  v128.store(o0, a03, 48);
  v128.store(o1, a10);
  v128.store(o1, a11, 16);
  v128.store(o1, a12, 32);
  v128.store(o1, a13, 48);
  v128.store(o2, a20);
  v128.store(o2, a21, 16);
  v128.store(o2, a22, 32);
  v128.store(o2, a23, 48);
  v128.store(o3, a30);
  v128.store(o3, a31, 16);
  v128.store(o3, a32, 32);
  v128.store(o3, a33, 48);
}

// @inline
function narrowRows(
  w0: usize,
  w1: usize,
  w2: usize,
  w3: usize,
  x: usize,
  xStep: usize,
  more: bool,
  o0: usize,
  o1: usize,
  o2: usize,
  o3: usize,
): void {
  let a00 = more ? v128.load(o0) : f32x4.splat(0);
  let a01 = more ? v128.load(o0, 16) : f32x4.splat(0);
  let a10 = more ? v128.load(o1) : f32x4.splat(0);
  let a11 = more ? v128.load(o1, 16) : f32x4.splat(0);
  let a20 = more ? v128.load(o2) : f32x4.splat(0);
  let a21 = more ? v128.load(o2, 16) : f32x4.splat(0);
  let a30 = more ? v128.load(o3) : f32x4.splat(0);
  let a31 = more ? v128.load(o3, 16) : f32x4.splat(0);
  const end = w0 + LANE_BYTES;
  while (w0 < end) {
    let x0 = v128.load(x);
    let x1 = v128.load(x, 16);
    x += xStep;
    let s = v128.load32_splat(w0);
    a00 = madd(s, x0, a00);
    a01 = madd(s, x1, a01);
    s = v128.load32_splat(w1);
    a10 = madd(s, x0, a10);
    a11 = madd(s, x1, a11);
    s = v128.load32_splat(w2);
    a20 = madd(s, x0, a20);
    a21 = madd(s, x1, a21);
    s = v128.load32_splat(w3);
    a30 = madd(s, x0, a30);
    a31 = madd(s, x1, a31);
    x0 = v128.load(x);
    x1 = v128.load(x, 16);
    x += xStep;
    s = v128.load32_splat(w0, 4);
    a00 = madd(s, x0, a00);
    a01 = madd(s, x1, a01);
    s = v128.load32_splat(w1, 4);
    a10 = madd(s, x0, a10);
    a11 = madd(s, x1, a11);
    s = v128.load32_splat(w2, 4);
    a20 = madd(s, x0, a20);
    a21 = madd(s, x1, a21);
    s = v128.load32_splat(w3, 4);
    a30 = madd(s, x0, a30);
    a31 = madd(s, x1, a31);
    w0 += 8;
    w1 += 8;
    w2 += 8;
    w3 += 8;
  }
  v128.store(o0, a00);
  v128.store(o0, a01, 16);
  v128.store(o1, a10);
  v128.store(o1, a11, 16);
  v128.store(o2, a20);
  v128.store(o2, a21, 16);
  v128.store(o3, a30);
  v128.store(o3, a31, 16);
}

/**
 * output[o][cell] = bias[o] + Σk  rows[list[k] · factor / 4 + o] · input[k][cell], for the listed units.
 *
 * @param list - u32 [count]: byte offsets of the units' rows, divided by `factor`
 * @param output - f32 [outputs][16], `outputs` a multiple of 4
 */
// @inline
export function sumUnits(
  input: usize,
  output: usize,
  rows: usize,
  list: usize,
  factor: usize,
  count: i32,
  bias: usize,
  outputs: usize,
): void {
  for (let o: usize = 0; o < outputs; o += 4) {
    columns(bias + (o << 2), rows + (o << 2), true, list, factor, input, count, false, output + (o << 6));
  }
}

/** output[0..4)[cell] = Σk  rows[list[0..4)][k] · input[k][cell], k < 16. */
// @inline
export function fourUnits(input: usize, output: usize, rows: usize, list: usize): void {
  const w0 = rows + load<u32>(list);
  const w1 = rows + load<u32>(list, 4);
  const w2 = rows + load<u32>(list, 8);
  const w3 = rows + load<u32>(list, 12);
  if (wide) {
    wideRows(w0, w1, w2, w3, input, LANE_BYTES, false, output, output + 64, output + 128, output + 192);
    return;
  }
  narrowRows(w0, w1, w2, w3, input, LANE_BYTES, false, output, output + 64, output + 128, output + 192);
  const right = output + 32;
  narrowRows(w0, w1, w2, w3, input + 32, LANE_BYTES, false, right, right + 64, right + 128, right + 192);
}

/**
 * sums[list[k]][0..columns) += Σ cells  units[k][cell] · cells[cell][0..columns)
 *
 * @param list - u32 [count]: byte offsets of the units' sums, divided by `factor`; `count` a multiple of 4
 * @param cellBytes - from one cell's columns to the next's; all of them are summed
 */
// @inline
export function accumulate(
  units: usize,
  cells: usize,
  cellBytes: usize,
  list: usize,
  factor: usize,
  count: i32,
  sums: usize,
): void {
  for (let k = 0; k < count; k += 4) {
    const o0 = sums + <usize>load<u32>(list) * factor;
    const o1 = sums + <usize>load<u32>(list, 4) * factor;
    const o2 = sums + <usize>load<u32>(list, 8) * factor;
    const o3 = sums + <usize>load<u32>(list, 12) * factor;
    list += 16;
    if (wide) {
      for (let c: usize = 0; c < cellBytes; c += 64) {
        wideRows(
          units,
          units + 64,
          units + 128,
          units + 192,
          cells + c,
          cellBytes,
          true,
          o0 + c,
          o1 + c,
          o2 + c,
          o3 + c,
        );
      }
    } else {
      for (let c: usize = 0; c < cellBytes; c += 32) {
        narrowRows(
          units,
          units + 64,
          units + 128,
          units + 192,
          cells + c,
          cellBytes,
          true,
          o0 + c,
          o1 + c,
          o2 + c,
          o3 + c,
        );
      }
    }
    units += 4 * LANE_BYTES;
  }
}
