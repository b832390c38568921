/**
 * The paged engine on WebAssembly: SIMD, on one or more threads. State, owners and pixels lie in shared memory
 * (`assembly/layout.ts`). A step is three phases over the list of existing pages (`assembly/phases.ts`). Between steps,
 * `edits.ts` writes and `readings.ts` reads.
 */
import { pagesAcross, type Rect } from '../../../shared/geometry.ts';
import { CHANNELS, PERCEPTION, type Rule } from '../../rules/rule.ts';
import { extentOf, holds, mendedPage } from '../bounds.ts';
import {
  type AwakeEngine,
  CHANNEL_LIMIT,
  type Engine,
  type EngineChanges,
  EngineError,
  type EngineFacts,
  type EngineOptions,
  type EngineState,
  type OrganismCensus,
  type OrganismId,
  type PageState,
  type Perturbation,
  type Piece,
  type RuleSlot,
} from '../engine.ts';
import { Roster } from '../roster.ts';
import { SleepingEngine } from '../sleepingEngine.ts';
import {
  checkOptions,
  checkOrganism,
  checkPerturbation,
  checkPlace,
  checkPlanted,
  checkRule,
  checkState,
  checkTerritory,
  pageCheck,
} from '../validate.ts';
import * as at from './assembly/layout.ts';
import { PageCells } from './cells.ts';
import { Crew } from './crew.ts';
import { Edits } from './edits.ts';
import { EngineMemory } from './memory.ts';
import { hasRelaxedSimd } from './modules.ts';
import { PageTable } from './pages.ts';
import { Readings } from './readings.ts';
import { atOnce, inWaves, type Phase } from './waves.ts';

/** The smallest rule; its update is zero. */
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

export interface WasmEngineOptions extends EngineOptions {
  /** 1..32, including the calling thread. Default 1. */
  readonly threads?: number;
  /** true: fused multiply-add. false: the result is the same to the bit on every machine. Default: where possible. */
  readonly relaxed?: boolean;
  /** The shape of the tiles; it changes no result. Default: the faster one (`tiles.ts`). */
  readonly wideTiles?: boolean;
  /** Pages that may be sensed and not yet applied (`waves.ts`); fewer mean more phases. Default: `deltaRecordsFor`. */
  readonly deltaRecords?: number;
}

/** Computes the deltas in place of the kernels, for an engine that shares everything else (`../tfjs/`). */
export interface UpdateRules {
  readonly name: Engine['name'];
  /** Part of the engine's description: what computes the deltas. */
  readonly description: string;
  setRule(slot: RuleSlot, rule: Rule): void;
  /**
   * Called within a step, when the firing cells of the awake pages first..end - 1 are known (`FIRED_AT`). Writes their
   * deltas (`DELTAS_AT`).
   */
  writeDeltas(first: number, end: number): void;
  dispose(): void;
}

/** @throws EngineError for options that do not fit; Error when the kernels are not built */
export async function createWasmEngine(options: WasmEngineOptions): Promise<SleepingEngine<WasmEngine>> {
  return createPagedEngine(options);
}

/**
 * @param openRules - makes the `UpdateRules` that compute the deltas; default: the kernels compute them
 * @throws EngineError for options that do not fit; Error when the kernels are not built
 */
export async function createPagedEngine(
  options: WasmEngineOptions,
  openRules?: (memory: EngineMemory) => UpdateRules,
): Promise<SleepingEngine<WasmEngine>> {
  checkOptions(options);
  const { threads = 1, relaxed = hasRelaxedSimd(), wideTiles } = options;
  const across = pagesAcross(options.width);
  const inWorld = across * pagesAcross(options.height);
  const maxPages = Math.min(options.maxPages ?? inWorld, inWorld);
  const memory = new EngineMemory(maxPages, across, options.deltaRecords);
  const crew = await Crew.assemble(memory.memory, threads, relaxed, wideTiles);
  return new SleepingEngine(new WasmEngine(options, memory, crew, openRules?.(memory)), options);
}

