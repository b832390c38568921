/**
 * The world between two steps: which organisms live, how they fare, and what players did. It drives an engine, and
 * knows no threads, clocks or sockets. Calls must not overlap, because the engine's must not.
 */
import type { Rect } from '../../shared/geometry.ts';
import { stepsBetween } from '../../shared/numbers.ts';
import type { InspectionMessage, Species, StrokeMessage } from '../../shared/protocol.ts';
import { type Engine, EngineError, type OrganismId, type Perturbation } from '../engines/engine.ts';
import { Beds } from './beds.ts';
import { Doses } from './doses.ts';
import { type Bed, layOutGarden, type Seedling } from './garden.ts';
import { HealthWatch } from './health.ts';
import { territoryOf } from './mature.ts';
import type { OrganismSummary, StrokeOutcome, SwapAnswer, SwapOrder } from './messages.ts';
import { type Organism, Organisms, toHundredths } from './organisms.ts';
import { organismNear, ownersUnder, planSeed, planStroke, type StrokeWorld } from './perturb.ts';
import { readPixels } from './pixels.ts';
import { ownersOf, type Recall, recallNotes, recallRules, withOnly } from './recall.ts';
import { type GrownBody, roomFault } from './room.ts';
import { type LoadedRule, RuleSlots } from './ruleSlots.ts';
import type { WorldState } from './snapshot.ts';
import { Swaps } from './swap.ts';
import { Wilting } from './wilting.ts';
import { blowsOf, WoundWatch } from './woundWatch.ts';

/** Rate of health samples and of counts. */
const SAMPLES_PER_SECOND = 4;
/** Largest number of strokes between two steps; the rest wait for the next frame. */
const MAX_STROKES = 64;
/** Largest number of strokes that wait; further ones are refused. */
const MAX_WAITING = 512;

interface WaitingStroke {
  readonly name: string;
  readonly stroke: StrokeMessage;
  readonly answer: (outcome: StrokeOutcome) => void;
}

/** The save is of another size than this world. */
export class WorldMismatchError extends Error {
  override name = 'WorldMismatchError';
}

export class World {
  readonly engine: Engine;
  readonly rules: RuleSlots;
  readonly organisms = new Organisms();
  readonly swaps: Swaps;
  readonly wounds = new WoundWatch();
  readonly wilting: Wilting;
  /** The rules in force have changed. */
  onSpecies: (species: readonly Species[]) => void = () => {};
  readonly #waiting: WaitingStroke[] = [];
  #strokes = 0;
  readonly #doses = new Doses();
  #runSeconds = 0;
  /** Samples that time has earned and that have not been taken. */
  #samplesOwed = 0;
  readonly #health: HealthWatch;
  #livingCells = 0;
  /** Organisms whose places an admin has cleared: the garden does not sow them again. */
  readonly #uprooted = new Set<number>();
  /** What strokes are planned on. */
  readonly #strokeWorld: StrokeWorld;
  readonly #beds = new Beds();

  /** @param rules - the rules in force, one per species */
  constructor(engine: Engine, rules: readonly LoadedRule[]) {
    this.engine = engine;
    this.rules = new RuleSlots(engine, rules);
    const { organisms, rules: slots, wounds } = this;
    this.#strokeWorld = {
      engine,
      organisms,
      get species() {
        return slots.cards;
      },
      roomFault: (species, x, y) => this.#bodyFault(species, x, y),
    };
    const settle = (one: Organism): void => this.#settle(one);
    this.#health = new HealthWatch(engine, organisms, slots, wounds, settle);
    const common = { engine, organisms, slots, runSeconds: () => this.#runSeconds };
    this.swaps = new Swaps({ ...common, leaves: (id) => wounds.leave(id), settle });
    this.wilting = new Wilting({
      ...common,
      isWatched: (one) => this.swaps.isWatched(one),
      territoryOf: (one) => this.#territoryOf(one),
      leaves: (id) => {
        wounds.leave(id);
        this.swaps.strike([id]);
      },
    });
  }

