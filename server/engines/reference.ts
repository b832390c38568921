/**
 * The engine that every other engine is compared with: slow, dense, obvious, for small worlds. A step is defined in
 * `referenceStep.ts`; here is what happens between steps.
 */
import { PAGE_BYTES, PAGE_CELLS, type Rect } from '../../shared/geometry.ts';
import { CHANNELS, type Rule } from '../rules/rule.ts';
import { boundCell, holds, mendedPage } from './bounds.ts';
import { strokeRows } from './capsule.ts';
import { DenseCells } from './denseCells.ts';
import {
  type Engine,
  type EngineChanges,
  EngineError,
  type EngineFacts,
  type EngineOptions,
  type EngineState,
  isSamePage,
  type OrganismCensus,
  type OrganismId,
  type PageState,
  type Perturbation,
  type Piece,
  type RuleSlot,
} from './engine.ts';
import { noiseAt } from './fire.ts';
import { checkBodies, piecesIn, pieceWithin } from './pieces.ts';
import { type SteppedWorld, stepOnce, tentativeOwner } from './referenceStep.ts';
import { Roster } from './roster.ts';
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
} from './validate.ts';

/** @throws EngineError for options that do not fit */
export async function createReferenceEngine(options: EngineOptions): Promise<Engine> {
  checkOptions(options);
  return new ReferenceEngine(options);
}

class ReferenceEngine implements Engine {
  readonly name = 'reference';
  readonly description = 'reference, plain TypeScript, for tests';
  readonly width: number;
  readonly height: number;
  readonly #maxPages: number;
  readonly #bounds: boolean;
  #randomSeed: number;
  #steps = 0;
  readonly #cells: DenseCells;
  readonly #world: SteppedWorld;
  readonly #rules = new Map<RuleSlot, Rule>();
  readonly #organisms = new Roster();
  readonly #asleep = new Set<OrganismId>();
  readonly #woken = new Set<OrganismId>();
  /** Pixels of each page at its last visit; absent: zeros. */
  readonly #visited = new Map<number, Uint8Array>();
  /** Pages as they were at the last `takeChanges` or `load`. */
  #taken = new Map<number, PageState>();

