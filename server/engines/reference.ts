/**
 * The definition of a step: slow, dense, obvious, for small worlds. Every other engine is compared with it. All
 * arithmetic is float32 in the order of the kernels (bias first, then inputs in order, no FMA), so that an engine
 * without FMA agrees to the bit.
 */
import { PAGE_BYTES, PAGE_CELLS, type Rect } from '../../shared/geometry.ts';
import { CHANNELS, type Rule } from '../rules/rule.ts';
import { boundCell, holds, mendedPage } from './bounds.ts';
import { strokeRows } from './capsule.ts';
import { ALPHA, DenseCells } from './denseCells.ts';
import {
  type Engine,
  type EngineChanges,
  EngineError,
  type EngineFacts,
  type EngineOptions,
  type EngineState,
  isSamePage,
  OPAQUE_ABOVE,
  type OrganismCensus,
  type OrganismId,
  type PageState,
  type Perturbation,
  type Piece,
  REACH,
  type RuleSlot,
} from './engine.ts';
import { cellHash, fires, fireThreshold, noiseAt } from './fire.ts';
import { checkBodies, piecesIn, pieceWithin } from './pieces.ts';
import { Roster } from './roster.ts';
import { updateCell } from './updateRule.ts';
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
  readonly #rest: number;
  readonly #bounds: boolean;
  #randomSeed: number;
  #steps = 0;
  readonly #cells: DenseCells;
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
    this.#rest = Math.fround(rest);
    this.#bounds = bounds;
    this.#cells = new DenseCells({ width, height });
    this.#maxPages = maxPages ?? this.#cells.pageCount;
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
    for (let i = 0; i < steps; i++) this.#stepOnce();
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

  #stepOnce(): void {
    this.#wakeReached();
    const { width, height } = this;
    const { left, right, top, bottom } = this.#cells.reachOfLife();
    const tentative = new Uint16Array(width * height);
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) tentative[y * width + x] = this.#tentativeOwner(x, y);
    }
    const next = this.#cells.state.slice();
    const exploded = new Uint8Array(width * height);
    const preAlive = new Uint8Array(width * height);
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const cell = y * width + x;
        const organism = tentative[cell];
        if (organism === 0 || this.#asleep.has(organism)) continue;
        if (!this.#isBesideOpaque(x, y, organism, this.#cells.owners, this.#cells.state)) continue;
        preAlive[cell] = 1;
        const rule = this.#rules.get(this.#organisms.slotOf(organism)!)!;
        if (!fires(cellHash(this.#randomSeed, this.#steps, x, y), fireThreshold(rule.fireRate))) continue;
        const channels = next.subarray(cell * CHANNELS, (cell + 1) * CHANNELS);
        const near = this.#cells.neighbourhood(x, y, organism);
        if (!updateCell(rule, near, this.#rest, channels) || !this.#bounds || boundCell(channels, 0))
          continue;
        exploded[cell] = 1;
        channels.fill(0); // so that it is not opaque in the alive mask after the update
      }
    }
    const owners = new Uint16Array(width * height);
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const cell = y * width + x;
        const organism = tentative[cell];
        if (this.#asleep.has(this.#cells.owners[cell])) owners[cell] = organism;
        if (!preAlive[cell] || exploded[cell]) continue;
        if (this.#isBesideOpaque(x, y, organism, tentative, next)) owners[cell] = organism;
      }
    }
    // Both masks are finished before any cell is cleared: one death must not spread within a step.
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const cell = y * width + x;
        if (owners[cell] === 0) next.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
      }
    }
    this.#cells.state = next;
    this.#cells.owners = owners;
    this.#steps = (this.#steps + 1) >>> 0;
  }

  /** Wakes the sleepers that somebody awake could meet in this step, then those that these could meet, and so on. */
  #wakeReached(): void {
    for (let before = -1; this.#asleep.size !== before; ) {
      before = this.#asleep.size;
      for (let cell = 0; cell < this.#cells.owners.length && this.#asleep.size > 0; cell++)
        if (this.#asleep.has(this.#cells.owners[cell]) && this.#isReached(cell))
          this.#wake(this.#cells.owners[cell]);
    }
  }

  /** Whether a cell of an organism that is awake lies within reach of a cell. */
  #isReached(cell: number): boolean {
    const x = cell % this.width;
    const y = Math.floor(cell / this.width);
    for (let dy = -REACH; dy <= REACH; dy++) {
      for (let dx = -REACH; dx <= REACH; dx++) {
        const owner = this.#cells.ownerAt(x + dx, y + dy);
        if (owner !== 0 && !this.#asleep.has(owner)) return true;
      }
    }
    return false;
  }

  /** A cell's owner in this step: its own, else the owner of its most opaque neighbour that may live there. */
  #tentativeOwner(x: number, y: number): OrganismId {
    const own = this.#cells.ownerAt(x, y);
    if (own !== 0) return own;
    let organism = 0;
    let best = OPAQUE_ABOVE;
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const owner = this.#cells.ownerAt(x + dx, y + dy);
        if (owner === 0) continue;
        const alpha = this.#cells.state[((y + dy) * this.width + x + dx) * CHANNELS + ALPHA];
        if (alpha > best && this.#mayLive(owner, x, y)) {
          best = alpha;
          organism = owner;
        }
      }
    }
    return organism;
  }

  /** The alive mask: whether the 3x3 around a cell holds an opaque cell of the organism. */
  #isBesideOpaque(
    x: number,
    y: number,
    organism: OrganismId,
    owners: Uint16Array,
    state: Float32Array,
  ): boolean {
    for (let ny = Math.max(0, y - 1); ny <= Math.min(this.height - 1, y + 1); ny++) {
      for (let nx = Math.max(0, x - 1); nx <= Math.min(this.width - 1, x + 1); nx++) {
        const cell = ny * this.width + nx;
        if (owners[cell] === organism && state[cell * CHANNELS + ALPHA] > OPAQUE_ABOVE) return true;
      }
    }
    return false;
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
        if (this.#tentativeOwner(x, y) !== 0) pages.add(this.#cells.pageOf(x, y));
      }
    }
    return [...pages].sort((a, b) => a - b);
  }
}
