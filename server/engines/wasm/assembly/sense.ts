// Phase 1 of a step: which cells live, which fire, and their deltas. Reads state, owners and opaque bits of its page and
// the neighbours. A resting cell whose 3x3 did not move is skipped: its update would again add nothing.
import { awakePage } from './awake';
import { flushBlocks, gather } from './blocks';
import { territoryBottom, territoryColumns, territoryTop } from './bounds';
import { cellHash, fireBits } from './fire';
import {
  BAND_CELLS,
  BAND_ROWS,
  BANDS,
  CELL_BYTES,
  CELLS_AT,
  COLUMNS_AT,
  COMMON_THRESHOLD_AT,
  DELTA_RECORD_AT,
  DELTAS_AT,
  END_AT,
  FIRE_THRESHOLD_AT,
  FIRED_AT,
  FIRED_COUNT_AT,
  FIRST_AT,
  FRONTIER_AT,
  FRONTIER_COUNT_AT,
  FRONTIER_OWNERS_AT,
  NEXT_AT,
  ORGANISM_RULES_AT,
  OWNED_AT,
  OWNERS_AT,
  PAGE_X_AT,
  PAGE_Y_AT,
  PRE_ALIVE_AT,
  RANDOM_SEED_AT,
  ROW_BYTES,
  ROW_OWNERS_AT,
  ROWS_AT,
  RULE_RECORD_BYTES,
  RULES_AT,
  SCRATCH_AT,
  SCRATCH_BYTES,
  SIDE,
  STEP_AT,
  STILL_AT,
} from './layout';
import {
  besideForeignOnly,
  besideMoved,
  besideOpaque,
  gatherPatch,
  isAmongItself,
  isInside,
  loneOrganism,
  mostOpaqueInside,
  mostOpaqueNeighbour,
} from './neighbours';

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
    // The cells of the page's only organism lie in its territory, so these masks affect only the frontier.
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
