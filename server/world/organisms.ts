/** All organisms: their ids and places, and which of them have changed. The engine knows their cells. */
import { networkOf } from '../address.ts';
import type { RuleSlot } from '../engines/engine.ts';
import { Groups } from '../groups.ts';
import { HISTORY_SAMPLES, Organism, type OrganismAccount, type OrganismFacts, WHOLE } from './organism.ts';
import { factsOf, type OrganismRecord } from './organismRecord.ts';
import { Places } from './places.ts';
import { Samples } from './samples.ts';

/** A dead organism's id is retired for 60 s, so that no viewer takes a new organism for the dead one. */
const RETIRED_SECONDS = 60;
const MAX_IDS = 65_535;

/** From old to young. */
export const byOrder = (a: Organism, b: Organism): number => a.order - b.order;

export class Organisms implements OrganismAccount {
  readonly #living = new Map<number, Organism>();
  /** [id], 1 while the organism lives or its id is retired. */
  readonly #taken = new Uint8Array(MAX_IDS + 1);
  /** id → world time at which it may be used again, in order of time. */
  readonly #retired = new Map<number, number>();
  /** Guest → the organisms that they planted. */
  readonly #byGuest = new Groups<string, Organism>();
  /** By address and by network. */
  readonly #byParty = new Groups<string, Organism>();
  readonly #bySlot = new Groups<RuleSlot, Organism>();
  readonly #places = new Places<Organism>();
  readonly #unwell = new Set<Organism>();
  /** Ids of which the record has changed, that are new, or gone, since `takeTouched`. */
  #touched = new Set<number>();
  /** Those whose health, cells or range were set since `takeStirred`. */
  #stirred = new Set<Organism>();
  #nextId = 1;
  #nextOrder = 0;
  readonly #samples = new Samples();
  #cells = 0;
  #placesVersion = 0;

  get size(): number {
    return this.#living.size;
  }

  get nextId(): number {
    return this.#nextId;
  }

  set nextId(id: number) {
    this.#nextId = id;
  }

  /** Cells of all, each as it was counted last. */
  get cells(): number {
    return this.#cells;
  }

  /** Grows whenever an organism comes, goes or has another place. */
  get placesVersion(): number {
    return this.#placesVersion;
  }

  get(id: number): Organism | undefined {
    return this.#living.get(id);
  }

  /** What a guest has planted. */
  of(guest: string): ReadonlySet<Organism> {
    return this.#byGuest.of(guest);
  }

  /** What was planted from an address, or from a network. */
  from(party: string): ReadonlySet<Organism> {
    return this.#byParty.of(party);
  }

  /** Ids of the guests who have planted one of them. */
  get guests(): Iterable<string> {
    return this.#byGuest.keys();
  }

  /** Those that live by the rule in a slot, in any order. */
  in(slot: RuleSlot): ReadonlySet<Organism> {
    return this.#bySlot.of(slot);
  }

  /** Slots that organisms live by. */
  get slots(): Iterable<RuleSlot> {
    return this.#bySlot.keys();
  }

  /** Those that are not whole, or have no body; the ones that have been so for longest first. */
  get unwell(): ReadonlySet<Organism> {
    return this.#unwell;
  }

  /** Those with ids above one, in ascending order. */
  *above(id: number): Generator<Organism> {
    for (let next = id + 1; next <= MAX_IDS; next++) {
      const one = this.#living.get(next);
      if (one !== undefined) yield one;
    }
  }