/** Everyone is awake in it. */
export class WasmEngine implements AwakeEngine {
  readonly name: Engine['name'];
  readonly description: string;
  readonly width: number;
  readonly height: number;
  #randomSeed: number;
  #steps = 0;
  /** Public, like `crew`, for tests that make a thread fail; the world sees only an `Engine`. */
  readonly memory: EngineMemory;
  readonly #pages: PageTable;
  readonly #edits: Edits;
  readonly #readings: Readings;
  readonly crew: Crew;
  readonly #rules: UpdateRules | undefined;
  readonly #organisms = new Roster();
  readonly #bounds: boolean;
  /** All pages must wake before the next step. A flag, so that they wake once even if many organisms change rules. */
  #isWaking = false;

  constructor(options: WasmEngineOptions, memory: EngineMemory, crew: Crew, rules: UpdateRules | undefined) {
    this.name = rules?.name ?? 'wasm';
    this.width = options.width;
    this.height = options.height;
    this.#randomSeed = options.randomSeed;
    this.memory = memory;
    this.#pages = new PageTable(memory, this, memory.maxPages);
    this.#bounds = options.bounds ?? true;
    const cells = new PageCells(memory, this.#bounds);
    this.#edits = new Edits(this.#pages, cells, this);
    this.#readings = new Readings(memory, this.#pages, cells, this);
    this.crew = crew;
    this.#rules = rules;
    memory.floats[at.REST_AT >>> 2] = options.rest ?? 0;
    memory.floats[at.CHANNEL_LIMIT_AT >>> 2] = this.#bounds ? CHANNEL_LIMIT : Number.POSITIVE_INFINITY;
    const threads = `${crew.threads} thread${crew.threads === 1 ? '' : 's'}`;
    const fma = crew.relaxed ? 'with' : 'without';
    const wasm = `wasm, SIMD ${fma} FMA in ${crew.wideTiles ? 'wide' : 'narrow'} tiles, ${threads}`;
    this.description = rules === undefined ? wasm : `${rules.description}; masks: ${wasm}`;
  }

  readonly #sensed = (first: number, end: number): void => this.#rules?.writeDeltas(first, end);

  get stepNumber(): number {
    return this.#steps;
  }

  get pageCount(): number {
    return this.#pages.list.length;
  }

  setRule(slot: RuleSlot, rule: Rule): void {
    checkRule(slot, rule);
    this.#rules?.setRule(slot, rule);
    // Where `UpdateRules` compute the deltas, the kernels only need the fire rate.
    this.memory.setRule(slot, this.#rules === undefined ? rule : { ...IDLE_RULE, fireRate: rule.fireRate });
    this.#isWaking = true;
  }

  plant(organism: OrganismId, slot: RuleSlot, x: number, y: number, territory?: Rect): void {
    checkOrganism(organism);
    checkPlace(x, y, territory, this);
    if (this.#organisms.has(organism)) throw new EngineError(`organism ${organism} is in use`);
    if (!this.memory.hasRule(slot)) throw new EngineError(`no rule in slot ${slot}`);
    if (!this.#edits.plant(organism, x, y))
      throw new EngineError(`no room: ${this.pageCount} pages exist, no more may`);
    this.#enlist(organism, slot);
    this.#stake(organism, territory);
  }

  setTerritory(organism: OrganismId, territory: Rect | undefined): void {
    checkPlanted(organism, this.#organisms);
    checkTerritory(territory);
    const before = this.#pagesOf(organism);
    this.#stake(organism, territory);
    if (!this.#bounds) return;
    if (territory !== undefined) this.#edits.clearWhere(organism, before, (x, y) => !holds(territory, x, y));
    this.#edits.wakeAround(organism); // it may now have room beside cells that rest
  }

  setOrganismRule(organism: OrganismId, slot: RuleSlot): void {
    checkPlanted(organism, this.#organisms);
    if (!this.memory.hasRule(slot)) throw new EngineError(`no rule in slot ${slot}`);
    this.#enlist(organism, slot);
    this.#isWaking = true;
  }

  remove(organism: OrganismId): void {
    checkPlanted(organism, this.#organisms);
    // Many organisms may die at once; a removal without cells must not look at every page.
    if (this.#readings.count(organism) > 0)
      this.#edits.clearWhere(organism, this.#pagesOf(organism), () => true);
    this.#organisms.delete(organism);
  }

  async lift(organism: OrganismId): Promise<Piece[]> {
    checkPlanted(organism, this.#organisms);
    const pages = this.#pagesOf(organism);
    const pieces = this.#readings.pieces(organism, pages);
    if (pieces.length > 0) this.#edits.clearWhere(organism, pages, () => true);
    return pieces;
  }

  lay(organism: OrganismId, pieces: readonly Piece[]): boolean {
    checkPlanted(organism, this.#organisms);
    return this.#edits.lay(organism, pieces);
  }

  perturb(perturbation: Perturbation): void {
    checkPerturbation(perturbation, this.#organisms);
    switch (perturbation.kind) {
      case 'ablate':
        this.#edits.ablate(perturbation);
        return;
      case 'noise': {
        const { salt } = perturbation;
        this.#edits.addNoise(perturbation, { randomSeed: this.#randomSeed, step: this.#steps, salt });
        return;
      }
      case 'truncate': {
        const { organism, x, y, radius } = perturbation;
        this.#edits.clearWhere(
          organism,
          this.#pagesOf(organism),
          (cx, cy) => (cx - x) ** 2 + (cy - y) ** 2 > radius * radius,
        );
        return;
      }
      default:
        perturbation satisfies never;
    }
  }

  async step(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) {
      this.#checkWhole();
      if (this.#edits.isPending) this.#edits.settle();
      if (this.#isWaking) this.#wakeAll();
      if (this.pageCount > 0) this.#stepPages();
      this.#steps = (this.#steps + 1) >>> 0;
    }
  }

  #stepPages(): void {
    const { list } = this.#pages;
    const { ints, deltaRecords } = this.memory;
    for (let p = 0; p < list.length; p++) ints[(at.LIST_AT >>> 2) + p] = list[p];
    const awake = this.crew.muster(list.length, deltaRecords);
    if (awake === 0) return;
    ints[at.RANDOM_SEED_AT >>> 2] = this.#randomSeed;
    ints[at.STEP_AT >>> 2] = this.#steps;
    this.crew.step(awake <= deltaRecords ? atOnce(awake) : this.#wavesOver(awake), this.#sensed);
    this.#edits.settle();
  }

  /** Puts the awake pages into reading order. */
  #wavesOver(awake: number): Phase[] {
    const { ints, deltaRecords } = this.memory;
    const list = at.AWAKE_AT >>> 2;
    const pages = Uint32Array.from(ints.subarray(list, list + awake));
    const keys = Float64Array.from(pages, (page, i) => this.#pages.index(page) * at.MAX_LISTED + i).sort();
    const indices = keys.map((key) => Math.floor(key / at.MAX_LISTED));
    keys.forEach((key, i) => {
      const page = pages[key % at.MAX_LISTED];
      ints[list + i] = page;
      ints[(page + at.DELTA_RECORD_AT) >>> 2] = at.RECORDS_AT + (i % deltaRecords) * at.DELTA_RECORD_BYTES;
    });
    return inWaves(indices, this.#pages.across, deltaRecords);
  }

  async visitChanged(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    this.#readings.visitChanged(visit);
  }

  async visitAll(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    this.#readings.visitAll(visit);
  }

  async readPage(page: number, into: Uint8Array): Promise<void> {
    this.#readings.page(page, into);
  }

  async readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): Promise<void> {
    this.#readings.organism(organism, rect, into);
  }

  async readOwners(rect: Rect, into: Uint16Array): Promise<void> {
    this.#readings.owners(rect, into);
  }

  async census(organisms?: Iterable<OrganismId>): Promise<OrganismCensus[]> {
    return Array.from(this.#organisms.among(organisms), (organism) => ({
      organism,
      cells: this.#readings.count(organism),
    }));
  }

  async takeMoved(): Promise<OrganismId[]> {
    return this.#readings.takeMoved().filter((id) => this.#organisms.has(id));
  }

  async copyBodies(organisms: Iterable<OrganismId>): Promise<Map<OrganismId, Piece[]>> {
    this.#checkWhole();
    return this.#readings.bodies(this.#organisms.among(organisms));
  }

  async save(): Promise<EngineState> {
    this.#checkWhole();
    return { ...this.#facts, pages: this.#readings.save() };
  }

  async takeChanges(): Promise<EngineChanges> {
    this.#checkWhole();
    return { ...this.#facts, ...this.#readings.takeChanges() };
  }

  async copyPages(pages: readonly number[]): Promise<PageState[]> {
    this.#checkWhole();
    return this.#readings.states(pages);
  }

  get #facts(): EngineFacts {
    const organisms = this.#organisms.states();
    return { stepNumber: this.#steps, randomSeed: this.#randomSeed, organisms };
  }

  async restore(state: EngineState): Promise<void> {
    checkState(state, this, this.memory.maxPages, (slot) => this.memory.hasRule(slot));
    if (!this.memory.reserve(state.pages.length)) {
      throw new EngineError(`no memory for ${state.pages.length} pages`);
    }
    // A rollback restores the whole world for a few bodies: the next save need not copy all of it.
    const same = this.#readings.savedAs(state.pages);
    this.#begin(state);
    for (const page of state.pages) this.#put(page, same.has(page.page));
    this.#edits.settle();
  }

  async load(facts: EngineFacts, pages: AsyncIterable<PageState> | Iterable<PageState>): Promise<void> {
    const check = pageCheck(facts, this, this.memory.maxPages, (slot) => this.memory.hasRule(slot));
    this.#begin(facts);
    for await (const page of pages) {
      check(page);
      if (!this.#put(page, true)) throw new EngineError(`no memory for ${this.pageCount + 1} pages`);
    }
    this.#edits.settle();
  }

  dispose(): void {
    this.crew.dispose();
    this.#rules?.dispose();
  }

  /** Empties the world and sets these facts. */
  #begin({ stepNumber, randomSeed, organisms }: EngineFacts): void {
    this.#pages.clear();
    this.#organisms.clear();
    this.memory.bytes.fill(0, at.ORGANISM_CELLS_AT, at.RULES_AT); // cells and movement
    for (const { id, rule, territory } of organisms) {
      this.#enlist(id, rule);
      this.#stake(id, territory);
    }
    this.#steps = stepNumber;
    this.#randomSeed = randomSeed;
  }

  /**
   * @param isSaved - the page is not marked as changed, unless it has to be mended
   * @returns false when there is no room
   */
  #put(page: PageState, isSaved: boolean): boolean {
    const mended = this.#bounds ? mendedPage(page, this, (id) => this.#organisms.territoryOf(id)) : page;
    const address = this.#edits.restore(mended);
    if (address === 0) return false;
    // `mendedPage` copies what it changes.
    if (isSaved && mended.cells === page.cells) this.memory.ints[(address + at.UNSAVED_AT) >>> 2] = 0;
    return true;
  }

  /** @throws EngineError when a thread failed while a step wrote: part of the world is one step ahead */
  #checkWhole(): void {
    if (this.crew.isTorn) throw new EngineError('a thread failed within a step: the world is not whole');
  }

  #enlist(organism: OrganismId, slot: RuleSlot): void {
    this.#organisms.enlist(organism, slot);
    this.memory.bytes[at.ORGANISM_RULES_AT + organism] = slot;
    this.memory.bytes[at.ORGANISM_MOVED_AT + organism] = 1;
  }

  #stake(organism: OrganismId, territory: Rect | undefined): void {
    this.#organisms.stake(organism, territory);
    this.memory.setTerritory(organism, extentOf(this.#bounds ? territory : undefined, this));
  }

  /** Addresses of the pages that may hold a cell of the organism: those of its territory, where it has one. */
  #pagesOf(organism: OrganismId): readonly number[] {
    const territory = this.#bounds ? this.#organisms.territoryOf(organism) : undefined;
    return territory === undefined ? this.#pages.list : this.#pages.under(extentOf(territory, this));
  }

  /** Wakes every page: cells that rest under one rule may change under another. */
  #wakeAll(): void {
    for (const page of this.#pages.list) this.#pages.wake(page);
    this.#isWaking = false;
  }
}
