// Where everything lies in the engine's memory. Plain constants, so that the kernels (AssemblyScript)
// and the engine (TypeScript) read one and the same file. Bytes unless said otherwise.
//
//   control | rule, cells and movement of each organism | rules | scratch per thread | page lists |
//   territory of each organism | delta records | page records
//
// Memory is committed by the operating system where it is touched, so reserving the largest case of
// each region costs addresses, not bytes.

/** Side of a page, in cells (`shared/geometry.ts`; a row of cells is then one u64 of bits). */
export const SIDE = 64;
/** 16 float32: one cache line. */
export const CELL_BYTES = 64;
export const ROW_BYTES = 4096;
/** A page is sensed in four bands of 16 rows: the unit of work that threads take. */
export const BANDS = 4;
export const BAND_ROWS = 16;
export const BAND_CELLS = 1024;

// One page.
/** f32 [64, 64, 16] */
export const CELLS_AT = 0;
/** u16 [64, 64] */
export const OWNERS_AT = 262144;
/** u8 [64, 64, 4] */
export const RGBA_AT = 270336;
/** u16 [4 bands, 1024]: cells that fire */
export const FIRED_AT = 286720;
/** u32 [4 bands, 1024]: pixels of the cells that fired, until the alive mask is known */
export const PIXELS_AT = 294912;
/** u64 [64]: cells with an owner */
export const OWNED_AT = 311296;
/** u64 [64]: cells with an owner and alpha above the alive threshold */
export const OPAQUE_AT = 311808;
/** u64 [64]: cells that were alive before the update */
export const PRE_ALIVE_AT = 312320;
/** u64 [64]: cells whose state or owner changed, in the last step or since */
export const MOVED_AT = 312832;
/** u64 [64]: cells that rest: firing them again, with the same cells around, adds nothing */
export const STILL_AT = 313344;
// The page's head: i32 fields unless said otherwise.
export const PAGE_X_AT = 313856;
export const PAGE_Y_AT = 313860;
/** u32 [3, 3]: addresses of the neighbours, row by row, itself in the middle; the zero page where there is none */
export const LINKS_AT = 313864;
/** i32 [4 bands] */
export const FIRED_COUNT_AT = 313900;
/** i32 [4 bands] */
export const FRONTIER_COUNT_AT = 313916;
export const OWNED_COUNT_AT = 313932;
/** Bit i set: the neighbour `LINKS[i]` has a cell beside an opaque cell of this page. */
export const EDGES_AT = 313936;
/** 1 when RGBA8 changed since the last visit. */
export const CHANGED_AT = 313940;
/** The only organism in the page, 0 for none, -1 when there may be several. */
export const SOLE_AT = 313944;
/** The only organism in the page and its eight neighbours, 0 for none, -1 when there may be several. */
export const LONE_AT = 313948;
/** u64: columns that lie inside the world */
export const COLUMNS_AT = 313952;
/** Rows that lie inside the world. */
export const ROWS_AT = 313960;
/** 1 when a bit of `MOVED_AT` is set. */
export const ANY_MOVED_AT = 313964;
/** 1 when nothing moved in the last step and every cell that could fire rests. */
export const CALM_AT = 313968;
/** u32: address of the delta record that the page holds from being sensed to being applied */
export const DELTA_RECORD_AT = 313972;
/** Not a multiple of 4096: the heads of all pages would share one set of the cache. */
export const PAGE_RECORD_BYTES = 314048;

// One delta record: only as many as pages are sensed and not yet applied (`../waves.ts`).
/** f32 [4 bands, 1024, 16]: the deltas of this step's firing cells, in the order of `FIRED_AT` */
export const DELTAS_AT = 0;
/** u16 [4 bands, 1024]: unowned cells beside life, and below the organism they belong to for this step */
export const FRONTIER_AT = 262144;
export const FRONTIER_OWNERS_AT = 270336;
export const DELTA_RECORD_BYTES = 278528;

// One rule.
export const HIDDEN_AT = 0;
export const FIRE_THRESHOLD_AT = 4;
export const B1_AT = 64;
export const B2_AT = 1088;
export const W1_AT = 1152;
export const W2_AT = 50304;
export const RULE_RECORD_BYTES = 66688;

// Scratch of one thread.
/** One open block of 16 cells for each rule: where the deltas go (u32 [16]), then perceptions f32 [16, 48]. */
export const BLOCK_BYTES = 3136;
export const BLOCK_TARGETS_AT = 0;
export const BLOCK_PERCEPTIONS_AT = 64;
/** i32 [256]: cells in each open block */
export const BLOCK_COUNTS_AT = 802816;
/** f32 [48, 16] */
export const LANES_AT = 803840;
/** f32 [256, 16] */
export const HIDDEN_LANES_AT = 806912;
/** f32 [16, 16] */
export const DELTA_LANES_AT = 823296;
/** f32 [3, 3, 16]: a neighbourhood across a page border or beside foreigners, foreigners zeroed */
export const PATCH_AT = 824320;
/** f32 [16]: where the empty lanes of a short block write */
export const NOWHERE_AT = 824896;
/** u16 [64]: who the unowned cells of the row at hand belong to for this step */
export const ROW_OWNERS_AT = 824960;
export const SCRATCH_BYTES = 827392;
export const MAX_THREADS = 32;

// The whole.
export const CONTROL_AT = 4096;
/** u8 [65536] */
export const ORGANISM_RULES_AT = 8192;
/** i32 [65536] */
export const ORGANISM_CELLS_AT = 73728;
/** u8 [65536]: 1 when one of its cells changed, came or went since the last census */
export const ORGANISM_MOVED_AT = 335872;
export const RULES_AT = 401408;
export const SCRATCH_AT = 17473536;
/** u32 [16384]: addresses of the pages that exist, in any order */
export const LIST_AT = 43950080;
/** u32 [16384]: those of them that the step at hand does not pass over */
export const AWAKE_AT = 44015616;
export const MAX_LISTED = 16384;
/** u16 [65536, 4]: first and last column, first and last row that an organism may live in; first > last: none */
export const TERRITORIES_AT = 44081152;
/** The delta records; behind them the page records, the first of which stays zeros (`../memory.ts`). */
export const RECORDS_AT = 44605440;
/** A 32-bit memory. */
export const MEMORY_BYTES = 4294967296;

// Control: i32 fields from CONTROL_AT.
/** Next unit of work in this phase. */
export const NEXT_AT = 4096;
// Each on a cache line of its own: read while waiting.
/** Counts phases; a change is the call to work. */
export const PHASE_AT = 4160;
/** Threads that have not finished the phase, the leading one not counted. */
export const WORKING_AT = 4224;
/** Not 0: a thread failed, the world cannot go on. */
export const FAILED_AT = 4288;
/** Arguments of the phase: it works on the pages AWAKE[FIRST] to AWAKE[END - 1]. */
export const FIRST_AT = 4352;
export const END_AT = 4376;
export const RANDOM_SEED_AT = 4356;
export const STEP_AT = 4360;
/** f32: an update whose channels are all at most this is not added; negative: every update is. */
export const REST_AT = 4372;
/** f32: channels are clamped to ± this, and a cell that is not finite dies; infinite: neither. */
export const CHANNEL_LIMIT_AT = 4380;
/** The fire threshold that all rules share, or -1. */
export const COMMON_THRESHOLD_AT = 4368;
/** Which phase: one of those below. */
export const PHASE_KIND_AT = 4364;
export const PHASE_SENSE = 0;
export const PHASE_APPLY = 1;
export const PHASE_SETTLE = 2;
export const PHASE_QUIT = 3;
