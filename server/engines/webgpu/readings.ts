/** Reads the paged world back from the GPU between steps: pixels, states, counts, and the cells of rectangles. */
import { PAGE_BYTES, PAGE_SHIFT, type Rect, type Size } from '../../../shared/geometry.ts';
import { CHANNELS } from '../../rules/rule.ts';
import type { OrganismId, PageState } from '../engine.ts';
import type { Commands } from './commands.ts';
import { USAGE } from './device.ts';
import * as at from './layout.ts';
import type { Page, PageTable } from './pages.ts';

/** The most cells that one question about a rectangle may cover. */
const MAX_ASKED = 1 << 16;

export class Readings {
  readonly #device: GPUDevice;
  readonly #commands: Commands;
  readonly #pages: PageTable;
  readonly #world: Size;

  constructor(device: GPUDevice, commands: Commands, pages: PageTable, world: Size) {
    this.#device = device;
    this.#commands = commands;
    this.#pages = pages;
    this.#world = world;
  }

  pixels(pages: readonly Page[], visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    const words = this.#commands.memory.buffer('words');
    const read = this.#commands.reader.read(
      pages.length,
      PAGE_BYTES,
      (encoder, item, into, offset) => {
        const from = (pages[item].slot * at.SLOT_WORDS + at.PLANE_RGBA * at.CELLS) * 4;
        encoder.copyBufferToBuffer(words, from, into, offset, PAGE_BYTES);
      },
      (item, bytes, offset) => visit(pages[item].index, new Uint8Array(bytes, offset, PAGE_BYTES)),
    );
    return this.#commands.whole(read);
  }

  async states(pages: readonly Page[]): Promise<PageState[]> {
    const { memory } = this.#commands;
    const states: PageState[] = [];
    const ownersAt = at.PAGE_STATE_BYTES;
    const read = this.#commands.reader.read(
      pages.length,
      at.PAGE_STATE_BYTES + at.CELLS * 4,
      (encoder, item, into, offset) => {
        const { slot } = pages[item];
        const { cells } = memory.bankOf(slot);
        encoder.copyBufferToBuffer(cells, memory.stateOffset(slot), into, offset, at.PAGE_STATE_BYTES);
        const words = slot * at.SLOT_WORDS * 4;
        encoder.copyBufferToBuffer(memory.buffer('words'), words, into, offset + ownersAt, at.CELLS * 4);
      },
      (item, bytes, offset) => {
        const words = new Uint32Array(bytes, offset + ownersAt, at.CELLS);
        states.push({
          page: pages[item].index,
          cells: new Float32Array(bytes, offset, at.CELLS * CHANNELS).slice(),
          owners: Uint16Array.from(words, (word) => word & 0xffff),
        });
      },
    );
    await this.#commands.whole(read);
    return states;
  }

  /** @returns how many cells each of the organisms 0 .. ids - 1 has */
  async counts(ids: number): Promise<Int32Array> {
    let counts = new Int32Array(0);
    await this.#readBuffer(this.#commands.memory.buffer('tally'), ids * 4, (range, offset) => {
      counts = new Int32Array(range, offset, ids).slice();
    });
    return counts;
  }

  /** @param into - [height, width, 4]: RGBA of the organism's cells, zeros elsewhere */
  async organism(organism: OrganismId, rect: Rect, into: Float32Array): Promise<void> {
    into.fill(0);
    await this.#ask(organism, rect, 4, (bytes, offset, length, first) => {
      into.set(new Float32Array(bytes, offset, length), first);
    });
  }

  /** @param into - [height, width] */
  async owners(rect: Rect, into: Uint16Array): Promise<void> {
    into.fill(0);
    await this.#ask(0, rect, 1, (bytes, offset, length, first) => {
      into.set(new Uint32Array(bytes, offset, length), first);
    });
  }

  /** @param take - gets a row's `length` values, which belong at index `first` of the answer */
  async #ask(
    organism: OrganismId,
    rect: Rect,
    values: number,
    take: (bytes: ArrayBuffer, offset: number, length: number, first: number) => void,
  ): Promise<void> {
    const top = Math.max(0, rect.y);
    const bottom = Math.min(this.#world.height, rect.y + rect.height);
    const left = Math.max(0, rect.x);
    const width = Math.min(this.#world.width, rect.x + rect.width) - left;
    if (width <= 0) return;
    const rows = Math.floor(MAX_ASKED / width); // a world is no wider than that
    for (let y = top; y < bottom; y += rows) {
      const height = Math.min(rows, bottom - y);
      await this.#askPiece(organism, { x: left, y, width, height }, (bytes, offset) => {
        for (let row = 0; row < height; row++) {
          const first = ((y + row - rect.y) * rect.width + left - rect.x) * values;
          take(bytes, offset + row * width * values * 4, width * values, first);
        }
      });
    }
  }

  /**
   * Reads the cells of a rectangle of at most `MAX_ASKED` cells inside the world.
   *
   * @param organism - reads the RGBA of its cells (4 float32 per cell); 0: reads owners (1 uint32 per cell)
   * @param take - gets the answer, row-major; not called where no page exists
   */
  async #askPiece(
    organism: OrganismId,
    { x, y, width, height }: Rect,
    take: (bytes: ArrayBuffer, offset: number) => void,
  ): Promise<void> {
    const pageX = x >> PAGE_SHIFT;
    const pageY = y >> PAGE_SHIFT;
    const across = ((x + width - 1) >> PAGE_SHIFT) - pageX + 1;
    const down = ((y + height - 1) >> PAGE_SHIFT) - pageY + 1;
    const slots = Uint32Array.from(
      { length: across * down },
      (_, i) => this.#pages.find(pageX + (i % across), pageY + Math.floor(i / across))?.slot ?? 0,
    );
    if (slots.every((slot) => slot === 0)) return;
    const { queue } = this.#device;
    const usage = USAGE.UNIFORM | USAGE.COPY_DST;
    const question = this.#device.createBuffer({ label: 'question', size: 32, usage });
    const bytes = width * height * (organism === 0 ? 1 : 4) * 4;
    const listed = this.#commands.memory.make('slots', slots.byteLength);
    const answer = this.#commands.memory.make('answer', bytes);
    queue.writeBuffer(question, 0, Uint32Array.of(x, y, width, height, organism, pageX, pageY, across));
    queue.writeBuffer(listed, 0, slots);
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.#commands.passes.extract(pass, width * height, question, listed, answer);
    pass.end();
    queue.submit([encoder.finish()]);
    await this.#readBuffer(answer, bytes, take);
    for (const buffer of [question, listed, answer]) buffer.destroy();
  }

  /** Reads the first `bytes` bytes of a buffer. */
  #readBuffer(
    buffer: GPUBuffer,
    bytes: number,
    take: (range: ArrayBuffer, offset: number) => void,
  ): Promise<void> {
    const read = this.#commands.reader.read(
      1,
      bytes,
      (encoder, _, into, offset) => encoder.copyBufferToBuffer(buffer, 0, into, offset, bytes),
      (_, range, offset) => take(range, offset),
    );
    return this.#commands.whole(read);
  }
}
