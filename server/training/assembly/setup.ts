// What the trainer of one thread is set up with: a block of 4-byte fields in the shared memory, as plain constants, so
// that the kernel (AssemblyScript) and `../kernel.ts` (TypeScript) name the same fields. Offsets are in bytes.

// i32: the grid, as `gridShape` lays it out.
export const WIDTH_AT = 0;
export const HEIGHT_AT = 4;
export const STRIDE_AT = 8;
export const CELL_COUNT_AT = 12;
export const HIDDEN_AT = 16;
/** u32 */
export const FIRE_THRESHOLD_AT = 20;
// f32: weights of what counts in the gradient only.
/**
 * How strongly a body is taught to keep still: weight · mean square of its last updates. `backward` gets the number of
 * steps.
 */
export const QUIESCENCE_AT = 24;
/**
 * How strongly the first two hidden channels are taught a cell's place: its distance from the seed to the right and
 * down, in units of `PLACE_CELLS`. Adds weight · Huber's loss of each where the picture is alive. Then what is left of a torn
 * body knows where it is, and what grows back can derive its place from it.
 */
export const PLACE_AT = 28;
/**
 * Extra weight of the error of cells where the picture is empty: their gradient is multiplied by 1 + weight. A few
 * cells of debris beside a body hardly count in the mean square error, and grow into a second body.
 */
export const STRAY_AT = 32;
// u32: addresses.
/** f32 [cells, 4] */
export const TARGET_AT = 36;
/** `scratchBytes` long; this thread's own. */
export const SCRATCH_AT = 40;
/** This thread's own, and its length in bytes. */
export const TAPE_AT = 44;
export const TAPE_BYTES_AT = 48;
/** As `packLayer` lays it out. */
export const W1_AT = 52;
export const B1_AT = 56;
export const B2_AT = 60;
/** f32 [hidden + 1, 48]: the first layer by unit, then a row of zeros */
export const UNITS1_AT = 64;
/** f32 [hidden + 1, 16]: the second layer by unit, then a row of zeros */
export const UNITS2_AT = 68;
/** f32 [48], all 0 */
export const ZEROS_AT = 72;
/**
 * f32: how strongly the next four hidden channels are taught waves of the place: sine and cosine of its distance from
 * the seed to the right, then down, with a period of `WAVE_CELLS`. Counts as `PLACE_AT` does. The picture is a function of
 * the place, and its fine parts are learned much sooner from waves than from the place alone (Tancik et al. 2020,
 * "Fourier features").
 */
export const WAVE_AT = 76;
/**
 * Extra weight of the error of cells whose alpha is now between `FAINT_ALPHA` and `CLEAR_ALPHA`: their gradient is
 * multiplied by 1 + weight (+ `STRAY_AT`'s). An alpha that wavers about the alive threshold makes its neighbours live
 * and die for ever, and the mean square error hardly sees it.
 */
export const RIM_AT = 80;
/** The length of the block. */
export const SETUP_BYTES = 84;
/** Alphas on either side of the alive threshold (0.1) from which a body's unrest does not cross it. */
export const FAINT_ALPHA = 0.04;
export const CLEAR_ALPHA = 0.18;
/** Cells from the seed to where a place is 1 (`PLACE_AT`). */
export const PLACE_CELLS = 8;
/** Cells of one wave (`WAVE_AT`). */
export const WAVE_CELLS = 12;
