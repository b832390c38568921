// Phase 3 of a step: the alive mask after the update, clearing, RGBA8, what changed, which pages life can reach. Of the
// neighbours it reads opaque bits and the owners of opaque cells, which this phase never writes.
import { awakePage } from './awake';
import {
  ANY_MOVED_AT,
  BAND_CELLS,
  BANDS,
  CALM_AT,
  CELL_BYTES,
  CELLS_AT,
  CHANGED_AT,
  EDGES_AT,
  END_AT,
  FIRED_AT,
  FIRED_COUNT_AT,
  FIRST_AT,
  LONE_AT,
  MOVED_AT,
  NEXT_AT,
  OPAQUE_AT,
  ORGANISM_CELLS_AT,
  ORGANISM_MOVED_AT,
  OWNED_AT,
  OWNED_COUNT_AT,
  OWNERS_AT,
  PIXELS_AT,
  PRE_ALIVE_AT,
  RGBA_AT,
  SIDE,
  SOLE_AT,
  STILL_AT,
  UNSAVED_AT,
} from './layout';
import { besideForeignOnly, besideOpaque } from './neighbours';

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
  if (moved != 0) {
    store<i32>(page, 1, UNSAVED_AT);
    if (lone > 0) store<u8>(<usize>ORGANISM_MOVED_AT + <usize>lone, 1);
  }
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
