// The hash of ../../fire.ts, for the kernels; the contract suite compares the two.

// @inline
export function cellHash(randomSeed: u32, step: u32, x: u32, y: u32): u32 {
  let h = (randomSeed ^ (step * 0x9e3779b1)) * 0x85ebca6b;
  h = (h ^ (h >> 15) ^ ((y << 16) | x)) * 0xc2b2ae35;
  h ^= h >> 16;
  h *= 0x85ebca6b;
  h ^= h >> 13;
  h *= 0xc2b2ae35;
  return h ^ (h >> 16);
}

// @inline
function rowHash(randomSeed: u32, step: u32, y: u32): v128 {
  const h: u32 = (randomSeed ^ (step * 0x9e3779b1)) * 0x85ebca6b;
  return i32x4.splat(<i32>(h ^ (h >> 15) ^ (y << 16)));
}

/** The fire bits of four cells of a row. @param at - their x, i32x4 */
// @inline
function fourFire(row: v128, at: v128, threshold: u32): i32 {
  const mix1 = i32x4.splat(0xc2b2ae35);
  let h = i32x4.mul(v128.xor(row, at), mix1);
  h = v128.xor(h, i32x4.shr_u(h, 16));
  h = i32x4.mul(h, i32x4.splat(0x85ebca6b));
  h = v128.xor(h, i32x4.shr_u(h, 13));
  h = i32x4.mul(h, mix1);
  h = v128.xor(h, i32x4.shr_u(h, 16));
  // The values have 24 bits, so a signed comparison is exact.
  return i32x4.bitmask(i32x4.lt_s(i32x4.shr_u(h, 8), i32x4.splat(<i32>threshold)));
}

/**
 * Bit i set: the cell (x + i, y) fires. Hashes 64 cells of a row, four at a time, into bits: no processor could predict
 * a branch per cell.
 *
 * @param threshold - `fireThreshold` of the rule
 */
export function fireBits(randomSeed: u32, step: u32, x: u32, y: u32, threshold: u32): u64 {
  const row = rowHash(randomSeed, step, y);
  const four = i32x4.splat(4);
  let at = i32x4.add(i32x4.splat(<i32>x), i32x4(0, 1, 2, 3));
  let bits: u64 = 0;
  for (let i: u64 = 0; i < 64; i += 4) {
    bits |= (<u64>fourFire(row, at, threshold)) << i;
    at = i32x4.add(at, four);
  }
  return bits;
}

/** The first four bits of `fireBits`. */
// @inline
export function fireBits4(randomSeed: u32, step: u32, x: u32, y: u32, threshold: u32): u32 {
  const at = i32x4.add(i32x4.splat(<i32>x), i32x4(0, 1, 2, 3));
  return fourFire(rowHash(randomSeed, step, y), at, threshold);
}
