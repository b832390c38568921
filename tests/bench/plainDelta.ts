/** The input of the codec's rivals: the plain difference between two pages, in two forms. */
import { PAGE_BYTES } from '../../shared/geometry.ts';

export interface PlainDelta {
  /** run*, run := varuint(skip) varuint(count) rgba{count}: the cells that moved, in reading order */
  readonly runs: Uint8Array;
  /** [64, 64, 4]: by how much each channel moved, modulo 256 */
  readonly differences: Uint8Array;
}

/**
 * Moves every cell with a channel further than ε from the truth to that truth, exactly.
 *
 * @param published - [64, 64, 4], updated in place
 * @returns null when nothing moved
 */
export function plainDelta(published: Uint8Array, truth: Uint8Array, epsilon: number): PlainDelta | null {
  const runs: number[] = [];
  const differences = new Uint8Array(PAGE_BYTES);
  const moves = (cell: number): boolean => {
    for (let i = cell; i < cell + 4; i++) if (Math.abs(published[i] - truth[i]) > epsilon) return true;
    return false;
  };
  const varuint = (value: number): void => {
    if (value >= 0x80) runs.push((value & 0x7f) | 0x80, value >> 7);
    else runs.push(value);
  };
  let lastEnd = 0;
  for (let cell = 0; cell < PAGE_BYTES; ) {
    if (!moves(cell)) {
      cell += 4;
      continue;
    }
    let end = cell + 4;
    while (end < PAGE_BYTES && moves(end)) end += 4;
    varuint((cell - lastEnd) / 4);
    varuint((end - cell) / 4);
    for (let i = cell; i < end; i++) {
      runs.push(truth[i]);
      differences[i] = truth[i] - published[i];
      published[i] = truth[i];
    }
    lastEnd = end;
    cell = end;
  }
  return lastEnd === 0 ? null : { runs: Uint8Array.from(runs), differences };
}
