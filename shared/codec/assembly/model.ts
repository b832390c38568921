// The model: how probable each decision is. Every decision looks up one learned weight per context; their sum
// is the log-odds. Nothing but the page tells the contexts, so every payload stands alone.
import { codeBit } from './coder';
import { WEIGHTS_AT } from './weights';

/** Log-odds are in 1/256; beyond ±11.5 a decision is as good as sure. */
const LIMIT = 2944;
/** u16 [2 LIMIT + 1]: probability of a 1, in 1/65536, by log-odds */
const SQUASH_AT: usize = memory.data((2 * 2944 + 1) * 2, 16);

// exp of AssemblyScript is plain float64 arithmetic: the same table on every machine.
for (let i = -LIMIT; i <= LIMIT; i++) {
  store<u16>(SQUASH_AT + ((i + LIMIT) << 1), <u16>Math.round(65536.0 / (1.0 + Math.exp(-(<f64>i) / 256.0))));
}

// @ts-ignore: decorator
@external("learn", "trace")
declare function trace(bit: i32, a: i32, b: i32, c: i32, d: i32, e: i32, f: i32, g: i32, h: i32): void;

// @ts-ignore: decorator
@inline
function weight(index: i32): i32 {
  return load<i16>(WEIGHTS_AT + (<usize>index << 1));
}

/**
 * Codes one decision in up to eight contexts.
 *
 * @param bit - what to write; not looked at when decoding
 * @param a - indexes into the weights; 0 is no context
 */
// @ts-ignore: decorator
@inline
export function decide(bit: bool, a: i32, b: i32, c: i32 = 0, d: i32 = 0, e: i32 = 0, f: i32 = 0, g: i32 = 0, h: i32 = 0): bool {
  let odds = weight(a) + weight(b) + weight(c) + weight(d) + weight(e) + weight(f) + weight(g) + weight(h);
  // @ts-ignore: the learner's build defines it
  if (isDefined(LEARNING)) trace(bit, a, b, c, d, e, f, g, h);
  odds = max(-LIMIT, min(LIMIT, odds));
  return codeBit(load<u16>(SQUASH_AT + (<usize>(odds + LIMIT) << 1)), bit);
}
