// The arithmetic of training: 4 rows of a product at a time, summed over k in registers. Each tile comes in two
// shapes with the same order of accumulation, hence the same result to the bit:
// - wide, 16 columns: sixteen accumulators. V8 would spill them, unless it fuses neighbouring vectors into 256-bit
//   ones (`--experimental-wasm-revectorize`): then they are eight, and a core does twice the work;
// - narrow, 8 columns: eight accumulators, as in `mlp.ts`.
import { LANE_BYTES, madd } from '../../engines/wasm/assembly/mlp';

let wide: bool = false;

/** Which shape is the quicker one here; the owner measures it. */
export function useWideTiles(use: bool): void {
  wide = use;
}

// output[r][c] = relu(bias[r] + Σk  weights[k][r] · x[k][c])
// @ts-ignore: decorator
@inline
function wideActivation(bias: usize, weights: usize, x: usize, count: i32, output: usize): void {
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
  for (let k = 0; k < count; k++) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    const x2 = v128.load(x, 32);
    const x3 = v128.load(x, 48);
    x += LANE_BYTES;
    const w0 = v128.load32_splat(weights);
    a00 = madd(w0, x0, a00);
    a01 = madd(w0, x1, a01);
    a02 = madd(w0, x2, a02);
    a03 = madd(w0, x3, a03);
    const w1 = v128.load32_splat(weights, 4);
    a10 = madd(w1, x0, a10);
    a11 = madd(w1, x1, a11);
    a12 = madd(w1, x2, a12);
    a13 = madd(w1, x3, a13);
    const w2 = v128.load32_splat(weights, 8);
    a20 = madd(w2, x0, a20);
    a21 = madd(w2, x1, a21);
    a22 = madd(w2, x2, a22);
    a23 = madd(w2, x3, a23);
    const w3 = v128.load32_splat(weights, 12);
    a30 = madd(w3, x0, a30);
    a31 = madd(w3, x1, a31);
    a32 = madd(w3, x2, a32);
    a33 = madd(w3, x3, a33);
    weights += 16;
  }
  const zero = f32x4.splat(0);
  v128.store(output, f32x4.pmax(a00, zero));
  v128.store(output, f32x4.pmax(a01, zero), 16);
  v128.store(output, f32x4.pmax(a02, zero), 32);
  v128.store(output, f32x4.pmax(a03, zero), 48);
  v128.store(output, f32x4.pmax(a10, zero), 64);
  v128.store(output, f32x4.pmax(a11, zero), 80);
  v128.store(output, f32x4.pmax(a12, zero), 96);
  v128.store(output, f32x4.pmax(a13, zero), 112);
  v128.store(output, f32x4.pmax(a20, zero), 128);
  v128.store(output, f32x4.pmax(a21, zero), 144);
  v128.store(output, f32x4.pmax(a22, zero), 160);
  v128.store(output, f32x4.pmax(a23, zero), 176);
  v128.store(output, f32x4.pmax(a30, zero), 192);
  v128.store(output, f32x4.pmax(a31, zero), 208);
  v128.store(output, f32x4.pmax(a32, zero), 224);
  v128.store(output, f32x4.pmax(a33, zero), 240);
}

// @ts-ignore: decorator
@inline
function narrowActivation(bias: usize, weights: usize, x: usize, count: i32, output: usize): void {
  let a00 = v128.load32_splat(bias);
  let a01 = a00;
  let a10 = v128.load32_splat(bias, 4);
  let a11 = a10;
  let a20 = v128.load32_splat(bias, 8);
  let a21 = a20;
  let a30 = v128.load32_splat(bias, 12);
  let a31 = a30;
  for (let k = 0; k < count; k++) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    x += LANE_BYTES;
    const w0 = v128.load32_splat(weights);
    a00 = madd(w0, x0, a00);
    a01 = madd(w0, x1, a01);
    const w1 = v128.load32_splat(weights, 4);
    a10 = madd(w1, x0, a10);
    a11 = madd(w1, x1, a11);
    const w2 = v128.load32_splat(weights, 8);
    a20 = madd(w2, x0, a20);
    a21 = madd(w2, x1, a21);
    const w3 = v128.load32_splat(weights, 12);
    a30 = madd(w3, x0, a30);
    a31 = madd(w3, x1, a31);
    weights += 16;
  }
  const zero = f32x4.splat(0);
  v128.store(output, f32x4.pmax(a00, zero));
  v128.store(output, f32x4.pmax(a01, zero), 16);
  v128.store(output, f32x4.pmax(a10, zero), 64);
  v128.store(output, f32x4.pmax(a11, zero), 80);
  v128.store(output, f32x4.pmax(a20, zero), 128);
  v128.store(output, f32x4.pmax(a21, zero), 144);
  v128.store(output, f32x4.pmax(a30, zero), 192);
  v128.store(output, f32x4.pmax(a31, zero), 208);
}

