/** The records of organisms, and their ids. It does not know their cells: the engine does. */
import type { Rect } from '../../shared/geometry.ts';
import type { Absence } from '../../shared/protocol.ts';
import type { RuleSlot } from '../engines/engine.ts';

/** One minute at 4 Hz. */
export const HISTORY_SAMPLES = 240;
/** A dead organism's id is retired for 60 s, so that no viewer takes a new organism for the dead one. */
export const RETIRED_SECONDS = 60;
const MAX_IDS = 65_535;

export interface Organism {
  readonly id: number;
  readonly species: string;
  /** Where its seed would be now: a body that has healed beside its place has moved. */
  x: number;
  y: number;
  /** The planter's name when it was planted; empty: the garden's. */
  readonly planter: string;
  /** Id of the guest who planted it; empty: the garden, or a guest of whom no id was kept. */
  readonly guest: string;
  /** When its seed was planted first; seconds of world time. */
  readonly bornSeconds: number;
  /** When its seed was planted last: for the first time, or after it died or wilted. */
  plantedStep: number;
  /** Seconds of world time. */
  plantedSeconds: number;
  /** When somebody last visited it (`withering.ts`), seconds of world time; null: not known. */
  visitedSeconds: number | null;
  /** The engine's slot of the rule it lives by. */
  slot: RuleSlot;
  /** Its last four swaps, wiltings and deaths, with the new rule or the cause. `atSeconds`: world time. */
  marks: readonly { readonly atSeconds: number; readonly label: string }[];
  /** 0..1, at the last measurement. */
  health: number;
  /** At the last measurement, a colour was at the engine's limit or NaN. */
  isOutOfRange: boolean;
  /** Why it has no body, or is losing it (`absences.ts`); null: it has one. */
  absence: Absence | null;
  /** World time at which its seed is planted again; null: it does not wait. */
  dueSeconds: number | null;
  /** An admin has cleared its place: if it dies before it is whole again, it does not come back. */
  isUprooted: boolean;
  /** How often it has wilted in a row, each time soon after its seed was planted; 0: never (`wilting.ts`). */
  wiltings: number;
  /** Owned cells at the last count. */
  cells: number;
  readonly history: HealthHistory;
  /** The territory that the engine knows; null: none. */
  territory: Rect | null;
}

/** An organism as it is saved. */
export interface OrganismRecord {
  readonly id: number;
  readonly species: string;
  /** sha256 (hex) of the rule file it lives by. Absent: it lives by the rule in force. */
  readonly rule?: string;
  /** Seed position. */
  readonly x: number;
  readonly y: number;
  /** The planter's name; empty: the garden's. */
  readonly planter: string;
  /** Id of the guest who planted it. Absent: the garden, or a guest of whom no id was kept. */
  readonly guest?: string;
  readonly plantedStep: number;
  /** World time. */
  readonly plantedSeconds: number;
  /** Absent: `plantedSeconds`. */
  readonly bornSeconds?: number;
  /** Absent: not known. */
  readonly visitedSeconds?: number;
  readonly health: number;
  /** Oldest first. */
  readonly history: readonly number[];
  /** Absent: it had a body. */
  readonly absence?: Absence;
  /** Absent: its seed did not wait. */
  readonly dueSeconds?: number;
  /** Absent: false. */
  readonly isUprooted?: boolean;
  /** Absent: it was awake. Only in a save: the journal has who falls asleep. */
  readonly isAsleep?: boolean;
  /** Of earlier versions, in place of `absence`: it wilted. */
  readonly isWilting?: boolean;
  /** Absent: 0. */
  readonly wiltings?: number;
  /** Absent: none. */
  readonly marks?: Organism['marks'];
}

/** Whether a player planted it, and not the garden. */
export const isPlayers = ({ planter, guest }: Organism): boolean => planter !== '' || guest !== '';

/** Whether its body dissolves and it is gone then. */
export const isEnding = ({ absence }: Organism): boolean => absence === 'removed' || absence === 'withering';

/** The last 240 samples of an organism's health. */
export class HealthHistory {
  readonly #samples = new Float32Array(HISTORY_SAMPLES);
  /** Index of the next sample. */
  #next = 0;
  #length = 0;

  push(health: number): void {
    this.#samples[this.#next] = health;
    this.#next = (this.#next + 1) % HISTORY_SAMPLES;
    this.#length = Math.min(this.#length + 1, HISTORY_SAMPLES);
  }

  /** Whether the last `samples` samples lie within 0.01; false if there are fewer. */
  isSteady(samples: number): boolean {
    const last = this.list().slice(-samples);
    return last.length === samples && Math.max(...last) - Math.min(...last) <= 0.01;
  }

