/**
 * An engine that survives the loss of its device. It holds a copy of the last state that was saved or restored, and
 * after a loss another engine goes on from that copy: cells are as they were then, organisms removed since are gone,
 * and organisms planted since start again from their seeds. The caller only sees a call that took long.
 */

import { PAGE_BYTES, type Rect } from '../../shared/geometry.ts';
import { stepsBetween } from '../../shared/numbers.ts';
import type { Rule } from '../rules/rule.ts';
import {
  type Engine,
  type EngineChanges,
  EngineError,
  type EngineFacts,
  EngineLostError,
  type EngineState,
  type OrganismCensus,
  type OrganismId,
  type PageState,
  type Perturbation,
  type Piece,
  type RuleSlot,
} from './engine.ts';
import { Roster } from './roster.ts';

/** After more losses than this, or when no engine of the lost kind can be made, the spare takes over for good. */
const MAX_LOSSES = 3;

export interface LastingOptions {
  /** Makes an engine of the kind that was lost. */
  readonly again: () => Promise<Engine>;
  /** Makes an engine that cannot be lost. */
  readonly spare: () => Promise<Engine>;
  /** Takes a line for the operator: what happened and what goes on. */
  readonly log: (line: string) => void;
}

interface Seed {
  readonly x: number;
  readonly y: number;
}

interface Saved {
  readonly organisms: EngineFacts['organisms'];
  /** By index; the caller may hold them too, so they are never written. */
  readonly pages: ReadonlyMap<number, PageState>;
}

/** A save in pieces that is under way. */
interface Taking {
  readonly facts: EngineFacts;
  /** Indices of all pages. */
  readonly pages: ReadonlySet<number>;
  readonly copied: Map<number, PageState>;
}

const byIndex = (pages: readonly PageState[]): Map<number, PageState> =>
  new Map(pages.map((page) => [page.page, page]));

export class LastingEngine implements Engine {
  readonly width: number;
  readonly height: number;
  #engine: Engine;
  readonly #options: LastingOptions;
  readonly #rules = new Map<RuleSlot, Rule>();
  readonly #organisms = new Roster();
  /** Where each organism planted since the last save was planted. */
  readonly #seeds = new Map<OrganismId, Seed>();
  /** The last state that was saved or restored. */
  #saved: Saved = { organisms: [], pages: new Map() };
  #taking: Taking | null = null;
  /** Pages that the engine has reported as changed, and whose new state `#saved` does not hold yet. */
  readonly #missing = new Set<number>();
  #randomSeed: number;
  /** Pages that were visited and may not be zeros. */
  readonly #shown = new Set<number>();
  /** Pages that a lost engine showed: their pixels must be visited again. */
  readonly #stale = new Set<number>();
  /** Sleepers of a lost engine: the bodies of the last save are awake. */
  readonly #woken = new Set<OrganismId>();
  #losses = 0;

  /** @param engine - owned from now on: `dispose` disposes of it */
  constructor(engine: Engine, randomSeed: number, options: LastingOptions) {
    this.#engine = engine;
    this.#randomSeed = randomSeed;
    this.width = engine.width;
    this.height = engine.height;
    this.#options = options;
  }

  get name(): Engine['name'] {
    return this.#engine.name;
  }

  get description(): string {
    return this.#engine.description;
  }

  get stepNumber(): number {
    return this.#engine.stepNumber;
  }

  get pageCount(): number {
    return this.#engine.pageCount;
  }

  setRule(slot: RuleSlot, rule: Rule): void {
    this.#engine.setRule(slot, rule);
    this.#rules.set(slot, rule);
  }

  plant(organism: OrganismId, slot: RuleSlot, x: number, y: number, territory?: Rect): void {
    this.#engine.plant(organism, slot, x, y, territory);
    this.#organisms.enlist(organism, slot);
    this.#organisms.stake(organism, territory);
    this.#seeds.set(organism, { x, y });
  }

  setTerritory(organism: OrganismId, territory: Rect | undefined): void {
    this.#engine.setTerritory(organism, territory);
    this.#organisms.stake(organism, territory);
  }

