// The cells around a cell, also across page borders. A cell is its page's address and (x, y) in that page; x and y may
// be -1 or 64, which means the neighbouring page.

import { mayLive } from './bounds';
import {
  ANY_MOVED_AT,
  CELL_BYTES,
  CELLS_AT,
  LINKS_AT,
  MOVED_AT,
  OPAQUE_AT,
  OWNERS_AT,
  PAGE_X_AT,
  PAGE_Y_AT,
  PATCH_AT,
  SIDE,
  SOLE_AT,
} from './layout';

// @inline
export function link(page: usize, index: usize): usize {
  return <usize>load<u32>(page + (index << 2), LINKS_AT);
}

// @inline
function pageAt(page: usize, x: i32, y: i32): usize {
  return link(page, <usize>(((y >> 6) + 1) * 3 + (x >> 6) + 1));
}

/** Bit x set: at least one of the row's cells x - 1, x, x + 1 is set in the bits at `plane`. */
// @inline
function spread(west: usize, page: usize, east: usize, y: usize, plane: usize): u64 {
  const row = load<u64>(page + plane + (y << 3));
  const fromWest = load<u64>(west + plane + (y << 3)) >> 63;
  const fromEast = load<u64>(east + plane + (y << 3)) << 63;
  return row | (row << 1) | (row >> 1) | fromWest | fromEast;
}

// @inline
function spreadRows(page: usize, y: i32, plane: usize): u64 {
  const west = link(page, 3);
  const east = link(page, 5);
  let bits = spread(west, page, east, <usize>y, plane);
  if (y == 0) bits |= spread(link(page, 0), link(page, 1), link(page, 2), 63, plane);
  else bits |= spread(west, page, east, <usize>(y - 1), plane);
  if (y == SIDE - 1) bits |= spread(link(page, 6), link(page, 7), link(page, 8), 0, plane);
  else bits |= spread(west, page, east, <usize>(y + 1), plane);
  return bits;
}

/** Bit x set: an opaque cell of any organism lies in the 3x3 around (x, y). */
export function besideOpaque(page: usize, y: i32): u64 {
  return spreadRows(page, y, OPAQUE_AT);
}

/** Bit x set: a cell of the 3x3 around (x, y) has moved. */
export function besideMoved(page: usize, y: i32): u64 {
  return spreadRows(page, y, MOVED_AT);
}

/** Whether a cell of the page or of a neighbour has moved. */
export function isDisturbed(page: usize): bool {
  for (let i: usize = 0; i < 9; i++) if (load<i32>(link(page, i), ANY_MOVED_AT) != 0) return true;
  return false;
}

/** The only organism in a page and its neighbours; 0: none, -1: there may be several. */
export function loneOrganism(page: usize): i32 {
  let lone = 0;
  for (let i: usize = 0; i < 9; i++) {
    const sole = load<i32>(link(page, i), SOLE_AT);
    if (sole == 0 || sole == lone) continue;
    if (sole < 0 || lone != 0) return -1;
    lone = sole;
  }
  return lone;
}

// @inline
function isOpaque(page: usize, x: i32, y: i32): bool {
  return ((load<u64>(page + ((<usize>y) << 3), OPAQUE_AT) >> <u64>x) & 1) != 0;
}

// @inline
function ownerAt(page: usize, x: i32, y: i32): u32 {
  return <u32>load<u16>(page + ((<usize>(y * SIDE + x)) << 1), OWNERS_AT);
}

/**
 * The owner of the most opaque neighbour (ties: the first in reading order) among the organisms whose territory holds
 * the cell; 0 when there is none.
 */
export function mostOpaqueNeighbour(page: usize, x: i32, y: i32): u32 {
  const worldX = load<i32>(page, PAGE_X_AT) * SIDE + x;
  const worldY = load<i32>(page, PAGE_Y_AT) * SIDE + y;
  let owner: u32 = 0;
  let best: f32 = 0;
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      const at = pageAt(page, x + dx, y + dy);
      const nx = (x + dx) & (SIDE - 1);
      const ny = (y + dy) & (SIDE - 1);
      if (!isOpaque(at, nx, ny)) continue;
      const alpha = load<f32>(at + <usize>(ny * SIDE + nx) * CELL_BYTES, CELLS_AT + 12);
      if (alpha > best) {
        const candidate = ownerAt(at, nx, ny);
        if (!mayLive(candidate, worldX, worldY)) continue;
        best = alpha;
        owner = candidate;
      }
    }
  }
  return owner;
}

