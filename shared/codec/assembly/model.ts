// The model: how probable each decision is. Every decision looks up one learned weight per context; their sum is the
// log-odds. Contexts depend on nothing but the page, so every payload can be decoded alone.
import { codeBit } from './coder';
import { WEIGHTS_AT } from './weights';

/** In 1/256. Eight weights of at most 2,900 each (tests/bench/learnCodec.ts) stay below it, so no sum is clamped. */
const LIMIT = 23552;
/** The table has a probability per 1/8 of log-odds: finer does not make payloads shorter, and it fits the L1 cache. */
const FINENESS_SHIFT = 5;
const STEPS = (2 * LIMIT) >> FINENESS_SHIFT;
/** u16 [STEPS]: probability of a 1, in 1/65536, by log-odds */
const SQUASH_AT: usize = memory.data(((2 * 23552) >> 5) * 2, 16);
/** i16 [8]: log-odds of the eight decisions of `climb` */
const LADDER_AT: usize = memory.data(16, 16);

// AssemblyScript's exp is plain float64 arithmetic, so every machine computes the same table.
for (let i = 0; i < STEPS; i++) {
  const odds = (<f64>((i << FINENESS_SHIFT) - LIMIT) + 15.5) / 256.0;
  store<u16>(
    SQUASH_AT + (i << 1),
    <u16>max(1.0, min(65535.0, Math.round(65536.0 / (1.0 + Math.exp(-odds))))),
  );
}

/** The host's function, in the build that learns the weights: it gets each decision and its contexts. */
declare function trace(bit: bool, a: i32, b: i32, c: i32, d: i32, e: i32, f: i32, g: i32, h: i32): void;

// @inline
function weight(index: i32): i32 {
  return load<i16>(WEIGHTS_AT + ((<usize>index) << 1));
}

// @inline
function codeOdds<Way>(odds: i32, bit: bool): bool {
  return codeBit<Way>(load<u16>(SQUASH_AT + ((<usize>((odds + LIMIT) >> FINENESS_SHIFT)) << 1)), bit);
}

/**
 * Codes one decision in up to four contexts.
 *
 * @param bit - what to write; ignored when reading
 * @param count - how many contexts; a literal, so that the compiler drops the others
 * @param a - index into the weights, as are b, c and d
 */
// @inline
export function decide<Way>(bit: bool, count: i32, a: i32, b: i32 = 0, c: i32 = 0, d: i32 = 0): bool {
  let odds = weight(a);
  if (count > 1) odds += weight(b);
  if (count > 2) odds += weight(c);
  if (count > 3) odds += weight(d);
  if (isDefined(LEARNING)) trace(bit, a, b, c, d, 0, 0, 0, 0);
  return codeOdds<Way>(odds, bit);
}

/**
 * Codes a number as a ladder of decisions: more than 0? more than 1? … The eight decisions of a context have their
 * weights side by side, so all log-odds are summed at once.
 *
 * @param value - what to write, 0 to `most`; ignored when reading
 * @param most - 0 to 8
 * @param a - index into the weights of the first of eight decisions, as are b to e
 */
// @inline
export function climb<Way>(value: i32, most: i32, a: i32, b: i32, c: i32, d: i32, e: i32): i32 {
  const upper = i16x8.add_sat_s(weights(a), weights(b));
  const lower = i16x8.add_sat_s(weights(c), weights(d));
  v128.store(LADDER_AT, i16x8.add_sat_s(i16x8.add_sat_s(upper, lower), weights(e)));
  let rung = 0;
  while (rung < most) {
    if (isDefined(LEARNING)) trace(value > rung, a + rung, b + rung, c + rung, d + rung, e + rung, 0, 0, 0);
    if (!codeOdds<Way>(load<i16>(LADDER_AT + ((<usize>rung) << 1)), value > rung)) break;
    rung++;
  }
  return rung;
}

// @inline
function weights(index: i32): v128 {
  return v128.load(WEIGHTS_AT + ((<usize>index) << 1));
}