  get livingCells(): number {
    return this.#livingCells;
  }

  /** World time: seconds that the world has run, over all processes. */
  get runSeconds(): number {
    return this.#runSeconds;
  }

  // --- who lives ---

  /** @returns how many found room */
  plantGarden(count: number, randomSeed: number): number {
    const seedlings = layOutGarden(this.engine, this.#garden, count, randomSeed);
    for (const seedling of seedlings) this.#plant(seedling, '');
    return seedlings.length;
  }

  /** Like `plantGarden`, in a world with organisms. @returns how many found room */
  async plantMore(count: number, randomSeed: number): Promise<number> {
    let planted = 0;
    const others = [...this.#grownBodies()];
    for (const seedling of layOutGarden(this.engine, this.#garden, count, randomSeed, others)) {
      if (!(await planSeed(seedling.species, seedling.x, seedling.y, this.#strokeWorld)).ok) continue;
      try {
        this.#plant(seedling, '');
        planted++;
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        break;
      }
    }
    return planted;
  }

  /** Zeroes a circle. The garden is not sown again there. @returns how many organisms lost cells */
  async clear(x: number, y: number, radius: number): Promise<number> {
    const circle = { x0: x, y0: y, x1: x, y1: y, radius };
    const isInside = (place: Seedling): boolean => Math.hypot(place.x - x, place.y - y) <= radius;
    const hit = [...(await ownersUnder([circle], this.engine)).keys()];
    for (const id of hit) this.wounds.leave(id);
    this.engine.perturb({ kind: 'ablate', ...circle });
    this.swaps.strike(hit);
    this.wilting.struck(hit);
    this.#beds.uproot(isInside);
    for (const organism of this.organisms) {
      if (!isInside(organism)) continue;
      this.#uprooted.add(organism.id);
      this.wilting.forget(organism.id);
    }
    return hit.length;
  }

  /** @throws EngineError without room for one more, or without such a species; the world is then unchanged */
  plantAt(species: string, x: number, y: number): Organism {
    return this.#plant({ species, x, y }, '');
  }

  #plant({ species, x, y }: Seedling, planter: string): Organism {
    const id = this.organisms.freeId(this.#runSeconds);
    if (id === null) throw new EngineError('no id is free: 65,535 organisms live, or died a moment ago');
    const plantedStep = this.engine.stepNumber;
    const slot = this.rules.inForce(species);
    if (slot === undefined) throw new EngineError(`there is no species ${species}`);
    const territory = territoryOf([this.rules.at(slot).mature], x, y);
    this.engine.plant(id, slot, x, y, territory);
    const plantedSeconds = this.#runSeconds;
    const facts = { id, species, slot, x, y, planter, plantedStep, plantedSeconds, health: 0 };
    const organism = this.organisms.add(facts);
    organism.territory = territory;
    return organism;
  }

  /** Its rule's territory around its place; while a swap is watched, with room for the old rule's form, too. */
  #territoryOf(one: Organism): Rect {
    const forms = [one.slot, ...this.swaps.heldSlots(one)].map((slot) => this.rules.at(slot).mature);
    return territoryOf(forms, one.x, one.y);
  }

  /** Its rule or place has changed: tells the engine its new territory. */
  #settle(one: Organism): void {
    const territory = this.#territoryOf(one);
    // The engine looks at all of its pages for this.
    if (one.territory !== null && isSameRect(one.territory, territory)) return;
    this.engine.setTerritory(one.id, territory);
    one.territory = territory;
  }

  /**
   * Why no seed can be planted at a cell, for a player to read; null: one can.
   *
   * @param x - integer; the cell may lie outside the world
   */
  async roomFault(species: string, x: number, y: number): Promise<string | null> {
    const stroke = { id: 0, tool: 'plant', radius: 1, points: [x, y], species } as const;
    const plan = await planStroke(stroke, this.#strokeWorld, 0);
    return plan.ok ? null : plan.reason;
  }

  get #garden(): Bed[] {
    return Array.from(this.rules, ({ card, mature }) => ({ name: card.name, form: mature }));
  }

  /** @see roomFault */
  #bodyFault(species: string, x: number, y: number): string | null {
    const slot = this.rules.inForce(species);
    if (slot === undefined) return `There is no species ${species}.`;
    return roomFault({ species, x, y, form: this.rules.at(slot).mature }, this.engine, this.#grownBodies());
  }

  /** Bodies of all organisms, and of those that the garden is about to sow. */
  *#grownBodies(): Generator<GrownBody> {
    for (const { species, x, y, slot } of this.organisms)
      yield { species, x, y, form: this.rules.at(slot).mature };
    for (const { species, x, y } of this.#beds.fallow) {
      const slot = this.rules.inForce(species);
      if (slot !== undefined) yield { species, x, y, form: this.rules.at(slot).mature };
    }
  }

  /** Where a new client looks first: the organism nearest the middle, a pikachu if there is one. */
  get start(): { readonly x: number; readonly y: number } {
    const middle = { x: this.engine.width / 2, y: this.engine.height / 2 };
    const all = [...this.organisms];
    const pikachus = all.filter(({ species }) => species === 'pikachu');
    const distance = ({ x, y }: Organism): number => Math.hypot(x - middle.x, y - middle.y);
    const [first] = (pikachus.length > 0 ? pikachus : all).sort((a, b) => distance(a) - distance(b));
    return first === undefined ? middle : { x: first.x, y: first.y };
  }

  // --- strokes ---

  /** Waits for the next step boundary; resolves with the outcome. */
  queueStroke(name: string, stroke: StrokeMessage): Promise<StrokeOutcome> {
    if (this.#waiting.length >= MAX_WAITING)
      return Promise.resolve({ ok: false, reason: 'The world is busy: try again in a moment.' });
    return new Promise((answer) => this.#waiting.push({ name, stroke, answer }));
  }

  /** Applies waiting strokes in order of arrival. */
  async applyStrokes(): Promise<void> {
    for (const { name, stroke, answer } of this.#waiting.splice(0, MAX_STROKES))
      answer(await this.#apply(name, stroke));
  }

  async #apply(name: string, stroke: StrokeMessage): Promise<StrokeOutcome> {
    // Salts of one stroke's capsules follow each other.
    const plan = await planStroke(
      stroke,
      this.#strokeWorld,
      Math.imul(this.#strokes++, 0x10001),
      (capsules) => this.#doses.shaken(name, stroke, capsules),
    );
    if (!plan.ok) return plan;
    const step = this.engine.stepNumber;
    if ('seed' in plan) {
      try {
        this.swaps.strike([this.#plant(plan.seed, name).id]);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        return { ok: false, reason: 'The world is full: nothing more can be planted.' };
      }
    } else {
      await this.#hurt(plan.perturbations, plan.hit);
      const [first] = plan.perturbations;
      if (first.kind === 'noise') this.#doses.add(name, stroke, first.capsules);
    }
    return { ok: true, step };
  }

  /** Measures just before and after, because a wound begins to heal before the next sample. */
  async #hurt(
    perturbations: readonly Perturbation[],
    hit: ReadonlyMap<OrganismId, readonly number[]>,
  ): Promise<void> {
    const step = this.engine.stepNumber;
    for (const id of hit.keys()) if (!this.wounds.isOpen(id)) await this.#health.measure(id);
    for (const perturbation of perturbations) this.engine.perturb(perturbation);
    this.swaps.strike([...hit.keys()]);
    this.wilting.struck(hit.keys());
    for (const [id, touching] of hit) {
      const body = this.organisms.get(id);
      // What becomes of a body that wilts is not healing.
      if (body === undefined || body.isWilting) continue;
      const { label } = this.rules.at(body.slot);
      const { species, health } = body;
      this.wounds.strike({ id, species, label, health }, blowsOf(perturbations, touching, body), step);
      await this.#health.measure(id);
    }
  }

  // --- rules ---

  /** Between two steps: moves the organisms that the order names to another rule, with their cells as they are. */
  async swap(order: SwapOrder, next: LoadedRule): Promise<SwapAnswer> {
    const { changes } = this.rules;
    const answer = await this.swaps.begin(order, next);
    if (this.rules.changes !== changes) this.onSpecies(this.rules.cards);
    return answer;
  }

  /** May roll swaps back. */
  async #watchSwaps(): Promise<void> {
    const { changes } = this.rules;
    await this.swaps.watch();
    if (this.rules.changes !== changes) this.onSpecies(this.rules.cards);
  }

  // --- how they fare ---

  /** Lets time pass: measures a share of the bodies that moved, and removes dead organisms. */
  async observe(elapsedSeconds: number): Promise<void> {
    this.#runSeconds += elapsedSeconds;
    await this.#watchSwaps();
    const samples = elapsedSeconds * SAMPLES_PER_SECOND;
    this.#samplesOwed = Math.min(this.#samplesOwed + samples, SAMPLES_PER_SECOND);
    const isDue = this.#samplesOwed >= 1;
    // In the frame after a count, because the count's own frame is the longest.
    await this.#health.followMoved();
    if (isDue) await this.#count();

    await this.#health.measureDue(samples);
    this.wounds.tick(this.engine.stepNumber);
    await this.wilting.pass(elapsedSeconds);
    if (isDue) await this.wilting.look();

    if (!isDue) return;
    await this.#sow();
    for (; this.#samplesOwed >= 1; this.#samplesOwed--)
      for (const { history, health } of this.organisms) history.push(health);
  }

  async #count(): Promise<void> {
    let livingCells = 0;
    for (const { organism: id, cells } of await this.engine.census()) {
      const organism = this.organisms.get(id);
      if (organism !== undefined) organism.cells = cells;
      livingCells += cells;
      // A body that wilts has no cells for a while, and grows again.
      if (cells > 0 || this.wilting.has(id)) continue;
      this.engine.remove(id);
      this.organisms.remove(id, this.#runSeconds);
      this.wounds.died(id);
      this.wilting.forget(id);
      // Only the garden is sown again, so that the world never ends up empty; players' organisms are not.
      const isUprooted = this.#uprooted.delete(id);
      if (organism?.planter === '' && !isUprooted) this.#beds.leave(organism, this.#runSeconds);
    }
    this.#livingCells = livingCells;
    const moved = (await this.engine.takeMoved?.()) ?? this.organisms.ids();
    this.#health.moved(moved);
  }

  /** Sows the beds that are due. A bed that a body has grown into waits again. */
  async #sow(): Promise<void> {
    const now = this.#runSeconds;
    for (let bed = this.#beds.takeDue(now); bed !== null; bed = this.#beds.takeDue(now)) {
      if (this.rules.inForce(bed.species) === undefined) continue;
      const plan = await planSeed(bed.species, bed.x, bed.y, this.#strokeWorld);
      try {
        if (plan.ok) this.#plant(bed, '');
        else this.#beds.leave(bed, now);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        this.#beds.leave(bed, now);
      }
    }
  }

  // --- questions ---

  summaries(): OrganismSummary[] {
    return [...this.organisms].map(({ id, species, x, y, health, cells, planter, plantedStep }) => ({
      id,
      species,
      x,
      y,
      ageSteps: this.#age(plantedStep),
      health: toHundredths(health),
      cells,
      planter,
    }));
  }

  inspect(id: number): InspectionMessage['organism'] {
    const organism = this.organisms.get(id);
    if (organism === undefined) return null;
    const { species, x, y, cells, planter, health, plantedStep, plantedSeconds, history, slot, marks } =
      organism;
    const { isWilting } = organism;
    return {
      id,
      species,
      x,
      y,
      age: this.#age(plantedStep),
      ageSeconds: Math.max(0, this.#runSeconds - plantedSeconds),
      health: toHundredths(health),
      cells,
      planter,
      history: history.list(),
      historySeconds: 1 / SAMPLES_PER_SECOND,
      rule: this.rules.at(slot).label,
      marks: marks.map(({ atSeconds, label }) => ({ agoSeconds: this.#runSeconds - atSeconds, label })),
      isWilting,
    };
  }

  /** The organism that lives within 2 cells. */
  async inspectAt(x: number, y: number): Promise<InspectionMessage['organism']> {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return null;
    return this.inspect(await organismNear(x, y, this.engine));
  }

  #age(plantedStep: number): number {
    return stepsBetween(plantedStep, this.engine.stepNumber);
  }

  /** @see readPixels */
  pixels(rect: Rect): Promise<Uint8Array<ArrayBuffer>> {
    return readPixels(this.engine, rect);
  }

  // --- save and restore ---

  async save(): Promise<WorldState> {
    const { stepNumber, randomSeed, pages } = await this.engine.save();
    return {
      width: this.engine.width,
      height: this.engine.height,
      stepNumber,
      randomSeed,
      runSeconds: this.#runSeconds,
      nextId: this.organisms.nextId,
      organisms: this.organisms.records((slot) => this.rules.at(slot).sha256),
      fallow: [...this.#beds.fallow],
      pages,
    };
  }

  /**
   * Replaces the whole world. A save has no territories: they follow from places and rules, and what has outgrown its
   * own is cut back. An organism whose rule is gone lives by the rule in force of its species. Organisms of a species
   * without a rule are left out.
   *
   * @returns what the operator should know
   * @throws WorldMismatchError when the save is of another size
   */
  async restore(state: WorldState, recall: Recall = async () => null): Promise<string[]> {
    const { engine } = this;
    if (state.width !== engine.width || state.height !== engine.height)
      throw new WorldMismatchError(
        `the saved world is ${state.width}x${state.height}, not ${engine.width}x${engine.height}: ` +
          `start with --size ${state.width}x${state.height}, or move the save away`,
      );
    const kept = state.organisms.filter(({ species }) => this.rules.inForce(species) !== undefined);
    const { slotOf, forgotten } = await recallRules(kept, this.rules, recall);
    const organisms = kept.map((record) => {
      const rule = slotOf(record);
      const territory = territoryOf([this.rules.at(rule).mature], record.x, record.y);
      return { id: record.id, rule, territory };
    });
    const ids = new Set(kept.map(({ id }) => id));
    const pages = state.pages.map((page) => withOnly(ids, page)).filter((page) => page !== null);
    const { stepNumber, randomSeed, runSeconds, nextId, fallow } = state;
    const hadCells = ownersOf(pages);
    await engine.restore({ stepNumber, randomSeed, organisms, pages });
    this.organisms.restore(kept, nextId, slotOf);
    this.#runSeconds = runSeconds;
    this.#beds.restore(fallow);
    for (const { id, territory } of organisms) this.organisms.get(id)!.territory = territory;
    // The bounds may have taken an exploded body's last cell: it wilts like any other, and is not dead.
    const census = await engine.census();
    const exploded = census.filter(({ organism, cells }) => cells === 0 && hadCells.has(organism));
    this.wilting.restore(new Set(exploded.map(({ organism }) => organism)));
    await this.#count();
    const lost = state.organisms.filter(({ id }) => !ids.has(id)).map(({ species }) => species);
    return recallNotes(lost, forgotten);
  }
}

const isSameRect = (a: Rect, b: Rect): boolean =>
  a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
