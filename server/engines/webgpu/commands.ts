/**
 * The engine's commands to the GPU: uploads and passes. They know pages and slots, but not organisms.
 * `readings.ts` fetches what the world reads. Submissions run in the order in which they are made.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineLostError, type PageState } from '../engine.ts';
import { MAP_READ_MODE, type OpenDevice, USAGE } from './device.ts';
import type { EditBatch } from './edits.ts';
import * as at from './layout.ts';
import { GpuMemory } from './memory.ts';
import type { Page, PageTable } from './pages.ts';
import { Passes } from './passes.ts';
import { Patience } from './patience.ts';
import { Reader } from './reader.ts';
import { GpuRules } from './rules.ts';

/** How long a failed read waits for the device to say why it was lost. */
const MAX_LOSS_MS = 1_000;

/** The parameters of the next steps. */
export interface StepOrders {
  readonly randomSeed: number;
  readonly stepNumber: number;
  readonly rest: number;
  readonly bounds: boolean;
  /** In the first step no cell may rest. */
  readonly isWoken: boolean;
}

export class Commands {
  readonly memory: GpuMemory;
  readonly rules: GpuRules;
  readonly passes: Passes;
  readonly reader: Reader;
  readonly #device: GPUDevice;
  readonly #orders = new Uint32Array(at.WORK_WAKE_NOW);
  readonly #orderFloats = new Float32Array(this.#orders.buffer);
  #slots = new Uint32Array(64);
  /** Where the CPU reads the report of a submission; replaced when it is too small. */
  #report: GPUBuffer | null = null;
  readonly #patience = new Patience();
  /** The argument of `submit`, reused. */
  readonly #submission: GPUCommandBuffer[] = [];
  /** Why the device cannot be used any more, or null. */
  #loss: string | null = null;

