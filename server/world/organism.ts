/** One organism as the world knows it. Whoever keeps account of many hears of each change, so that nobody looks at all. */
import type { Rect } from '../../shared/geometry.ts';
import type { Absence } from '../../shared/protocol.ts';
import type { RuleSlot } from '../engines/engine.ts';

/** One minute at 4 Hz. */
export const HISTORY_SAMPLES = 240;
/** A body of this health or more is whole. */
export const WHOLE = 0.95;

/** What hears of an organism's changes: the collection that it is in. Called when the field has its new value. */
export interface OrganismAccount {
  /** Samples of health since the world began; each organism's is its health at that moment. */
  readonly samples: number;
  /** A field that the journal keeps was set. */
  recorded(one: Organism): void;
  /** Health, cells or range were set. @param cells - how many more it has */
  measured(one: Organism, cells: number): void;
  moved(one: Organism, fromX: number, fromY: number): void;
  slotted(one: Organism, from: RuleSlot): void;
}

/** What an organism begins with. */
export interface OrganismFacts {
  readonly id: number;
  readonly species: string;
  /** Seed position. */
  readonly x: number;
  readonly y: number;
  /** Where its seed was planted first. Absent, also in records of earlier versions: where it is. */
  readonly home?: Organism['home'];
  /** The planter's name; empty: the garden's. */
  readonly planter: string;
  /** Id of the guest who planted it. Absent: the garden, or a guest of whom no id was kept. */
  readonly guest?: string;
  /** Address that it was planted from (`server/address.ts`). Absent: the garden, or it was not kept. */
  readonly address?: string;
  readonly plantedStep: number;
  /** World time. */
  readonly plantedSeconds: number;
  /** Absent: `plantedSeconds`. */
  readonly bornSeconds?: number;
  /** Absent: not known. */
  readonly visitedSeconds?: number;
  readonly slot: RuleSlot;
  /** Absent: none. */
  readonly marks?: Organism['marks'];
  readonly health: number;
  readonly absence?: Absence | null;
  readonly dueSeconds?: number | null;
  /** Absent: false. */
  readonly isUprooted?: boolean;
  /** Absent: 0. */
  readonly wiltings?: number;
}

export class Organism {
  readonly id: number;
  readonly species: string;
  /** The planter's name when it was planted; empty: the garden's. */
  readonly planter: string;
  /** Id of the guest who planted it; empty: the garden, or a guest of whom no id was kept. */
  readonly guest: string;
  /** Where the planter came from; empty: the garden, or it was not kept. Told to nobody. */
  readonly address: string;
  /** Where its seed was planted first, cells. */
  readonly home: { readonly x: number; readonly y: number };
  /** When its seed was planted first; seconds of world time. */
  readonly bornSeconds: number;
  /** Seconds of world time. */
  plantedSeconds: number;
  /** The territory that the engine knows; null: none. */
  territory: Rect | null = null;
  /** Its place among all organisms, in the order in which they came. */
  readonly order: number;
  readonly #account: OrganismAccount;
  #x: number;
  #y: number;
  #plantedStep: number;
  #visitedSeconds: number | null;
  #slot: RuleSlot;
  #marks: readonly { readonly atSeconds: number; readonly label: string }[];
  #absence: Absence | null;
  #dueSeconds: number | null;
  #isUprooted: boolean;
  #wiltings: number;
  #health: number;
  #isOutOfRange = false;
  #cells = 1;
  readonly #history = new HealthHistory();
  /** The samples that `#history` holds, or has dropped. */
  #samples: number;

  constructor(facts: OrganismFacts, order: number, account: OrganismAccount) {
    this.id = facts.id;
    this.species = facts.species;
    this.planter = facts.planter;
    this.guest = facts.guest ?? '';
    this.address = facts.address ?? '';
    this.home = facts.home ?? { x: facts.x, y: facts.y };
    this.bornSeconds = facts.bornSeconds ?? facts.plantedSeconds;
    this.plantedSeconds = facts.plantedSeconds;
    this.order = order;
    this.#account = account;
    this.#samples = account.samples;
    this.#x = facts.x;
    this.#y = facts.y;
    this.#plantedStep = facts.plantedStep;
    this.#visitedSeconds = facts.visitedSeconds ?? null;
    this.#slot = facts.slot;
    this.#marks = facts.marks ?? [];
    this.#absence = facts.absence ?? null;
    this.#dueSeconds = facts.dueSeconds ?? null;
    this.#isUprooted = facts.isUprooted ?? false;
    this.#wiltings = facts.wiltings ?? 0;
    this.#health = facts.health;
  }

  /** Where its seed would be now: a body that has healed beside its place has moved. */
  get x(): number {
    return this.#x;
  }

  set x(x: number) {
    const from = this.#x;
    this.#x = x;
    this.#account.moved(this, from, this.#y);
  }

  get y(): number {
    return this.#y;
  }

  set y(y: number) {
    const from = this.#y;
    this.#y = y;
    this.#account.moved(this, this.#x, from);
  }

  /** When its seed was planted last: for the first time, or after it died or wilted. */
  get plantedStep(): number {
    return this.#plantedStep;
  }

  set plantedStep(step: number) {
    this.#plantedStep = step;
    this.#account.recorded(this);
  }

