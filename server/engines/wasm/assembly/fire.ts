// The hash of ../../fire.ts, for the kernels; the contract suite compares the two.

// @ts-ignore: decorator
@inline
export function cellHash(randomSeed: u32, step: u32, x: u32, y: u32): u32 {
  let h = (randomSeed ^ (step * 0x9e3779b1)) * 0x85ebca6b;
  h = (h ^ (h >> 15) ^ ((y << 16) | x)) * 0xc2b2ae35;
  h ^= h >> 16;
  h *= 0x85ebca6b;
  h ^= h >> 13;
  h *= 0xc2b2ae35;
  return h ^ (h >> 16);
}
