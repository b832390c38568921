/**
 * The world between two steps, as the simulation drives it: organisms, their health and wounds, strokes, swaps and
 * saves. It drives an engine, and knows no threads, clocks or sockets. Calls must not overlap, because the engine's
 * must not.
 */

import type { Species, StrokeMessage } from '../../shared/protocol.ts';
import type { Engine, OrganismId, RuleSlot } from '../engines/engine.ts';
import { Absences } from './absences.ts';
import { Returns } from './bringBack.ts';
import { HealthWatch } from './health.ts';
import { Losses } from './losses.ts';
import type { Doer, StrokeOutcome, SwapAnswer, SwapOrder, SwapOutcome } from './messages.ts';
import type { Organism } from './organism.ts';
import { Organisms } from './organisms.ts';
import { Overview } from './overview.ts';
import { GARDENER, Planting } from './planting.ts';
import type { PlantLimitsOptions } from './plantLimits.ts';
import { type Recall, recallWorld } from './recall.ts';
import { recordedEngine } from './recordedEngine.ts';
import { Removals } from './removals.ts';
import { type JournalEntry, Replay } from './replay.ts';
import { type LoadedRule, RuleSlots } from './ruleSlots.ts';
import { RunningTime } from './runningTime.ts';
import { type SaveOptions, Saving } from './saving.ts';
import { SleepWatch } from './sleep.ts';
import { Strokes } from './strokes.ts';
import { Swaps } from './swap.ts';
import { Territories } from './territories.ts';
import { Wilting } from './wilting.ts';
import { Withering } from './withering.ts';
import { WorldLog } from './worldLog.ts';
import type { FallowBed, SavedWorld, WorldSave } from './worldSave.ts';
import { WoundWatch } from './woundWatch.ts';

/** Rate of health samples and of counts. */
const SAMPLES_PER_SECOND = 4;
/** Outcomes in a save: more than end while a registry's disk is full for an hour. */
const MAX_OUTCOMES = 64;

export interface WorldOptions extends PlantLimitsOptions {
  /** Hours without a visit after which a player's body withers; 0: never. */
  readonly witherHours: number;
  /** How long a body must have been whole and steady before it sleeps. Default 0: nobody sleeps. */
  readonly sleepSeconds?: number;
}

const NO_LIMITS: WorldOptions = {
  plantsPerGuest: Number.POSITIVE_INFINITY,
  plantsPerAddress: Number.POSITIVE_INFINITY,
  witherHours: 0,
};

export class World {
  readonly engine: Engine;
  readonly rules: RuleSlots;
  readonly organisms = new Organisms();
  readonly swaps: Swaps;
  readonly wounds = new WoundWatch();
  readonly wilting: Wilting;
  readonly absences: Absences;
  readonly withering: Withering;
  readonly losses: Losses;
  readonly returns: Returns;
  readonly removals: Removals;
  readonly overview: Overview;
  /** What changes besides the steps, for the journal. */
  readonly log: WorldLog;
  /** Steps per second as an admin has set them; null: the server's own setting. */
  stepsPerSecond: number | null = null;
  /** The rules in force have changed. */
  onSpecies: (species: readonly Species[]) => void = () => {};
  readonly #health: HealthWatch;
  readonly #planting: Planting;
  readonly #territories: Territories;
  readonly #nameOf = (slot: RuleSlot): string => this.rules.at(slot).sha256;
  readonly #strokes: Strokes;
  readonly #sleep: SleepWatch;
  readonly #saving: Saving;
  readonly #time: RunningTime;
  /** Samples that are due and have not been taken; and those of a world that may be paused. */
  #samplesOwed = 0;
  #countsOwed = 0;
  #livingCells = 0;
  /** What became of swaps, oldest first. */
  #outcomes: readonly SwapOutcome[] = [];