  /** When somebody last visited it (`withering.ts`), seconds of world time; null: not known. */
  get visitedSeconds(): number | null {
    return this.#visitedSeconds;
  }

  set visitedSeconds(seconds: number | null) {
    this.#visitedSeconds = seconds;
    this.#account.recorded(this);
  }

  /** The engine's slot of the rule it lives by. */
  get slot(): RuleSlot {
    return this.#slot;
  }

  set slot(slot: RuleSlot) {
    const from = this.#slot;
    this.#slot = slot;
    this.#account.slotted(this, from);
  }

  /** Its last four swaps, wiltings and deaths, with the new rule or the cause. `atSeconds`: world time. */
  get marks(): readonly { readonly atSeconds: number; readonly label: string }[] {
    return this.#marks;
  }

  set marks(marks: readonly { readonly atSeconds: number; readonly label: string }[]) {
    this.#marks = marks;
    this.#account.recorded(this);
  }

  /** Why it has no body, or is losing it (`absences.ts`); null: it has one. */
  get absence(): Absence | null {
    return this.#absence;
  }

  set absence(absence: Absence | null) {
    this.#absence = absence;
    this.#account.recorded(this);
  }

  /** World time at which its seed is planted again; null: it does not wait. */
  get dueSeconds(): number | null {
    return this.#dueSeconds;
  }

  set dueSeconds(seconds: number | null) {
    this.#dueSeconds = seconds;
    this.#account.recorded(this);
  }

  /** An admin has cleared its place: if it dies before it is whole again, it does not come back. */
  get isUprooted(): boolean {
    return this.#isUprooted;
  }

  set isUprooted(isUprooted: boolean) {
    this.#isUprooted = isUprooted;
    this.#account.recorded(this);
  }

  /** How often it has wilted in a row, each time soon after its seed was planted; 0: never (`wilting.ts`). */
  get wiltings(): number {
    return this.#wiltings;
  }

  set wiltings(wiltings: number) {
    this.#wiltings = wiltings;
    this.#account.recorded(this);
  }

  /** 0..1, at the last measurement. */
  get health(): number {
    return this.#health;
  }

  set health(health: number) {
    this.#fillHistory();
    this.#health = health;
    this.#account.measured(this, 0);
  }

  /** At the last measurement, a colour was at the engine's limit or NaN. */
  get isOutOfRange(): boolean {
    return this.#isOutOfRange;
  }

  set isOutOfRange(isOutOfRange: boolean) {
    this.#isOutOfRange = isOutOfRange;
    this.#account.measured(this, 0);
  }

  /** Owned cells at the last count. */
  get cells(): number {
    return this.#cells;
  }

  set cells(cells: number) {
    const more = cells - this.#cells;
    this.#cells = cells;
    if (more !== 0) this.#account.measured(this, more);
  }

  /** Its health at each sample. */
  get history(): HealthHistory {
    this.#fillHistory();
    return this.#history;
  }

  /** Notes the samples since it was last asked for: all of them were its present health. */
  #fillHistory(): void {
    const { samples } = this.#account;
    this.#history.repeat(this.#health, samples - this.#samples);
    this.#samples = samples;
  }
}

/** The last 240 samples of an organism's health. */
class HealthHistory {
  readonly #samples = new Float32Array(HISTORY_SAMPLES);
  /** Index of the next sample. */
  #next = 0;
  #length = 0;
  /** How many of the newest samples are the same. */
  #same = 0;

  push(health: number): void {
    const newest = this.#samples[(this.#next - 1 + HISTORY_SAMPLES) % HISTORY_SAMPLES];
    this.#same = newest === Math.fround(health) ? Math.min(this.#same + 1, HISTORY_SAMPLES) : 1;
    this.#samples[this.#next] = health;
    this.#next = (this.#next + 1) % HISTORY_SAMPLES;
    this.#length = Math.min(this.#length + 1, HISTORY_SAMPLES);
  }

  /** As `push`, so many times. A sleeper's history stays as it is. */
  repeat(health: number, times: number): void {
    if (this.#same === HISTORY_SAMPLES && this.#samples[0] === Math.fround(health)) return;
    for (let sample = Math.min(times, HISTORY_SAMPLES); sample > 0; sample--) this.push(health);
  }

  /** As it is saved: one sample and how often it is there, if all are the same. */
  get saved(): { readonly history: readonly number[]; readonly historyRepeats?: number } {
    const length = this.#length;
    if (length < 2 || this.#same < length) return { history: this.list() };
    return { history: [toHundredths(this.#samples[0])], historyRepeats: length };
  }

  /** Whether the last `samples` samples, in hundredths, lie within `within`; false if there are fewer. */
  isSteady(samples: number, within = 0.01): boolean {
    if (this.#length < samples) return false;
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let back = 1; back <= samples; back++) {
      const health = toHundredths(this.#samples[(this.#next - back + HISTORY_SAMPLES) % HISTORY_SAMPLES]);
      least = Math.min(least, health);
      most = Math.max(most, health);
    }
    return most - least <= within;
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

/** Whether a player planted it, and not the garden. */
export const isPlayers = ({ planter, guest }: Organism): boolean => planter !== '' || guest !== '';

/** Whether its body dissolves and it is gone then. */
export const isEnding = ({ absence }: Organism): boolean => absence === 'removed' || absence === 'withering';
