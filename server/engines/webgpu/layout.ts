/**
 * The layout of GPU memory. Kernels get these numbers as WGSL constants (`kernels/prelude.ts`); no other file writes a
 * bare offset.
 *
 * A page lives in a *slot*. Slot 0 is always zeros and stands for a page that does not exist, so that a kernel reads a
 * missing neighbour like any other. A page is 4 x 4 *tiles* of 16 x 16 cells; one workgroup steps one tile.
 */
import { PAGE_CELLS } from '../../../shared/geometry.ts';
import { CHANNELS } from '../../rules/rule.ts';
import { MAX_ORGANISMS, MAX_RULES } from '../engine.ts';

export const TILE = 16;
export const TILES_ACROSS = PAGE_CELLS / TILE;
export const TILES = TILES_ACROSS ** 2;
export const CELLS = PAGE_CELLS ** 2;

/** Bytes of a page's state, [64, 64, 16] float32: in `cells`, and in `next`, which holds updates until the mask. */
export const PAGE_STATE_BYTES = CELLS * CHANNELS * 4;
/** Pages in one bank: 64 MiB of `cells`, half of the binding size that WebGPU guarantees. */
export const BANK_PAGES = 256;

/** `words`: three planes of uint32 [64, 64] per slot. */
export const PLANE_OWNERS = 0; // owner | STILL | MOVED
export const PLANE_CLAIMS = 1; // owner in this step | PRE_ALIVE | OPAQUE_AFTER | MOVED_NOW | STILL_NOW
export const PLANE_RGBA = 2;
export const SLOT_WORDS = 3 * CELLS;

/** `shore`: copies of a page's border cells for other banks: top row, bottom row, left column, right column. */
export const SHORE_CELLS = 4 * PAGE_CELLS;
export const SLOT_SHORE_BYTES = SHORE_CELLS * CHANNELS * 4;

/** `heads`, HEAD_WORDS uint32 per slot: 0–8 the slots of the 3x3 pages, itself in the middle, then: */
export const HEAD_X = 9;
export const HEAD_Y = 10;
/** 1..64: how many of the page's columns and rows lie in the world. */
export const HEAD_COLUMNS = 11;
export const HEAD_ROWS = 12;
export const HEAD_WORDS = 16;

/** `tiles`: a vec4<u32> per tile: opaque columns | rows << 16; least | greatest owner << 16; flags; cells owned. */
export const TILE_BUSY = 1; // a word of the tile is not zero: it has to be stepped
export const TILE_CALM = 2; // no cell moved, and every living cell rests
export const TILE_MOVED = 4;
export const TILE_UNREPORTED = 8; // a cell or an owner changed since the last report
export const SLOT_TILES_BYTES = TILES * 16;

/** `tally`, int32: each organism's number of cells, then a word per tile: its pixels changed since the last visit. */
export const TALLY_CHANGED = MAX_ORGANISMS + 1;
export const SLOT_CHANGED_BYTES = TILES * 4;

/** `work`: the parameters of a step, and the active tiles that `find` lists. */
export const WORK_RANDOM_SEED = 0;
export const WORK_STEP = 1; // number of the current step
export const WORK_REST = 2; // float32
export const WORK_WAKE = 3; // 1: no cell may rest in the next step
export const WORK_PAGES = 4; // how many pages exist
export const WORK_NEXT_STEP = 5;
export const WORK_BANKS = 6;
export const WORK_BOUNDS = 7; // 1: channels are clamped, cells that are not finite die
export const WORK_WAKE_NOW = 8;
export const MAX_BANKS = 1024;
export const WORK_FOUND = 9; // by bank: tiles found active so far
export const WORK_ACTIVE = WORK_FOUND + MAX_BANKS; // by bank: active tiles of the current step
/** Then the active tiles, slot * TILES + tile, `bankPages * TILES` words per bank. */
export const WORK_LIST = WORK_ACTIVE + MAX_BANKS;

/** `dispatches`: indirect arguments by bank: x, y, z, unused. x is at most this many workgroups. */
export const DISPATCH_ROW = 32_768;
export const ARGS_WORDS = 4;

/** `tables`: by rule slot (first vec4 in `weights`, hidden, fire threshold, unused), then by organism: */
export const TABLE_RULE_WORDS = 4;
export const TABLE_ORGANISMS = MAX_RULES * TABLE_RULE_WORDS;
export const TABLE_ORGANISM_SLOT = 0; // slot of its rule
export const TABLE_ORGANISM_COLUMNS = 1; // its territory's first | last << 16 column of the world; first > last: none
export const TABLE_ORGANISM_ROWS = 2;
export const TABLE_ORGANISM_WORDS = 4;
export const TABLE_WORDS = TABLE_ORGANISMS + (MAX_ORGANISMS + 1) * TABLE_ORGANISM_WORDS;

/** `weights`, vec4<f32>: b2 (4), then per 4 hidden units b1, 48 inputs x 4 units, 4 units x 16 outputs. */
export const WEIGHTS_HEAD = 4;
export const WEIGHTS_GROUP = 1 + 48 + 16;

/** `report`: a vec4<u32> per page: flags | cells owned << 8; opaque box; least | greatest owner << 16; unused. */
export const STATUS_BUSY = 1;
export const STATUS_CHANGED = 2;
export const STATUS_OPAQUE = 4;
export const STATUS_MOVED = 8; // a cell or an owner changed since the last report
export const STATUS_WORDS = 4;

/**
 * An edit of one page: kind, organism, whether the cells that EDIT_KEEP leaves wake, whether noise is bounded; then per
 * row first | last << 8 | VALID, and the index of its first cell's noise.
 */
export const EDIT_CLEAR = 0; // clears the cells inside the spans
export const EDIT_KEEP = 1; // clears the organism's cells outside the spans
export const EDIT_NOISE = 2;
export const EDIT_PLANT = 3;
export const EDIT_INIT = 4; // derives everything else from owners and cells
export const EDIT_LAY = 5; // gives cells inside the spans that nobody owns to the organism, with noise as their channels
export const EDIT_WAKES = 2; // indices of words in the record
export const EDIT_BOUNDS = 3;
export const EDIT_HEAD = 4;
export const EDIT_WORDS = EDIT_HEAD + 2 * PAGE_CELLS;
export const SPAN_VALID = 1 << 16;
