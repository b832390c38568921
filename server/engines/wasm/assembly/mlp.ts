// The arithmetic core, shared by the engine and the trainer: a dense layer over a block of 16 cells.
// Lane = cell: 16 cells are 4 vectors; weights come in by splat. Tiles come in two shapes:
// - narrow, 4 outputs x 2 vectors: eight accumulators hide the latency of FMA and fit the registers. With twelve, V8
//   spills (it keeps one of x86's sixteen), which halves the speed. Blocks of 12 cells, whose third vector needs its
//   own tile, are a sixth slower;
// - wide, 4 outputs x 4 vectors: V8 spills sixteen accumulators, unless it fuses neighbouring vectors into 256-bit ones
//   (`../modules.ts` asks it to). Then there are eight, and a core does twice the work.
// Both accumulate in the same order (bias first, then inputs in order), so they agree to the bit. Without FMA the
// result is the same to the bit on every machine.

/** Cells in a block. The caller pads a short block. */
export const BLOCK: i32 = 16;
/** Bytes of one value for all cells of a block: f32 [16]. */
export const LANE_BYTES: usize = 64;

// @inline
export function madd(a: v128, b: v128, c: v128): v128 {
  // ASC_FEATURE_RELAXED_SIMD is known at compile time: only one branch is emitted.
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Whether the wide shape is in use. */
export let wide: bool = false;

/** Chooses the shape; `../tiles.ts` measures which is faster. */
export function useWideTiles(use: bool): void {
  wide = use;
}

// pmax is one instruction, max about ten (it orders NaN and zeros), a tenth of the first layer's time. pmax keeps NaN,
// so that a body that explodes is noticed, and -0, which adds to any sum what 0 adds.
// @inline
function rectified(sum: v128, relu: bool): v128 {
  return relu ? f32x4.pmax(sum, f32x4.splat(0)) : sum;
}

// The wide tile: 4 outputs of 16 cells. Parameters as in `columns`.
// @inline
function wideColumns(
  bias: usize,
  weights: usize,
  listed: bool,
  list: usize,
  factor: usize,
  x: usize,
  count: i32,
  relu: bool,
  output: usize,
): void {
  let a00 = v128.load32_splat(bias);
  let a01 = a00;
  let a02 = a00;
  let a03 = a00;
  let a10 = v128.load32_splat(bias, 4);
  let a11 = a10;
  let a12 = a10;
  let a13 = a10;
  let a20 = v128.load32_splat(bias, 8);
  let a21 = a20;
  let a22 = a20;
  let a23 = a20;
  let a30 = v128.load32_splat(bias, 12);
  let a31 = a30;
  let a32 = a30;
  let a33 = a30;
  const end = x + ((<usize>count) << 6);
  while (x < end) {
    const w = listed ? weights + <usize>load<u32>(list) * factor : weights;
    if (listed) list += 4;
    else weights += 16;
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    const x2 = v128.load(x, 32);
    const x3 = v128.load(x, 48);
    x += LANE_BYTES;
    let s = v128.load32_splat(w);
    a00 = madd(s, x0, a00);
    a01 = madd(s, x1, a01);
    a02 = madd(s, x2, a02);
    a03 = madd(s, x3, a03);
    s = v128.load32_splat(w, 4);
    a10 = madd(s, x0, a10);
    a11 = madd(s, x1, a11);
    a12 = madd(s, x2, a12);
    a13 = madd(s, x3, a13);
    s = v128.load32_splat(w, 8);
    a20 = madd(s, x0, a20);
    a21 = madd(s, x1, a21);
    a22 = madd(s, x2, a22);
    a23 = madd(s, x3, a23);
    s = v128.load32_splat(w, 12);
    a30 = madd(s, x0, a30);
    a31 = madd(s, x1, a31);
    a32 = madd(s, x2, a32);
    a33 = madd(s, x3, a33);
  }
  v128.store(output, rectified(a00, relu));
  v128.store(output, rectified(a01, relu), 16);
  v128.store(output, rectified(a02, relu), 32);
  v128.store(output, rectified(a03, relu), 48);
  v128.store(output, rectified(a10, relu), 64);
  v128.store(output, rectified(a11, relu), 80);
  v128.store(output, rectified(a12, relu), 96);
  v128.store(output, rectified(a13, relu), 112);
  v128.store(output, rectified(a20, relu), 128);
  v128.store(output, rectified(a21, relu), 144);
  v128.store(output, rectified(a22, relu), 160);
  v128.store(output, rectified(a23, relu), 176);
  v128.store(output, rectified(a30, relu), 192);
  v128.store(output, rectified(a31, relu), 208);
  v128.store(output, rectified(a32, relu), 224);
  v128.store(output, rectified(a33, relu), 240);
}

// The narrow tile: 4 outputs of 8 of the 16 cells.
// @inline
function narrowColumns(
  bias: usize,
  weights: usize,
  listed: bool,
  list: usize,
  factor: usize,
  x: usize,
  count: i32,
  relu: bool,
  output: usize,
): void {
  let a00 = v128.load32_splat(bias);
  let a01 = a00;
  let a10 = v128.load32_splat(bias, 4);
  let a11 = a10;
  let a20 = v128.load32_splat(bias, 8);
  let a21 = a20;
  let a30 = v128.load32_splat(bias, 12);
  let a31 = a30;
  const end = x + ((<usize>count) << 6);
  while (x < end) {
    const w = listed ? weights + <usize>load<u32>(list) * factor : weights;
    if (listed) list += 4;
    else weights += 16;
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    x += LANE_BYTES;
    let s = v128.load32_splat(w);
    a00 = madd(s, x0, a00);
    a01 = madd(s, x1, a01);
    s = v128.load32_splat(w, 4);
    a10 = madd(s, x0, a10);
    a11 = madd(s, x1, a11);
    s = v128.load32_splat(w, 8);
    a20 = madd(s, x0, a20);
    a21 = madd(s, x1, a21);
    s = v128.load32_splat(w, 12);
    a30 = madd(s, x0, a30);
    a31 = madd(s, x1, a31);
  }
  v128.store(output, rectified(a00, relu));
  v128.store(output, rectified(a01, relu), 16);
  v128.store(output, rectified(a10, relu), 64);
  v128.store(output, rectified(a11, relu), 80);
  v128.store(output, rectified(a20, relu), 128);
  v128.store(output, rectified(a21, relu), 144);
  v128.store(output, rectified(a30, relu), 192);
  v128.store(output, rectified(a31, relu), 208);
}

/**
 * output[r][cell] = bias[r] + Σk  w(k)[r] · x[k][cell], r < 4; with `relu`, at least 0. w(k) is weights[k][0..4), or,
 * when `listed`, the row that begins list[k] · factor bytes after `weights`.
 *
 * @param list - u32 [count]
 * @param x - f32 [count][16]
 * @param output - f32 [4][16], fully overwritten
 */
// @inline
export function columns(
  bias: usize,
  weights: usize,
  listed: bool,
  list: usize,
  factor: usize,
  x: usize,
  count: i32,
  relu: bool,
  output: usize,
): void {
  if (wide) {
    wideColumns(bias, weights, listed, list, factor, x, count, relu, output);
    return;
  }
  narrowColumns(bias, weights, listed, list, factor, x, count, relu, output);
  narrowColumns(bias, weights, listed, list, factor, x + 32, count, relu, output + 32);
}

/**
 * output[o][cell] = bias[o] + Σk weights[o][k] · input[k][cell]; with `relu`, at least 0.
 *
 * @param input - f32 [inputs][16]
 * @param output - f32 [outputs][16], fully overwritten
 * @param weights - f32 [outputs / 4][inputs][4]: 4 outputs interleaved, as `packLayer` returns them
 * @param bias - f32 [outputs]
 * @param outputs - a multiple of 4
 */
export function denseBlock(
  input: usize,
  output: usize,
  weights: usize,
  bias: usize,
  inputs: i32,
  outputs: i32,
  relu: bool,
): void {
  const groupBytes = (<usize>inputs) << 4;
  for (let o = 0; o < outputs; o += 4) {
    // A constant `relu` lets each tile end without branches.
    if (relu) columns(bias, weights, false, 0, 0, input, inputs, true, output);
    else columns(bias, weights, false, 0, 0, input, inputs, false, output);
    output += 4 * LANE_BYTES;
    weights += groupBytes;
    bias += 16;
  }
}