// output[r][c] = bias[r] + Σk  weights[list[k] · factor][r] · x[k][c]
// @ts-ignore: decorator
@inline
function wideListed(bias: usize, weights: usize, list: usize, factor: usize, x: usize, count: i32, output: usize): void {
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
  for (let k = 0; k < count; k++) {
    const w = weights + <usize>load<u32>(list) * factor;
    list += 4;
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    const x2 = v128.load(x, 32);
    const x3 = v128.load(x, 48);
    x += LANE_BYTES;
    const w0 = v128.load32_splat(w);
    a00 = madd(w0, x0, a00);
    a01 = madd(w0, x1, a01);
    a02 = madd(w0, x2, a02);
    a03 = madd(w0, x3, a03);
    const w1 = v128.load32_splat(w, 4);
    a10 = madd(w1, x0, a10);
    a11 = madd(w1, x1, a11);
    a12 = madd(w1, x2, a12);
    a13 = madd(w1, x3, a13);
    const w2 = v128.load32_splat(w, 8);
    a20 = madd(w2, x0, a20);
    a21 = madd(w2, x1, a21);
    a22 = madd(w2, x2, a22);
    a23 = madd(w2, x3, a23);
    const w3 = v128.load32_splat(w, 12);
    a30 = madd(w3, x0, a30);
    a31 = madd(w3, x1, a31);
    a32 = madd(w3, x2, a32);
    a33 = madd(w3, x3, a33);
  }
  v128.store(output, a00);
  v128.store(output, a01, 16);
  v128.store(output, a02, 32);
  v128.store(output, a03, 48);
  v128.store(output, a10, 64);
  v128.store(output, a11, 80);
  v128.store(output, a12, 96);
  v128.store(output, a13, 112);
  v128.store(output, a20, 128);
  v128.store(output, a21, 144);
  v128.store(output, a22, 160);
  v128.store(output, a23, 176);
  v128.store(output, a30, 192);
  v128.store(output, a31, 208);
  v128.store(output, a32, 224);
  v128.store(output, a33, 240);
}