  constructor({ width, height, randomSeed, maxPages, rest = 0, bounds = true }: EngineOptions) {
    this.width = width;
    this.height = height;
    this.#randomSeed = randomSeed;
    this.#bounds = bounds;
    this.#cells = new DenseCells({ width, height });
    this.#maxPages = maxPages ?? this.#cells.pageCount;
    this.#world = {
      width,
      height,
      cells: this.#cells,
      rest: Math.fround(rest),
      bounds,
      asleep: this.#asleep,
      ruleOf: (organism) => this.#rules.get(this.#organisms.slotOf(organism)!)!,
      mayLive: (organism, x, y) => this.#mayLive(organism, x, y),
      wake: (organism) => this.#wake(organism),
    };
  }

  get stepNumber(): number {
    return this.#steps;
  }

  get pageCount(): number {
    return this.#livingPages().length;
  }

  setRule(slot: RuleSlot, rule: Rule): void {
    checkRule(slot, rule);
    this.#rules.set(slot, rule);
    for (const organism of this.#organisms.ids())
      if (this.#organisms.slotOf(organism) === slot) this.#wake(organism);
  }

  plant(organism: OrganismId, slot: RuleSlot, x: number, y: number, territory?: Rect): void {
    checkOrganism(organism);
    checkPlace(x, y, territory, this);
    if (this.#organisms.has(organism)) throw new EngineError(`organism ${organism} is in use`);
    if (!this.#rules.has(slot)) throw new EngineError(`no rule in slot ${slot}`);
    const pages = this.#livingPages();
    if (pages.length >= this.#maxPages && !pages.includes(this.#cells.pageOf(x, y))) {
      throw new EngineError(`no room: ${pages.length} pages exist, no more may`);
    }
    this.#organisms.enlist(organism, slot);
    this.#organisms.stake(organism, territory);
    const cell = y * this.width + x;
    this.#wake(this.#cells.owners[cell]);
    this.#cells.owners[cell] = organism;
    this.#cells.state.fill(0, cell * CHANNELS, cell * CHANNELS + 3);
    this.#cells.state.fill(1, cell * CHANNELS + 3, (cell + 1) * CHANNELS);
  }

  setTerritory(organism: OrganismId, territory: Rect | undefined): void {
    checkPlanted(organism, this.#organisms);
    checkTerritory(territory);
    if (!this.#organisms.isStaked(organism, territory)) this.#wake(organism);
    this.#organisms.stake(organism, territory);
    for (const cell of this.#cells.of(organism)) {
      if (!this.#mayLive(organism, cell % this.width, Math.floor(cell / this.width))) this.#clearCell(cell);
    }
  }

  setOrganismRule(organism: OrganismId, slot: RuleSlot): void {
    checkPlanted(organism, this.#organisms);
    if (!this.#rules.has(slot)) throw new EngineError(`no rule in slot ${slot}`);
    if (this.#organisms.slotOf(organism) !== slot) this.#wake(organism);
    this.#organisms.enlist(organism, slot);
  }

  remove(organism: OrganismId): void {
    checkPlanted(organism, this.#organisms);
    for (const cell of this.#cells.of(organism)) this.#clearCell(cell);
    this.#organisms.delete(organism);
    this.#asleep.delete(organism);
    this.#woken.delete(organism);
  }

  async sleep(organism: OrganismId): Promise<void> {
    checkPlanted(organism, this.#organisms);
    this.#asleep.add(organism);
    this.#woken.delete(organism);
  }

  wake(organism: OrganismId): void {
    checkPlanted(organism, this.#organisms);
    this.#wake(organism);
  }

  isAsleep(organism: OrganismId): boolean {
    return this.#asleep.has(organism);
  }

  *awakeIds(): Generator<OrganismId> {
    for (const organism of this.#organisms.ids()) if (!this.#asleep.has(organism)) yield organism;
  }

  takeWoken(): OrganismId[] {
    const woken = [...this.#woken];
    this.#woken.clear();
    return woken;
  }

  #wake(organism: OrganismId): void {
    if (this.#asleep.delete(organism)) this.#woken.add(organism);
  }

  perturb(perturbation: Perturbation): void {
    checkPerturbation(perturbation, this.#organisms);
    switch (perturbation.kind) {
      case 'ablate':
        for (const cell of this.#cells.in(strokeRows([perturbation], this))) this.#clearCell(cell);
        return;
      case 'noise': {
        const { capsules, except, salt, amplitude } = perturbation;
        for (const cell of this.#cells.in(strokeRows(capsules, this, except))) {
          if (this.#cells.owners[cell] === 0 || !this.#cells.isOpaque(cell)) continue;
          const x = cell % this.width;
          const y = Math.floor(cell / this.width);
          this.#wake(this.#cells.owners[cell]);
          for (let c = 0; c < CHANNELS; c++) {
            const noise = noiseAt(this.#randomSeed, salt, this.#steps, x, y, c);
            this.#cells.state[cell * CHANNELS + c] += Math.fround(noise * amplitude);
          }
          if (this.#bounds && !boundCell(this.#cells.state, cell * CHANNELS)) this.#clearCell(cell);
        }
        return;
      }
      case 'truncate': {
        const { organism, x, y, radius } = perturbation;
        for (const cell of this.#cells.of(organism)) {
          const distanceSquared = ((cell % this.width) - x) ** 2 + (Math.floor(cell / this.width) - y) ** 2;
          if (distanceSquared > radius * radius) this.#clearCell(cell);
        }
        return;
      }
      default:
        perturbation satisfies never;
    }
  }

  async step(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) {
      stepOnce(this.#world, this.#randomSeed, this.#steps);
      this.#steps = (this.#steps + 1) >>> 0;
    }
  }

  async visitChanged(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    for (let page = 0; page < this.#cells.pageCount; page++) {
      const rgba = this.#cells.pixels(page);
      const before = this.#visited.get(page) ?? new Uint8Array(PAGE_BYTES);
      if (rgba.every((byte, i) => byte === before[i])) continue;
      this.#visited.set(page, rgba);
      visit(page, rgba.slice());
    }
  }

  async visitAll(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    for (const page of this.#livingPages()) visit(page, this.#cells.pixels(page));
  }

  async readPage(page: number, into: Uint8Array): Promise<void> {
    into.set(this.#cells.pixels(page));
  }

  async readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): Promise<void> {
    into.fill(0);
    this.#cells.readOrganism(organism, rect, into);
  }

  async readOwners(rect: Rect, into: Uint16Array): Promise<void> {
    into.fill(0);
    this.#cells.readOwners(rect, into);
  }

  async census(organisms?: Iterable<OrganismId>): Promise<OrganismCensus[]> {
    const counts = new Map<OrganismId, number>();
    for (const owner of this.#cells.owners) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    return Array.from(this.#organisms.among(organisms), (organism) => ({
      organism,
      cells: counts.get(organism) ?? 0,
    }));
  }

  async copyBodies(organisms: Iterable<OrganismId>): Promise<Map<OrganismId, Piece[]>> {
    return piecesIn(this.#cells.copies(), this.#organisms.among(organisms));
  }

  async putBodies(bodies: ReadonlyMap<OrganismId, readonly Piece[]>): Promise<void> {
    checkBodies(bodies, this.#organisms, this);
    for (let cell = 0; cell < this.#cells.owners.length; cell++)
      if (bodies.has(this.#cells.owners[cell])) this.#clearCell(cell);
    for (const [organism, pieces] of bodies) {
      this.#wake(organism);
      for (const piece of pieces) this.#putPiece(organism, piece);
    }
  }

  #putPiece(organism: OrganismId, piece: Piece): void {
    const rect = this.#cells.pageRect(piece.page);
    const owners = new Uint16Array(PAGE_CELLS * PAGE_CELLS);
    this.#cells.readOwners(rect, owners);
    const territory = this.#organisms.territoryOf(organism);
    const room = { owners, x: rect.x, y: rect.y, world: this, bounds: this.#bounds, territory };
    const { cells, values } = pieceWithin(piece, room);
    for (let i = 0; i < cells.length; i++) {
      const cell =
        (rect.y + Math.floor(cells[i] / PAGE_CELLS)) * this.width + rect.x + (cells[i] % PAGE_CELLS);
      this.#cells.set(cell, organism, values.subarray(i * CHANNELS, (i + 1) * CHANNELS));
    }
  }

  async save(): Promise<EngineState> {
    return { ...this.#facts, pages: this.#cells.copies() };
  }

  async takeChanges(): Promise<EngineChanges> {
    const pages = this.#cells.copies();
    const isKept = (page: PageState): boolean => {
      const before = this.#taken.get(page.page);
      return before !== undefined && isSamePage(before, page);
    };
    const { changed = [], kept = [] } = Object.groupBy(pages, (page) => (isKept(page) ? 'kept' : 'changed'));
    this.#taken = new Map(pages.map((page) => [page.page, page]));
    return { ...this.#facts, changed: changed.map(({ page }) => page), kept: kept.map(({ page }) => page) };
  }

  async copyPages(pages: readonly number[]): Promise<PageState[]> {
    return pages.map((page) => this.#cells.copy(page)).filter((page) => page !== null);
  }

  async restore(state: EngineState): Promise<void> {
    checkState(state, this, this.#maxPages, (slot) => this.#rules.has(slot));
    this.#begin(state);
    for (const page of state.pages) this.#put(page);
  }

  async load(facts: EngineFacts, pages: AsyncIterable<PageState> | Iterable<PageState>): Promise<void> {
    const check = pageCheck(facts, this, this.#maxPages, (slot) => this.#rules.has(slot));
    this.#begin(facts);
    this.#taken.clear();
    for await (const page of pages) {
      check(page);
      this.#put(page);
      const { cells, owners } = page;
      this.#taken.set(page.page, { page: page.page, cells: cells.slice(), owners: owners.slice() });
    }
  }

  get #facts(): EngineFacts {
    const organisms = this.#organisms.states((organism) => this.#asleep.has(organism));
    return { stepNumber: this.#steps, randomSeed: this.#randomSeed, organisms };
  }

  /** An empty world with these facts. */
  #begin({ stepNumber, randomSeed, organisms }: EngineFacts): void {
    this.#cells.clearAll();
    this.#organisms.clear();
    this.#asleep.clear();
    this.#woken.clear();
    for (const { id, rule, territory, isAsleep } of organisms) {
      this.#organisms.enlist(id, rule);
      this.#organisms.stake(id, territory);
      if (isAsleep) this.#asleep.add(id);
    }
    this.#steps = stepNumber;
    this.#randomSeed = randomSeed;
  }

  #put(saved: PageState): void {
    const mended = this.#bounds ? mendedPage(saved, this, (id) => this.#organisms.territoryOf(id)) : saved;
    this.#cells.put(mended);
  }

  dispose(): void {
    // It holds no thread and no device.
  }

  /** Whether the cell lies in the organism's territory; with bounds off, always. */
  #mayLive(organism: OrganismId, x: number, y: number): boolean {
    return !this.#bounds || holds(this.#organisms.territoryOf(organism), x, y);
  }

  #clearCell(cell: number): void {
    this.#wake(this.#cells.owners[cell]);
    this.#cells.clear(cell);
  }

  /** Pages that hold an owned cell, or a cell that life can reach in one step. */
  #livingPages(): number[] {
    const pages = new Set<number>();
    const { left, right, top, bottom } = this.#cells.reachOfLife();
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        if (tentativeOwner(this.#world, x, y) !== 0) pages.add(this.#cells.pageOf(x, y));
      }
    }
    return [...pages].sort((a, b) => a - b);
  }
}
