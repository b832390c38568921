/** Writes single cells of the paged world between steps: seeds, perturbations, restored pages. */
import { PAGE_CELLS, PAGE_SHIFT } from '../../../shared/geometry.ts';
import { boundCell } from '../bounds.ts';
import { OPAQUE_ABOVE, toByte } from '../engine.ts';
import { type NoiseDraw, noiseAt } from '../fire.ts';
import * as at from './assembly/layout.ts';
import type { EngineMemory } from './memory.ts';

/** Row-major index of a world cell in its page. */
export const cellIn = (x: number, y: number): number =>
  ((y & (PAGE_CELLS - 1)) << PAGE_SHIFT) | (x & (PAGE_CELLS - 1));

/**
 * A cell is a page's address and its row-major index in that page. Each write updates bits, pixels and the organism's
 * count. The caller must call `recount` after the last write to a page and before the next step.
 */
export class PageCells {
  readonly #memory: EngineMemory;
  readonly #bounds: boolean;

  /** @param bounds - noise stays within the channels' range (`../bounds.ts`) */
  constructor(memory: EngineMemory, bounds: boolean) {
    this.#memory = memory;
    this.#bounds = bounds;
  }

  owner(page: number, cell: number): number {
    return this.#memory.words[((page + at.OWNERS_AT) >>> 1) + cell];
  }

  /** The index into `memory.floats` of the cell's channel 0. */
  channel(page: number, cell: number): number {
    return ((page + at.CELLS_AT) >>> 2) + cell * 16;
  }

  /** Whether the page may hold a cell of the organism. */
  mayHold(page: number, organism: number): boolean {
    const sole = this.#memory.ints[(page + at.SOLE_AT) >>> 2];
    return sole === organism || sole < 0;
  }

  /** @param channels - 16 float32, copied */
  write(page: number, cell: number, organism: number, channels: Float32Array): void {
    const before = this.owner(page, cell);
    if (before !== 0) this.#count(before, -1);
    this.#count(organism, 1);
    const { ints, words, floats } = this.#memory;
    words[((page + at.OWNERS_AT) >>> 1) + cell] = organism;
    floats.set(channels, this.channel(page, cell));
    const sole = (page + at.SOLE_AT) >>> 2;
    if (ints[sole] !== organism) ints[sole] = ints[sole] === 0 ? organism : -1;
    this.#setBit(page + at.OWNED_AT, cell, true);
    this.#show(page, cell);
  }

  /** Zeroes an owned cell; an unowned one is zero already. */
  clear(page: number, cell: number): void {
    const owner = this.owner(page, cell);
    if (owner === 0) return;
    this.#count(owner, -1);
    this.#memory.words[((page + at.OWNERS_AT) >>> 1) + cell] = 0;
    const channel = this.channel(page, cell);
    this.#memory.floats.fill(0, channel, channel + 16);
    this.#setBit(page + at.OWNED_AT, cell, false);
    this.#show(page, cell);
  }

  addNoise(page: number, cell: number, x: number, y: number, draw: NoiseDraw, amplitude: number): void {
    const owner = this.owner(page, cell);
    if (owner === 0) return;
    const { bytes, floats } = this.#memory;
    const channel = this.channel(page, cell);
    if (!(floats[channel + 3] > OPAQUE_ABOVE)) return;
    bytes[at.ORGANISM_MOVED_AT + owner] = 1;
    for (let c = 0; c < 16; c++) {
      const noise = noiseAt(draw.randomSeed, draw.salt, draw.step, x, y, c);
      floats[channel + c] += Math.fround(noise * amplitude);
    }
    if (this.#bounds && !boundCell(floats, channel)) this.clear(page, cell);
    else this.#show(page, cell);
  }

  /** Recomputes the counts and edges in the page's head from its bits. */
  recount(page: number): void {
    const { ints } = this.#memory;
    const owned = (page + at.OWNED_AT) >>> 2;
    const opaque = (page + at.OPAQUE_AT) >>> 2;
    let ownedCount = 0;
    let westward = 0;
    let eastward = 0;
    for (let row = 0; row < at.SIDE * 2; row += 2) {
      ownedCount += bitCount(ints[owned + row]) + bitCount(ints[owned + row + 1]);
      westward |= ints[opaque + row];
      eastward |= ints[opaque + row + 1];
    }
    const last = opaque + (at.SIDE - 1) * 2;
    let edges = 0;
    const reach = (neighbour: number, reaches: boolean) => {
      if (reaches) edges |= 1 << neighbour;
    };
    reach(0, (ints[opaque] & 1) !== 0);
    reach(1, (ints[opaque] | ints[opaque + 1]) !== 0);
    reach(2, ints[opaque + 1] < 0);
    reach(3, (westward & 1) !== 0);
    reach(5, eastward < 0);
    reach(6, (ints[last] & 1) !== 0);
    reach(7, (ints[last] | ints[last + 1]) !== 0);
    reach(8, ints[last + 1] < 0);
    ints[(page + at.OWNED_COUNT_AT) >>> 2] = ownedCount;
    ints[(page + at.EDGES_AT) >>> 2] = edges;
    if (ownedCount === 0) ints[(page + at.SOLE_AT) >>> 2] = 0;
  }

  #count(organism: number, change: number): void {
    this.#memory.ints[(at.ORGANISM_CELLS_AT >>> 2) + organism] += change;
    this.#memory.bytes[at.ORGANISM_MOVED_AT + organism] = 1;
  }

  /** Updates the opaque bit and pixel of a cell that was written, and wakes the cells around it. */
  #show(page: number, cell: number): void {
    const { bytes, floats, ints } = this.#memory;
    this.#setBit(page + at.MOVED_AT, cell, true);
    ints[(page + at.ANY_MOVED_AT) >>> 2] = 1;
    ints[(page + at.UNSAVED_AT) >>> 2] = 1;
    const channel = this.channel(page, cell);
    this.#setBit(page + at.OPAQUE_AT, cell, floats[channel + 3] > OPAQUE_ABOVE);
    const pixel = page + at.RGBA_AT + cell * 4;
    for (let c = 0; c < 4; c++) {
      const byte = toByte(floats[channel + c]);
      if (bytes[pixel + c] === byte) continue;
      bytes[pixel + c] = byte;
      ints[(page + at.CHANGED_AT) >>> 2] = 1;
    }
  }

  #setBit(bits: number, cell: number, value: boolean): void {
    const word = (bits >>> 2) + (cell >>> 5);
    const bit = 1 << (cell & 31);
    if (value) this.#memory.ints[word] |= bit;
    else this.#memory.ints[word] &= ~bit;
  }
}

function bitCount(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}
