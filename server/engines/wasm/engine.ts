/**
 * The paged engine on WebAssembly: SIMD, one core or several. State, owners and pixels lie in shared
 * memory (`assembly/layout.ts`); a step is three phases over the list of pages that exist
 * (`assembly/engine.ts`); this file is what happens between steps.
 */
import { PAGE_BYTES, PAGE_CELLS, PAGE_SHIFT, pagesAcross, type Rect } from '../../../shared/geometry.ts';
import { CHANNELS, PERCEPTION, type Rule } from '../../rules/rule.ts';
import { capsuleRows } from '../capsule.ts';
import {
  type Capsule,
  type Engine,
  EngineError,
  type EngineOptions,
  type EngineState,
  MAX_ORGANISMS,
  type OrganismCensus,
  type OrganismId,
  type PageState,
  type Perturbation,
  type RuleSlot,
} from '../engine.ts';
import { checkCell, checkOptions, checkOrganism, checkRule, checkState } from '../validate.ts';
import * as at from './assembly/layout.ts';
import { PageCells } from './cells.ts';
import { Crew } from './crew.ts';
import { EngineMemory } from './memory.ts';
import { hasRelaxedSimd } from './modules.ts';
import { PageTable } from './pages.ts';
import { atOnce, inWaves, type Phase } from './waves.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;
/** The smallest rule, which adds nothing. */
const IDLE_RULE: Rule = {
  name: 'idle',
  hidden: 4,
  w1: new Float32Array(4 * PERCEPTION),
  b1: new Float32Array(4),
  w2: new Float32Array(CHANNELS * 4),
  b2: new Float32Array(CHANNELS),
  fireRate: 1,
  metadata: {},
};
const SEED = Float32Array.from({ length: CHANNELS }, (_, channel) => (channel < 3 ? 0 : 1));

export interface WasmEngineOptions extends EngineOptions {
  /** 1..32, the calling thread included. Default 1. */
  readonly threads?: number;
  /** Fused multiply-add where the runtime has it (default), or never: the same to the bit on every machine. */
  readonly relaxed?: boolean;
  /** Which shape of tiles computes: the quicker one (default, `tiles.ts`), or this. The result is the same. */
  readonly wideTiles?: boolean;
  /** Pages that may be sensed and not yet applied (`waves.ts`); fewer cost phases. Default: plenty. */
  readonly deltaRecords?: number;
}

/** Computes the deltas in the kernels' place: another engine that shares everything else (`../tfjs/`). */
export interface UpdateRules {
  readonly name: Engine['name'];
  /** For people: what computes. */
  readonly description: string;
  setRule(slot: RuleSlot, rule: Rule): void;
  /**
   * Called within a step, when it is known which cells of the awake pages first..end - 1 fire (`FIRED_AT`): writes
   * their deltas (`DELTAS_AT`).
   */
  writeDeltas(first: number, end: number): void;
  dispose(): void;
}

/** @throws EngineError for options that do not fit; Error when the kernels are not built */
export async function createWasmEngine(options: WasmEngineOptions): Promise<Engine> {
  return createPagedEngine(options);
}

/**
 * @param openRules - makes what computes the deltas; without, the kernels do
 * @throws EngineError for options that do not fit; Error when the kernels are not built
 */
export async function createPagedEngine(
  options: WasmEngineOptions,
  openRules?: (memory: EngineMemory) => UpdateRules,
): Promise<Engine> {
  checkOptions(options);
  const { threads = 1, relaxed = hasRelaxedSimd(), wideTiles } = options;
  const across = pagesAcross(options.width);
  const inWorld = across * pagesAcross(options.height);
  const maxPages = Math.min(options.maxPages ?? inWorld, inWorld);
  const memory = new EngineMemory(maxPages, across, options.deltaRecords);
  const crew = await Crew.assemble(memory.memory, threads, relaxed, wideTiles);
  return new WasmEngine(options, memory, crew, openRules?.(memory));
}

class WasmEngine implements Engine {
  readonly name: Engine['name'];
  readonly description: string;
  readonly width: number;
  readonly height: number;
  private randomSeed: number;
  private steps = 0;
  private readonly memory: EngineMemory;
  private readonly pages: PageTable;
  private readonly cells: PageCells;
  private readonly crew: Crew;
  private readonly rules: UpdateRules | undefined;
  /** Rule slot of each id in use. */
  private readonly organisms = new Map<OrganismId, RuleSlot>();
  /** A write since the last prune: pages may be missing beside life, or hold none. */
  private isEdited = false;
  /** All must wake before the next step: once, however many organisms change their rule. */
  private isWaking = false;