  /** @param maxPages - how many pages may exist at once */
  constructor({ device, pipelines, form }: OpenDevice, maxPages: number, bankPages?: number) {
    this.#device = device;
    this.memory = new GpuMemory(device, maxPages, bankPages);
    this.rules = new GpuRules(this.memory, form.halfWeights);
    this.passes = new Passes(pipelines, this.memory, this.rules);
    this.reader = new Reader(device);
    void device.lost.then(({ message, reason }) => this.lose(`the GPU was lost (${message || reason})`));
    device.addEventListener('uncapturederror', this.#refused);
  }

  /** The GPU refused a command, because of a bug or for lack of memory: its buffers no longer hold the world. */
  readonly #refused = ({ error }: GPUUncapturedErrorEvent): void =>
    this.lose(`the GPU refused: ${error.message.split('\n')[0]}`);

  /** From now on every command is refused with the first reason given. */
  lose(reason: string): void {
    this.#loss ??= reason;
  }

  /** @throws EngineLostError when the device is gone */
  checkWhole(): void {
    if (this.#loss !== null) throw new EngineLostError(this.#loss);
  }

  dispose(): void {
    this.#device.removeEventListener('uncapturederror', this.#refused);
    this.memory.dispose();
    this.rules.weights.destroy();
    this.#report?.destroy();
    this.reader.dispose();
  }

  // --- commands ---

  /** Uploads which pages exist and the parameters of the next steps. */
  upload(pages: PageTable, { randomSeed, stepNumber, rest, bounds, isWoken }: StepOrders): void {
    const { list } = pages;
    const { queue } = this.#device;
    this.memory.reserve(Math.max(1, pages.lastSlot));
    if (pages.isStale) {
      if (list.length > this.#slots.length) this.#slots = new Uint32Array(list.length * 2);
      for (let i = 0; i < list.length; i++) this.#slots[i] = list[i].slot;
      queue.writeBuffer(this.memory.buffer('pages'), 0, this.#slots, 0, list.length);
      const used = (pages.lastSlot + 1) * at.HEAD_WORDS;
      queue.writeBuffer(this.memory.buffer('heads'), 0, pages.heads, 0, used);
      pages.isStale = false;
    }
    this.#orders[at.WORK_RANDOM_SEED] = randomSeed;
    this.#orders[at.WORK_NEXT_STEP] = stepNumber;
    this.#orderFloats[at.WORK_REST] = rest;
    this.#orders[at.WORK_WAKE] = isWoken ? 1 : 0;
    this.#orders[at.WORK_PAGES] = list.length;
    this.#orders[at.WORK_BANKS] = this.memory.banks.length;
    this.#orders[at.WORK_BOUNDS] = bounds ? 1 : 0;
    queue.writeBuffer(this.memory.buffer('work'), 0, this.#orders);
  }

  /**
   * Runs `steps` steps, 0 or more, in one submission, and updates the pages from its report. Allocates per submission,
   * not per step: WebGPU's encoder, pass, command buffer and mapped range, and some promises.
   */
  async step({ list }: PageTable, steps: number): Promise<void> {
    const { length } = list;
    const bytes = length * at.STATUS_WORDS * 4;
    const report = this.#reportOf(bytes);
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < steps; i++) this.passes.step(pass, length);
    this.passes.status(pass, length);
    pass.end();
    encoder.copyBufferToBuffer(this.memory.buffer('report'), 0, report, 0, bytes);
    this.#submission[0] = encoder.finish();
    this.#device.queue.submit(this.#submission);
    const submittedMs = performance.now();
    const sleepMs = this.#patience.sleepMs(steps);
    if (sleepMs > 0) await sleep(sleepMs);
    await this.whole(report.mapAsync(MAP_READ_MODE, 0, bytes));
    const words = new Uint32Array(report.getMappedRange(0, bytes));
    for (let i = 0; i < length; i++) list[i].learn(words, i * at.STATUS_WORDS);
    report.unmap();
    this.reader.bytesRead += bytes;
    this.#patience.learn(steps, performance.now() - submittedMs);
  }

  #reportOf(bytes: number): GPUBuffer {
    if (this.#report !== null && this.#report.size >= bytes) return this.#report;
    this.#report?.destroy();
    const usage = USAGE.MAP_READ | USAGE.COPY_DST;
    const { size } = this.memory.buffer('report');
    this.#report = this.#device.createBuffer({ label: 'report, read', size, usage });
    return this.#report;
  }

  edit(batch: EditBatch): void {
    const { visits, records, noises } = batch;
    const buffers = [visits, records, noises].map((source) => {
      const buffer = this.memory.make('edit', source.byteLength);
      this.#device.queue.writeBuffer(buffer, 0, source);
      return buffer;
    });
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.passes.edit(pass, visits.length / 4, buffers);
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
    for (const buffer of buffers) buffer.destroy();
  }

  /** Writes a page's owners and cells. An `init` edit must follow. */
  writeState({ slot }: Page, { cells, owners }: PageState): void {
    const { queue } = this.#device;
    const { memory } = this;
    queue.writeBuffer(memory.bankOf(slot).cells, memory.stateOffset(slot), Float32Array.from(cells));
    queue.writeBuffer(memory.buffer('words'), slot * at.SLOT_WORDS * 4, Uint32Array.from(owners));
  }

  /** Zeroes the pages' slots. */
  wipe(pages: readonly Page[]): void {
    const { memory } = this;
    const encoder = this.#device.createCommandEncoder();
    const clear = (name: Parameters<GpuMemory['buffer']>[0], slot: number, bytes: number, offset = 0) =>
      encoder.clearBuffer(memory.buffer(name), offset + slot * bytes, bytes);
    for (const { slot } of pages) {
      encoder.clearBuffer(memory.bankOf(slot).cells, memory.stateOffset(slot), at.PAGE_STATE_BYTES);
      clear('words', slot, at.SLOT_WORDS * 4);
      clear('shore', slot, at.SLOT_SHORE_BYTES);
      clear('tiles', slot, at.SLOT_TILES_BYTES);
      clear('tally', slot, at.SLOT_CHANGED_BYTES, at.TALLY_CHANGED * 4);
    }
    this.#device.queue.submit([encoder.finish()]);
  }

  /** Clears which pages' pixels changed, and with `all` also how many cells each organism has. */
  forget(all = false): void {
    const encoder = this.#device.createCommandEncoder();
    encoder.clearBuffer(this.memory.buffer('tally'), all ? 0 : at.TALLY_CHANGED * 4);
    this.#device.queue.submit([encoder.finish()]);
  }

  /** Waits for an answer. @throws EngineLostError when the device was lost, or refused something, before it came */
  async whole(read: Promise<unknown>): Promise<void> {
    try {
      await read;
    } catch (error) {
      // A lost device's buffers fail shortly before the device says why.
      const deadline = Promise.withResolvers<void>();
      const timer = setTimeout(deadline.resolve, MAX_LOSS_MS);
      await Promise.race([this.#device.lost, deadline.promise]);
      clearTimeout(timer);
      this.checkWhole();
      throw error;
    }
    this.checkWhole();
  }
}
