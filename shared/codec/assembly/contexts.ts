// What each decision is judged by: where its contexts lie among the weights. Changing a size or an order here
// makes the learned table worthless: learn it again.

export const RATES = 21;

// Of the whole page. 0 is no context at all.
/** [32] nodes of a binary tree */
export const CLASS = 1;
/** [21 rates, 3 nodes] */
export const SIZE = CLASS + 32;
/** [21 rates, 3 life] */
export const BLOCK_RATE = SIZE + RATES * 3;
/** [16 blocks around that move, 3 life] */
export const BLOCK_AROUND = BLOCK_RATE + RATES * 3;
/** [6 rates, 9 living columns] */
export const BLOCK_COLUMNS = BLOCK_AROUND + 48;

// Of a cell: whether it moves. From here on there are two banks: for keyframes all is different.
const BANKS = BLOCK_COLUMNS + 54;
/** [5 W, 5 N, 5 NW, 5 NE: how they moved, 2 opaque] */
export const FLAG_NEAR = 0;
/** [11 rates, 7 cells further off that moved] */
export const FLAG_FAR = FLAG_NEAR + 1250;
/** [4 sizes, 3 opacities, 16 channels that are 0 or 255] */
export const FLAG_BOUND = FLAG_FAR + 77;
/** [11 rates, 17 rates of late] */
export const FLAG_LATE = FLAG_BOUND + 192;

/** [21 rates]: nothing lives or moved around it */
export const FLAG_EMPTY = FLAG_LATE + 187;

// Of a moving cell: whether it dies.
/** [16 neighbours that died, 3 opacities] */
export const DEATH_NEAR = FLAG_EMPTY + RATES;
/** [21 rates, 4 sizes] */
export const DEATH_RATE = DEATH_NEAR + 48;

// Of a channel of a moving cell: whether it moves.
/** [4 channels, 6 rates, 4 sizes, 3 opacities] */
export const MOVE_RATE = DEATH_RATE + 84;
/** [4 channels, 64: how the earlier ones moved] */
export const MOVE_EARLIER = MOVE_RATE + 288;
/** [4 channels, 4 W, 4 N, 4 NE: how it moved there] */
export const MOVE_NEAR = MOVE_EARLIER + 256;
/** [4 channels, 8 values, 4 sizes] */
export const MOVE_VALUE = MOVE_NEAR + 256;

// Whether it falls.
/** [4 channels, 27 signs of the earlier ones] */
export const SIGN_EARLIER = MOVE_VALUE + 128;
/** [4 channels, 27 signs of W, N, NE] */
export const SIGN_NEAR = SIGN_EARLIER + 108;
/** [4 channels, 17 signed pulls] */
export const SIGN_PULL = SIGN_NEAR + 108;

// Whether it moves by more bits than these: eight decisions side by side (model.ts, climb).
/** [4 channels, 6 rates, 4 sizes, 8 bits] */
export const MORE_RATE = SIGN_PULL + 68;
/** [4 channels, 9 bits of the largest earlier one, 8 bits] */
export const MORE_EARLIER = MORE_RATE + 768;
/** [9 W, 9 N, 8 bits] */
export const MORE_NEAR = MORE_EARLIER + 288;
/** [9 pulls, 2 with or against it, 4 sizes, 8 bits] */
export const MORE_PULL = MORE_NEAR + 648;
/** [4 channels, 16 bits of late, 8 bits] */
export const MORE_LATE = MORE_PULL + 576;

const BANK_SIZE = MORE_LATE + 512;
export const WEIGHT_COUNT = BANKS + 2 * BANK_SIZE;

// What the page as a whole is like, and what it was like of late.
export let rate: i32 = 0;
export let size: i32 = 0;
export let bank: i32 = BANKS;
/** Share of cells that moved of late, in 1/65536. */
export let lateRate: i32 = 0;
/** Bits of the moves of late, in 1/16. */
export let lateBits: i32 = 0;

export function begin(pageRate: i32, pageSize: i32, blank: bool): void {
  rate = pageRate;
  size = pageSize;
  bank = blank ? BANKS + BANK_SIZE : BANKS;
  lateRate = 1 << (15 - ((20 - min(20, pageRate)) >> 1));
  lateBits = 16 + (pageSize << 4);
}

// @ts-ignore: decorator
@inline
export function noteCell(moved: bool): void {
  lateRate += ((moved ? 65535 : 0) - lateRate) >> 4;
}

// @ts-ignore: decorator
@inline
export function noteMove(bits: i32): void {
  lateBits += ((bits << 4) - lateBits) >> 3;
}

/** Bits of a magnitude: 0..8. */
// @ts-ignore: decorator
@inline
export function bitsOf(value: i32): i32 {
  return 32 - <i32>clz(value);
}
