/**
 * The paged engine on a GPU, through WebGPU. Pages live in GPU memory (`layout.ts`); a step is four kernels
 * (`kernels/`), several steps go into one submission; this file is what happens between steps.
 *
 * A step makes no JavaScript objects of its own; WebGPU makes an encoder, a pass and a command buffer for
 * every submission.
 */
import { PAGE_BYTES, PAGE_CELLS, PAGE_SHIFT, pagesAcross, type Rect } from '../../../shared/geometry.ts';
import { CHANNELS, type Rule } from '../../rules/rule.ts';
import { capsuleRows, type Span } from '../capsule.ts';
import {
  type Engine,
  EngineError,
  EngineLostError,
  type EngineOptions,
  type EngineState,
  type OrganismCensus,
  type OrganismId,
  type PageState,
  type Perturbation,
  type RuleSlot,
} from '../engine.ts';
import { noiseAt } from '../fire.ts';
import { checkCell, checkOptions, checkOrganism, checkRule, checkState } from '../validate.ts';
import { acquireDevice, type OpenDevice, releaseDevice, USAGE } from './device.ts';
import { Edits } from './edits.ts';
import * as at from './layout.ts';
import { GpuMemory } from './memory.ts';
import { type Page, PageTable } from './pages.ts';
import { Passes } from './passes.ts';
import { Reader } from './reader.ts';
import { GpuRules } from './rules.ts';

const { CELLS } = at;
/** Steps of one submission: the pages of all of them must exist before the first. */
const MOST_STEPS = 16;
/** Cells that one question about a rectangle may hold; larger ones are asked in bands. */
const MOST_ASKED = 1 << 16;

export interface WebGpuEngineOptions extends EngineOptions {
  /** `auto` (no software), `swiftshader`, or part of an adapter's name. Default `auto`. */
  readonly adapter?: string;
  /** Pages of one bank; for tests, which have few. */
  readonly bankPages?: number;
}

/** @throws EngineError for options that do not fit; AdapterError when there is no such adapter */
export async function createWebGpuEngine(options: WebGpuEngineOptions): Promise<WebGpuEngine> {
  checkOptions(options);
  return new WebGpuEngine(options, await acquireDevice(options.adapter));
}

export class WebGpuEngine implements Engine {
  readonly name = 'webgpu';
  readonly description: string;
  readonly isSoftware: boolean;
  readonly width: number;
  readonly height: number;
  private randomSeed: number;
  private steps = 0;
  private readonly rest: number;
  private readonly opened: OpenDevice;
  readonly device: GPUDevice;
  private readonly memory: GpuMemory;
  private readonly rules: GpuRules;
  private readonly passes: Passes;
  private readonly reader: Reader;
  private readonly pages: PageTable;
  private readonly edits = new Edits();
  private readonly organisms = new Map<OrganismId, RuleSlot>();
  /** What the kernels are told before a batch of steps. */
  private readonly orders = new Uint32Array(at.WORK_WAKE_NOW);
  private slotList = new Uint32Array(64);
  /** Pages were written since their last report. */
  private isEdited = false;
  /** Nothing may rest in the next step. */
  private isWoken = false;
  private isDisposed = false;
  /** Why the device cannot be used any more. */
  private loss: string | null = null;

  /** @param opened - released by `dispose` */
  constructor(options: WebGpuEngineOptions, opened: OpenDevice) {
    this.width = options.width;
    this.height = options.height;
    this.randomSeed = options.randomSeed;
    this.rest = options.rest ?? 0;
    this.opened = opened;
    this.device = opened.device;
    this.isSoftware = opened.isSoftware;
    this.description = `webgpu on ${opened.adapter}${opened.isSoftware ? ' (software)' : ''}`;
    const inWorld = pagesAcross(this.width) * pagesAcross(this.height);
    const maxPages = Math.min(options.maxPages ?? inWorld, inWorld);
    this.memory = new GpuMemory(this.device, maxPages, options.bankPages);
    this.rules = new GpuRules(this.memory);
    this.passes = new Passes(opened.pipelines, this.memory, this.rules);
    this.reader = new Reader(this.device);
    this.pages = new PageTable(this, Math.min(maxPages, this.memory.maxSlots - 1));
    void this.device.lost.then(({ message, reason }) => {
      this.loss ??= `the GPU was lost (${message || reason})`;
    });
    this.device.addEventListener('uncapturederror', this.refused);
  }

