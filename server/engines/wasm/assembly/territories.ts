// Where organisms may live: a rectangle of the world each, or all of it.
import { SIDE, TERRITORIES_AT } from './layout';

/** Whether the world's cell (x, y) lies in the organism's territory. */
// @ts-ignore: decorator
@inline
export function mayLive(organism: u32, x: i32, y: i32): bool {
  const at = <usize>TERRITORIES_AT + (<usize>organism << 3);
  return x >= <i32>load<u16>(at) && x <= <i32>load<u16>(at, 2) && y >= <i32>load<u16>(at, 4) && y <= <i32>load<u16>(at, 6);
}

/** Bit i set: the world's column `left` + i lies in the organism's territory. */
export function territoryColumns(organism: u32, left: i32): u64 {
  const at = <usize>TERRITORIES_AT + (<usize>organism << 3);
  const first = max(<i32>load<u16>(at) - left, 0);
  const last = min(<i32>load<u16>(at, 2) - left, SIDE - 1);
  if (first > last) return 0;
  return (<u64>-1 >> <u64>(SIDE - 1 - last)) & (<u64>-1 << <u64>first);
}

/** First row of the world in the organism's territory. */
// @ts-ignore: decorator
@inline
export function territoryTop(organism: u32): i32 {
  return <i32>load<u16>(<usize>TERRITORIES_AT + (<usize>organism << 3), 4);
}

/** Last row of the world in the organism's territory. */
// @ts-ignore: decorator
@inline
export function territoryBottom(organism: u32): i32 {
  return <i32>load<u16>(<usize>TERRITORIES_AT + (<usize>organism << 3), 6);
}