  constructor(options: WasmEngineOptions, memory: EngineMemory, crew: Crew, rules: UpdateRules | undefined) {
    this.name = rules?.name ?? 'wasm';
    this.width = options.width;
    this.height = options.height;
    this.randomSeed = options.randomSeed;
    this.memory = memory;
    this.pages = new PageTable(memory, this, memory.maxPages);
    this.cells = new PageCells(memory);
    this.crew = crew;
    this.rules = rules;
    memory.floats[at.REST_AT >>> 2] = options.rest ?? 0;
    const threads = `${crew.threads} thread${crew.threads === 1 ? '' : 's'}`;
    const fma = crew.relaxed ? 'with' : 'without';
    const wasm = `wasm, SIMD ${fma} FMA in ${crew.wideTiles ? 'wide' : 'narrow'} tiles, ${threads}`;
    this.description = rules === undefined ? wasm : `${rules.description}; masks: ${wasm}`;
  }

  private readonly sensed = (first: number, end: number): void => this.rules?.writeDeltas(first, end);

  get stepNumber(): number {
    return this.steps;
  }

  get pageCount(): number {
    return this.pages.list.length;
  }

  setRule(slot: RuleSlot, rule: Rule): void {
    checkRule(slot, rule);
    this.rules?.setRule(slot, rule);
    // Where others compute, the kernels need to know only who fires.
    this.memory.setRule(slot, this.rules === undefined ? rule : { ...IDLE_RULE, fireRate: rule.fireRate });
    this.isWaking = true;
  }

  plant(organism: OrganismId, slot: RuleSlot, x: number, y: number): void {
    checkOrganism(organism);
    checkCell(x, y, this);
    if (this.organisms.has(organism)) throw new EngineError(`organism ${organism} is in use`);
    if (!this.memory.hasRule(slot)) throw new EngineError(`no rule in slot ${slot}`);
    let page = this.pages.obtain(x >> PAGE_SHIFT, y >> PAGE_SHIFT);
    if (page === 0 && this.isEdited) {
      this.prune(); // pages may have lost their life since the last step
      page = this.pages.obtain(x >> PAGE_SHIFT, y >> PAGE_SHIFT);
    }
    if (page === 0) throw new EngineError(`no room: ${this.pageCount} pages exist, no more may`);
    this.enlist(organism, slot);
    this.cells.write(page, cellIn(x, y), organism, SEED);
    this.edited(page);
  }

  setOrganismRule(organism: OrganismId, slot: RuleSlot): void {
    this.checkPlanted(organism);
    if (!this.memory.hasRule(slot)) throw new EngineError(`no rule in slot ${slot}`);
    this.enlist(organism, slot);
    this.isWaking = true;
  }

  remove(organism: OrganismId): void {
    this.checkPlanted(organism);
    // The dead are many when many die at once: they must not cost a look at every page.
    if (this.cellCount(organism) > 0) this.clearWhere(organism, () => true);
    this.organisms.delete(organism);
  }

  perturb(perturbation: Perturbation): void {
    switch (perturbation.kind) {
      case 'ablate':
        this.visitCapsule(perturbation, (page, cell) => this.cells.clear(page, cell));
        return;
      case 'noise': {
        const { salt, amplitude } = perturbation;
        if (!Number.isFinite(amplitude)) throw new EngineError(`amplitude ${amplitude} is not finite`);
        const draw = { randomSeed: this.randomSeed, stepNumber: this.steps, salt, amplitude };
        this.visitCapsule(perturbation, (page, cell, x, y) => {
          this.cells.addNoise(page, cell, x, y, draw);
        });
        return;
      }
      case 'truncate': {
        const { organism, x, y, radius } = perturbation;
        this.checkPlanted(organism);
        if (![x, y, radius].every(Number.isFinite) || radius < 0) {
          throw new EngineError(`truncate to ${radius} about (${x}, ${y}): not a circle`);
        }
        this.clearWhere(organism, (cx, cy) => (cx - x) ** 2 + (cy - y) ** 2 > radius * radius);
        return;
      }
      default:
        perturbation satisfies never;
    }
  }

