// The arithmetic core, shared by the engine and the trainer: a dense layer over a block of 12 cells.
// Lane = cell: 12 cells are 3 vectors; 4 outputs x 3 vectors = 12 accumulators that never leave
// registers; weights come in by splat. The order of accumulation is fixed (bias first, then inputs in
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
  const zero = f32x4.splat(0);
  let w = weights;
  let out = output;
  for (let o = 0; o < outputs; o += 4) {
    const b = bias + ((<usize>o) << 2);
    let a00 = v128.load32_splat(b);
    let a01 = a00;
    let a02 = a00;
    let a10 = v128.load32_splat(b, 4);
    let a11 = a10;
    let a12 = a10;
    let a20 = v128.load32_splat(b, 8);
    let a21 = a20;
    let a22 = a20;
    let a30 = v128.load32_splat(b, 12);
    let a31 = a30;
    let a32 = a30;
    let x = input;
    const end = w + ((<usize>inputs) << 4);
    while (w < end) {
      const x0 = v128.load(x);
      const x1 = v128.load(x, 16);
      const x2 = v128.load(x, 32);
      let s = v128.load32_splat(w);
      a00 = madd(s, x0, a00);
      a01 = madd(s, x1, a01);
      a02 = madd(s, x2, a02);
      s = v128.load32_splat(w, 4);
      a10 = madd(s, x0, a10);
      a11 = madd(s, x1, a11);
      a12 = madd(s, x2, a12);
      s = v128.load32_splat(w, 8);
      a20 = madd(s, x0, a20);
      a21 = madd(s, x1, a21);
      a22 = madd(s, x2, a22);
      s = v128.load32_splat(w, 12);
      a30 = madd(s, x0, a30);
      a31 = madd(s, x1, a31);
      a32 = madd(s, x2, a32);
      x += 48;
      w += 16;
    }
    if (relu) {
      a00 = f32x4.max(a00, zero);
      a01 = f32x4.max(a01, zero);
      a02 = f32x4.max(a02, zero);
      a10 = f32x4.max(a10, zero);
      a11 = f32x4.max(a11, zero);
      a12 = f32x4.max(a12, zero);
      a20 = f32x4.max(a20, zero);
      a21 = f32x4.max(a21, zero);
      a22 = f32x4.max(a22, zero);
      a30 = f32x4.max(a30, zero);
      a31 = f32x4.max(a31, zero);
      a32 = f32x4.max(a32, zero);
    }
    v128.store(out, a00);
    v128.store(out, a01, 16);
    v128.store(out, a02, 32);
    v128.store(out, a10, 48);
    v128.store(out, a11, 64);
    v128.store(out, a12, 80);
    v128.store(out, a20, 96);
    v128.store(out, a21, 112);
    v128.store(out, a22, 128);
    v128.store(out, a30, 144);
    v128.store(out, a31, 160);
    v128.store(out, a32, 176);
    out += 192;
  }
}