  /** A mistake of ours, or no memory: what the GPU then did is not the world. */
  private readonly refused = ({ error }: GPUUncapturedErrorEvent): void => {
    this.loss ??= `the GPU refused: ${error.message.split('\n')[0]}`;
  };

  get stepNumber(): number {
    return this.steps;
  }

  /** Pages with life after the last step; what was ablated since still counts. */
  get pageCount(): number {
    return this.pages.list.reduce((count, { hasLife }) => count + Number(hasLife), 0);
  }

  /** Bytes read back from the GPU so far. */
  get bytesRead(): number {
    return this.reader.bytesRead;
  }

  setRule(slot: RuleSlot, rule: Rule): void {
    checkRule(slot, rule);
    this.rules.set(slot, rule);
    this.isWoken = true;
  }

  plant(organism: OrganismId, slot: RuleSlot, x: number, y: number): void {
    checkOrganism(organism);
    checkCell(x, y, this);
    if (this.organisms.has(organism)) throw new EngineError(`organism ${organism} is in use`);
    if (!this.rules.has(slot)) throw new EngineError(`no rule in slot ${slot}`);
    const page = this.obtain(x >> PAGE_SHIFT, y >> PAGE_SHIFT) ?? this.obtainByForce(x, y);
    if (page === undefined) throw new EngineError(`no room: ${this.pageCount} pages exist, no more may`);
    this.enlist(organism, slot);
    const [column, row] = [x & (PAGE_CELLS - 1), y & (PAGE_CELLS - 1)];
    this.edits.setSpan(this.edits.add(page, at.EDIT_PLANT, organism), row, column, column);
    page.sole = page.hasLife && page.sole !== organism ? -1 : organism;
    page.hasLife = true;
    page.stretch(column, row);
    this.edited(page);
  }

  setOrganismRule(organism: OrganismId, slot: RuleSlot): void {
    this.checkPlanted(organism);
    if (!this.rules.has(slot)) throw new EngineError(`no rule in slot ${slot}`);
    this.enlist(organism, slot);
    this.isWoken = true;
  }

  remove(organism: OrganismId): void {
    this.checkPlanted(organism);
    for (const page of this.pages.list) {
      if (!mayHold(page, organism)) continue;
      this.edits.add(page, at.EDIT_KEEP, organism);
      // Known without asking the GPU; of a page with several we hear after the next step.
      if (page.sole === organism) {
        page.hasLife = false;
        page.sole = 0;
      }
      this.edited(page);
    }
    this.organisms.delete(organism);
  }

  perturb(perturbation: Perturbation): void {
    switch (perturbation.kind) {
      case 'ablate':
        this.visitSpans(capsuleRows(perturbation, this), (page, spans) => {
          const record = this.edits.add(page, at.EDIT_CLEAR, 0);
          for (const { row, first, last } of spans) this.edits.setSpan(record, row, first, last);
        });
        return;
      case 'noise': {
        const { salt, amplitude } = perturbation;
        if (!Number.isFinite(amplitude)) throw new EngineError(`amplitude ${amplitude} is not finite`);
        this.visitSpans(capsuleRows(perturbation, this), (page, spans) =>
          this.addNoise(page, spans, salt, amplitude),
        );
        return;
      }
      case 'truncate': {
        const { organism, x, y, radius } = perturbation;
        this.checkPlanted(organism);
        if (![x, y, radius].every(Number.isFinite) || radius < 0) {
          throw new EngineError(`truncate to ${radius} about (${x}, ${y}): not a circle`);
        }
        for (const page of this.pages.list) {
          if (mayHold(page, organism)) this.truncate(page, organism, x, y, radius);
        }
        return;
      }
      default:
        perturbation satisfies never;
    }
  }

  async step(steps: number): Promise<void> {
    this.checkWhole();
    for (let left = steps; left > 0; ) {
      this.applyEdits();
      const batch = this.pages.prepare(Math.min(left, MOST_STEPS));
      const { length } = this.pages.list;
      if (length === 0) {
        this.steps = (this.steps + left) >>> 0;
        return;
      }
      this.upload();
      const encoder = this.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (let i = 0; i < batch; i++) this.passes.step(pass, length);
      this.passes.status(pass, length);
      pass.end();
      this.device.queue.submit([encoder.finish()]);
      this.isWoken = false;
      await this.readReport();
      this.steps = (this.steps + batch) >>> 0;
      left -= batch;
    }
  }