/** `mostOpaqueNeighbour` for a cell that is not on the page's border; looks only at opaque neighbours. */
export function mostOpaqueInside(page: usize, x: i32, y: i32): u32 {
  const worldX = load<i32>(page, PAGE_X_AT) * SIDE + x;
  const worldY = load<i32>(page, PAGE_Y_AT) * SIDE + y;
  let owner: u32 = 0;
  let best: f32 = 0;
  for (let row = y - 1; row <= y + 1; row++) {
    const bits = (load<u64>(page + ((<usize>row) << 3), OPAQUE_AT) >> <u64>(x - 1)) & 7;
    for (let rest = bits; rest != 0; rest &= rest - 1) {
      const cell = <usize>(row * SIDE + x - 1 + <i32>ctz(rest));
      const alpha = load<f32>(page + cell * CELL_BYTES, CELLS_AT + 12);
      if (alpha > best) {
        const candidate = <u32>load<u16>(page + (cell << 1), OWNERS_AT);
        if (!mayLive(candidate, worldX, worldY)) continue;
        best = alpha;
        owner = candidate;
      }
    }
  }
  return owner;
}

/**
 * Whether an opaque cell of the organism lies in the 3x3 around its cell (x, y). Reads only the owners of opaque cells:
 * the settle phase never clears those, so a page may be masked while its neighbour is cleared.
 */
export function isBesideOwnOpaque(page: usize, x: i32, y: i32, organism: u32): bool {
  if (isOpaque(page, x, y)) return true;
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      const at = pageAt(page, x + dx, y + dy);
      const nx = (x + dx) & (SIDE - 1);
      const ny = (y + dy) & (SIDE - 1);
      if (isOpaque(at, nx, ny) && ownerAt(at, nx, ny) == organism) return true;
    }
  }
  return false;
}

/** Whether the 3x3 around a cell lies in its page. */
// @inline
export function isInside(x: i32, y: i32): bool {
  return x > 0 && x < SIDE - 1 && y > 0 && y < SIDE - 1;
}

/** Whether the 3x3 around a cell holds only cells of this organism or of nobody; not for cells on the page's border. */
// @inline
export function isAmongItself(page: usize, cell: i32, organism: u32): bool {
  const owners = page + ((<usize>cell) << 1) + OWNERS_AT;
  // Each load reads four owners of a row; the fourth is masked out.
  const three: u64 = 0x0000_ffff_ffff_ffff;
  const own = <u64>organism * 0x0000_0001_0001_0001;
  const above = load<u64>(owners - 130) & three;
  const here = load<u64>(owners - 2) & three;
  const below = load<u64>(owners + 126) & three;
  if (above == own && here == own && below == own) return true;
  const wanted = i16x8.splat(<i16>organism);
  const foreign = v128.or(
    v128.andnot(differs(i64x2(above, here), wanted), i16x8.eq(i64x2(above, here), i64x2.splat(0))),
    v128.andnot(differs(i64x2(below, below), wanted), i16x8.eq(i64x2(below, below), i64x2.splat(0))),
  );
  return !v128.any_true(foreign);
}

// @inline
function differs(owners: v128, organism: v128): v128 {
  return v128.not(i16x8.eq(owners, organism));
}

/** Copies the 3x3 around (x, y) to the thread's patch, other organisms' cells as zeros. @returns the middle cell */
export function gatherPatch(scratch: usize, page: usize, x: i32, y: i32, organism: u32): usize {
  let to = scratch + PATCH_AT;
  const zero = f32x4.splat(0);
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      const at = pageAt(page, x + dx, y + dy);
      const nx = (x + dx) & (SIDE - 1);
      const ny = (y + dy) & (SIDE - 1);
      if (ownerAt(at, nx, ny) == organism) {
        const from = at + <usize>(ny * SIDE + nx) * CELL_BYTES + CELLS_AT;
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        v128.store(to, v128.load(from, 32), 32);
        v128.store(to, v128.load(from, 48), 48);
      } else {
        v128.store(to, zero);
        v128.store(to, zero, 16);
        v128.store(to, zero, 32);
        v128.store(to, zero, 48);
      }
      to += CELL_BYTES;
    }
  }
  return scratch + PATCH_AT + 4 * CELL_BYTES;
}

/** Those of `cells` whose 3x3 holds no opaque cell of their own organism. @param cells - with an owner in this step */
export function besideForeignOnly(page: usize, y: i32, cells: u64): u64 {
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
