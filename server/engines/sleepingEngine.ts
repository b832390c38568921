/**
 * Makes an engine of one in which everyone is awake. A body that falls asleep is lifted out of the world into ordinary
 * memory (`sleepers.ts`), so that no step and no page of the engine knows of it; when it wakes, its cells are laid back
 * before the next step. `sleepingReadings.ts` puts the two together for readers.
 */
import { PAGE_CELLS, pagesAcross, type Rect } from '../../shared/geometry.ts';
import type { Rule } from '../rules/rule.ts';
import { holds, mendedPage } from './bounds.ts';
import { strokeRows } from './capsule.ts';
import type {
  AwakeEngine,
  Engine,
  EngineChanges,
  EngineFacts,
  EngineOptions,
  EngineState,
  OrganismCensus,
  OrganismId,
  OrganismState,
  PageState,
  Perturbation,
  Piece,
  RuleSlot,
} from './engine.ts';
import { checkBodies, pieceWithin } from './pieces.ts';
import { ReachWatch } from './reachWatch.ts';
import { Roster } from './roster.ts';
import { Sleepers } from './sleepers.ts';
import { SleepingReadings } from './sleepingReadings.ts';
import { Splitter } from './splitter.ts';
import { checkPlanted, pageCheck } from './validate.ts';

export class SleepingEngine<Awake extends AwakeEngine = AwakeEngine> implements Engine {
  readonly width: number;
  readonly height: number;
  /** Public for tests that reach into one engine's own parts; the world sees only an `Engine`. */
  readonly awake: Awake;
  /** Absent where the engine below has none. */
  takeMoved?: () => Promise<OrganismId[]>;
  readonly #bounds: boolean;
  #randomSeed: number;
  readonly #slots = new Set<RuleSlot>();
  readonly #organisms = new Roster();
  readonly #sleepers: Sleepers;
  readonly #readings: SleepingReadings;
  readonly #reach: ReachWatch;
  /** Organisms that have no cell among the sleepers. */
  readonly #up = new Set<OrganismId>();
  /** Bodies among the sleepers that are awake: their cells are laid back before the next step, where there is room. */
  readonly #due = new Set<OrganismId>();
  readonly #woken = new Set<OrganismId>();
  /** Sleepers that changed since `takeMoved`. */
  readonly #moved = new Set<OrganismId>();

  /** @param awake - owned from now on: `dispose` disposes of it */
  constructor(awake: Awake, { bounds = true, randomSeed }: Pick<EngineOptions, 'bounds' | 'randomSeed'>) {
    this.awake = awake;
    this.width = awake.width;
    this.height = awake.height;
    this.#bounds = bounds;
    this.#randomSeed = randomSeed;
    this.#sleepers = new Sleepers(this);
    this.#readings = new SleepingReadings(awake, this.#sleepers);
    this.#reach = new ReachWatch(awake, this.#sleepers, this.#organisms, this.#up, bounds);
    if (awake.takeMoved !== undefined) this.takeMoved = () => this.#takeMoved();
  }

  get name(): Engine['name'] {
    return this.awake.name;
  }

  get description(): string {
    return this.awake.description;
  }

  get stepNumber(): number {
    return this.awake.stepNumber;
  }

  get pageCount(): number {
    return this.awake.pageCount;
  }

  // --- changes ---

