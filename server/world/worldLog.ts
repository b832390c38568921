/** Collects what changes the world besides its steps, for the journal: one entry at a time. */
import type { PageState } from '../engines/engine.ts';
import { type Act, type EngineAct, encodeEntry, type RecordAct, type RuleName } from './acts.ts';
import type { Organism } from './organism.ts';
import { byOrder, type Organisms } from './organisms.ts';
import type { EngineListener } from './recordedEngine.ts';
import type { RuleSlots } from './ruleSlots.ts';

/** Largest number of acts that wait for the next entry: a garden of 10,000 and its records. */
const MAX_ACTS = 65_536;

export interface LoggedWorld {
  readonly organisms: Organisms;
  readonly slots: () => RuleSlots;
  readonly stepNumber: () => number;
  readonly runSeconds: () => number;
}

/** What an organism's record held when it was written last: what is compared with its present fields. */
type Known = Pick<
  Organism,
  | 'slot'
  | 'x'
  | 'y'
  | 'plantedStep'
  | 'visitedSeconds'
  | 'absence'
  | 'dueSeconds'
  | 'isUprooted'
  | 'wiltings'
  | 'marks'
  | 'species'
> & {
  /** Its place among all that are known, in the order in which they became known. */
  readonly known: number;
};

export class WorldLog implements EngineListener {
  /** False until the world has woken: what brings it back is not new. */
  isOn = false;
  readonly #world: LoggedWorld;
  #acts: [step: number, act: Act][] = [];
  #pages: PageState[] = [];
  readonly #known = new Map<number, Known>();
  /** The number of the next that becomes known. */
  #nextKnown = 0;
  #isOverfull = false;

  constructor(world: LoggedWorld) {
    this.#world = world;
  }

  /** Begins with the world as it is: a save of this moment holds it. */
  start(): void {
    this.isOn = true;
    this.#acts = [];
    this.#pages = [];
    this.#isOverfull = false;
    this.#known.clear();
    this.#world.organisms.takeTouched();
    for (const organism of this.#world.organisms) this.#learn(organism);
  }

  #learn(organism: Organism): void {
    const known = this.#known.get(organism.id)?.known ?? this.#nextKnown++;
    this.#known.set(organism.id, knownOf(organism, known));
  }

  nameOf(slot: number): RuleName {
    const { card, sha256 } = this.#world.slots().at(slot);
    return { species: card.name, sha256 };
  }

  did(act: EngineAct, pages: readonly PageState[] = []): void {
    this.note(act);
    if (this.isOn) this.#pages.push(...pages);
  }

  note(act: Act): void {
    if (!this.isOn) return;
    if (this.#acts.length >= MAX_ACTS) this.#isOverfull = true;
    else this.#acts.push([this.#world.stepNumber(), act]);
  }

  get hasActs(): boolean {
    return this.#acts.length > 0;
  }

  /** What the engine holds does not follow from what was logged: only a save can follow. */
  lose(): void {
    if (this.isOn) this.#isOverfull = true;
  }

  /** More happened than an entry holds: only a save can follow. */
  get isOverfull(): boolean {
    return this.#isOverfull;
  }

  /**
   * The entry since the last call; null: nothing happened, and none is forced.
   *
   * @param isForced - an entry without acts says how far the world has come
   */
  take(isForced: boolean): Uint8Array | null {
    if (!this.isOn) return null;
    for (const act of this.#recordActs()) this.note(act);
    if (this.#acts.length === 0 && !isForced) return null;
    const { organisms, stepNumber, runSeconds } = this.#world;
    const entry = {
      acts: this.#acts,
      step: stepNumber(),
      runSeconds: runSeconds(),
      nextId: organisms.nextId,
    };
    const pages = this.#pages;
    this.#acts = [];
    this.#pages = [];
    return encodeEntry(entry, pages);
  }

  /** Records of organisms that have changed, in the order of all organisms; then of those that are gone. */
  *#recordActs(): Generator<RecordAct> {
    const { organisms } = this.#world;
    const here: Organism[] = [];
    const gone: [id: number, known: number][] = [];
    for (const id of organisms.takeTouched()) {
      const organism = organisms.get(id);
      const known = this.#known.get(id);
      if (organism !== undefined) here.push(organism);
      else if (known !== undefined) gone.push([id, known.known]);
    }
    for (const organism of here.sort(byOrder)) {
      const known = this.#known.get(organism.id);
      if (known !== undefined && isSame(known, organism)) continue;
      this.#learn(organism);
      const record = organisms.recordOf(organism, (slot) => this.nameOf(slot).sha256);
      yield { act: 'organism', record: { ...record, history: [] } };
    }
    for (const [id] of gone.sort(([, a], [, b]) => a - b)) {
      this.#known.delete(id);
      yield { act: 'gone', organism: id };
    }
  }
}

const knownOf = (organism: Organism, known: number): Known => {
  const { species, slot, x, y, plantedStep, visitedSeconds } = organism;
  const { absence, dueSeconds, isUprooted, wiltings, marks } = organism;
  return {
    known,
    species,
    slot,
    x,
    y,
    plantedStep,
    visitedSeconds,
    absence,
    dueSeconds,
    isUprooted,
    wiltings,
    marks,
  };
};

/** An id that was used again within an entry is another organism: then its step or species differs, or all is as it was. */
const isSame = (a: Known, b: Organism): boolean =>
  a.slot === b.slot &&
  a.x === b.x &&
  a.y === b.y &&
  a.plantedStep === b.plantedStep &&
  a.visitedSeconds === b.visitedSeconds &&
  a.absence === b.absence &&
  a.dueSeconds === b.dueSeconds &&
  a.isUprooted === b.isUprooted &&
  a.wiltings === b.wiltings &&
  a.marks === b.marks &&
  a.species === b.species;
