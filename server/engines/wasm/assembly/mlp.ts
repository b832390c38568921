// The arithmetic core, shared by the engine and the trainer: a dense layer over a block of 12 cells.
// Lane = cell: 12 cells are 3 vectors; weights come in by splat. Eight accumulators at a time (4 outputs
// x 2 vectors, then 8 outputs x the third) hide the latency of FMA and leave registers over: with twelve,
// V8 spills (it keeps one of x86's sixteen), which cost a third of the speed. The order of accumulation is fixed (bias first, then inputs in
// order), so without FMA the result is the same to the bit everywhere.

/** Cells in a block. Short blocks are padded with zeros by whoever gathers them. */
export const BLOCK: i32 = 12;

// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  // ASC_FEATURE_RELAXED_SIMD is known at compile time: only one branch is emitted.
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** 4 outputs of the first 8 of 12 cells. */
// @ts-ignore: decorator
@inline
function tile4x2(input: usize, output: usize, weights: usize, bias: usize, inputs: i32, relu: bool): void {
  const groupBytes = (<usize>inputs) << 4;
  const end = weights + groupBytes;
  let x = input;
  let a00 = v128.load32_splat(bias);
  let a01 = a00;
  let a10 = v128.load32_splat(bias, 4);
  let a11 = a10;
  let a20 = v128.load32_splat(bias, 8);
  let a21 = a20;
  let a30 = v128.load32_splat(bias, 12);
  let a31 = a30;
  for (let w = weights; w < end; w += 16) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
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
    x += 48;
  }
  if (relu) {
    const zero = f32x4.splat(0);
    a00 = f32x4.max(a00, zero);
    a01 = f32x4.max(a01, zero);
    a10 = f32x4.max(a10, zero);
    a11 = f32x4.max(a11, zero);
    a20 = f32x4.max(a20, zero);
    a21 = f32x4.max(a21, zero);
    a30 = f32x4.max(a30, zero);
    a31 = f32x4.max(a31, zero);
  }
  v128.store(output, a00);
  v128.store(output, a01, 16);
  v128.store(output, a10, 48);
  v128.store(output, a11, 64);
  v128.store(output, a20, 96);
  v128.store(output, a21, 112);
  v128.store(output, a30, 144);
  v128.store(output, a31, 160);
}

/** 4 outputs of 4 of 12 cells. */
// @ts-ignore: decorator
@inline
function tile4x1(input: usize, output: usize, weights: usize, bias: usize, inputs: i32, relu: bool): void {
  const groupBytes = (<usize>inputs) << 4;
  const end = weights + groupBytes;
  let x = input;
  let a00 = v128.load32_splat(bias);
  let a10 = v128.load32_splat(bias, 4);
  let a20 = v128.load32_splat(bias, 8);
  let a30 = v128.load32_splat(bias, 12);
  for (let w = weights; w < end; w += 16) {
    const x0 = v128.load(x);
    let s = v128.load32_splat(w);
    a00 = madd(s, x0, a00);
    s = v128.load32_splat(w, 4);
    a10 = madd(s, x0, a10);
    s = v128.load32_splat(w, 8);
    a20 = madd(s, x0, a20);
    s = v128.load32_splat(w, 12);
    a30 = madd(s, x0, a30);
    x += 48;
  }
  if (relu) {
    const zero = f32x4.splat(0);
    a00 = f32x4.max(a00, zero);
    a10 = f32x4.max(a10, zero);
    a20 = f32x4.max(a20, zero);
    a30 = f32x4.max(a30, zero);
  }
  v128.store(output, a00);
  v128.store(output, a10, 48);
  v128.store(output, a20, 96);
  v128.store(output, a30, 144);
}

/** 8 outputs, two groups of weights, of 4 of 12 cells. */
// @ts-ignore: decorator
@inline
function tile8x1(input: usize, output: usize, weights: usize, bias: usize, inputs: i32, relu: bool): void {
  const groupBytes = (<usize>inputs) << 4;
  const end = weights + groupBytes;
  let x = input;
  let a00 = v128.load32_splat(bias);
  let a10 = v128.load32_splat(bias, 4);
  let a20 = v128.load32_splat(bias, 8);
  let a30 = v128.load32_splat(bias, 12);
  let a40 = v128.load32_splat(bias, 16);
  let a50 = v128.load32_splat(bias, 20);
  let a60 = v128.load32_splat(bias, 24);
  let a70 = v128.load32_splat(bias, 28);
  for (let w = weights; w < end; w += 16) {
    const x0 = v128.load(x);
    let s = v128.load32_splat(w);
    a00 = madd(s, x0, a00);
    s = v128.load32_splat(w, 4);
    a10 = madd(s, x0, a10);
    s = v128.load32_splat(w, 8);
    a20 = madd(s, x0, a20);
    s = v128.load32_splat(w, 12);
    a30 = madd(s, x0, a30);
    s = v128.load32_splat(w + groupBytes);
    a40 = madd(s, x0, a40);
    s = v128.load32_splat(w + groupBytes, 4);
    a50 = madd(s, x0, a50);
    s = v128.load32_splat(w + groupBytes, 8);
    a60 = madd(s, x0, a60);
    s = v128.load32_splat(w + groupBytes, 12);
    a70 = madd(s, x0, a70);
    x += 48;
  }
  if (relu) {
    const zero = f32x4.splat(0);
    a00 = f32x4.max(a00, zero);
    a10 = f32x4.max(a10, zero);
    a20 = f32x4.max(a20, zero);
    a30 = f32x4.max(a30, zero);
    a40 = f32x4.max(a40, zero);
    a50 = f32x4.max(a50, zero);
    a60 = f32x4.max(a60, zero);
    a70 = f32x4.max(a70, zero);
  }
  v128.store(output, a00);
  v128.store(output, a10, 48);
  v128.store(output, a20, 96);
  v128.store(output, a30, 144);
  v128.store(output, a40, 192);
  v128.store(output, a50, 240);
  v128.store(output, a60, 288);
  v128.store(output, a70, 336);
}

/**
 * output[o][cell] = bias[o] + Σk weights[o][k] · input[k][cell], relu'd when asked.
 *
 * @param input - f32 [inputs][12]
 * @param output - f32 [outputs][12], fully overwritten
 * @param weights - f32 [outputs / 4][inputs][4]: 4 outputs interleaved, as `packLayer` lays them out
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
  let o = 0;
  for (; o + 8 <= outputs; o += 8) {
    tile4x2(input, output, weights, bias, inputs, relu);
    tile4x2(input, output + 192, weights + groupBytes, bias + 16, inputs, relu);
    tile8x1(input + 32, output + 32, weights, bias, inputs, relu);
    output += 384;
    weights += 2 * groupBytes;
    bias += 32;
  }
  if (o < outputs) {
    tile4x2(input, output, weights, bias, inputs, relu);
    tile4x1(input + 32, output + 32, weights, bias, inputs, relu);
  }
}
