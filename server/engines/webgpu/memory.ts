/**
 * The buffers of one engine. State lies in banks of pages, made when they are needed, because one binding may not hold
 * all pages. Everything smaller lies in one buffer for all slots, which grows by doubling.
 */
import { EngineError } from '../engine.ts';
import { USAGE } from './device.ts';
import * as at from './layout.ts';

export interface Bank {
  readonly cells: GPUBuffer;
  readonly next: GPUBuffer;
  /** Uniform: base, pages, number (`kernels/prelude.ts`). */
  readonly place: GPUBuffer;
}

const GROWING = [
  'words',
  'shore',
  'heads',
  'tiles',
  'tally',
  'pages',
  'work',
  'report',
  'dispatches',
] as const;
type Growing = (typeof GROWING)[number];

/** Slots at first, including slot 0, which is not a page. */
const FIRST_SLOTS = 64;

export class GpuMemory {
  readonly device: GPUDevice;
  readonly bankPages: number;
  /** Slots that this device's bindings allow, including slot 0. */
  readonly maxSlots: number;
  readonly banks: Bank[] = [];
  readonly tables: GPUBuffer;
  /** Slots that exist now. */
  slots = 0;
  /** Counts replacements of buffers: after one, bind groups must be made again. */
  version = 0;
  readonly #buffers = new Map<Growing, GPUBuffer>();

  /** @param wanted - the most pages that the engine will need */
  constructor(device: GPUDevice, wanted: number, bankPages = at.BANK_PAGES) {
    this.device = device;
    const { limits } = device;
    const largest = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
    this.bankPages = Math.min(bankPages, wanted + 1, Math.floor(largest / at.PAGE_STATE_BYTES));
    this.maxSlots = Math.min(
      wanted + 1,
      this.bankPages * at.MAX_BANKS,
      Math.floor(largest / (at.SLOT_WORDS * 4)) - 1, // `words` is the largest buffer for all slots
    );
    this.tables = this.make('tables', at.TABLE_WORDS * 4);
    this.#grow(Math.min(FIRST_SLOTS, this.maxSlots));
  }

  buffer(name: Growing): GPUBuffer {
    return this.#buffers.get(name)!;
  }

  /** Makes room for the slot of this number. @throws EngineError when the device has no room */
  reserve(slot: number): void {
    if (slot >= this.maxSlots) throw new EngineError(`no GPU memory for page ${slot}`);
    if (slot >= this.slots) this.#grow(Math.min(this.maxSlots, this.slots * 2));
    while (this.banks.length * this.bankPages <= slot) {
      this.#addBank();
      this.version++;
    }
  }

  #grow(slots: number): void {
    const banks = Math.ceil(slots / this.bankPages);
    const sizes: Record<Growing, number> = {
      words: slots * at.SLOT_WORDS * 4,
      shore: slots * at.SLOT_SHORE_BYTES,
      heads: slots * at.HEAD_WORDS * 4,
      tiles: slots * at.SLOT_TILES_BYTES,
      tally: at.TALLY_CHANGED * 4 + slots * at.SLOT_CHANGED_BYTES,
      pages: slots * 4,
      work: (at.WORK_LIST + banks * this.bankPages * at.TILES) * 4,
      report: slots * at.STATUS_WORDS * 4,
      dispatches: banks * at.ARGS_WORDS * 4,
    };
    const encoder = this.device.createCommandEncoder();
    const outgrown: GPUBuffer[] = [];
    for (const name of GROWING) {
      const old = this.#buffers.get(name);
      const made = this.make(name, sizes[name], name === 'dispatches' ? USAGE.INDIRECT : 0);
      if (old !== undefined) {
        encoder.copyBufferToBuffer(old, 0, made, 0, old.size);
        outgrown.push(old);
      }
      this.#buffers.set(name, made);
    }
    this.device.queue.submit([encoder.finish()]);
    for (const buffer of outgrown) buffer.destroy();
    this.slots = slots;
    this.version++;
  }

  #addBank(): void {
    const number = this.banks.length;
    const bytes = this.bankPages * at.PAGE_STATE_BYTES;
    const place = this.device.createBuffer({
      label: `bank ${number}`,
      size: 16,
      usage: USAGE.UNIFORM | USAGE.COPY_DST,
    });
    this.device.queue.writeBuffer(
      place,
      0,
      Uint32Array.of(number * this.bankPages, this.bankPages, number, 0),
    );
    this.banks.push({
      cells: this.make(`cells ${number}`, bytes),
      next: this.make(`next ${number}`, bytes),
      place,
    });
  }

  dispose(): void {
    for (const { cells, next, place } of this.banks)
      for (const buffer of [cells, next, place]) buffer.destroy();
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.tables.destroy();
  }

  /** Makes a storage buffer that may be copied from and to. */
  make(label: string, size: number, usage = 0): GPUBuffer {
    return this.device.createBuffer({
      label,
      size,
      usage: USAGE.STORAGE | USAGE.COPY_DST | USAGE.COPY_SRC | usage,
    });
  }

  bankOf(slot: number): Bank {
    return this.banks[Math.floor(slot / this.bankPages)];
  }

  /** The byte offset of a slot's state in its bank. */
  stateOffset(slot: number): number {
    return (slot % this.bankPages) * at.PAGE_STATE_BYTES;
  }
}
