/**
 * Which cells fire: a hash of (randomSeed, step, x, y), never a generator, so that every engine, thread and replay
 * draws the same mask. The kernels repeat it (`wasm/assembly/fire.ts`, `webgpu/kernels/update.ts`), and the contract
 * suite compares them.
 */

/** 32-bit mix of (randomSeed, step, x, y); the finaliser is MurmurHash3's fmix32 (Appleby, public domain). */
export function cellHash(randomSeed: number, step: number, x: number, y: number): number {
  let h = Math.imul(randomSeed ^ Math.imul(step, 0x9e3779b1), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15) ^ ((y << 16) | x), 0xc2b2ae35);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A cell fires when the top 24 bits of its hash are below this: exact for every float32 rate. */
export const fireThreshold = (fireRate: number): number => Math.ceil(fireRate * 0x1000000);

export const fires = (hash: number, threshold: number): boolean => hash >>> 8 < threshold;

/** Everything that decides the noise of a perturbation, besides the cell and the channel. */
export interface NoiseDraw {
  readonly randomSeed: number;
  readonly salt: number;
  /** The step before which the perturbation happens. */
  readonly step: number;
}

/**
 * One draw of additive noise: uniform in [-1, 1), a multiple of 2^-23 and therefore exact in float32.
 *
 * @param salt - uint32: makes two perturbations in one step draw differently
 */
export function noiseAt(
  randomSeed: number,
  salt: number,
  step: number,
  x: number,
  y: number,
  channel: number,
): number {
  const hash = cellHash((randomSeed ^ Math.imul(salt + channel * 0x632be5ab, 0x9e3779b9)) >>> 0, step, x, y);
  return ((hash >>> 8) - 0x800000) * 2 ** -23;
}
