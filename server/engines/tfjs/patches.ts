/**
 * The firing cells of a step, each with its eight neighbours: the input of the tensors. A cell sees only its own
 * organism, so neighbours that belong to others are zeros.
 */
import { CHANNELS } from '../../rules/rule.ts';
import * as at from '../wasm/assembly/layout.ts';
import type { EngineMemory } from '../wasm/memory.ts';

/** Floats of a cell and its neighbours: [3, 3, 16]. */
export const PATCH_FLOATS = 9 * CHANNELS;
const CELLS = at.SIDE * at.SIDE;
const LAST = at.SIDE - 1;

/** Takes one firing cell. `delta` is the index into `memory.floats` where its delta goes. */
export type TakeCell = (page: number, cell: number, organism: number, delta: number) => void;

export class FiringCells {
  readonly #memory: EngineMemory;
  /** u16 [64, 64]: the owners in this step of the current page's unowned cells. */
  readonly #frontier = new Uint16Array(CELLS);

  constructor(memory: EngineMemory) {
    this.#memory = memory;
  }

  /** Visits every cell that fires in the awake pages first..end - 1. */
  visit(first: number, end: number, take: TakeCell): void {
    for (let i = first; i < end; i++) this.#visitPage(this.#memory.ints[(at.AWAKE_AT >>> 2) + i] >>> 0, take);
  }

  #visitPage(page: number, take: TakeCell): void {
    const { ints, words } = this.#memory;
    const record = ints[(page + at.DELTA_RECORD_AT) >>> 2] >>> 0;
    const owners = (page + at.OWNERS_AT) >>> 1;
    for (let band = 0; band < at.BANDS; band++) {
      const frontier = ((record + at.FRONTIER_AT) >>> 1) + band * at.BAND_CELLS;
      const frontierOwners = frontier + ((at.FRONTIER_OWNERS_AT - at.FRONTIER_AT) >>> 1);
      const frontierCount = ints[((page + at.FRONTIER_COUNT_AT) >>> 2) + band];
      for (let k = 0; k < frontierCount; k++) this.#frontier[words[frontier + k]] = words[frontierOwners + k];
      const fired = ((page + at.FIRED_AT) >>> 1) + band * at.BAND_CELLS;
      const firedCount = ints[((page + at.FIRED_COUNT_AT) >>> 2) + band];
      let delta = ((record + at.DELTAS_AT) >>> 2) + band * at.BAND_CELLS * CHANNELS;
      for (let k = 0; k < firedCount; k++) {
        const cell = words[fired + k];
        take(page, cell, words[owners + cell] || this.#frontier[cell], delta);
        delta += CHANNELS;
      }
    }
  }

  /** The rule slot of an organism. */
  slotOf(organism: number): number {
    return this.#memory.bytes[at.ORGANISM_RULES_AT + organism];
  }

  /** Writes [3, 3, 16] to `patches` from `offset` on. */
  copyPatch(page: number, cell: number, organism: number, patches: Float32Array, offset: number): void {
    const { ints, floats, words } = this.#memory;
    const x = cell & LAST;
    const y = cell >> 6;
    let to = offset;
    for (let v = y - 1; v <= y + 1; v++) {
      const linkRow = v < 0 ? 0 : v > LAST ? 6 : 3;
      for (let u = x - 1; u <= x + 1; u++) {
        const link = linkRow + (u < 0 ? 0 : u > LAST ? 2 : 1);
        const home = link === 4 ? page : ints[((page + at.LINKS_AT) >>> 2) + link] >>> 0;
        const near = ((v & LAST) << 6) | (u & LAST);
        const owner = words[((home + at.OWNERS_AT) >>> 1) + near];
        if (owner === organism) {
          const from = ((home + at.CELLS_AT) >>> 2) + near * CHANNELS;
          for (let c = 0; c < CHANNELS; c++) patches[to + c] = floats[from + c];
        } else {
          for (let c = 0; c < CHANNELS; c++) patches[to + c] = 0;
        }
        to += CHANNELS;
      }
    }
  }
}
