// Phase 2 of a step: adds the deltas and gives the frontier its owners. Writes its page's state, owners and opaque bits;
// of its neighbours it reads only `SOLE`.
import { awakePage } from './awake';
import { areWithin, clampCell, killCell } from './bounds';
import {
  ALIVE_THRESHOLD,
  BAND_CELLS,
  BANDS,
  CELL_BYTES,
  CELLS_AT,
  CHANNEL_LIMIT_AT,
  DELTA_RECORD_AT,
  DELTAS_AT,
  END_AT,
  FIRED_AT,
  FIRED_COUNT_AT,
  FIRST_AT,
  FRONTIER_AT,
  FRONTIER_COUNT_AT,
  FRONTIER_OWNERS_AT,
  LONE_AT,
  MOVED_AT,
  NEXT_AT,
  OPAQUE_AT,
  OWNERS_AT,
  PIXELS_AT,
  REST_AT,
  RGBA_AT,
  SIDE,
  STILL_AT,
} from './layout';
import { loneOrganism } from './neighbours';

/** Phase 2: takes pages until none is left. */
export function apply(): void {
  const first = load<i32>(FIRST_AT);
  const end = load<i32>(END_AT);
  for (;;) {
    const index = first + atomic.add<i32>(NEXT_AT, 1);
    if (index >= end) break;
    applyPage(awakePage(index));
  }
}

function applyPage(page: usize): void {
  const rest = load<f32>(REST_AT);
  const limit = load<f32>(CHANNEL_LIMIT_AT);
  memory.fill(page + MOVED_AT, 0, SIDE * 8);
  // Read in this phase, because `settle` writes the pages' SOLE.
  store<i32>(page, loneOrganism(page), LONE_AT);
  const deltas = <usize>load<u32>(page, DELTA_RECORD_AT);
  for (let band: usize = 0; band < <usize>BANDS; band++) {
    const frontierCount = <usize>load<i32>(page + (band << 2), FRONTIER_COUNT_AT);
    const frontierList = deltas + band * BAND_CELLS * 2 + FRONTIER_AT;
    for (let k: usize = 0; k < frontierCount; k++) {
      const cell = <usize>load<u16>(frontierList + (k << 1));
      store<u16>(
        page + (cell << 1),
        load<u16>(frontierList + (k << 1), FRONTIER_OWNERS_AT - FRONTIER_AT),
        OWNERS_AT,
      );
    }
    applyBand(page, deltas + band * BAND_CELLS * CELL_BYTES + DELTAS_AT, band, rest, limit);
  }
}

/** Adds a band's deltas. A row's bits stay in registers, because the cells of one row follow each other. */
function applyBand(page: usize, delta: usize, band: usize, rest: f32, limit: f32): void {
  const firedCount = <usize>load<i32>(page + (band << 2), FIRED_COUNT_AT);
  const firedList = page + band * BAND_CELLS * 2 + FIRED_AT;
  let pixel = page + band * BAND_CELLS * 4 + PIXELS_AT;
  let row: usize = 0;
  let still: u64 = 0;
  let moved: u64 = 0;
  let opaque: u64 = 0;
  for (let k: usize = 0; k < firedCount; k++) {
    const cell = <usize>load<u16>(firedList + (k << 1));
    const rowOfCell = page + ((cell >> 6) << 3);
    if (rowOfCell != row) {
      if (row != 0) storeRow(row, still, moved, opaque);
      row = rowOfCell;
      still = load<u64>(row, STILL_AT);
      moved = 0;
      opaque = load<u64>(row, OPAQUE_AT);
    }
    const bit = (<u64>1) << (<u64>cell & 63);
    if (isRest(delta, rest)) {
      still |= bit;
      store<u32>(pixel, load<u32>(page + (cell << 2), RGBA_AT));
    } else {
      moved |= bit;
      const state = page + cell * CELL_BYTES + CELLS_AT;
      let rgba = f32x4.add(v128.load(state), v128.load(delta));
      const b = f32x4.add(v128.load(state, 16), v128.load(delta, 16));
      const c = f32x4.add(v128.load(state, 32), v128.load(delta, 32));
      const d = f32x4.add(v128.load(state, 48), v128.load(delta, 48));
      v128.store(state, rgba);
      v128.store(state, b, 16);
      v128.store(state, c, 32);
      v128.store(state, d, 48);
      if (!areWithin(limit, rgba, b, c, d)) {
        if (!clampCell(state, limit)) killCell(page, cell, row, bit);
        rgba = v128.load(state);
      }
      store<u32>(pixel, toPixel(rgba));
      opaque = f32x4.extract_lane(rgba, 3) > <f32>ALIVE_THRESHOLD ? opaque | bit : opaque & ~bit;
    }
    delta += CELL_BYTES;
    pixel += 4;
  }
  if (row != 0) storeRow(row, still, moved, opaque);
}

// @inline
function storeRow(row: usize, still: u64, moved: u64, opaque: u64): void {
  store<u64>(row, still, STILL_AT);
  store<u64>(row, moved, MOVED_AT);
  store<u64>(row, opaque, OPAQUE_AT);
}

/** Whether no channel of an update exceeds `rest`; NaN exceeds it. */
// @inline
function isRest(delta: usize, rest: f32): bool {
  const limit = f32x4.splat(rest);
  const low = v128.and(
    f32x4.le(f32x4.abs(v128.load(delta)), limit),
    f32x4.le(f32x4.abs(v128.load(delta, 16)), limit),
  );
  const high = v128.and(
    f32x4.le(f32x4.abs(v128.load(delta, 32)), limit),
    f32x4.le(f32x4.abs(v128.load(delta, 48)), limit),
  );
  return i32x4.bitmask(v128.and(low, high)) == 15;
}

/** The RGBA8 of a cell, each channel computed in float64 as `toByte` does. */
// @inline
function toPixel(rgba: v128): u32 {
  const scale = f64x2.splat(255);
  const half = f64x2.splat(0.5);
  const low = f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(rgba), scale), half);
  const high = f64x2.add(
    f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<f64>(rgba, rgba, 1, 1)), scale),
    half,
  );
  const ints = v128.shuffle<f64>(i32x4.trunc_sat_f64x2_s_zero(low), i32x4.trunc_sat_f64x2_s_zero(high), 0, 2);
  const words = i16x8.narrow_i32x4_s(ints, ints);
  return <u32>i32x4.extract_lane(i8x16.narrow_i16x8_u(words, words), 0);
}
