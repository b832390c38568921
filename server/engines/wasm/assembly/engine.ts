// One step of the paged world: three phases over the awake pages. In each phase a page writes only itself and counters,
// and reads of its neighbours only what no page writes in that phase. So threads may take pages in any order with the
// same result. A resting cell whose 3x3 did not move is skipped: its update would again add nothing.
//   sense   which cells live, which fire, their deltas         reads state, owners, opaque bits
//   apply   adds the deltas, gives the frontier its owners     writes state, owners, opaque bits
//   settle  alive mask, clearing, RGBA8, what changed          reads opaque bits and owners of opaque cells
import { flushBlocks, gather } from './blocks';
import { areWithin, clampCell, killCell, territoryBottom, territoryColumns, territoryTop } from './bounds';
import { cellHash, fireBits } from './fire';
import {
  ALIVE_THRESHOLD,
  ANY_MOVED_AT,
  AWAKE_AT,
  BAND_CELLS,
  BAND_ROWS,
  BANDS,
  CALM_AT,
  CELL_BYTES,
  CELLS_AT,
  CHANGED_AT,
  CHANNEL_LIMIT_AT,
  COLUMNS_AT,
  COMMON_THRESHOLD_AT,
  DELTA_RECORD_AT,
  DELTA_RECORD_BYTES,
  DELTAS_AT,
  EDGES_AT,
  END_AT,
  FIRE_THRESHOLD_AT,
  FIRED_AT,
  FIRED_COUNT_AT,
  FIRST_AT,
  FRONTIER_AT,
  FRONTIER_COUNT_AT,
  FRONTIER_OWNERS_AT,
  LIST_AT,
  LONE_AT,
  MOVED_AT,
  NEXT_AT,
  OPAQUE_AT,
  ORGANISM_CELLS_AT,
  ORGANISM_MOVED_AT,
  ORGANISM_RULES_AT,
  OWNED_AT,
  OWNED_COUNT_AT,
  OWNERS_AT,
  PAGE_X_AT,
  PAGE_Y_AT,
  PIXELS_AT,
  PRE_ALIVE_AT,
  RANDOM_SEED_AT,
  RECORDS_AT,
  REST_AT,
  RGBA_AT,
  ROW_BYTES,
  ROW_OWNERS_AT,
  ROWS_AT,
  RULE_RECORD_BYTES,
  RULES_AT,
  SCRATCH_AT,
  SCRATCH_BYTES,
  SIDE,
  SOLE_AT,
  STEP_AT,
  STILL_AT,
} from './layout';
import {
  besideMoved,
  besideOpaque,
  gatherPatch,
  isAmongItself,
  isBesideOwnOpaque,
  isDisturbed,
  loneOrganism,
  mostOpaqueInside,
  mostOpaqueNeighbour,
} from './neighbours';

/** Awake page `index` of this step. */
// @inline
function awakePage(index: i32): usize {
  return <usize>load<u32>(<usize>AWAKE_AT + ((<usize>index) << 2));
}

/**
 * Called by the leading thread before the phases: lists the awake pages, those in which something can move.
 *
 * @param length - how many pages exist
 * @param deltaRecords - how many there are; awake page i gets record i modulo this
 * @returns how many pages are awake
 */
export function muster(length: i32, deltaRecords: i32): i32 {
  let awake = 0;
  let record: usize = 0;
  for (let i = 0; i < length; i++) {
    const page = <usize>load<u32>(<usize>LIST_AT + ((<usize>i) << 2));
    if (load<i32>(page, CALM_AT) != 0 && !isDisturbed(page)) continue;
    store<u32>(page, <u32>(<usize>RECORDS_AT + record * DELTA_RECORD_BYTES), DELTA_RECORD_AT);
    store<u32>(<usize>AWAKE_AT + ((<usize>awake) << 2), <u32>page);
    awake++;
    if (++record == <usize>deltaRecords) record = 0;
  }
  return awake;
}

/** Phase 1: takes bands of pages until none is left. */
export function sense(thread: i32): void {
  const scratch = <usize>SCRATCH_AT + <usize>thread * SCRATCH_BYTES;
  const first = load<i32>(FIRST_AT);
  const bands = (load<i32>(END_AT) - first) * BANDS;
  for (;;) {
    const next = atomic.add<i32>(NEXT_AT, 1);
    if (next >= bands) break;
    senseBand(scratch, awakePage(first + (next >> 2)), next & 3);
  }
  flushBlocks(scratch);
}

