/**
 * What lies where in GPU memory. Kernels get these numbers as WGSL constants (`kernels/prelude.ts`); nobody
 * else writes a bare offset.
 *
 * A page lives in a *slot*. Slot 0 is the page that does not exist: always zeros, so that a kernel reads a
 * missing neighbour like any other. A page is 4 x 4 *tiles* of 16 x 16 cells; a tile is what one workgroup does.
 */
import { PAGE_CELLS } from '../../../shared/geometry.ts';
import { CHANNELS } from '../../rules/rule.ts';
import { MAX_ORGANISMS, MAX_RULES } from '../engine.ts';

export const TILE = 16;
export const TILES_ACROSS = PAGE_CELLS / TILE;
export const TILES = TILES_ACROSS ** 2;
export const CELLS = PAGE_CELLS ** 2;

/** Bytes of a page's state, [64, 64, 16] float32: in `cells`, and again in `next`, where updates wait for the mask. */
export const PAGE_STATE_BYTES = CELLS * CHANNELS * 4;
/** Pages of one bank: 64 MiB of `cells`, half of the smallest binding that WebGPU promises. */
export const BANK_PAGES = 256;

/** `words`: three planes of uint32 [64, 64] a slot. */
export const PLANE_OWNERS = 0; // owner | STILL | MOVED
export const PLANE_CLAIMS = 1; // owner for this step | PRE_ALIVE | OPAQUE_AFTER | MOVED_NOW | STILL_NOW
export const PLANE_RGBA = 2;
export const SLOT_WORDS = 3 * CELLS;

/** `shore`: a page's outermost cells again, where other banks can read them: top row, bottom row, left column, right column. */
export const SHORE_CELLS = 4 * PAGE_CELLS;
export const SLOT_SHORE_BYTES = SHORE_CELLS * CHANNELS * 4;

/** `heads`, uint32 a slot: slots of the 3x3 pages around (0–8, itself in the middle), then: */
export const HEAD_X = 9;
export const HEAD_Y = 10;
/** Cells of the page that lie in the world, across and down: 1..64. */
export const HEAD_COLUMNS = 11;
export const HEAD_ROWS = 12;
export const HEAD_WORDS = 16;

/** `tiles`: one vec4<u32> a tile: opaque columns | rows << 16; least | greatest owner << 16; flags; cells owned. */
export const TILE_BUSY = 1; // something is not zero: the tile has to be stepped
export const TILE_CALM = 2; // nothing moved and everything alive rests
export const TILE_MOVED = 4;
export const SLOT_TILES_BYTES = TILES * 16;

/** `tally`, int32: cells of each organism, then one word a tile: its pixels changed since the last visit. */
export const TALLY_CHANGED = MAX_ORGANISMS + 1;
export const SLOT_CHANGED_BYTES = TILES * 4;

/** `work`: what a step is told and what it finds to do. */
export const WORK_RANDOM_SEED = 0;
export const WORK_STEP = 1; // of the step under way
export const WORK_REST = 2; // float32
export const WORK_WAKE = 3; // nothing rests in the next step
export const WORK_PAGES = 4; // how many pages exist
export const WORK_NEXT_STEP = 5;
export const WORK_BANKS = 6;
export const WORK_BOUNDS = 7; // 1: channels are clamped, cells that are not finite die
export const WORK_WAKE_NOW = 8;
export const MAX_BANKS = 1024;
export const WORK_FOUND = 9; // tiles found active so far, by bank
export const WORK_ACTIVE = WORK_FOUND + MAX_BANKS; // tiles of the step under way, by bank
/** Then the active tiles themselves, slot * TILES + tile, `bankPages * TILES` words a bank. */
export const WORK_LIST = WORK_ACTIVE + MAX_BANKS;

/** Indirect dispatch arguments, by bank: x, y, z, unused. Rows of this many workgroups. */
export const DISPATCH_ROW = 32_768;
export const ARGS_WORDS = 4;

/** `tables`: by rule slot (first vec4 in `weights`, hidden, fire threshold, unused), then by organism: */
export const TABLE_RULE_WORDS = 4;
export const TABLE_ORGANISMS = MAX_RULES * TABLE_RULE_WORDS;
export const TABLE_ORGANISM_SLOT = 0; // of its rule
export const TABLE_ORGANISM_COLUMNS = 1; // of its territory: first | last << 16, of the world; first > last: none
export const TABLE_ORGANISM_ROWS = 2;
export const TABLE_ORGANISM_WORDS = 4;
export const TABLE_WORDS = TABLE_ORGANISMS + (MAX_ORGANISMS + 1) * TABLE_ORGANISM_WORDS;

/** `weights`, vec4<f32>: b2 (4), then for each 4 hidden units b1, 48 inputs x 4 units, 4 units x 16 outputs. */
export const WEIGHTS_HEAD = 4;
export const WEIGHTS_GROUP = 1 + 48 + 16;

/** `status`: one vec4<u32> a page: flags | cells owned << 8; opaque box; least | greatest owner << 16; unused. */
export const STATUS_BUSY = 1;
export const STATUS_CHANGED = 2;
export const STATUS_OPAQUE = 4;
export const STATUS_WORDS = 4;

/** An edit of one page: kind, organism, unused, whether noise is bounded; then for each row first | last << 8 | VALID, and its cells' place among the noises. */
export const EDIT_CLEAR = 0; // inside the spans
export const EDIT_KEEP = 1; // clears the organism's cells outside the spans
export const EDIT_NOISE = 2;
export const EDIT_PLANT = 3;
export const EDIT_INIT = 4; // takes owners and cells as they lie there
export const EDIT_BOUNDS = 3; // word of the record
export const EDIT_HEAD = 4;
export const EDIT_WORDS = EDIT_HEAD + 2 * PAGE_CELLS;
export const SPAN_VALID = 1 << 16;
