// The two bounds of a body: its territory, a rectangle of the world or all of it, and the range of its channels.
import { CELL_BYTES, CELLS_AT, OWNED_AT, OWNERS_AT, PRE_ALIVE_AT, SIDE, TERRITORIES_AT } from './layout';

/** Whether the world's cell (x, y) lies in the organism's territory. */
// @inline
export function mayLive(organism: u32, x: i32, y: i32): bool {
  const at = <usize>TERRITORIES_AT + ((<usize>organism) << 3);
  return (
    x >= <i32>load<u16>(at) &&
    x <= <i32>load<u16>(at, 2) &&
    y >= <i32>load<u16>(at, 4) &&
    y <= <i32>load<u16>(at, 6)
  );
}

/** Bit i set: the world's column `left` + i lies in the organism's territory. */
export function territoryColumns(organism: u32, left: i32): u64 {
  const at = <usize>TERRITORIES_AT + ((<usize>organism) << 3);
  const first = max(<i32>load<u16>(at) - left, 0);
  const last = min(<i32>load<u16>(at, 2) - left, SIDE - 1);
  if (first > last) return 0;
  return (<u64>-1 >> <u64>(SIDE - 1 - last)) & ((<u64>-1) << (<u64>first));
}

/** The world's first row in the organism's territory. */
// @inline
export function territoryTop(organism: u32): i32 {
  return <i32>load<u16>(<usize>TERRITORIES_AT + ((<usize>organism) << 3), 4);
}

/** The world's last row in the organism's territory. */
// @inline
export function territoryBottom(organism: u32): i32 {
  return <i32>load<u16>(<usize>TERRITORIES_AT + ((<usize>organism) << 3), 6);
}

/** Whether all channels of a cell are within ±limit; NaN never is, even if the limit is infinite. */
// @inline
export function areWithin(limit: f32, a: v128, b: v128, c: v128, d: v128): bool {
  const most = f32x4.splat(limit);
  const low = v128.and(f32x4.le(f32x4.abs(a), most), f32x4.le(f32x4.abs(b), most));
  const high = v128.and(f32x4.le(f32x4.abs(c), most), f32x4.le(f32x4.abs(d), most));
  return i32x4.bitmask(v128.and(low, high)) == 15;
}

/** Clamps a cell to ±limit; an infinite limit changes nothing. @returns false when a channel is not finite */
export function clampCell(state: usize, limit: f32): bool {
  if (limit == <f32>Infinity) return true;
  for (let c: usize = 0; c < <usize>CELL_BYTES; c += 4) {
    if (!isFinite<f32>(load<f32>(state + c))) return false;
  }
  for (let c: usize = 0; c < <usize>CELL_BYTES; c += 4) {
    store<f32>(state + c, min(max(load<f32>(state + c), -limit), limit));
  }
  return true;
}

/** Zeroes a cell that is not finite. The mask after the update keeps it dead, even beside opaque cells. */
export function killCell(page: usize, cell: usize, row: usize, bit: u64): void {
  memory.fill(page + cell * CELL_BYTES + CELLS_AT, 0, CELL_BYTES);
  store<u64>(row, load<u64>(row, PRE_ALIVE_AT) & ~bit, PRE_ALIVE_AT);
  // `settle` clears the owner of a cell that had one before the step. A frontier cell got its owner only in this step.
  if ((load<u64>(row, OWNED_AT) & bit) == 0) store<u16>(page + (cell << 1), 0, OWNERS_AT);
}