function senseBand(scratch: usize, page: usize, band: i32): void {
  let columns = load<u64>(page, COLUMNS_AT);
  let firstInside = 0;
  let rows = load<i32>(page, ROWS_AT);
  const left = load<i32>(page, PAGE_X_AT) * SIDE;
  const lone = loneOrganism(page);
  if (lone > 0) {
    // The only organism's cells lie in its territory, so masking rows and columns masks only the frontier.
    const top = load<i32>(page, PAGE_Y_AT) * SIDE;
    columns &= territoryColumns(<u32>lone, left);
    firstInside = territoryTop(<u32>lone) - top;
    rows = min(rows, territoryBottom(<u32>lone) - top + 1);
  }
  const firedList = page + <usize>(band * BAND_CELLS * 2) + FIRED_AT;
  const deltas = <usize>load<u32>(page, DELTA_RECORD_AT);
  const frontierList = deltas + <usize>(band * BAND_CELLS * 2) + FRONTIER_AT;
  const rowOwners = scratch + ROW_OWNERS_AT;
  let target = deltas + <usize>(band * BAND_CELLS * CELL_BYTES) + DELTAS_AT;
  let firedCount: usize = 0;
  let frontierCount: usize = 0;

  const firstRow = band * BAND_ROWS;
  for (let y = firstRow; y < firstRow + BAND_ROWS; y++) {
    const row = page + ((<usize>y) << 3);
    // Only cells beside an opaque one can be alive before the update.
    let preAlive: u64 = y >= firstInside && y < rows ? besideOpaque(page, y) & columns : 0;
    if (preAlive == 0) {
      store<u64>(row, 0, PRE_ALIVE_AT);
      continue;
    }
    const owned = load<u64>(row, OWNED_AT);
    for (let rest = preAlive & ~owned; rest != 0; rest &= rest - 1) {
      const x = <i32>ctz(rest);
      let organism = <u32>lone;
      if (lone < 0) {
        organism = isInside(x, y) ? mostOpaqueInside(page, x, y) : mostOpaqueNeighbour(page, x, y);
        if (organism == 0) {
          preAlive &= ~((<u64>1) << (<u64>x));
          continue;
        }
      }
      store<u16>(rowOwners + ((<usize>x) << 1), <u16>organism);
      store<u16>(frontierList + (frontierCount << 1), <u16>(y * SIDE + x));
      store<u16>(frontierList + (frontierCount << 1), <u16>organism, FRONTIER_OWNERS_AT - FRONTIER_AT);
      frontierCount++;
    }
    if (lone < 0) preAlive &= ~besideForeignOnly(page, y, preAlive & owned);
    store<u64>(row, preAlive, PRE_ALIVE_AT);
    const still = load<u64>(row, STILL_AT) & ~besideMoved(page, y);
    store<u64>(row, still, STILL_AT);
    const awake = preAlive & ~still;
    if (awake == 0) continue;

    for (let fired = awake & firing(page, rowOwners, left, y, awake, lone); fired != 0; fired &= fired - 1) {
      const x = <i32>ctz(fired);
      const cell = y * SIDE + x;
      let organism = <u32>lone;
      if (lone < 0) organism = ownerInRow(page, rowOwners, cell, x);
      store<u16>(firedList + (firedCount << 1), <u16>cell);
      firedCount++;
      const slot = <u32>load<u8>(<usize>ORGANISM_RULES_AT + <usize>organism);
      if (isInside(x, y) && (lone > 0 || isAmongItself(page, cell, organism))) {
        gather(scratch, slot, page + <usize>cell * CELL_BYTES + CELLS_AT, ROW_BYTES, target);
      } else {
        gather(scratch, slot, gatherPatch(scratch, page, x, y, organism), 3 * CELL_BYTES, target);
      }
      target += CELL_BYTES;
    }
  }
  store<i32>(page + ((<usize>band) << 2), <i32>firedCount, FIRED_COUNT_AT);
  store<i32>(page + ((<usize>band) << 2), <i32>frontierCount, FRONTIER_COUNT_AT);
}

// @inline
function isInside(x: i32, y: i32): bool {
  return x > 0 && x < SIDE - 1 && y > 0 && y < SIDE - 1;
}

/** A cell's owner in this step. */
// @inline
function ownerInRow(page: usize, rowOwners: usize, cell: i32, x: i32): u32 {
  const organism = <u32>load<u16>(page + ((<usize>cell) << 1), OWNERS_AT);
  return organism != 0 ? organism : <u32>load<u16>(rowOwners + ((<usize>x) << 1));
}