  setOrganismRule(organism: OrganismId, slot: RuleSlot): void {
    this.#engine.setOrganismRule(organism, slot);
    this.#organisms.enlist(organism, slot);
  }

  remove(organism: OrganismId): void {
    this.#engine.remove(organism);
    this.#organisms.delete(organism);
    this.#seeds.delete(organism);
    this.#woken.delete(organism);
  }

  perturb(perturbation: Perturbation): void {
    this.#engine.perturb(perturbation);
  }

  sleep(organism: OrganismId): Promise<void> {
    this.#woken.delete(organism);
    return this.#lasting((engine) => engine.sleep(organism));
  }

  wake(organism: OrganismId): void {
    this.#engine.wake(organism);
  }

  isAsleep(organism: OrganismId): boolean {
    return this.#engine.isAsleep(organism);
  }

  awakeIds(): Iterable<OrganismId> {
    return this.#engine.awakeIds();
  }

  takeWoken(): OrganismId[] {
    const woken = new Set([...this.#woken, ...this.#engine.takeWoken()]);
    this.#woken.clear();
    return [...woken];
  }

  step(steps: number): Promise<void> {
    const goal = this.stepNumber + steps;
    // After a loss, the next engine runs only the remaining steps.
    return this.#lasting((engine) => engine.step(stepsBetween(engine.stepNumber, goal)));
  }

  async visitChanged(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    await this.#lasting((engine) =>
      engine.visitChanged((page, rgba) => {
        this.#stale.delete(page);
        this.#shown.add(page);
        visit(page, rgba);
      }),
    );
    if (this.#stale.size === 0) return;
    const rgba = new Uint8Array(PAGE_BYTES);
    for (const page of [...this.#stale]) {
      await this.readPage(page, rgba);
      this.#stale.delete(page);
      visit(page, rgba);
    }
  }

  visitAll(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    return this.#lasting((engine) => engine.visitAll(visit));
  }

  readPage(page: number, into: Uint8Array): Promise<void> {
    return this.#lasting((engine) => engine.readPage(page, into));
  }

  readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): Promise<void> {
    return this.#lasting((engine) => engine.readOrganism(organism, rect, into));
  }

  readOwners(rect: Rect, into: Uint16Array): Promise<void> {
    return this.#lasting((engine) => engine.readOwners(rect, into));
  }

  census(organisms?: Iterable<OrganismId>): Promise<OrganismCensus[]> {
    const ids = organisms && [...organisms];
    return this.#lasting((engine) => engine.census(ids));
  }

  copyBodies(organisms: Iterable<OrganismId>): Promise<Map<OrganismId, Piece[]>> {
    const ids = [...organisms];
    return this.#lasting((engine) => engine.copyBodies(ids));
  }

  putBodies(bodies: ReadonlyMap<OrganismId, readonly Piece[]>): Promise<void> {
    return this.#lasting((engine) => engine.putBodies(bodies));
  }

  async save(): Promise<EngineState> {
    const state = await this.#lasting((engine) => engine.save());
    this.#keep(state, byIndex(state.pages));
    return state;
  }

  async takeChanges(): Promise<EngineChanges> {
    const changes = await this.#lasting((engine) => engine.takeChanges());
    const pages = new Set([...changes.changed, ...changes.kept]);
    for (const page of changes.changed) this.#missing.add(page);
    for (const page of this.#missing) if (!pages.has(page)) this.#missing.delete(page);
    this.#taking = { facts: changes, pages, copied: new Map() };
    this.#finishTaking();
    return changes;
  }

  /** @throws EngineError when the device is lost: the remaining pages would be older than those copied before */
  async copyPages(pages: readonly number[]): Promise<PageState[]> {
    try {
      const states = await this.#engine.copyPages(pages);
      for (const state of states) this.#taking?.copied.set(state.page, state);
      this.#finishTaking();
      return states;
    } catch (error) {
      if (!(error instanceof EngineLostError)) throw error;
      this.#taking = null;
      await this.#recover(error);
      throw new EngineError(`${error.message} during a save`);
    }
  }

  async restore(state: EngineState): Promise<void> {
    await this.#lasting((engine) => engine.restore(state));
    this.#replaced(state, state.pages);
  }

  async load(facts: EngineFacts, pages: AsyncIterable<PageState> | Iterable<PageState>): Promise<void> {
    const held: PageState[] = [];
    for await (const page of pages) held.push(page);
    await this.#lasting((engine) => engine.load(facts, held));
    this.#replaced(facts, held);
  }

  dispose(): void {
    this.#engine.dispose();
  }

  #replaced(facts: EngineFacts, pages: readonly PageState[]): void {
    this.#woken.clear();
    this.#organisms.clear();
    for (const { id, rule, territory } of facts.organisms) {
      this.#organisms.enlist(id, rule);
      this.#organisms.stake(id, territory);
    }
    this.#keep(facts, byIndex(pages));
  }

  #keep({ organisms, randomSeed }: EngineFacts, pages: Saved['pages']): void {
    this.#saved = { organisms, pages };
    this.#randomSeed = randomSeed;
    this.#seeds.clear();
    this.#missing.clear();
    this.#taking = null;
  }

  /** Makes the save under way the last saved state, once its last page has been copied. */
  #finishTaking(): void {
    if (this.#taking === null) return;
    const { facts, pages, copied } = this.#taking;
    for (const page of this.#missing) if (!copied.has(page)) return;
    const held = Array.from(pages, (page) => copied.get(page) ?? this.#saved.pages.get(page));
    this.#keep(facts, byIndex(held.filter((page) => page !== undefined)));
  }

  /** Does the work; if the engine is lost during it, does it again on the next engine. */
  async #lasting<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work(this.#engine);
      } catch (error) {
        if (!(error instanceof EngineLostError)) throw error;
        await this.#recover(error);
      }
    }
  }

