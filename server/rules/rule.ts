/** A rule in memory. `format.ts` reads files; engines get this and nothing else. */
import type { Hash } from 'node:crypto';

export const CHANNELS = 16;
/** identity 16 | Sobel-x/8 16 | Sobel-y/8 16 */
export const PERCEPTION = 48;
export const MAX_HIDDEN = 256;
/** A cell lives while the 3x3 maximum of alpha (channel 3) exceeds this. */
export const ALIVE_THRESHOLD = 0.1;

/**
 * One trained update rule: `delta = W2 · relu(W1 · perception + b1) + b2`.
 * All values are finite; the arrays are owned by the rule and never written.
 */
export interface Rule {
  readonly name: string;
  /** Hidden units: a multiple of 4, 4..MAX_HIDDEN. */
  readonly hidden: number;
  /** [hidden, 48] row-major */
  readonly w1: Float32Array;
  /** [hidden] */
  readonly b1: Float32Array;
  /** [16, hidden] row-major */
  readonly w2: Float32Array;
  /** [16] */
  readonly b2: Float32Array;
  /** Probability that a cell adds its delta in a step, 0 < fireRate <= 1. */
  readonly fireRate: number;
  /** All other metadata of the file: training command, random seed, metrics, parent … */
  readonly metadata: Readonly<Record<string, string>>;
}

export const TENSORS = ['w1', 'b1', 'w2', 'b2'] as const;
export type TensorName = (typeof TENSORS)[number];

/** Adds all weights to a hash. Names of files on users' disks come from it: neither order nor bytes may change. */
export function hashWeights(hash: Hash, weights: Pick<Rule, TensorName>): Hash {
  for (const tensor of TENSORS) {
    const { buffer, byteOffset, byteLength } = weights[tensor];
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash;
}

/** A rule or rule file is refused. The message is one line that names the fact. */
export class RuleError extends Error {
  override name = 'RuleError';
}