/** Bit x set: the cell at x fires, if it is one of `cells`; other bits may have any value. */
function firing(page: usize, rowOwners: usize, left: i32, y: i32, cells: u64, lone: i32): u64 {
  const randomSeed = load<u32>(RANDOM_SEED_AT);
  const step = load<u32>(STEP_AT);
  const top = load<i32>(page, PAGE_Y_AT) * SIDE;
  const common = load<i32>(COMMON_THRESHOLD_AT);
  if (common >= 0) return fireBits(randomSeed, step, <u32>left, <u32>(top + y), <u32>common);
  if (lone > 0) return fireBits(randomSeed, step, <u32>left, <u32>(top + y), thresholdOf(<u32>lone));
  let bits: u64 = 0;
  for (let rest = cells; rest != 0; rest &= rest - 1) {
    const x = <i32>ctz(rest);
    const threshold = thresholdOf(ownerInRow(page, rowOwners, y * SIDE + x, x));
    const fires = <bool>(cellHash(randomSeed, step, <u32>(left + x), <u32>(top + y)) >> 8 < threshold);
    bits |= (<u64>fires) << (<u64>x);
  }
  return bits;
}

// @inline
function thresholdOf(organism: u32): u32 {
  const slot = <usize>load<u8>(<usize>ORGANISM_RULES_AT + <usize>organism);
  return load<u32>(<usize>RULES_AT + slot * RULE_RECORD_BYTES, FIRE_THRESHOLD_AT);
}

/** Those of `cells` whose 3x3 holds no opaque cell of their own organism. @param cells - with an owner in this step */
function besideForeignOnly(page: usize, y: i32, cells: u64): u64 {
  let bits: u64 = 0;
  for (let rest = cells & ~load<u64>(page + ((<usize>y) << 3), OPAQUE_AT); rest != 0; rest &= rest - 1) {
    const x = <i32>ctz(rest);
    const cell = y * SIDE + x;
    const organism = <u32>load<u16>(page + ((<usize>cell) << 1), OWNERS_AT);
    if (isInside(x, y) && isAmongItself(page, cell, organism)) continue;
    if (!isBesideOwnOpaque(page, x, y, organism)) bits |= (<u64>1) << (<u64>x);
  }
  return bits;
}

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

/** Phase 3: takes pages until none is left. */
export function settle(): void {
  const first = load<i32>(FIRST_AT);
  const end = load<i32>(END_AT);
  for (;;) {
    const index = first + atomic.add<i32>(NEXT_AT, 1);
    if (index >= end) break;
    settlePage(awakePage(index));
  }
}

function settlePage(page: usize): void {
  const lone = load<i32>(page, LONE_AT);
  let changed = false;
  let ownedCount = 0;
  let opaqueColumns: u64 = 0;
  let sole = 0;
  let moved: u64 = 0;
  let awake: u64 = 0;
  for (let y = 0; y < SIDE; y++) {
    const row = page + ((<usize>y) << 3);
    const preAlive = load<u64>(row, PRE_ALIVE_AT);
    const owned = load<u64>(row, OWNED_AT);
    if ((preAlive | owned) == 0) continue;
    let alive = preAlive & besideOpaque(page, y);
    if (lone < 0) alive &= ~besideForeignOnly(page, y, alive);
    for (let dead = (preAlive | owned) & ~alive; dead != 0; dead &= dead - 1) {
      const x = ctz(dead);
      const cell = <usize>y * SIDE + <usize>x;
      if (((owned >> x) & 1) != 0) {
        const organism = <usize>load<u16>(page + (cell << 1), OWNERS_AT);
        atomic.sub<i32>(<usize>ORGANISM_CELLS_AT + (organism << 2), 1);
        store<u8>(<usize>ORGANISM_MOVED_AT + organism, 1);
      }
      const state = page + cell * CELL_BYTES + CELLS_AT;
      const zero = f32x4.splat(0);
      v128.store(state, zero);
      v128.store(state, zero, 16);
      v128.store(state, zero, 32);
      v128.store(state, zero, 48);
      store<u16>(page + (cell << 1), 0, OWNERS_AT);
      if (load<u32>(page + (cell << 2), RGBA_AT) != 0) {
        store<u32>(page + (cell << 2), 0, RGBA_AT);
        changed = true;
      }
    }
    for (let born = alive & ~owned; born != 0; born &= born - 1) {
      const cell = <usize>y * SIDE + <usize>ctz(born);
      const organism = <usize>load<u16>(page + (cell << 1), OWNERS_AT);
      atomic.add<i32>(<usize>ORGANISM_CELLS_AT + (organism << 2), 1);
    }
    store<u64>(row, alive, OWNED_AT);
    const movedInRow = load<u64>(row, MOVED_AT) | (alive ^ owned);
    store<u64>(row, movedInRow, MOVED_AT);
    if (lone < 0 && alive != 0) {
      sole = soleInRow(page, y, sole, alive);
      markOwners(page, y, movedInRow & alive);
    }
    moved |= movedInRow;
    awake |= preAlive & ~load<u64>(row, STILL_AT);
    ownedCount += <i32>popcnt(alive);
    opaqueColumns |= load<u64>(row, OPAQUE_AT);
  }
  if (publishPixels(page)) changed = true;
  if (changed) store<i32>(page, 1, CHANGED_AT);
  if (lone >= 0) sole = ownedCount > 0 ? lone : 0;
  if (lone > 0 && moved != 0) store<u8>(<usize>ORGANISM_MOVED_AT + <usize>lone, 1);
  store<i32>(page, sole, SOLE_AT);
  store<i32>(page, ownedCount, OWNED_COUNT_AT);
  store<i32>(page, edgesOf(page, opaqueColumns), EDGES_AT);
  store<i32>(page, moved != 0 ? 1 : 0, ANY_MOVED_AT);
  store<i32>(page, (moved | awake) == 0 ? 1 : 0, CALM_AT);
}