  async #recover(loss: EngineLostError): Promise<void> {
    const { stepNumber } = this.#engine;
    for (const organism of this.#organisms.ids())
      if (this.#engine.isAsleep(organism)) this.#woken.add(organism);
    for (const organism of this.#engine.takeWoken()) this.#woken.add(organism);
    this.#engine.dispose();
    const next = await this.#replace(stepNumber);
    for (const page of this.#shown) this.#stale.add(page);
    this.#engine = next;
    const lived = this.#organisms.size - this.#seeds.size;
    this.#options.log(
      `${loss.message}; going on with ${next.description}: ${lived} organisms as they were last saved, ` +
        `${this.#seeds.size} from their seeds`,
    );
  }

  async #replace(stepNumber: number): Promise<Engine> {
    if (++this.#losses <= MAX_LOSSES) {
      try {
        return await this.#refill(await this.#options.again(), stepNumber);
      } catch (error) {
        this.#options.log(`no engine of that kind can be made: ${(error as Error).message}`);
      }
    }
    return this.#refill(await this.#options.spare(), stepNumber);
  }

  /** Gives an engine the last saved cells, at the world's current step. */
  async #refill(engine: Engine, stepNumber: number): Promise<Engine> {
    try {
      for (const [slot, rule] of this.#rules) engine.setRule(slot, rule);
      const organisms = this.#saved.organisms.map(({ id, rule }) => ({
        id,
        rule: this.#organisms.slotOf(id) ?? rule,
        territory: this.#organisms.territoryOf(id),
      }));
      const pages = [...this.#saved.pages.values()];
      await engine.restore({ stepNumber, randomSeed: this.#randomSeed, organisms, pages });
      // An id that was planted again since the save is another organism.
      for (const { id } of organisms) {
        if (!this.#organisms.has(id) || this.#seeds.has(id)) engine.remove(id);
      }
      for (const [id, { x, y }] of this.#seeds) {
        engine.plant(id, this.#organisms.slotOf(id)!, x, y);
        // Not in `plant`, which would refuse it: the territory may have moved away from the seed since.
        engine.setTerritory(id, this.#organisms.territoryOf(id));
      }
      return engine;
    } catch (error) {
      engine.dispose();
      throw error;
    }
  }
}