  async visitChanged(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    await this.refresh();
    const { list, ceased } = this.pages;
    const changed = list.filter((page) => page.isChanged || ceased.has(page.index));
    for (const page of changed) {
      page.isChanged = false;
      ceased.delete(page.index);
    }
    if (changed.length > 0) {
      const encoder = this.device.createCommandEncoder();
      encoder.clearBuffer(this.memory.buffer('tally'), at.TALLY_CHANGED * 4);
      this.device.queue.submit([encoder.finish()]);
      await this.readPixels(changed, visit);
    }
    if (ceased.size === 0) return;
    const zeros = new Uint8Array(PAGE_BYTES);
    for (const index of ceased) visit(index, zeros);
    ceased.clear();
  }

  async visitAll(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    await this.refresh();
    await this.readPixels(
      this.pages.list.filter(({ hasLife }) => hasLife),
      visit,
    );
  }

  async readPage(index: number, into: Uint8Array): Promise<void> {
    this.checkWhole();
    this.applyEdits();
    const page = this.pages.at(index);
    if (page === undefined) into.fill(0);
    else await this.readPixels([page], (_, rgba) => into.set(rgba));
  }

  async readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): Promise<void> {
    into.fill(0);
    await this.ask(organism, rect, 4, (bytes, offset, length, first) => {
      into.set(new Float32Array(bytes, offset, length), first);
    });
  }

  async readOwners(rect: Rect, into: Uint16Array): Promise<void> {
    into.fill(0);
    await this.ask(0, rect, 1, (bytes, offset, length, first) => {
      into.set(new Uint32Array(bytes, offset, length), first);
    });
  }

  async census(): Promise<OrganismCensus[]> {
    this.checkWhole();
    this.applyEdits();
    const result: OrganismCensus[] = [];
    const ids = 1 + Math.max(0, ...this.organisms.keys());
    await this.reading(
      this.reader.read(
        1,
        ids * 4,
        (encoder, _, into, offset) =>
          encoder.copyBufferToBuffer(this.memory.buffer('tally'), 0, into, offset, ids * 4),
        (_, bytes, offset) => {
          const counts = new Int32Array(bytes, offset, ids);
          for (const organism of this.organisms.keys()) result.push({ organism, cells: counts[organism] });
        },
      ),
    );
    return result;
  }

  async save(): Promise<EngineState> {
    await this.refresh();
    const pages: PageState[] = [];
    const living = this.pages.list.filter(({ hasLife }) => hasLife);
    await this.reading(
      this.reader.read(
        living.length,
        at.PAGE_STATE_BYTES + CELLS * 4,
        (encoder, item, into, offset) => {
          const { slot } = living[item];
          const { cells } = this.memory.bankOf(slot);
          encoder.copyBufferToBuffer(cells, this.memory.stateOffset(slot), into, offset, at.PAGE_STATE_BYTES);
          const owners = slot * at.SLOT_WORDS * 4;
          encoder.copyBufferToBuffer(
            this.memory.buffer('words'),
            owners,
            into,
            offset + at.PAGE_STATE_BYTES,
            CELLS * 4,
          );
        },
        (item, bytes, offset) => {
          const words = new Uint32Array(bytes, offset + at.PAGE_STATE_BYTES, CELLS);
          pages.push({
            page: living[item].index,
            cells: new Float32Array(bytes, offset, CELLS * CHANNELS).slice(),
            owners: Uint16Array.from(words, (word) => word & 0xffff),
          });
        },
      ),
    );
    const organisms = Array.from(this.organisms, ([id, rule]) => ({ id, rule }));
    return { stepNumber: this.steps, randomSeed: this.randomSeed, organisms, pages };
  }

  async restore(state: EngineState): Promise<void> {
    checkState(state, this, this.pages.maxPages, (slot) => this.rules.has(slot));
    await this.refresh();
    this.clear();
    for (const { id, rule } of state.organisms) this.enlist(id, rule);
    const { queue } = this.device;
    for (const { page: index, cells, owners } of state.pages) {
      if (!owners.some((owner) => owner !== 0)) continue;
      const page = this.obtain(index % this.pages.across, Math.floor(index / this.pages.across))!;
      const { cells: bank } = this.memory.bankOf(page.slot);
      queue.writeBuffer(bank, this.memory.stateOffset(page.slot), Float32Array.from(cells));
      queue.writeBuffer(this.memory.buffer('words'), page.slot * at.SLOT_WORDS * 4, Uint32Array.from(owners));
      this.edits.add(page, at.EDIT_INIT, 0);
      page.hasLife = true;
      page.sole = -1;
      this.edited(page);
    }
    this.steps = state.stepNumber;
    this.randomSeed = state.randomSeed;
    await this.refresh();
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.loss ??= 'the engine is disposed of';
    this.device.removeEventListener('uncapturederror', this.refused);
    this.memory.dispose();
    this.rules.weights.destroy();
    this.reader.dispose();
    releaseDevice(this.opened);
  }

  // --- pages ---

  private obtain(px: number, py: number): Page | undefined {
    const page = this.pages.obtain(px, py);
    if (page !== undefined) this.memory.reserve(page.slot);
    return page;
  }

  /** When no page may be made: takes one that nobody lives in. */
  private obtainByForce(x: number, y: number): Page | undefined {
    const empty = this.pages.list.find(({ hasLife }) => !hasLife);
    if (empty === undefined) return undefined;
    this.applyEdits();
    this.pages.release(empty);
    const encoder = this.device.createCommandEncoder();
    this.wipe(encoder, empty.slot);
    this.device.queue.submit([encoder.finish()]);
    // What died there is news to its neighbours, and there is no page to tell them.
    this.isWoken = true;
    return this.obtain(x >> PAGE_SHIFT, y >> PAGE_SHIFT);
  }

  /** Frees every page. */
  private clear(): void {
    const encoder = this.device.createCommandEncoder();
    for (const { slot } of this.pages.list) this.wipe(encoder, slot);
    encoder.clearBuffer(this.memory.buffer('tally'));
    this.device.queue.submit([encoder.finish()]);
    this.pages.clear();
    this.organisms.clear();
  }

  /** Makes a slot zeros again. */
  private wipe(encoder: GPUCommandEncoder, slot: number): void {
    const { memory } = this;
    if (slot >= memory.slots || memory.bankOf(slot) === undefined) return;
    encoder.clearBuffer(memory.bankOf(slot).cells, memory.stateOffset(slot), at.PAGE_STATE_BYTES);
    encoder.clearBuffer(memory.buffer('words'), slot * at.SLOT_WORDS * 4, at.SLOT_WORDS * 4);
    encoder.clearBuffer(memory.buffer('shore'), slot * at.SLOT_SHORE_BYTES, at.SLOT_SHORE_BYTES);
    encoder.clearBuffer(memory.buffer('tiles'), slot * at.SLOT_TILES_BYTES, at.SLOT_TILES_BYTES);
    const changed = at.TALLY_CHANGED * 4 + slot * at.SLOT_CHANGED_BYTES;
    encoder.clearBuffer(memory.buffer('tally'), changed, at.SLOT_CHANGED_BYTES);
  }

  // --- edits ---

  private enlist(organism: OrganismId, slot: RuleSlot): void {
    this.organisms.set(organism, slot);
    this.rules.assign(organism, slot);
  }

  private checkPlanted(organism: OrganismId): void {
    if (!this.organisms.has(organism)) throw new EngineError(`organism ${organism} is not planted`);
  }

  private edited(page: Page): void {
    page.isBusy = true;
    this.isEdited = true;
    if (this.edits.isFull) this.applyEdits();
  }

  /** Keeps of an organism the cells within `radius` of (x, y). Distances are compared in float64, as in the reference. */
  private truncate(page: Page, organism: OrganismId, x: number, y: number, radius: number): void {
    const record = this.edits.add(page, at.EDIT_KEEP, organism);
    const left = page.px << PAGE_SHIFT;
    for (let row = 0; row < PAGE_CELLS; row++) {
      const dy = (page.py << PAGE_SHIFT) + row - y;
      const isKept = (column: number) => (left + column - x) ** 2 + dy ** 2 <= radius * radius;
      let first = 0;
      let last = PAGE_CELLS - 1;
      while (first <= last && !isKept(first)) first++;
      while (last >= first && !isKept(last)) last--;
      if (first <= last) this.edits.setSpan(record, row, first, last);
    }
    this.edited(page);
  }

  /** Visits the pages that exist under the spans. By page: a stroke across a huge world costs what lives there. */
  private visitSpans(spans: readonly Span[], visit: (page: Page, spans: readonly PageSpan[]) => void): void {
    if (spans.length === 0) return;
    for (const page of this.pages.list) {
      const left = page.px << PAGE_SHIFT;
      const top = page.py << PAGE_SHIFT;
      const inPage: PageSpan[] = [];
      for (let s = Math.max(0, top - spans[0].y); s < spans.length && spans[s].y < top + PAGE_CELLS; s++) {
        const first = Math.max(0, spans[s].first - left);
        const last = Math.min(PAGE_CELLS - 1, spans[s].last - left);
        if (first <= last && spans[s].y >= top) inPage.push({ row: spans[s].y - top, first, last });
      }
      if (inPage.length === 0) continue;
      visit(page, inPage);
      this.edited(page);
    }
  }

  private addNoise(page: Page, spans: readonly PageSpan[], salt: number, amplitude: number): void {
    const record = this.edits.add(page, at.EDIT_NOISE, 0);
    for (const { row, first, last } of spans) {
      this.edits.setSpan(record, row, first, last);
      this.edits.startNoises(record, row);
      const y = (page.py << PAGE_SHIFT) + row;
      for (let column = first; column <= last; column++) {
        const x = (page.px << PAGE_SHIFT) + column;
        const { into, from } = this.edits.addNoise();
        for (let c = 0; c < CHANNELS; c++) {
          into[from + c] = noiseAt(this.randomSeed, salt, this.steps, x, y, c) * amplitude;
        }
      }
    }
    // Any owned cell may have become opaque.
    page.stretch(0, 0);
    page.stretch(PAGE_CELLS - 1, PAGE_CELLS - 1);
  }

  private applyEdits(): void {
    if (this.edits.isEmpty) return;
    this.upload();
    const { visits, records, noises } = this.edits.take();
    const buffers = [visits, records, noises].map((source) => {
      const buffer = this.memory.make('edit', source.byteLength);
      this.device.queue.writeBuffer(buffer, 0, source);
      return buffer;
    }) as [GPUBuffer, GPUBuffer, GPUBuffer];
    const encoder = this.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.passes.edit(pass, visits.length / 4, buffers);
    pass.end();
    this.device.queue.submit([encoder.finish()]);
    for (const buffer of buffers) buffer.destroy();
  }

  // --- the GPU ---

  /** @throws EngineLostError when the device is gone */
  private checkWhole(): void {
    if (this.loss !== null) throw new EngineLostError(this.loss);
  }

  /** Tells the kernels which pages exist and what to do. */
  private upload(): void {
    const { list } = this.pages;
    const { queue } = this.device;
    if (this.pages.isStale) {
      this.memory.reserve(Math.max(1, this.pages.lastSlot));
      if (list.length > this.slotList.length) this.slotList = new Uint32Array(list.length * 2);
      for (let i = 0; i < list.length; i++) this.slotList[i] = list[i].slot;
      queue.writeBuffer(this.memory.buffer('pages'), 0, this.slotList, 0, list.length);
      const used = (this.pages.lastSlot + 1) * at.HEAD_WORDS;
      queue.writeBuffer(this.memory.buffer('heads'), 0, this.pages.heads, 0, used);
      this.pages.isStale = false;
    }
    const { orders } = this;
    orders[at.WORK_RANDOM_SEED] = this.randomSeed;
    orders[at.WORK_NEXT_STEP] = this.steps;
    REST[0] = this.rest;
    orders[at.WORK_REST] = REST_BITS[0];
    orders[at.WORK_WAKE] = this.isWoken ? 1 : 0;
    orders[at.WORK_PAGES] = list.length;
    orders[at.WORK_BANKS] = this.memory.banks.length;
    queue.writeBuffer(this.memory.buffer('work'), 0, orders);
  }

  /** Applies what waits and learns what it did. */
  private async refresh(): Promise<void> {
    this.checkWhole();
    if (!this.isEdited) return;
    this.applyEdits();
    const { length } = this.pages.list;
    if (length === 0) return;
    this.upload();
    const encoder = this.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.passes.status(pass, length);
    pass.end();
    this.device.queue.submit([encoder.finish()]);
    await this.readReport();
  }

  private async readReport(): Promise<void> {
    const bytes = this.pages.list.length * at.STATUS_WORDS * 4;
    await this.reading(
      this.reader.read(
        1,
        bytes,
        (encoder, _, into, offset) =>
          encoder.copyBufferToBuffer(this.memory.buffer('report'), 0, into, offset, bytes),
        (_, range, offset) => this.takeReport(new Uint32Array(range, offset, bytes / 4)),
      ),
    );
    this.isEdited = false;
  }

  private takeReport(report: Uint32Array): void {
    const { list } = this.pages;
    for (let i = 0; i < list.length; i++) {
      const page = list[i];
      const flags = report[i * at.STATUS_WORDS];
      const box = report[i * at.STATUS_WORDS + 1];
      const owners = report[i * at.STATUS_WORDS + 2];
      page.isBusy = (flags & at.STATUS_BUSY) !== 0;
      page.isChanged = (flags & at.STATUS_CHANGED) !== 0;
      page.hasLife = flags >>> 8 > 0;
      page.sole = (owners & 0xffff) === owners >>> 16 ? owners >>> 16 : -1;
      page.left = box & 0xff;
      page.top = (box >>> 8) & 0xff;
      page.right = (flags & at.STATUS_OPAQUE) !== 0 ? (box >>> 16) & 0xff : -1;
      page.bottom = box >>> 24;
    }
  }

  private readPixels(pages: readonly Page[], visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    return this.reading(
      this.reader.read(
        pages.length,
        PAGE_BYTES,
        (encoder, item, into, offset) => {
          const from = (pages[item].slot * at.SLOT_WORDS + at.PLANE_RGBA * CELLS) * 4;
          encoder.copyBufferToBuffer(this.memory.buffer('words'), from, into, offset, PAGE_BYTES);
        },
        (item, bytes, offset) => visit(pages[item].index, new Uint8Array(bytes, offset, PAGE_BYTES)),
      ),
    );
  }

  /** @param take - `length` values of a band, to be put at index `first` */
  private async ask(
    organism: OrganismId,
    rect: Rect,
    values: number,
    take: (bytes: ArrayBuffer, offset: number, length: number, first: number) => void,
  ): Promise<void> {
    this.checkWhole();
    this.applyEdits();
    const top = Math.max(0, rect.y);
    const bottom = Math.min(this.height, rect.y + rect.height);
    const left = Math.max(0, rect.x);
    const width = Math.min(this.width, rect.x + rect.width) - left;
    if (width <= 0 || bottom <= top || this.memory.banks.length === 0) return;
    const rows = Math.max(1, Math.floor(MOST_ASKED / width));
    for (let y = top; y < bottom; y += rows) {
      const height = Math.min(rows, bottom - y);
      await this.askBand(organism, { x: left, y, width, height }, values, (bytes, offset) => {
        for (let row = 0; row < height; row++) {
          const first = ((y + row - rect.y) * rect.width + left - rect.x) * values;
          take(bytes, offset + row * width * values * 4, width * values, first);
        }
      });
    }
  }

  private async askBand(
    organism: OrganismId,
    { x, y, width, height }: Rect,
    values: number,
    take: (bytes: ArrayBuffer, offset: number) => void,
  ): Promise<void> {
    const pageX = x >> PAGE_SHIFT;
    const pageY = y >> PAGE_SHIFT;
    const across = ((x + width - 1) >> PAGE_SHIFT) - pageX + 1;
    const down = ((y + height - 1) >> PAGE_SHIFT) - pageY + 1;
    const slots = Uint32Array.from(
      { length: across * down },
      (_, i) => this.pages.find(pageX + (i % across), pageY + Math.floor(i / across))?.slot ?? 0,
    );
    if (slots.every((slot) => slot === 0)) return;
    const { device, memory } = this;
    const question = device.createBuffer({
      size: 32,
      usage: USAGE.UNIFORM | USAGE.COPY_DST,
    });
    const bytes = width * height * values * 4;
    const [listed, answer] = [memory.make('slots', slots.byteLength), memory.make('answer', bytes)];
    const words = Uint32Array.of(x, y, width, height, organism, pageX, pageY, across);
    device.queue.writeBuffer(question, 0, words);
    device.queue.writeBuffer(listed, 0, slots);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.passes.extract(pass, width * height, question, listed, answer);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await this.reading(
      this.reader.read(
        1,
        bytes,
        (copying, _, into, offset) => copying.copyBufferToBuffer(answer, 0, into, offset, bytes),
        (_, range, offset) => take(range, offset),
      ),
    );
    for (const buffer of [question, listed, answer]) buffer.destroy();
  }

  /** @throws EngineLostError when the device was lost before the answer came */
  private async reading(read: Promise<void>): Promise<void> {
    try {
      await read;
    } catch (error) {
      if (this.loss === null)
        await Promise.race([this.device.lost, new Promise((done) => setTimeout(done, 100))]);
      this.checkWhole();
      throw error;
    }
    this.checkWhole();
  }
}

/** A row's cells first..last in a page, in cells of the page. */
interface PageSpan {
  readonly row: number;
  readonly first: number;
  readonly last: number;
}

const mayHold = ({ sole }: Page, organism: OrganismId): boolean => sole === organism || sole < 0;

/** A float32's bits. */
const REST = new Float32Array(1);
const REST_BITS = new Uint32Array(REST.buffer);