  async step(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) {
      this.checkWhole();
      if (this.isEdited) this.prune();
      if (this.isWaking) this.wakeAll();
      if (this.pageCount > 0) this.stepPages();
      this.steps = (this.steps + 1) >>> 0;
    }
  }

  private stepPages(): void {
    const { list } = this.pages;
    const { ints, deltaRecords } = this.memory;
    for (let p = 0; p < list.length; p++) ints[(at.LIST_AT >>> 2) + p] = list[p];
    const awake = this.crew.muster(list.length, deltaRecords);
    if (awake === 0) return;
    ints[at.RANDOM_SEED_AT >>> 2] = this.randomSeed;
    ints[at.STEP_AT >>> 2] = this.steps;
    this.crew.step(awake <= deltaRecords ? atOnce(awake) : this.wavesOver(awake), this.sensed);
    this.prune();
  }

  /** Puts the awake pages into reading order. */
  private wavesOver(awake: number): Phase[] {
    const { ints, deltaRecords } = this.memory;
    const list = at.AWAKE_AT >>> 2;
    const pages = Uint32Array.from(ints.subarray(list, list + awake));
    const keys = Float64Array.from(pages, (page, i) => this.pages.index(page) * at.MOST_LISTED + i).sort();
    const indices = keys.map((key) => Math.floor(key / at.MOST_LISTED));
    keys.forEach((key, i) => {
      const page = pages[key % at.MOST_LISTED];
      ints[list + i] = page;
      ints[(page + at.DELTA_RECORD_AT) >>> 2] = at.RECORDS_AT + (i % deltaRecords) * at.DELTA_RECORD_BYTES;
    });
    return inWaves(indices, this.pages.across, deltaRecords);
  }

  async visitChanged(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    for (const page of this.pages.list) {
      const changed = (page + at.CHANGED_AT) >>> 2;
      if (this.memory.ints[changed] === 0) continue;
      this.memory.ints[changed] = 0;
      visit(this.pages.index(page), this.pixels(page));
    }
    const zeros = new Uint8Array(PAGE_BYTES);
    for (const index of this.pages.ceased) visit(index, zeros);
    this.pages.ceased.clear();
  }

  async visitAll(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    for (const page of this.pages.list) visit(this.pages.index(page), this.pixels(page));
  }

  async readPage(index: number, into: Uint8Array): Promise<void> {
    const page = this.pages.find(index % this.pages.across, Math.floor(index / this.pages.across));
    if (page === 0) into.fill(0);
    else into.set(this.pixels(page));
  }

  async readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): Promise<void> {
    into.fill(0);
    const { floats, words } = this.memory;
    this.visitSpans(rect, (page, first, count, offset) => {
      if (!this.cells.mayHold(page, organism)) return;
      const owners = (page + at.OWNERS_AT) >>> 1;
      for (let i = 0; i < count; i++) {
        if (words[owners + first + i] !== organism) continue;
        const channel = this.cells.channel(page, first + i);
        const to = (offset + i) * 4;
        into[to] = floats[channel];
        into[to + 1] = floats[channel + 1];
        into[to + 2] = floats[channel + 2];
        into[to + 3] = floats[channel + 3];
      }
    });
  }

  async readOwners(rect: Rect, into: Uint16Array): Promise<void> {
    into.fill(0);
    this.visitSpans(rect, (page, first, count, offset) => {
      const owners = ((page + at.OWNERS_AT) >>> 1) + first;
      into.set(this.memory.words.subarray(owners, owners + count), offset);
    });
  }

  async census(): Promise<OrganismCensus[]> {
    return Array.from(this.organisms.keys(), (organism) => ({
      organism,
      cells: this.cellCount(organism),
    }));
  }

  async takeMoved(): Promise<OrganismId[]> {
    const flags = this.memory.bytes.subarray(at.ORGANISM_MOVED_AT, at.ORGANISM_MOVED_AT + MAX_ORGANISMS + 1);
    const moved: OrganismId[] = [];
    for (let id = flags.indexOf(1, 1); id > 0; id = flags.indexOf(1, id + 1)) {
      flags[id] = 0;
      if (this.organisms.has(id)) moved.push(id);
    }
    return moved;
  }

  async save(): Promise<EngineState> {
    this.checkWhole();
    const pages: PageState[] = [];
    for (const page of this.pages.list) {
      if (this.memory.ints[(page + at.OWNED_COUNT_AT) >>> 2] === 0) continue;
      const channel = this.cells.channel(page, 0);
      const owner = (page + at.OWNERS_AT) >>> 1;
      pages.push({
        page: this.pages.index(page),
        cells: Float32Array.from(this.memory.floats.subarray(channel, channel + CELLS * CHANNELS)),
        owners: Uint16Array.from(this.memory.words.subarray(owner, owner + CELLS)),
      });
    }
    const organisms = Array.from(this.organisms, ([id, rule]) => ({ id, rule }));
    return { stepNumber: this.steps, randomSeed: this.randomSeed, organisms, pages };
  }

  async restore(state: EngineState): Promise<void> {
    checkState(state, this, this.memory.maxPages, (slot) => this.memory.hasRule(slot));
    if (!this.memory.reserve(state.pages.length)) {
      throw new EngineError(`no memory for ${state.pages.length} pages`);
    }
    this.pages.clear();
    this.organisms.clear();
    this.memory.bytes.fill(0, at.ORGANISM_CELLS_AT, at.RULES_AT); // cells and movement
    for (const { id, rule } of state.organisms) this.enlist(id, rule);
    for (const { page: index, cells, owners } of state.pages) {
      const page = this.pages.obtain(index % this.pages.across, Math.floor(index / this.pages.across));
      for (let cell = 0; cell < CELLS; cell++) {
        if (owners[cell] === 0) continue;
        this.cells.write(page, cell, owners[cell], cells.subarray(cell * CHANNELS, (cell + 1) * CHANNELS));
      }
      this.edited(page);
    }
    this.steps = state.stepNumber;
    this.randomSeed = state.randomSeed;
    this.prune();
  }

  dispose(): void {
    this.crew.dispose();
    this.rules?.dispose();
  }

  /** @throws EngineError when a thread failed in the middle of a step: half of the world is a step ahead */
  private checkWhole(): void {
    if (this.crew.isTorn) throw new EngineError('a thread failed within a step: the world is not whole');
  }

  private enlist(organism: OrganismId, slot: RuleSlot): void {
    this.organisms.set(organism, slot);
    this.memory.bytes[at.ORGANISM_RULES_AT + organism] = slot;
    this.memory.bytes[at.ORGANISM_MOVED_AT + organism] = 1;
  }

  /** Another rule may have work for cells that rest. */
  private wakeAll(): void {
    for (const page of this.pages.list) this.pages.wake(page);
    this.isWaking = false;
  }

  private cellCount(organism: OrganismId): number {
    return this.memory.ints[(at.ORGANISM_CELLS_AT >>> 2) + organism];
  }

  private checkPlanted(organism: OrganismId): void {
    if (!this.organisms.has(organism)) throw new EngineError(`organism ${organism} is not planted`);
  }

  private edited(page: number): void {
    this.cells.recount(page);
    this.isEdited = true;
  }

  private prune(): void {
    this.pages.prune();
    this.isEdited = false;
  }

  private pixels(page: number): Uint8Array {
    return this.memory.bytes.subarray(page + at.RGBA_AT, page + at.RGBA_AT + PAGE_BYTES);
  }

  /** Zeroes the organism's cells for which `isGone` holds. */
  private clearWhere(organism: OrganismId, isGone: (x: number, y: number) => boolean): void {
    for (const page of this.pages.list) {
      if (!this.cells.mayHold(page, organism)) continue;
      const left = this.pages.px(page) << PAGE_SHIFT;
      const top = this.pages.py(page) << PAGE_SHIFT;
      for (let cell = 0; cell < CELLS; cell++) {
        if (this.cells.owner(page, cell) !== organism) continue;
        if (isGone(left + (cell & (PAGE_CELLS - 1)), top + (cell >> PAGE_SHIFT)))
          this.cells.clear(page, cell);
      }
      this.edited(page);
    }
  }

  /** Visits the capsule's cells in pages that exist. */
  private visitCapsule(
    capsule: Capsule,
    visit: (page: number, cell: number, x: number, y: number) => void,
  ): void {
    const spans = capsuleRows(capsule, this);
    if (spans.length === 0) return;
    // By page, not by row: a stroke across a huge world costs what lives there, not what it covers.
    for (const page of this.pages.list) {
      const left = this.pages.px(page) << PAGE_SHIFT;
      const top = this.pages.py(page) << PAGE_SHIFT;
      let isTouched = false;
      const start = Math.max(0, top - spans[0].y);
      for (let s = start; s < spans.length && spans[s].y < top + PAGE_CELLS; s++) {
        const { y, first, last } = spans[s];
        const end = Math.min(last, left + PAGE_CELLS - 1);
        for (let x = Math.max(first, left); x <= end; x++) {
          visit(page, cellIn(x, y), x, y);
          isTouched = true;
        }
      }
      if (isTouched) this.edited(page);
    }
  }

  /**
   * Visits the rows of a rectangle, cut at page borders, that lie in pages that exist.
   *
   * @param visit - `count` cells from cell `first` of the page; `offset` of the first is row-major in `rect`
   */
  private visitSpans(
    rect: Rect,
    visit: (page: number, first: number, count: number, offset: number) => void,
  ): void {
    const top = Math.max(0, rect.y);
    const bottom = Math.min(this.height, rect.y + rect.height);
    const left = Math.max(0, rect.x);
    const right = Math.min(this.width, rect.x + rect.width);
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; ) {
        const end = Math.min(right, (x | (PAGE_CELLS - 1)) + 1);
        const page = this.pages.find(x >> PAGE_SHIFT, y >> PAGE_SHIFT);
        if (page !== 0) visit(page, cellIn(x, y), end - x, (y - rect.y) * rect.width + x - rect.x);
        x = end;
      }
    }
  }
}

/** Row-major index of a world cell in its page. */
const cellIn = (x: number, y: number): number =>
  ((y & (PAGE_CELLS - 1)) << PAGE_SHIFT) | (x & (PAGE_CELLS - 1));
