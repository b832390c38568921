// Where the contexts of each decision lie among the weights. After a change of a size or of the order, learn the
// weights again: the table is indexed by them.

export const RATES = 21;

// Contexts of decisions about the whole page. Index 0 is not used.
/** [32] nodes of a binary tree */
export const CLASS = 1;
/** [21 rates, 3 nodes] */
export const SIZE = CLASS + 32;
/** [21 rates, 3 life] */
export const BLOCK_RATE = SIZE + RATES * 3;
/** [16 combinations of moving blocks around, 3 life] */
export const BLOCK_AROUND = BLOCK_RATE + RATES * 3;
/** [6 rates, 9 living columns] */
export const BLOCK_COLUMNS = BLOCK_AROUND + 48;

// Whether a cell moves. From here on there are two banks, because keyframes have other odds than deltas.
const BANKS = BLOCK_COLUMNS + 54;
/** [5 W, 5 N, 5 NW, 5 NE: levels of the neighbours, 2 opaque] */
export const FLAG_NEAR = 0;
/** [11 rates, 7 counts of cells two away that moved] */
export const FLAG_FAR = FLAG_NEAR + 1250;
/** [4 sizes, 3 opacities, 16 combinations of channels that are 0 or 255] */
export const FLAG_BOUND = FLAG_FAR + 77;
/** [11 rates, 17 recent rates] */
export const FLAG_LATE = FLAG_BOUND + 192;

/** [21 rates], for a cell around which nothing lives and nothing moved */
export const FLAG_EMPTY = FLAG_LATE + 187;

// Whether a moving cell dies.
/** [16 combinations of neighbours that died, 3 opacities] */
export const DEATH_NEAR = FLAG_EMPTY + RATES;
/** [21 rates, 4 sizes] */
export const DEATH_RATE = DEATH_NEAR + 48;

// Whether a channel of a moving cell moves.
/** [4 channels, 6 rates, 4 sizes, 3 opacities] */
export const MOVE_RATE = DEATH_RATE + 84;
/** [4 channels, 64 combinations of the levels of channels coded before] */
export const MOVE_EARLIER = MOVE_RATE + 288;
/** [4 channels, 4 W, 4 N, 4 NE: levels of the same channel there] */
export const MOVE_NEAR = MOVE_EARLIER + 256;
/** [4 channels, 8 classes of its value, 4 sizes] */
export const MOVE_VALUE = MOVE_NEAR + 256;

// Whether the channel falls.
/** [4 channels, 27 signs of channels coded before] */
export const SIGN_EARLIER = MOVE_VALUE + 128;
/** [4 channels, 27 signs of W, N, NE] */
export const SIGN_NEAR = SIGN_EARLIER + 108;
/** [4 channels, 17 signed pulls] */
export const SIGN_PULL = SIGN_NEAR + 108;

// Whether its move has more than k bits, for k = 1..8: eight decisions side by side (`climb` in model.ts).
/** [4 channels, 6 rates, 4 sizes, 8 bits] */
export const MORE_RATE = SIGN_PULL + 68;
/** [4 channels, 9 sizes of the largest move before, 8 bits] */
export const MORE_EARLIER = MORE_RATE + 768;
/** [9 W, 9 N, 8 bits] */
export const MORE_NEAR = MORE_EARLIER + 288;
/** [9 pulls, 2 (with or against the pull), 4 sizes, 8 bits] */
export const MORE_PULL = MORE_NEAR + 648;
/** [4 channels, 16 recent sizes, 8 bits] */
export const MORE_LATE = MORE_PULL + 576;

const BANK_SIZE = MORE_LATE + 512;
export const WEIGHT_COUNT = BANKS + 2 * BANK_SIZE;

// The classes of the page that is coded now, and running averages over the cells coded last.
export let rate: i32 = 0;
export let size: i32 = 0;
export let bank: i32 = BANKS;
/** Running share of cells that moved, in 1/65536. */
export let lateRate: i32 = 0;
/** Running mean of the bits of a move, in 1/16. */
export let lateBits: i32 = 0;

/** Sets the page's classes, and starts the running averages from them. */
export function begin(pageRate: i32, pageSize: i32, blank: bool): void {
  rate = pageRate;
  size = pageSize;
  bank = blank ? BANKS + BANK_SIZE : BANKS;
  lateRate = 1 << (15 - ((20 - min(20, pageRate)) >> 1));
  lateBits = 16 + (pageSize << 4);
}

// @inline
export function noteCell(moved: bool): void {
  lateRate += ((moved ? 65535 : 0) - lateRate) >> 4;
}

// @inline
export function noteMove(bits: i32): void {
  lateBits += ((bits << 4) - lateBits) >> 3;
}

/** @returns the number of bits of a magnitude: 0..8 */
// @inline
export function bitsOf(value: i32): i32 {
  return 32 - <i32>clz(value);
}
