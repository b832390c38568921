// Where everything lies in the codec's memory. Bytes unless said otherwise; the host reads and writes the
// pages and the payload. Rows of zeros around what has neighbours spare the contexts every check of an edge:
// the neighbour left of column 0 is the last cell of the row above, on both sides of the wire alike.

export const SIDE = 64;
export const CELLS = 4096;
export const PAGE_BYTES = 16384;
/** Coded, a payload is shorter than its page; else the page itself is sent. */
export const CHECK_BYTES = 2;
export const PAYLOAD_BYTES = CHECK_BYTES + PAGE_BYTES;

/** u8 [64, 64, 4]: what is published, on its way to what will be; three rows of zeros before and after */
export const PAGE_AT: usize = memory.data(PAGE_BYTES + 6 * 256, 16) + 3 * 256;
/** u8 [64, 64, 4] */
export const TRUTH_AT: usize = memory.data(PAGE_BYTES, 16);
export const PAYLOAD_AT: usize = memory.data(PAYLOAD_BYTES, 16);
/** i8 [64, 64, 4]: by how much each channel moved, clamped to a byte; three rows of zeros before */
export const RESIDUALS_AT: usize = memory.data(PAGE_BYTES + 4 * 256, 16) + 3 * 256;
/** u8 [64, 64]: 0 stays; else how far it moved: 1, 2 (2 or 3), 3 (4 or more); three rows of zeros before */
export const LEVELS_AT: usize = memory.data(CELLS + 4 * 64, 16) + 3 * 64;
/** u64 [64]: cells that move, one bit each */
export const MOVING_AT: usize = memory.data(64 * 8, 16);
/** u64 [64]: cells that are not all zero before; one row of zeros before and after */
export const LIVING_AT: usize = memory.data(66 * 8, 16) + 8;
/** u64 [64]: cells that have moved so far; two rows of zeros before */
export const MOVED_AT: usize = memory.data(66 * 8, 16) + 16;
