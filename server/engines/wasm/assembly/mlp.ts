// The arithmetic core, shared by the engine and the trainer: a dense layer over a block of 16 cells.
// Lane = cell: 16 cells are 4 vectors; weights come in by splat. Eight accumulators (4 outputs x 2 vectors)
// hide the latency of FMA and leave registers over: with twelve, V8 spills (it keeps one of x86's sixteen),
// which halves the speed. Blocks of 12, whose third vector needs a tile of its own, were a sixth slower. The
// order of accumulation is fixed (bias first, then inputs in order), so without FMA the result is the same to
// the bit everywhere.

/** Cells in a block. Short blocks are padded with zeros by whoever gathers them. */
export const BLOCK: i32 = 16;
/** Bytes of one value over a block: f32 [16]. */
export const LANE_BYTES: usize = 64;

// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  // ASC_FEATURE_RELAXED_SIMD is known at compile time: only one branch is emitted.
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** 4 outputs of 8 of 16 cells. */
// @ts-ignore: decorator
@inline
function tile(input: usize, output: usize, weights: usize, bias: usize, inputs: i32, relu: bool): void {
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
    x += LANE_BYTES;
  }
  if (relu) {
    // pmax is one instruction, max about ten (it orders NaNs and zeros): a tenth of the first layer's time. It keeps
    // NaN, and -0, which adds to any sum what 0 adds.
    const zero = f32x4.splat(0);
    a00 = f32x4.pmax(a00, zero);
    a01 = f32x4.pmax(a01, zero);
    a10 = f32x4.pmax(a10, zero);
    a11 = f32x4.pmax(a11, zero);
    a20 = f32x4.pmax(a20, zero);
    a21 = f32x4.pmax(a21, zero);
    a30 = f32x4.pmax(a30, zero);
    a31 = f32x4.pmax(a31, zero);
  }
  v128.store(output, a00);
  v128.store(output, a01, 16);
  v128.store(output, a10, 64);
  v128.store(output, a11, 80);
  v128.store(output, a20, 128);
  v128.store(output, a21, 144);
  v128.store(output, a30, 192);
  v128.store(output, a31, 208);
}

/**
 * output[o][cell] = bias[o] + Σk weights[o][k] · input[k][cell], relu'd when asked.
 *
 * @param input - f32 [inputs][16]
 * @param output - f32 [outputs][16], fully overwritten
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
  for (let o = 0; o < outputs; o += 4) {
    tile(input, output, weights, bias, inputs, relu);
    tile(input + 32, output + 32, weights, bias, inputs, relu);
    output += 4 * LANE_BYTES;
    weights += groupBytes;
    bias += 16;
  }
}