  setRule(slot: RuleSlot, rule: Rule): void {
    this.awake.setRule(slot, rule);
    this.#slots.add(slot);
    if (this.#sleepers.size === 0) return;
    for (const organism of this.#organisms.ids())
      if (this.#organisms.slotOf(organism) === slot) this.#wake(organism);
  }

  plant(organism: OrganismId, slot: RuleSlot, x: number, y: number, territory?: Rect): void {
    this.awake.plant(organism, slot, x, y, territory);
    this.#organisms.enlist(organism, slot);
    this.#organisms.stake(organism, territory);
    this.#up.add(organism);
    this.#reach.forget();
    if (this.#sleepers.size > 0) this.#touch(this.#sleepers.ablate([{ y, first: x, last: x }]));
  }

  setTerritory(organism: OrganismId, territory: Rect | undefined): void {
    this.awake.setTerritory(organism, territory);
    if (this.#organisms.isStaked(organism, territory)) return;
    this.#organisms.stake(organism, territory);
    this.#reach.forget();
    if (!this.#sleepers.has(organism)) return;
    this.#wake(organism);
    if (this.#bounds) this.#touch(this.#sleepers.clearWhere(organism, (x, y) => !holds(territory, x, y)));
  }

  setOrganismRule(organism: OrganismId, slot: RuleSlot): void {
    this.awake.setOrganismRule(organism, slot);
    if (this.#organisms.slotOf(organism) !== slot) this.#wake(organism);
    this.#organisms.enlist(organism, slot);
  }

  remove(organism: OrganismId): void {
    this.awake.remove(organism);
    this.#organisms.delete(organism);
    this.#due.delete(organism);
    this.#woken.delete(organism);
    this.#moved.delete(organism);
    this.#up.delete(organism);
    this.#reach.forget();
    this.#sleepers.delete(organism);
  }

  perturb(perturbation: Perturbation): void {
    this.awake.perturb(perturbation);
    if (this.#sleepers.size > 0) this.#touch(this.#perturbSleepers(perturbation));
  }

  #perturbSleepers(perturbation: Perturbation): Set<OrganismId> {
    switch (perturbation.kind) {
      case 'ablate':
        return this.#sleepers.ablate(strokeRows([perturbation], this));
      case 'noise': {
        const { capsules, except, salt, amplitude } = perturbation;
        const draw = { randomSeed: this.#randomSeed, step: this.stepNumber, salt };
        const spans = strokeRows(capsules, this, except);
        return this.#sleepers.addNoise(spans, draw, amplitude, this.#bounds);
      }
      case 'truncate': {
        const { organism, x, y, radius } = perturbation;
        const isGone = (cx: number, cy: number) => (cx - x) ** 2 + (cy - y) ** 2 > radius * radius;
        return this.#sleepers.clearWhere(organism, isGone);
      }
      default:
        return perturbation satisfies never;
    }
  }

  /** Wakes sleepers of which a cell has changed. */
  #touch(changed: Iterable<OrganismId>): void {
    for (const organism of changed) {
      this.#moved.add(organism);
      this.#wake(organism);
    }
  }

  // --- sleep ---

  async sleep(organism: OrganismId): Promise<void> {
    checkPlanted(organism, this.#organisms);
    this.#woken.delete(organism);
    this.#reach.forget();
    if (this.#due.delete(organism) || this.#sleepers.has(organism)) return;
    this.#sleepers.add(organism, await this.awake.lift(organism));
    this.#up.delete(organism);
    // The page below may cease, and with it what it knows of its changes.
    for (const page of this.#sleepers.pagesOf(organism)) this.#sleepers.unsaved.add(page);
  }

  wake(organism: OrganismId): void {
    checkPlanted(organism, this.#organisms);
    this.#wake(organism);
  }

  isAsleep(organism: OrganismId): boolean {
    return this.#sleepers.has(organism) && !this.#due.has(organism);
  }

  *awakeIds(): Generator<OrganismId> {
    yield* this.#up;
    yield* this.#due;
  }

  takeWoken(): OrganismId[] {
    const woken = [...this.#woken];
    this.#woken.clear();
    return woken;
  }

  #wake(organism: OrganismId): void {
    if (!this.isAsleep(organism)) return;
    this.#due.add(organism);
    this.#woken.add(organism);
    this.#reach.forget();
  }

  /** Puts bodies that woke back into the world, in the order in which they woke, as far as there is room. */
  #layDue(): void {
    for (const organism of this.#due) {
      // Thousands may wait: they are not all tried before each step.
      if (!this.awake.lay(organism, this.#sleepers.piecesOf(organism))) break;
      this.#due.delete(organism);
      this.#sleepers.release(organism);
      this.#up.add(organism);
      this.#reach.forget();
    }
  }

  // --- time ---

  async step(steps: number): Promise<void> {
    for (let left = steps; left > 0; ) {
      const batch = Math.min(left, await this.#quietSteps());
      await this.awake.step(batch);
      this.#reach.stepped(batch);
      left -= batch;
    }
  }

  /** Wakes the sleepers that somebody could meet in the next step. @returns for how many steps nobody else can */
  async #quietSteps(): Promise<number> {
    if (this.#sleepers.size === 0) return Number.POSITIVE_INFINITY;
    for (;;) {
      this.#layDue();
      const reached = await this.#reach.look((organism) => this.isAsleep(organism));
      if (reached.length === 0) break;
      for (const organism of reached) this.#wake(organism);
    }
    // A body that waits for room is tried again before each step.
    return this.#due.size > 0 ? 1 : this.#reach.quietSteps;
  }

  // --- readings ---

  visitChanged(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    return this.#readings.visitChanged(visit);
  }

  visitAll(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    return this.#readings.visitAll(visit);
  }

  readPage(page: number, into: Uint8Array): Promise<void> {
    return this.#readings.readPage(page, into);
  }

  readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): Promise<void> {
    return this.#readings.readOrganism(organism, rect, into);
  }

  readOwners(rect: Rect, into: Uint16Array): Promise<void> {
    return this.#readings.readOwners(rect, into);
  }

  census(organisms?: Iterable<OrganismId>): Promise<OrganismCensus[]> {
    return this.#readings.census(organisms);
  }

  copyBodies(organisms: Iterable<OrganismId>): Promise<Map<OrganismId, Piece[]>> {
    return this.#readings.copyBodies(organisms);
  }

  /** They are put among the sleepers, and laid back before the next step as if they had slept and woken. */
  async putBodies(bodies: ReadonlyMap<OrganismId, readonly Piece[]>): Promise<void> {
    checkBodies(bodies, this.#organisms, this);
    for (const organism of bodies.keys()) {
      this.#wake(organism);
      if (this.#sleepers.has(organism)) this.#sleepers.delete(organism);
      else await this.awake.lift(organism);
    }
    const across = pagesAcross(this.width);
    const owners = new Uint16Array(PAGE_CELLS * PAGE_CELLS);
    for (const [organism, pieces] of bodies) {
      const territory = this.#organisms.territoryOf(organism);
      const put: Piece[] = [];
      for (const piece of pieces) {
        const x = (piece.page % across) * PAGE_CELLS;
        const y = Math.floor(piece.page / across) * PAGE_CELLS;
        await this.readOwners({ x, y, width: PAGE_CELLS, height: PAGE_CELLS }, owners);
        const room = { owners, x, y, world: this, bounds: this.#bounds, territory };
        const within = pieceWithin(piece, room);
        if (within.cells.length > 0) put.push(within);
      }
      this.#sleepers.place(organism, put);
      this.#up.delete(organism);
      this.#due.add(organism);
      this.#moved.add(organism);
    }
    this.#reach.forget();
  }

  async #takeMoved(): Promise<OrganismId[]> {
    const moved = await this.awake.takeMoved!();
    if (this.#moved.size === 0) return moved;
    const all = new Set([...moved, ...this.#moved]);
    this.#moved.clear();
    return [...all];
  }

  // --- save and restore ---

  async save(): Promise<EngineState> {
    const { pages, ...facts } = await this.#readings.save();
    return { ...this.#withSleep(facts), pages };
  }

  async takeChanges(): Promise<EngineChanges> {
    const { changed, kept, ...facts } = await this.#readings.takeChanges();
    return { ...this.#withSleep(facts), changed, kept };
  }

  copyPages(pages: readonly number[]): Promise<PageState[]> {
    return this.#readings.copyPages(pages);
  }

  #withSleep({ stepNumber, randomSeed, organisms }: EngineFacts): EngineFacts {
    if (this.#sleepers.size === 0) return { stepNumber, randomSeed, organisms };
    const told = organisms.map(
      (one): OrganismState => (this.isAsleep(one.id) ? { ...one, isAsleep: true } : one),
    );
    return { stepNumber, randomSeed, organisms: told };
  }

  async restore(state: EngineState): Promise<void> {
    const split = this.#splitter(state);
    const pages = state.pages.map((page) => split.take(page)).filter((page) => page !== null);
    await this.awake.restore({ ...awakeFacts(state), pages });
    this.#readings.awakePages = new Set(pages.map(({ page }) => page));
    this.#begin(state, split);
    for (const page of this.#sleepers.pages()) this.#sleepers.unsaved.add(page);
  }

  async load(facts: EngineFacts, pages: AsyncIterable<PageState> | Iterable<PageState>): Promise<void> {
    const split = this.#splitter(facts);
    const awakePages = new Set<number>();
    await this.awake.load(
      awakeFacts(facts),
      (async function* () {
        for await (const page of pages) {
          const awake = split.take(page);
          if (awake === null) continue;
          awakePages.add(awake.page);
          yield awake;
        }
      })(),
    );
    this.#readings.awakePages = awakePages;
    this.#begin(facts, split);
    this.#sleepers.unsaved.clear();
    for (const page of split.mended) this.#sleepers.unsaved.add(page);
  }

  /** Divides pages of a save between the engine below and the sleepers. */
  #splitter(facts: EngineFacts): Splitter {
    const asleep = facts.organisms.filter(({ isAsleep }) => isAsleep).map(({ id }) => id);
    const check = pageCheck(facts, this, Number.POSITIVE_INFINITY, (slot) => this.#slots.has(slot));
    const territories = new Map(facts.organisms.map(({ id, territory }) => [id, territory]));
    const mend = (page: PageState): PageState =>
      this.#bounds ? mendedPage(page, this, (id) => territories.get(id)) : page;
    return new Splitter(asleep, check, mend);
  }

  #begin({ randomSeed, organisms }: EngineFacts, { pieces }: Splitter): void {
    this.#sleepers.clear();
    this.#organisms.clear();
    for (const set of [this.#up, this.#due, this.#woken, this.#moved]) set.clear();
    this.#randomSeed = randomSeed;
    this.#reach.forget();
    for (const { id, rule, territory, isAsleep } of organisms) {
      this.#organisms.enlist(id, rule);
      this.#organisms.stake(id, territory);
      if (isAsleep) this.#sleepers.add(id, pieces.get(id) ?? []);
      else this.#up.add(id);
    }
    for (const page of this.#sleepers.pages()) this.#sleepers.repainted.add(page);
  }

  dispose(): void {
    this.awake.dispose();
  }
}

const awakeFacts = ({ stepNumber, randomSeed, organisms }: EngineFacts): EngineFacts => ({
  stepNumber,
  randomSeed,
  organisms: organisms.map(({ isAsleep: _, ...one }) => one),
});