  /** Those at most `reach` columns and rows from a place, in order. */
  near(x: number, y: number, reach: number): Organism[] {
    return [...this.#places.within(x, y, reach)].sort(byOrder);
  }

  /** At most `limit`, nearest first. */
  nearest(x: number, y: number, limit: number): Organism[] {
    return this.#places.nearest(x, y, limit);
  }

  [Symbol.iterator](): IterableIterator<Organism> {
    return this.#living.values();
  }

  ids(): number[] {
    return [...this.#living.keys()];
  }

  // --- what has changed ---

  /** Ids of the organisms whose records may have changed since the last call, and of those that came or went. */
  takeTouched(): ReadonlySet<number> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  /** Organisms whose health, cells or range were set since the last call; some may be gone. */
  takeStirred(): ReadonlySet<Organism> {
    const stirred = this.#stirred;
    this.#stirred = new Set();
    return stirred;
  }

  get samples(): number {
    return this.#samples.count;
  }

  /** Notes everybody's health in their histories. @param step - uint32 */
  sample(step: number): void {
    this.#samples.take(step);
  }

  /** @see Samples.isSettled */
  isSettled(one: Organism, within: number): boolean {
    return this.#samples.isSettled(one, within);
  }

  recorded(one: Organism): void {
    if (this.#holds(one)) this.#touched.add(one.id);
  }

  measured(one: Organism, cells: number): void {
    if (!this.#holds(one)) return;
    this.#cells += cells;
    this.#stirred.add(one);
    this.#noteHealth(one);
  }

  moved(one: Organism, fromX: number, fromY: number): void {
    if (!this.#holds(one)) return;
    this.#touched.add(one.id);
    this.#places.moved(one, fromX, fromY);
    this.#placesVersion++;
  }

  slotted(one: Organism, from: RuleSlot): void {
    if (!this.#holds(one)) return;
    this.#touched.add(one.id);
    this.#bySlot.delete(from, one);
    this.#bySlot.add(one.slot, one);
  }

  /** An organism that is gone may still be in somebody's hands. */
  #holds(one: Organism): boolean {
    return this.#living.get(one.id) === one;
  }

  #noteHealth(one: Organism): void {
    if (one.health >= WHOLE) this.#unwell.delete(one);
    else this.#unwell.add(one);
  }

  // --- coming and going ---

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
    const { history = [], historyRepeats, isWilting = false } = facts;
    const { absence = isWilting ? 'wilting' : null } = facts;
    const begun: OrganismFacts = { ...facts, absence };
    this.#drop(facts.id);
    const organism = new Organism(begun, this.#nextOrder++, this);
    for (const sample of history.slice(-HISTORY_SAMPLES))
      organism.history.repeat(sample, historyRepeats ?? 1);
    this.#living.set(organism.id, organism);
    this.#taken[organism.id] = 1;
    if (organism.guest !== '') this.#byGuest.add(organism.guest, organism);
    for (const party of partiesOf(organism)) this.#byParty.add(party, organism);
    this.#bySlot.add(organism.slot, organism);
    this.#places.add(organism);
    this.#placesVersion++;
    this.#touched.add(organism.id);
    this.measured(organism, organism.cells);
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
    organism.health = before.health;
    organism.cells = before.cells;
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
    this.#byGuest.delete(organism.guest, organism);
    for (const party of partiesOf(organism)) this.#byParty.delete(party, organism);
    this.#bySlot.delete(organism.slot, organism);
    this.#places.remove(organism);
    this.#placesVersion++;
    this.#unwell.delete(organism);
    this.#stirred.delete(organism);
    this.#touched.add(id);
    this.#cells -= organism.cells;
    return this.#living.delete(id);
  }

  /**
   * All organisms, as they are saved. Retired ids are left out: no viewer outlives the process.
   *
   * @param ruleOf - names the rule in a slot, as saves do
   */
  records(ruleOf: (slot: RuleSlot) => string): OrganismRecord[] {
    return Array.from(this.#living.values(), (organism) => ({
      ...factsOf(organism, ruleOf(organism.slot)),
      ...organism.history.saved,
    }));
  }

  /** One organism, with all of its history. */
  recordOf(organism: Organism, ruleOf: (slot: RuleSlot) => string): OrganismRecord {
    return { ...factsOf(organism, ruleOf(organism.slot)), history: organism.history.list() };
  }

  /** Replaces all organisms. @param slotOf - the slot of the rule that a saved organism lives by */
  restore(
    records: readonly OrganismRecord[],
    nextId: number,
    slotOf: (record: OrganismRecord) => RuleSlot,
  ): void {
    for (const id of this.ids()) this.#drop(id);
    this.#retired.clear();
    this.#taken.fill(0);
    this.#samples.forget();
    for (const record of records) {
      const { rule: _rule, isAsleep: _isAsleep, ...facts } = record;
      this.add({ ...facts, slot: slotOf(record) });
    }
    this.#nextId = nextId;
  }
}

/** Its address and its network; none: those that it has not. */
const partiesOf = ({ address }: Organism): string[] =>
  [address, networkOf(address)].filter((party) => party !== '');
