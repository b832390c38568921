/** One guest: a name, a hue, energy, and the addresses they are here from. */
import { Allowance } from '../../shared/allowance.ts';
import { BUDGET_CELLS } from '../../shared/limits.ts';
import type { EnergyStore } from './energy.ts';
import type { GuestRow } from './guestTable.ts';
import { defaultHue, defaultName, sanitiseName } from './names.ts';
import { isReserved } from './reserved.ts';

/** Wishes for a name at once, and per second: others read each one. */
const MAX_NAMES_AT_ONCE = 5;
const NAMES_PER_SECOND = 0.5;

/** What a guest shares with all others. */
export interface GuestsAround {
  readonly energy: EnergyStore;
  /** Names, beside the built-in ones, that no guest may take. */
  readonly reservedNames: () => readonly string[];
  /** A monotonic clock, ms. */
  readonly now: () => number;
  /** Called when there is something to keep of a guest. */
  changed(guest: Guest): void;
}

/** What became of a wish for a name. */
export interface Naming {
  readonly name: string;
  /** Why it is not the name that was asked for, for the guest to read; null: it is, perhaps cleaned. */
  readonly reason: string | null;
}

export class Guest {
  readonly id: string;
  readonly hue: number;
  /** Strokes that the world has applied, without plantings. */
  strokes = 0;
  plantings = 0;
  /** Where they are, or were last. */
  address = '';
  /** When they were last here, milliseconds since 1970. */
  seenMs = 0;
  readonly #around: GuestsAround;
  readonly #energy: Allowance;
  readonly #renames: Allowance;
  #chosenName = '';
  /** Address → visits. */
  readonly #visits = new Map<string, number>();

  /** @param row - what was kept of them */
  constructor(id: string, around: GuestsAround, row: GuestRow | null = null) {
    this.id = id;
    this.hue = defaultHue(id);
    this.#around = around;
    this.#energy = around.energy.ofGuest(row === null ? BUDGET_CELLS : row.energy);
    this.#renames = new Allowance(MAX_NAMES_AT_ONCE, NAMES_PER_SECOND, around.now());
    if (row === null) return;
    this.strokes = row.strokes;
    this.plantings = row.plantings;
    this.address = row.address;
    this.seenMs = Date.parse(row.seen);
    this.#chosenName = row.name;
  }

  get name(): string {
    return this.#chosenName || defaultName(this.id);
  }

  /** Empty: they have chosen none. */
  get chosenName(): string {
    return this.#chosenName;
  }

  /** How many visits they are here with. */
  get visits(): number {
    let visits = 0;
    for (const count of this.#visits.values()) visits += count;
    return visits;
  }

  isAt(address: string): boolean {
    return this.#visits.has(address);
  }

  arrive(address: string, nowMs: number): void {
    this.#visits.set(address, (this.#visits.get(address) ?? 0) + 1);
    this.address = address;
    this.seenMs = nowMs;
  }

  depart(address: string, nowMs: number): void {
    const left = (this.#visits.get(address) ?? 0) - 1;
    if (left > 0) this.#visits.set(address, left);
    else this.#visits.delete(address);
    this.seenMs = nowMs;
  }

  /** @param wish - empty: the given name again */
  rename(wish: string): Naming {
    if (wish === this.#chosenName) return { name: this.name, reason: null };
    // Refused ones count as well: to look at a hostile name takes up to half a millisecond.
    if (!this.#renames.take(1, this.#around.now()))
      return { name: this.name, reason: 'Too many names at once: wait a moment.' };
    const name = sanitiseName(wish);
    if (wish.trim() !== '' && name === '')
      return { name: this.name, reason: 'That name would be invisible.' };
    if (name === this.#chosenName) return { name: this.name, reason: null };
    if (isReserved(name, this.#around.reservedNames()))
      return { name: this.name, reason: `The name “${name}” is reserved.` };
    this.#chosenName = name;
    this.#around.changed(this);
    return { name: this.name, reason: null };
  }

  /** A name that has become somebody else's since, an admin's, is given up. */
  giveUpReservedName(): void {
    if (this.#chosenName === '' || !isReserved(this.#chosenName, this.#around.reservedNames())) return;
    this.#chosenName = '';
    this.#around.changed(this);
  }

  /** The energy that is theirs, wherever they are. */
  get energy(): Allowance {
    return this.#energy;
  }

  /** Counts a stroke that the world has applied. */
  count(isPlanting: boolean): void {
    if (isPlanting) this.plantings++;
    else this.strokes++;
    this.#around.changed(this);
  }

  get row(): GuestRow {
    const { id, address, strokes, plantings } = this;
    const energy = this.#around.energy.cellsOf(this.#energy);
    const seen = new Date(this.seenMs).toISOString();
    return { id, name: this.#chosenName, address, seen, strokes, plantings, energy };
  }
}