/** Marks the owners of these cells of a row as moved. */
function markOwners(page: usize, y: i32, cells: u64): void {
  const owners = page + <usize>(y * SIDE * 2) + OWNERS_AT;
  for (let rest = cells; rest != 0; rest &= rest - 1) {
    store<u8>(<usize>ORGANISM_MOVED_AT + <usize>load<u16>(owners + ((<usize>ctz(rest)) << 1)), 1);
  }
}

/** The page's `sole` (0: none yet, -1: several) with the owners of one more row, which has life. */
function soleInRow(page: usize, y: i32, sole: i32, alive: u64): i32 {
  if (sole < 0) return sole;
  const owners = page + <usize>(y * SIDE * 2) + OWNERS_AT;
  const one = sole != 0 ? sole : <i32>load<u16>(owners + ((<usize>ctz(alive)) << 1));
  const wanted = i16x8.splat(<i16>one);
  for (let at: usize = 0; at < <usize>(SIDE * 2); at += 16) {
    const eight = v128.load(owners + at);
    if (!i16x8.all_true(v128.or(i16x8.eq(eight, wanted), i16x8.eq(eight, i64x2.splat(0))))) return -1;
  }
  return one;
}

/** Writes the pixels of the cells that fired and live. @returns whether one changed */
function publishPixels(page: usize): bool {
  let changed = false;
  for (let band: usize = 0; band < <usize>BANDS; band++) {
    const firedCount = <usize>load<i32>(page + (band << 2), FIRED_COUNT_AT);
    const firedList = page + band * BAND_CELLS * 2 + FIRED_AT;
    const pixels = page + band * BAND_CELLS * 4 + PIXELS_AT;
    for (let k: usize = 0; k < firedCount; k++) {
      const cell = <usize>load<u16>(firedList + (k << 1));
      const isAlive = (load<u64>(page + ((cell >> 6) << 3), OWNED_AT) >> (<u64>cell & 63)) & 1;
      const pixel = load<u32>(pixels + (k << 2));
      if (isAlive == 0 || load<u32>(page + (cell << 2), RGBA_AT) == pixel) continue;
      store<u32>(page + (cell << 2), pixel, RGBA_AT);
      changed = true;
    }
  }
  return changed;
}

/** Which neighbours life can reach in the next step. @param columns - the bitwise or of all rows' opaque bits */
function edgesOf(page: usize, columns: u64): i32 {
  const first = load<u64>(page, OPAQUE_AT);
  const last = load<u64>(page, OPAQUE_AT + 504);
  let edges = 0;
  if (first != 0) edges |= 1 << 1;
  if (last != 0) edges |= 1 << 7;
  if ((columns & 1) != 0) edges |= 1 << 3;
  if (columns >> 63 != 0) edges |= 1 << 5;
  if ((first & 1) != 0) edges |= 1 << 0;
  if (first >> 63 != 0) edges |= 1 << 2;
  if ((last & 1) != 0) edges |= 1 << 6;
  if (last >> 63 != 0) edges |= 1 << 8;
  return edges;
}
