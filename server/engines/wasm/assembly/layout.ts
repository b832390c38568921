// The layout of the engine's memory, as plain constants, so that the kernels (AssemblyScript) and the engine
// (TypeScript) read the same file. Addresses and sizes are in bytes.
//
//   control | rule, cells and movement of each organism | rules | scratch per thread | page lists |
//   territory of each organism | delta records | page records
//
// The operating system commits memory only where it is touched, so reserving the largest case of each region costs
// addresses, not memory.

/** Side of a page in cells, as in `shared/geometry.ts`: a row of cells is one u64 of bits. */
export const SIDE = 64;
/** A cell whose alpha, in float32, exceeds this is opaque: `ALIVE_THRESHOLD` of `rules/rule.ts`; a test compares. */
export const ALIVE_THRESHOLD = 0.1;
/** 16 float32: one cache line. */
export const CELL_BYTES = 64;
export const ROW_BYTES = 4096;
/** A page has four bands of 16 rows; a band is the unit of work of the sense phase. */
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
/** u32 [4 bands, 1024]: pixels of the cells that fired, kept until the alive mask is known */
export const PIXELS_AT = 294912;
/** u64 [64]: cells with an owner */
export const OWNED_AT = 311296;
/** u64 [64]: cells with an owner and alpha above the alive threshold */
export const OPAQUE_AT = 311808;
/** u64 [64]: cells that were alive before the update */
export const PRE_ALIVE_AT = 312320;
/** u64 [64]: cells whose state or owner changed in the last step or in an edit since */
export const MOVED_AT = 312832;
/** u64 [64]: cells that rest: while their 3x3 stays the same, firing them adds nothing */
export const STILL_AT = 313344;
// The page's head: i32 fields unless said otherwise.
export const PAGE_X_AT = 313856;
export const PAGE_Y_AT = 313860;
/** u32 [3, 3]: addresses of the 3x3 pages, itself in the middle; the zero page where none exists */
export const LINKS_AT = 313864;
/** i32 [4 bands] */
export const FIRED_COUNT_AT = 313900;
/** i32 [4 bands] */
export const FRONTIER_COUNT_AT = 313916;
export const OWNED_COUNT_AT = 313932;
/** Bit i set: a cell of the neighbour `LINKS[i]` lies beside an opaque cell of this page. */
export const EDGES_AT = 313936;
/** 1 when RGBA8 changed since the last visit. */
export const CHANGED_AT = 313940;
/** The only organism in the page; 0: none, -1: there may be several. */
export const SOLE_AT = 313944;
/** The only organism in the page and its eight neighbours; 0: none, -1: there may be several. */
export const LONE_AT = 313948;
/** u64: the columns inside the world */
export const COLUMNS_AT = 313952;
/** How many rows lie inside the world. */
export const ROWS_AT = 313960;
/** 1 when a bit of `MOVED_AT` is set. */
export const ANY_MOVED_AT = 313964;
/** 1 when nothing moved in the last step and every cell that could fire rests. */
export const CALM_AT = 313968;
/** u32: address of the delta record that the page holds from sensing to applying */
export const DELTA_RECORD_AT = 313972;
/** 1 when a cell or an owner may have changed since the last `takeChanges`. */
export const UNSAVED_AT = 313976;
/** Not a multiple of 4096, or the heads of all pages would share one set of the cache. */
export const PAGE_RECORD_BYTES = 314048;

// One delta record. There are only as many as pages may be sensed and not yet applied (`../waves.ts`).
/** f32 [4 bands, 1024, 16]: the deltas of this step's firing cells, in the order of `FIRED_AT` */
export const DELTAS_AT = 0;
/** u16 [4 bands, 1024]: unowned cells beside life; `FRONTIER_OWNERS_AT` has the owner of each in this step */
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
/** An open block of 16 cells per rule: addresses for the deltas, u32 [16], then perceptions, f32 [16, 48]. */
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
/** f32 [3, 3, 16]: a cell's 3x3 across a page border or beside other organisms, whose cells are zeroed */
export const PATCH_AT = 824320;
/** f32 [16]: the target of a short block's empty lanes */
export const NOWHERE_AT = 824896;
/** u16 [64]: the owners in this step of the current row's unowned cells */
export const ROW_OWNERS_AT = 824960;
export const SCRATCH_BYTES = 827392;
export const MAX_THREADS = 32;

// The whole memory.
export const CONTROL_AT = 4096;
/** u8 [65536] */
export const ORGANISM_RULES_AT = 8192;
/** i32 [65536] */
export const ORGANISM_CELLS_AT = 73728;
/** u8 [65536]: 1 when the organism gained, lost or changed a cell since the last `takeMoved` */
export const ORGANISM_MOVED_AT = 335872;
export const RULES_AT = 401408;
export const SCRATCH_AT = 17473536;
/** u32 [16384]: addresses of the pages that exist, in any order */
export const LIST_AT = 43950080;
/** u32 [16384]: addresses of the pages that are awake in this step */
export const AWAKE_AT = 44015616;
export const MAX_LISTED = 16384;
/** u16 [65536, 4]: first and last column, first and last row of an organism's territory; first > last: none */
export const TERRITORIES_AT = 44081152;
/** The delta records; behind them the page records, the first of which stays zeros (`../memory.ts`). */
export const RECORDS_AT = 44605440;
/** The most that a 32-bit memory can hold. */
export const MEMORY_BYTES = 4294967296;

// Control: i32 fields from CONTROL_AT.
/** The next unit of work in this phase. */
export const NEXT_AT = 4096;
// The next three have a cache line each, because waiting threads read them all the time.
/** Counts phases: when it changes, helpers start to work. */
export const PHASE_AT = 4160;
/** Helpers that have not finished the phase. */
export const WORKING_AT = 4224;
/** Not 0: a thread failed, and the world cannot go on. */
export const FAILED_AT = 4288;
/** The phase works on the pages AWAKE[FIRST] to AWAKE[END - 1]. */
export const FIRST_AT = 4352;
export const END_AT = 4376;
export const RANDOM_SEED_AT = 4356;
export const STEP_AT = 4360;
/** f32: an update that changes no channel by more than this is not added; negative: every update is added. */
export const REST_AT = 4372;
/** f32: channels are clamped to ± this, and a cell that is not finite dies; infinite: bounds are off. */
export const CHANNEL_LIMIT_AT = 4380;
/** The fire threshold of all rules, or -1 when they differ. */
export const COMMON_THRESHOLD_AT = 4368;
/** One of the `PHASE_` values below. */
export const PHASE_KIND_AT = 4364;
export const PHASE_SENSE = 0;
export const PHASE_APPLY = 1;
export const PHASE_SETTLE = 2;
export const PHASE_QUIT = 3;