// @ts-ignore: decorator
@inline
function narrowListed(bias: usize, weights: usize, list: usize, factor: usize, x: usize, count: i32, output: usize): void {
  let a00 = v128.load32_splat(bias);
  let a01 = a00;
  let a10 = v128.load32_splat(bias, 4);
  let a11 = a10;
  let a20 = v128.load32_splat(bias, 8);
  let a21 = a20;
  let a30 = v128.load32_splat(bias, 12);
  let a31 = a30;
  for (let k = 0; k < count; k++) {
    const w = weights + <usize>load<u32>(list) * factor;
    list += 4;
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    x += LANE_BYTES;
    const w0 = v128.load32_splat(w);
    a00 = madd(w0, x0, a00);
    a01 = madd(w0, x1, a01);
    const w1 = v128.load32_splat(w, 4);
    a10 = madd(w1, x0, a10);
    a11 = madd(w1, x1, a11);
    const w2 = v128.load32_splat(w, 8);
    a20 = madd(w2, x0, a20);
    a21 = madd(w2, x1, a21);
    const w3 = v128.load32_splat(w, 12);
    a30 = madd(w3, x0, a30);
    a31 = madd(w3, x1, a31);
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

// o[r][c] = Σk  w[r][k] · x[k][c], k < 16
// @ts-ignore: decorator
@inline
function wideRows(
  w0: usize, w1: usize, w2: usize, w3: usize, x: usize, xStep: usize, o0: usize, o1: usize, o2: usize, o3: usize,
): void {
  let a00 = f32x4.splat(0);
  let a01 = a00;
  let a02 = a00;
  let a03 = a00;
  let a10 = a00;
  let a11 = a00;
  let a12 = a00;
  let a13 = a00;
  let a20 = a00;
  let a21 = a00;
  let a22 = a00;
  let a23 = a00;
  let a30 = a00;
  let a31 = a00;
  let a32 = a00;
  let a33 = a00;
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

// @ts-ignore: decorator
@inline
function narrowRows(
  w0: usize, w1: usize, w2: usize, w3: usize, x: usize, xStep: usize, o0: usize, o1: usize, o2: usize, o3: usize,
): void {
  let a00 = f32x4.splat(0);
  let a01 = a00;
  let a10 = a00;
  let a11 = a00;
  let a20 = a00;
  let a21 = a00;
  let a30 = a00;
  let a31 = a00;
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

// o[r][c] += Σk  w[r][k] · x[k][c], k < 16
// @ts-ignore: decorator
@inline
function wideSums(
  w0: usize, w1: usize, w2: usize, w3: usize, x: usize, xStep: usize, o0: usize, o1: usize, o2: usize, o3: usize,
): void {
  let a00 = v128.load(o0);
  let a01 = v128.load(o0, 16);
  let a02 = v128.load(o0, 32);
  let a03 = v128.load(o0, 48);
  let a10 = v128.load(o1);
  let a11 = v128.load(o1, 16);
  let a12 = v128.load(o1, 32);
  let a13 = v128.load(o1, 48);
  let a20 = v128.load(o2);
  let a21 = v128.load(o2, 16);
  let a22 = v128.load(o2, 32);
  let a23 = v128.load(o2, 48);
  let a30 = v128.load(o3);
  let a31 = v128.load(o3, 16);
  let a32 = v128.load(o3, 32);
  let a33 = v128.load(o3, 48);
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

// @ts-ignore: decorator
@inline
function narrowSums(
  w0: usize, w1: usize, w2: usize, w3: usize, x: usize, xStep: usize, o0: usize, o1: usize, o2: usize, o3: usize,
): void {
  let a00 = v128.load(o0);
  let a01 = v128.load(o0, 16);
  let a10 = v128.load(o1);
  let a11 = v128.load(o1, 16);
  let a20 = v128.load(o2);
  let a21 = v128.load(o2, 16);
  let a30 = v128.load(o3);
  let a31 = v128.load(o3, 16);
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

/** output[0..4)[cell] = relu(bias[0..4) + Σk  weights[k][0..4) · input[k][cell]) */
export function activate(input: usize, output: usize, weights: usize, bias: usize, inputs: i32): void {
  if (wide) {
    wideActivation(bias, weights, input, inputs, output);
    return;
  }
  narrowActivation(bias, weights, input, inputs, output);
  narrowActivation(bias, weights, input + 32, inputs, output + 32);
}

/**
 * output[o][cell] = bias[o] + Σk  rows[list[k] · factor / 4 + o] · input[k][cell], of the units listed.
 *
 * @param list - u32 [count]: byte offsets of the units' rows, divided by `factor`
 * @param output - f32 [outputs][16], `outputs` a multiple of 4
 */
// @ts-ignore: decorator
@inline
export function sumUnits(
  input: usize, output: usize, rows: usize, list: usize, factor: usize, count: i32, bias: usize, outputs: usize,
): void {
  for (let o: usize = 0; o < outputs; o += 4) {
    const weights = rows + (o << 2);
    const first = bias + (o << 2);
    const at = output + (o << 6);
    if (wide) {
      wideListed(first, weights, list, factor, input, count, at);
    } else {
      narrowListed(first, weights, list, factor, input, count, at);
      narrowListed(first, weights, list, factor, input + 32, count, at + 32);
    }
  }
}

/** output[0..4)[cell] = Σk  rows[list[0..4)][k] · input[k][cell], k < 16. */
// @ts-ignore: decorator
@inline
export function fourUnits(input: usize, output: usize, rows: usize, list: usize): void {
  const w0 = rows + load<u32>(list);
  const w1 = rows + load<u32>(list, 4);
  const w2 = rows + load<u32>(list, 8);
  const w3 = rows + load<u32>(list, 12);
  if (wide) {
    wideRows(w0, w1, w2, w3, input, LANE_BYTES, output, output + 64, output + 128, output + 192);
    return;
  }
  narrowRows(w0, w1, w2, w3, input, LANE_BYTES, output, output + 64, output + 128, output + 192);
  const right = output + 32;
  narrowRows(w0, w1, w2, w3, input + 32, LANE_BYTES, right, right + 64, right + 128, right + 192);
}

/**
 * sums[list[k]][0..columns) += Σ cells  units[k][cell] · cells[cell][0..columns)
 *
 * @param list - u32 [count]: byte offsets of the units' sums, divided by `factor`; `count` a multiple of 4
 * @param cellBytes - from one cell's columns to the next's; all of them are summed
 */
// @ts-ignore: decorator
@inline
export function accumulate(
  units: usize, cells: usize, cellBytes: usize, list: usize, factor: usize, count: i32, sums: usize,
): void {
  for (let k = 0; k < count; k += 4) {
    const o0 = sums + <usize>load<u32>(list) * factor;
    const o1 = sums + <usize>load<u32>(list, 4) * factor;
    const o2 = sums + <usize>load<u32>(list, 8) * factor;
    const o3 = sums + <usize>load<u32>(list, 12) * factor;
    list += 16;
    if (wide) {
      for (let c: usize = 0; c < cellBytes; c += 64) {
        wideSums(
          units, units + 64, units + 128, units + 192, cells + c, cellBytes, o0 + c, o1 + c, o2 + c, o3 + c,
        );
      }
    } else {
      for (let c: usize = 0; c < cellBytes; c += 32) {
        narrowSums(
          units, units + 64, units + 128, units + 192, cells + c, cellBytes, o0 + c, o1 + c, o2 + c, o3 + c,
        );
      }
    }
    units += 4 * LANE_BYTES;
  }
}
