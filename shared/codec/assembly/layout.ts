// Where everything lies in the codec's memory. Addresses and sizes are in bytes; the host reads and writes the pages
// and the payload. Rows of zeros before and after an array replace checks for the page's edge: the neighbour left of
// column 0 is the last cell of the row above, for encoder and decoder alike.

export const SIDE = 64;
export const CELLS = 4096;
export const PAGE_BYTES = 16384;
/** A coded payload is shorter than its page; otherwise the page itself is sent. */
export const CHECK_BYTES = 2;
export const PAYLOAD_BYTES = CHECK_BYTES + PAGE_BYTES;

/** u8 [64, 64, 4]: the reader's page, moved cell by cell to the new one; three rows of zeros before and after */
export const PAGE_AT: usize = memory.data(PAGE_BYTES + 6 * 256, 16) + 3 * 256;
/** u8 [64, 64, 4]: the true pixels; only when encoding */
export const TRUTH_AT: usize = memory.data(PAGE_BYTES, 16);
export const PAYLOAD_AT: usize = memory.data(PAYLOAD_BYTES, 16);
/** i8 [64, 64, 4]: how far each channel moved, clamped to a byte; three rows of zeros before */
export const RESIDUALS_AT: usize = memory.data(PAGE_BYTES + 4 * 256, 16) + 3 * 256;
/**
 * u8 [64, 64]: each cell's level, three rows of zeros before. 0: stays; 1: moves by 1; 2: by 2 or 3; 3: by 4 or more;
 * 4: dies.
 */
export const LEVELS_AT: usize = memory.data(CELLS + 4 * 64, 16) + 3 * 64;
/** u64 [64]: a bit for each cell that moves */
export const MOVING_AT: usize = memory.data(64 * 8, 16);
/** u64 [64]: a bit for each cell of the reader's page that is not all zero; one row of zeros before and after */
export const LIVING_AT: usize = memory.data(66 * 8, 16) + 8;
/** u64 [64]: a bit for each cell coded so far that has moved; two rows of zeros before */
export const MOVED_AT: usize = memory.data(66 * 8, 16) + 16;
