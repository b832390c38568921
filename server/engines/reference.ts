/**
 * The definition of a step: slow, dense, obvious, for small worlds. Every other engine is compared with it. All
 * arithmetic is float32 in the order of the kernels (bias first, then inputs in order, no FMA), so that an engine
 * without FMA agrees to the bit.
 */
import { PAGE_BYTES, PAGE_CELLS, pagesAcross, type Rect } from '../../shared/geometry.ts';
import { CHANNELS, type Rule } from '../rules/rule.ts';
import { boundCell, type Extent, holds, mendedPage } from './bounds.ts';
import { type Span, strokeRows } from './capsule.ts';
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
  toByte,
} from './engine.ts';
import { cellHash, fires, fireThreshold, noiseAt } from './fire.ts';
import { checkBodies, piecesIn, pieceWithin } from './pieces.ts';
import { Roster } from './roster.ts';
import { type Neighbourhood, updateCell } from './updateRule.ts';
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

const ALPHA = 3;

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
  readonly #across: number;
  readonly #maxPages: number;
  readonly #rest: number;
  readonly #bounds: boolean;
  #randomSeed: number;
  #steps = 0;
  /** [height, width, 16] */
  #state: Float32Array;
  /** [height, width] */
  #owners: Uint16Array;
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
    this.#across = pagesAcross(width);
    this.#maxPages = maxPages ?? this.#across * pagesAcross(height);
    this.#state = new Float32Array(width * height * CHANNELS);
    this.#owners = new Uint16Array(width * height);
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
    if (pages.length >= this.#maxPages && !pages.includes(this.#pageOf(x, y))) {
      throw new EngineError(`no room: ${pages.length} pages exist, no more may`);
    }
    this.#organisms.enlist(organism, slot);
    this.#organisms.stake(organism, territory);
    const cell = y * this.width + x;
    this.#wake(this.#owners[cell]);
    this.#owners[cell] = organism;
    this.#state.fill(0, cell * CHANNELS, cell * CHANNELS + 3);
    this.#state.fill(1, cell * CHANNELS + 3, (cell + 1) * CHANNELS);
  }

  setTerritory(organism: OrganismId, territory: Rect | undefined): void {
    checkPlanted(organism, this.#organisms);
    checkTerritory(territory);
    if (!this.#organisms.isStaked(organism, territory)) this.#wake(organism);
    this.#organisms.stake(organism, territory);
    for (let cell = 0; cell < this.#owners.length; cell++) {
      if (this.#owners[cell] !== organism) continue;
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
    for (let cell = 0; cell < this.#owners.length; cell++) {
      if (this.#owners[cell] === organism) this.#clearCell(cell);
    }
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
        for (const cell of this.#cellsIn(strokeRows([perturbation], this))) this.#clearCell(cell);
        return;
      case 'noise': {
        const { capsules, except, salt, amplitude } = perturbation;
        for (const cell of this.#cellsIn(strokeRows(capsules, this, except))) {
          if (this.#owners[cell] === 0 || !(this.#state[cell * CHANNELS + ALPHA] > OPAQUE_ABOVE)) continue;
          const x = cell % this.width;
          const y = Math.floor(cell / this.width);
          this.#wake(this.#owners[cell]);
          for (let c = 0; c < CHANNELS; c++) {
            const noise = noiseAt(this.#randomSeed, salt, this.#steps, x, y, c);
            this.#state[cell * CHANNELS + c] += Math.fround(noise * amplitude);
          }
          if (this.#bounds && !boundCell(this.#state, cell * CHANNELS)) this.#clearCell(cell);
        }
        return;
      }
      case 'truncate': {
        const { organism, x, y, radius } = perturbation;
        for (let cell = 0; cell < this.#owners.length; cell++) {
          const distanceSquared = ((cell % this.width) - x) ** 2 + (Math.floor(cell / this.width) - y) ** 2;
          if (this.#owners[cell] === organism && distanceSquared > radius * radius) this.#clearCell(cell);
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
    for (let page = 0; page < this.#across * pagesAcross(this.height); page++) {
      const rgba = this.#pixels(page);
      const before = this.#visited.get(page) ?? new Uint8Array(PAGE_BYTES);
      if (rgba.every((byte, i) => byte === before[i])) continue;
      this.#visited.set(page, rgba);
      visit(page, rgba.slice());
    }
  }

  async visitAll(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    for (const page of this.#livingPages()) visit(page, this.#pixels(page));
  }

  async readPage(page: number, into: Uint8Array): Promise<void> {
    into.set(this.#pixels(page));
  }

  async readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): Promise<void> {
    into.fill(0);
    this.#visitRows(rect, (cell, offset, count) => {
      for (let i = 0; i < count; i++) {
        if (this.#owners[cell + i] !== organism) continue;
        for (let c = 0; c < 4; c++) into[(offset + i) * 4 + c] = this.#state[(cell + i) * CHANNELS + c];
      }
    });
  }

  async readOwners(rect: Rect, into: Uint16Array): Promise<void> {
    into.fill(0);
    this.#visitRows(rect, (cell, offset, count) => {
      into.set(this.#owners.subarray(cell, cell + count), offset);
    });
  }

  async census(organisms?: Iterable<OrganismId>): Promise<OrganismCensus[]> {
    const counts = new Map<OrganismId, number>();
    for (const owner of this.#owners) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    return Array.from(this.#organisms.among(organisms), (organism) => ({
      organism,
      cells: counts.get(organism) ?? 0,
    }));
  }

  async copyBodies(organisms: Iterable<OrganismId>): Promise<Map<OrganismId, Piece[]>> {
    return piecesIn(this.#copies(), this.#organisms.among(organisms));
  }

  async putBodies(bodies: ReadonlyMap<OrganismId, readonly Piece[]>): Promise<void> {
    checkBodies(bodies, this.#organisms, this);
    for (let cell = 0; cell < this.#owners.length; cell++)
      if (bodies.has(this.#owners[cell])) this.#clearCell(cell);
    for (const [organism, pieces] of bodies) {
      this.#wake(organism);
      for (const piece of pieces) this.#putPiece(organism, piece);
    }
  }

  #putPiece(organism: OrganismId, piece: Piece): void {
    const rect = this.#pageRect(piece.page);
    const owners = new Uint16Array(PAGE_CELLS * PAGE_CELLS);
    this.#visitRows(rect, (cell, offset, count) => {
      owners.set(this.#owners.subarray(cell, cell + count), offset);
    });
    const territory = this.#organisms.territoryOf(organism);
    const room = { owners, x: rect.x, y: rect.y, world: this, bounds: this.#bounds, territory };
    const { cells, values } = pieceWithin(piece, room);
    for (let i = 0; i < cells.length; i++) {
      const cell =
        (rect.y + Math.floor(cells[i] / PAGE_CELLS)) * this.width + rect.x + (cells[i] % PAGE_CELLS);
      this.#owners[cell] = organism;
      this.#state.set(values.subarray(i * CHANNELS, (i + 1) * CHANNELS), cell * CHANNELS);
    }
  }

  async save(): Promise<EngineState> {
    return { ...this.#facts, pages: this.#copies() };
  }

  async takeChanges(): Promise<EngineChanges> {
    const pages = this.#copies();
    const isKept = (page: PageState): boolean => {
      const before = this.#taken.get(page.page);
      return before !== undefined && isSamePage(before, page);
    };
    const { changed = [], kept = [] } = Object.groupBy(pages, (page) => (isKept(page) ? 'kept' : 'changed'));
    this.#taken = new Map(pages.map((page) => [page.page, page]));
    return { ...this.#facts, changed: changed.map(({ page }) => page), kept: kept.map(({ page }) => page) };
  }

  async copyPages(pages: readonly number[]): Promise<PageState[]> {
    return pages.map((page) => this.#copy(page)).filter((page) => page !== null);
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

  /** Copies a page; null: no cell of it is owned. */
  #copy(page: number): PageState | null {
    const cells = new Float32Array(PAGE_CELLS * PAGE_CELLS * CHANNELS);
    const owners = new Uint16Array(PAGE_CELLS * PAGE_CELLS);
    this.#visitRows(this.#pageRect(page), (cell, offset, count) => {
      owners.set(this.#owners.subarray(cell, cell + count), offset);
      cells.set(this.#state.subarray(cell * CHANNELS, (cell + count) * CHANNELS), offset * CHANNELS);
    });
    return owners.some((owner) => owner !== 0) ? { page, cells, owners } : null;
  }

  #copies(): PageState[] {
    const pages = Array.from({ length: this.#across * pagesAcross(this.height) }, (_, page) =>
      this.#copy(page),
    );
    return pages.filter((page) => page !== null);
  }

  /** An empty world with these facts. */
  #begin({ stepNumber, randomSeed, organisms }: EngineFacts): void {
    this.#state.fill(0);
    this.#owners.fill(0);
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
    const { page, cells, owners } = mended;
    this.#visitRows(this.#pageRect(page), (cell, offset, count) => {
      this.#owners.set(owners.subarray(offset, offset + count), cell);
      this.#state.set(cells.subarray(offset * CHANNELS, (offset + count) * CHANNELS), cell * CHANNELS);
    });
  }

  dispose(): void {
    // It holds no thread and no device.
  }

  #stepOnce(): void {
    this.#wakeReached();
    const { width, height } = this;
    const { left, right, top, bottom } = this.#reachOfLife();
    const tentative = new Uint16Array(width * height);
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) tentative[y * width + x] = this.#tentativeOwner(x, y);
    }
    const next = this.#state.slice();
    const exploded = new Uint8Array(width * height);
    const preAlive = new Uint8Array(width * height);
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const cell = y * width + x;
        const organism = tentative[cell];
        if (organism === 0 || this.#asleep.has(organism)) continue;
        if (!this.#isBesideOpaque(x, y, organism, this.#owners, this.#state)) continue;
        preAlive[cell] = 1;
        const rule = this.#rules.get(this.#organisms.slotOf(organism)!)!;
        if (!fires(cellHash(this.#randomSeed, this.#steps, x, y), fireThreshold(rule.fireRate))) continue;
        const channels = next.subarray(cell * CHANNELS, (cell + 1) * CHANNELS);
        const near = this.#neighbourhood(x, y, organism);
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
        if (this.#asleep.has(this.#owners[cell])) owners[cell] = organism;
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
    this.#state = next;
    this.#owners = owners;
    this.#steps = (this.#steps + 1) >>> 0;
  }

  /** A box of all cells that live or can live in one step; empty in an empty world. */
  #reachOfLife(): Extent {
    const { width, height } = this;
    let [left, right, top, bottom] = [width, -1, height, -1];
    for (let cell = 0; cell < this.#owners.length; cell++) {
      if (this.#owners[cell] === 0) continue;
      const x = cell % width;
      bottom = Math.floor(cell / width);
      top = Math.min(top, bottom);
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
    if (right < 0) return { left, right, top, bottom };
    return {
      left: Math.max(0, left - 1),
      right: Math.min(width - 1, right + 1),
      top: Math.max(0, top - 1),
      bottom: Math.min(height - 1, bottom + 1),
    };
  }

  /** The states that a cell of an organism perceives. */
  #neighbourhood(x: number, y: number, organism: OrganismId): Neighbourhood {
    const near = new Float32Array(9 * CHANNELS);
    let place = 0;
    for (let ny = y - 1; ny <= y + 1; ny++) {
      for (let nx = x - 1; nx <= x + 1; nx++) {
        if (this.#ownerAt(nx, ny) === organism) {
          const from = (ny * this.width + nx) * CHANNELS;
          for (let c = 0; c < CHANNELS; c++) near[place + c] = this.#state[from + c];
        }
        place += CHANNELS;
      }
    }
    return near;
  }

  /** Wakes the sleepers that somebody awake could meet in this step, then those that these could meet, and so on. */
  #wakeReached(): void {
    for (let before = -1; this.#asleep.size !== before; ) {
      before = this.#asleep.size;
      for (let cell = 0; cell < this.#owners.length && this.#asleep.size > 0; cell++)
        if (this.#asleep.has(this.#owners[cell]) && this.#isReached(cell)) this.#wake(this.#owners[cell]);
    }
  }

  /** Whether a cell of an organism that is awake lies within reach of a cell. */
  #isReached(cell: number): boolean {
    const x = cell % this.width;
    const y = Math.floor(cell / this.width);
    for (let dy = -REACH; dy <= REACH; dy++) {
      for (let dx = -REACH; dx <= REACH; dx++) {
        const owner = this.#ownerAt(x + dx, y + dy);
        if (owner !== 0 && !this.#asleep.has(owner)) return true;
      }
    }
    return false;
  }

  /** A cell's owner in this step: its own, else the owner of its most opaque neighbour that may live there. */
  #tentativeOwner(x: number, y: number): OrganismId {
    const own = this.#ownerAt(x, y);
    if (own !== 0) return own;
    let organism = 0;
    let best = OPAQUE_ABOVE;
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const owner = this.#ownerAt(x + dx, y + dy);
        if (owner === 0) continue;
        const alpha = this.#state[((y + dy) * this.width + x + dx) * CHANNELS + ALPHA];
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

  #ownerAt(x: number, y: number): OrganismId {
    return x < 0 || y < 0 || x >= this.width || y >= this.height ? 0 : this.#owners[y * this.width + x];
  }

  #clearCell(cell: number): void {
    this.#wake(this.#owners[cell]);
    this.#owners[cell] = 0;
    this.#state.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
  }

  *#cellsIn(spans: readonly Span[]): Generator<number> {
    for (const { y, first, last } of spans) {
      for (let x = first; x <= last; x++) yield y * this.width + x;
    }
  }

  #pageOf(x: number, y: number): number {
    return Math.floor(y / PAGE_CELLS) * this.#across + Math.floor(x / PAGE_CELLS);
  }

  /** Pages that hold an owned cell, or a cell that life can reach in one step. */
  #livingPages(): number[] {
    const pages = new Set<number>();
    const { left, right, top, bottom } = this.#reachOfLife();
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        if (this.#tentativeOwner(x, y) !== 0) pages.add(this.#pageOf(x, y));
      }
    }
    return [...pages].sort((a, b) => a - b);
  }

  #pageRect(page: number): Rect {
    const x = (page % this.#across) * PAGE_CELLS;
    return { x, y: Math.floor(page / this.#across) * PAGE_CELLS, width: PAGE_CELLS, height: PAGE_CELLS };
  }

  #pixels(page: number): Uint8Array {
    const rgba = new Uint8Array(PAGE_BYTES);
    this.#visitRows(this.#pageRect(page), (cell, offset, count) => {
      for (let i = 0; i < count; i++)
        for (let c = 0; c < 4; c++)
          rgba[(offset + i) * 4 + c] = toByte(this.#state[(cell + i) * CHANNELS + c]);
    });
    return rgba;
  }

  /**
   * Visits the rows of a rectangle, without the cells outside the world.
   *
   * @param visit - `cell` is the first of `count` cells of a row, `offset` its place in `rect`, row-major
   */
  #visitRows(rect: Rect, visit: (cell: number, offset: number, count: number) => void): void {
    const left = Math.max(0, rect.x);
    const count = Math.min(this.width, rect.x + rect.width) - left;
    if (count <= 0) return;
    const bottom = Math.min(this.height, rect.y + rect.height);
    for (let y = Math.max(0, rect.y); y < bottom; y++)
      visit(y * this.width + left, (y - rect.y) * rect.width + left - rect.x, count);
  }
}