  /** @param rules - the rules in force, one per species */
  constructor(bare: Engine, rules: readonly LoadedRule[], options: WorldOptions = NO_LIMITS) {
    this.#time = new RunningTime(bare.stepNumber);
    const runSeconds = (): number => this.#time.seconds;
    this.log = new WorldLog({
      organisms: this.organisms,
      slots: () => this.rules,
      stepNumber: () => bare.stepNumber,
      runSeconds,
    });
    this.engine = recordedEngine(bare, this.log);
    this.rules = new RuleSlots(this.engine, rules);
    const { engine, organisms, rules: slots, wounds } = this;
    const common = { engine, organisms, slots, runSeconds };
    const territories = new Territories(engine, slots, (one) => this.swaps.heldSlots(one));
    this.#territories = territories;
    const updateTerritory = (one: Organism): void => territories.update(one);
    // The options may hold more: of a whole configuration, `engine` is only a name.
    this.#planting = new Planting({ ...options, ...common });
    this.#health = new HealthWatch(engine, organisms, slots, wounds, {
      isWatched: (one) => this.swaps.isWatched(one),
      mayMove: (one, dx, dy) => this.#planting.mayMove(one, dx, dy),
      hasMoved: updateTerritory,
    });
    this.swaps = new Swaps({
      ...common,
      leaves: (id) => wounds.leave(id),
      updateTerritory,
      struck: (organisms) => this.log.note({ act: 'struck', organisms }),
      changed: (outcome) => {
        this.log.note({ act: 'swaps', swaps: this.swaps.saved(this.#nameOf) });
        if (outcome === undefined) return;
        this.log.note({ act: 'outcome', outcome });
        this.#ended(outcome);
      },
    });
    this.absences = new Absences({
      ...common,
      territoryOf: (one) => territories.of(one),
      gone: (one) => {
        const { id } = one;
        this.losses.gone(one);
        wounds.died(id);
        this.wilting.forget(id);
        this.swaps.strike([id]);
      },
      // Its new body says nothing about a rule that was swapped before.
      planted: ({ id }) => {
        this.losses.isBack(id);
        this.swaps.strike([id]);
      },
    });
    this.losses = new Losses({
      ...common,
      lost: (loss) => this.log.note({ act: 'lost', loss }),
      found: (loss) => this.log.note({ act: 'found', loss }),
    });
    const { losses, absences } = this;
    const planted = ({ id }: Organism): void => this.swaps.strike([id]);
    this.returns = new Returns({ ...common, losses, absences, planting: this.#planting, planted });
    this.wilting = new Wilting({
      ...common,
      time: this.#time,
      absences: this.absences,
      isWatched: (one) => this.swaps.isWatched(one),
      leaves: (id) => {
        wounds.leave(id);
        this.swaps.strike([id]);
      },
    });
    const witherSeconds = options.witherHours === 0 ? Number.POSITIVE_INFINITY : options.witherHours * 3_600;
    this.withering = new Withering({
      ...common,
      witherSeconds,
      wither: (one) => this.removals.end(one, 'withering'),
    });
    const { swaps, wilting, withering } = this;
    const watches = { health: this.#health, wounds, wilting, withering, losses, swaps };
    const measure = (id: OrganismId) => this.#health.measure(id);
    const sleeping = {
      ...common,
      isWatched: (one: Organism) => swaps.isWatched(one) || wounds.isOpen(one.id),
      measure,
    };
    this.#sleep = new SleepWatch(sleeping, options.sleepSeconds ?? 0);
    const speciesGone = (): void => this.onSpecies(this.rules.cards);
    this.removals = new Removals({
      ...common,
      swaps,
      wounds,
      wilting,
      absences,
      losses,
      measure,
      speciesGone,
    });
    this.overview = new Overview({
      ...common,
      absences,
      withering,
      witherSeconds,
      sampleSeconds: 1 / SAMPLES_PER_SECOND,
      sleepChanges: () => this.#sleep.changes,
    });
    this.#saving = new Saving({
      ...common,
      swaps,
      losses,
      nameOf: this.#nameOf,
      outcomes: () => this.#outcomes,
      stepsPerSecond: () => this.stepsPerSecond,
    });
    this.#strokes = new Strokes({ engine, organisms, slots, planting: this.#planting, ...watches });
  }

  /** Organisms that have a body. */
  get bodies(): number {
    return this.organisms.size - this.absences.waiting.size;
  }

  get livingCells(): number {
    return this.#livingCells;
  }

  /** Strokes that wait for the next step boundary. */
  get strokesWaiting(): number {
    return this.#strokes.waiting;
  }

  // --- what players and admins do ---

  /** Waits for the next step boundary; resolves with the outcome. */
  queueStroke(by: Doer, stroke: StrokeMessage): Promise<StrokeOutcome> {
    return this.#strokes.queue(by, stroke);
  }

  /** Applies waiting strokes in order of arrival. */
  applyStrokes(): Promise<void> {
    return this.#strokes.apply();
  }

  /** @returns how many found room */
  plantGarden(count: number, randomSeed: number): number {
    return this.#planting.plantGarden(count, randomSeed);
  }

  /** Like `plantGarden`, in a world with organisms. @returns how many found room */
  plantMore(count: number, randomSeed: number): Promise<number> {
    return this.#planting.plantMore(count, randomSeed);
  }

  /** @throws EngineError without room for one more, or without such a species; the world is then unchanged */
  plantAt(species: string, x: number, y: number): Organism {
    return this.#planting.plant({ species, x, y }, GARDENER);
  }

  /** Why nobody may plant at the moment, for players to read; null: all may. */
  refusePlantings(reason: string | null): void {
    this.#planting.refusal = reason;
  }

  /** Between two steps: moves the organisms that the order names to another rule, with their cells as they are. */
  async swap(order: SwapOrder, next: LoadedRule): Promise<SwapAnswer> {
    const { changes } = this.rules;
    const answer = await this.swaps.begin(order, next);
    if (this.rules.changes !== changes) this.onSpecies(this.rules.cards);
    return answer;
  }

  #ended(outcome: SwapOutcome): void {
    this.#outcomes = [...this.#outcomes, outcome].slice(-MAX_OUTCOMES);
  }

  // --- time ---

  /**
   * Lets time pass: watches swaps, counts cells and measures a share of the bodies that moved, because strokes change them
   * in a paused world, too. All else happens only when the world has taken steps since the last call.
   */
  async observe(elapsedSeconds: number): Promise<void> {
    const wasStill = this.#time.isStill;
    const ranSeconds = this.#time.pass(elapsedSeconds, this.engine.stepNumber);
    const counts = elapsedSeconds * SAMPLES_PER_SECOND;
    this.#sleep.pass();
    await this.#watchSwaps();
    this.#samplesOwed = Math.min(this.#samplesOwed + ranSeconds * SAMPLES_PER_SECOND, SAMPLES_PER_SECOND);
    this.#countsOwed += counts;
    const isSampleDue = this.#samplesOwed >= 1;
    // In the frame after a count, because the count's own frame is the longest.
    if (ranSeconds > 0) await this.#health.followMoved();
    if (isSampleDue || this.#countsOwed >= 1) {
      await this.#count(this.engine.awakeIds());
      this.#countsOwed = 0;
    }
    await this.#health.measureDue(counts);
    if (ranSeconds === 0) return;

    this.wounds.tick(this.engine.stepNumber);
    if (wasStill) this.absences.tellSeedsAgain();
    await this.absences.pass();
    if (!isSampleDue) return;
    await this.wilting.look();
    this.withering.look();
    await this.#sleep.look();
    for (; this.#samplesOwed >= 1; this.#samplesOwed--) this.organisms.sample(this.engine.stepNumber);
  }

  /** May roll swaps back. */
  async #watchSwaps(): Promise<void> {
    const { changes } = this.rules;
    await this.swaps.watch();
    if (this.rules.changes !== changes) this.onSpecies(this.rules.cards);
  }

  /** @param ids - whose cells may have changed; a sleeper has as many as when it fell asleep. Default: everybody */
  async #count(ids?: Iterable<OrganismId>): Promise<void> {
    for (const { organism: id, cells } of await this.engine.census(ids)) {
      const organism = this.organisms.get(id);
      if (organism !== undefined) organism.cells = cells;
      if (organism === undefined) {
        if (cells === 0) this.engine.remove(id);
      } else if (cells > 0) this.absences.foundAlive(organism);
      else if (!this.absences.has(id)) {
        this.wounds.died(id);
        this.wilting.forget(id);
        this.losses.died(organism.id);
        this.absences.died(organism);
      }
    }
    this.absences.forgive();
    this.#livingCells = this.organisms.cells;
    this.#health.moved((await this.engine.takeMoved?.()) ?? this.engine.awakeIds());
  }

  /** Whether the world stays as it is until somebody does something: everyone sleeps, and nothing is due. */
  isIdle(): boolean {
    return this.#sleep.isAllAsleep() && this.#strokes.waiting === 0 && this.swaps.ids.length === 0;
  }

  // --- questions ---

  /** @see Planting.faultAt */
  roomFault(species: string, x: number, y: number, by?: Doer): Promise<string | null> {
    return this.#planting.faultAt(species, x, y, by);
  }

  // --- save and restore ---

  /** Set by an admin; null: the server's own setting. */
  setSpeed(stepsPerSecond: number): void {
    this.stepsPerSecond = stepsPerSecond;
    this.log.note({ act: 'speed', stepsPerSecond });
  }

  /** Begins a save. Saves must not overlap. Nothing is asked of the engine before `changed` is read. */
  save(options: SaveOptions): WorldSave {
    return this.#saving.begin(options);
  }

  /**
   * Replaces the whole world, and then does what the journal holds. A save has no territories: they follow from places
   * and rules, and what has outgrown its own is cut back. The log begins where the journal ends.
   *
   * @param journal - what happened since the save
   * @see recallWorld
   * @returns what the operator should know
   * @throws WorldMismatchError when the save is of another size
   * @throws EngineError when a page does not fit, or what `state.pages` throws: the world can then only be dropped
   * @throws ReplayError when the journal does not fit the save
   */
  async restore(
    state: SavedWorld,
    recall: Recall = async () => null,
    journal: AsyncIterable<JournalEntry> | Iterable<JournalEntry> = [],
  ): Promise<RestoredWorld> {
    const { engine, organisms, swaps } = this;
    const recalled = await recallWorld(state, engine, this.rules, recall);
    const { slotOf, notes, organisms: records, leftOut } = recalled;
    organisms.restore(records, state.nextId, slotOf);
    this.#time.restore(state.runSeconds, state.stepNumber);
    this.stepsPerSecond = state.stepsPerSecond ?? null;
    this.#outcomes = state.outcomes ?? [];
    this.losses.restore(state.lost ?? []);
    const replayed = { engine, organisms, slots: this.rules, swaps, losses: this.losses, recall, leftOut };
    const replay = new Replay(replayed, state.fallow ?? []);
    await replay.restoreSwaps(state);
    for (const one of organisms) one.territory = this.#territories.of(one);
    const asleep = new Set(records.filter(({ isAsleep }) => isAsleep).map(({ id }) => id));
    const hadCells = new Set<OrganismId>();
    await engine.load(
      {
        stepNumber: state.stepNumber,
        randomSeed: state.randomSeed,
        organisms: Array.from(organisms, ({ id, slot, territory }) => ({
          id,
          rule: slot,
          territory: territory!,
          ...(asleep.has(id) && { isAsleep: true as const }),
        })),
      },
      // A copy: the replay frees ids that are left out.
      this.#saving.recalled(state.pages, new Set(leftOut), hadCells),
    );
    // The bounds may have taken an exploded body's last cell: it wilts like any other, and is not dead.
    const census = await engine.census();
    const exploded = census.filter(({ organism, cells }) => cells === 0 && hadCells.has(organism));
    for await (const entry of journal) await replay.take(entry);
    this.#time.restore(replay.runSeconds ?? state.runSeconds, engine.stepNumber);
    for (const outcome of replay.outcomes) this.#ended(outcome);
    if (replay.stepsPerSecond !== undefined) this.stepsPerSecond = replay.stepsPerSecond;
    // What is decided from here on, such as that a body is dead, is new.
    this.log.start();
    for (const one of organisms) this.#territories.update(one);
    const lost = exploded.map(({ organism }) => organism).filter((id) => organisms.get(id) !== undefined);
    this.absences.restore();
    this.#planting.restore();
    this.wilting.restore(new Set(lost));
    // The journal holds no healths: what the save says of these may be of before they were cleared.
    for (const { id, isUprooted } of organisms) if (isUprooted) await this.#health.measure(id);
    await this.#count();
    await this.#sowOldBeds(replay.beds);
    return { notes, entries: replay.entries, steps: replay.steps };
  }

  async #sowOldBeds(beds: readonly FallowBed[]): Promise<void> {
    if (beds.length === 0) return;
    await this.#planting.sow(beds);
    this.log.note({ act: 'fallow', beds: [] });
  }
}

export interface RestoredWorld {
  /** What the operator should know. */
  readonly notes: readonly string[];
  /** Entries of the journal, and the steps that were taken again. */
  readonly entries: number;
  readonly steps: number;
}