  /** Oldest first, in hundredths. */
  list(): number[] {
    const oldest = (this.#next - this.#length + HISTORY_SAMPLES) % HISTORY_SAMPLES;
    return Array.from({ length: this.#length }, (_, i) =>
      toHundredths(this.#samples[(oldest + i) % HISTORY_SAMPLES]),
    );
  }
}

export const toHundredths = (value: number): number => Math.round(value * 100) / 100;

const NOBODYS: ReadonlySet<Organism> = new Set();

export class Organisms {
  readonly #living = new Map<number, Organism>();
  /** [id], 1 while the organism lives or its id is retired. */
  readonly #taken = new Uint8Array(MAX_IDS + 1);
  /** id → world time at which it may be used again, in order of time. */
  readonly #retired = new Map<number, number>();
  /** Guest → the organisms that they planted. */
  readonly #byGuest = new Map<string, Set<Organism>>();
  #nextId = 1;

  get size(): number {
    return this.#living.size;
  }

  get nextId(): number {
    return this.#nextId;
  }

  set nextId(id: number) {
    this.#nextId = id;
  }

  get(id: number): Organism | undefined {
    return this.#living.get(id);
  }

  /** What a guest has planted. */
  of(guest: string): ReadonlySet<Organism> {
    return this.#byGuest.get(guest) ?? NOBODYS;
  }

  [Symbol.iterator](): IterableIterator<Organism> {
    return this.#living.values();
  }

  ids(): number[] {
    return [...this.#living.keys()];
  }

  /** An id that is neither used nor retired; null: there is none. Ids are given in turn. */
  freeId(runSeconds: number): number | null {
    for (const [id, until] of this.#retired) {
      if (until > runSeconds) break;
      this.#retired.delete(id);
      this.#taken[id] = 0;
    }
    const ahead = this.#taken.indexOf(0, this.#nextId);
    const id = ahead > 0 ? ahead : this.#taken.indexOf(0, 1);
    return id > 0 ? id : null;
  }

  add(
    facts: Omit<OrganismRecord, 'history' | 'rule' | 'isAsleep'> & {
      readonly slot: RuleSlot;
      readonly history?: readonly number[];
    },
  ): Organism {
    const {
      history: samples = [],
      isWilting = false,
      absence = isWilting ? 'wilting' : null,
      ...rest
    } = facts;
    const history = new HealthHistory();
    for (const sample of samples.slice(-HISTORY_SAMPLES)) history.push(sample);
    const organism: Organism = {
      guest: '',
      bornSeconds: facts.plantedSeconds,
      visitedSeconds: null,
      dueSeconds: null,
      isUprooted: false,
      wiltings: 0,
      marks: [],
      ...rest,
      absence,
      cells: 1,
      history,
      isOutOfRange: false,
      territory: null,
    };
    this.#drop(organism.id);
    this.#living.set(organism.id, organism);
    this.#taken[organism.id] = 1;
    if (organism.guest !== '') {
      const own = this.#byGuest.get(organism.guest) ?? new Set();
      this.#byGuest.set(organism.guest, own.add(organism));
    }
    this.#nextId = (organism.id % MAX_IDS) + 1;
    return organism;
  }

  /** Adds or replaces an organism as the journal has it; the history of its health stays. */
  put(record: OrganismRecord, slot: RuleSlot): void {
    const { rule: _rule, history: _history, ...facts } = record;
    const before = this.#living.get(record.id);
    const organism = this.add({ ...facts, slot });
    if (before === undefined) return;
    for (const sample of before.history.list()) organism.history.push(sample);
    Object.assign(organism, { health: before.health, cells: before.cells });
  }

  /** As `remove`, of an organism that died in another process: its id is free at once. */
  forget(id: number): void {
    if (this.#drop(id)) this.#taken[id] = 0;
  }

  /** Its id is retired from now on. */
  remove(id: number, runSeconds: number): void {
    if (this.#drop(id)) this.#retired.set(id, runSeconds + RETIRED_SECONDS);
  }

  /** @returns whether there was such an organism */
  #drop(id: number): boolean {
    const organism = this.#living.get(id);
    if (organism === undefined) return false;
    const own = this.#byGuest.get(organism.guest);
    own?.delete(organism);
    if (own?.size === 0) this.#byGuest.delete(organism.guest);
    return this.#living.delete(id);
  }

  /**
   * All organisms, as they are saved. Retired ids are left out: no viewer outlives the process.
   *
   * @param ruleOf - names the rule in a slot, as saves do
   */
  records(ruleOf: (slot: RuleSlot) => string): OrganismRecord[] {
    return Array.from(this.#living.values(), (organism) => this.recordOf(organism, ruleOf));
  }

  /** One organism, as it is saved. */
  recordOf(organism: Organism, ruleOf: (slot: RuleSlot) => string): OrganismRecord {
    const { id, species, slot, x, y, planter, plantedStep, plantedSeconds, health } = organism;
    const { guest, bornSeconds, visitedSeconds, absence, dueSeconds, isUprooted, wiltings, marks } = organism;
    const rule = ruleOf(slot);
    const history = organism.history.list();
    const record = { id, species, rule, x, y, planter, plantedStep, plantedSeconds, health, history };
    return {
      ...record,
      ...(guest !== '' && { guest }),
      ...(bornSeconds !== plantedSeconds && { bornSeconds }),
      ...(visitedSeconds !== null && { visitedSeconds }),
      ...(absence !== null && { absence }),
      ...(dueSeconds !== null && { dueSeconds }),
      ...(isUprooted && { isUprooted }),
      ...(wiltings > 0 && { wiltings }),
      ...(marks.length > 0 && { marks }),
    };
  }

  /** Replaces all organisms. @param slotOf - the slot of the rule that a saved organism lives by */
  restore(
    records: readonly OrganismRecord[],
    nextId: number,
    slotOf: (record: OrganismRecord) => RuleSlot,
  ): void {
    this.#living.clear();
    this.#byGuest.clear();
    this.#retired.clear();
    this.#taken.fill(0);
    for (const record of records) {
      const { rule: _rule, isAsleep: _isAsleep, ...facts } = record;
      this.add({ ...facts, slot: slotOf(record) });
    }
    this.#nextId = nextId;
  }
}
