/**
 * Hot swap: between two steps, organisms go over to another rule with their cells as they are. Then they are watched.
 * If the new rule cannot live with their bodies, they go back to the old rule and to the old bodies: no good rule heals
 * what a bad rule did to hidden channels.
 */
import { type Engine, EngineError, type OrganismId, type Piece, type RuleSlot } from '../engines/engine.ts';
import { Bodies } from './bodies.ts';
import type { SwapAnswer, SwapOrder, SwapOutcome } from './messages.ts';
import type { Organism } from './organism.ts';
import { byOrder, type Organisms } from './organisms.ts';
import { type LoadedRule, MAX_SPECIES, type RuleSlots } from './ruleSlots.ts';
import type { SavedSwap } from './savedSwap.ts';
import { type Before, SwapWatch, WATCH_STEPS } from './swapWatch.ts';

/** Largest number of swaps under watch at once; each looks at its bodies in every frame. */
const MAX_WATCHED = 16;
/** Health that has moved by less than this was steady. */
const STEADY = 0.01;

export interface SwapWorld {
  readonly engine: Engine;
  readonly organisms: Organisms;
  readonly slots: RuleSlots;
  /** World time, seconds. */
  readonly runSeconds: () => number;
  /** Called before an organism goes over to another rule, or is removed. */
  readonly leaves: (id: OrganismId) => void;
  /** Called when the rules that an organism may live by have changed: its territory follows them. */
  readonly updateTerritory: (one: Organism) => void;
  /** Called with bodies that are judged no longer. */
  readonly struck: (organisms: readonly OrganismId[]) => void;
  /** Called when a swap has begun or ended. @param outcome - of one that has ended */
  readonly changed: (outcome?: SwapOutcome) => void;
}

/** A swap during whose watch the process has died this often is rolled back. */
const MAX_DEATHS = 2;

interface Place {
  readonly x: number;
  readonly y: number;
}

interface Swap {
  readonly order: SwapOrder;
  readonly slot: RuleSlot;
  /** The rule that comes back into force; undefined: the species is new. */
  readonly fallback: RuleSlot | undefined;
  /** The slot that each organism goes back to: its last rule that passed its watch. */
  readonly provenSlots: ReadonlyMap<OrganismId, RuleSlot>;
  /** The slot that each organism lived by before this swap. */
  readonly priorSlots: ReadonlyMap<OrganismId, RuleSlot>;
  readonly watch: SwapWatch;
  /** Their bodies under the last rule that passed its watch, and where those stood: a watched body may be followed. */
  readonly bodies: Bodies;
  readonly places: ReadonlyMap<OrganismId, Place>;
  /** How often the process has died while it was watched. */
  readonly deaths: number;
}

export class Swaps {
  /** Called when a swap has ended: in force, rolled back, or superseded by another one. */
  onOutcome: (outcome: SwapOutcome) => void = () => {};
  readonly #world: SwapWorld;
  #swaps: Swap[] = [];

  constructor(world: SwapWorld) {
    this.#world = world;
  }

  /** A player has hurt these: their health says nothing more about their rule. */
  strike(organisms: readonly OrganismId[]): void {
    if (this.#swaps.length > 0) this.#world.struck(organisms);
    for (const { watch } of this.#swaps) watch.strike(organisms);
  }

  /** Ids of the swaps that are watched. */
  get ids(): number[] {
    return this.#swaps.map(({ order }) => order.id);
  }

  /** Whether the organism lives by a rule whose watch has not ended. */
  isWatched(one: Organism): boolean {
    return this.#swaps.some((swap) => isCovered(swap, one));
  }

  /** Slots besides its own under which its body has grown, or to which it may go back, until its swaps have ended. */
  heldSlots(one: Organism): RuleSlot[] {
    const held: RuleSlot[] = [];
    for (const swap of this.#swaps) {
      if (!isCovered(swap, one)) continue;
      for (const slot of [swap.provenSlots.get(one.id), swap.priorSlots.get(one.id)])
        if (slot !== undefined) held.push(slot);
    }
    return held;
  }

  /** Between two steps. A refusal leaves everything as it was. */
  async begin(order: SwapOrder, next: LoadedRule): Promise<SwapAnswer> {
    const { engine, organisms, slots, runSeconds } = this.#world;
    const moved = [...organisms].filter((one) => isMoved(order, one));
    const replaced = this.#swaps.filter((swap) => isReplaced(swap.order, order));
    const refusal = this.#refusal(order, moved, replaced);
    if (refusal !== null) return { ok: false, reason: refusal };
    const cells = await this.#census(moved.map(({ id }) => id));
    // A body that dissolves does so under any rule, and is not put back.
    const living = moved.filter(({ absence }) => absence === null);
    const bodies = await this.#bodiesOf(living, replaced);
    let slot: RuleSlot | undefined;
    try {
      slot = slots.take(next, this.#neededSlots());
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return { ok: false, reason: error.message };
    }
    if (slot === undefined) return { ok: false, reason: 'every slot for a rule is in use' };

    // Nothing can fail from here on.
    const { species, scope } = order;
    const fallback = replaced.find((swap) => swap.order.scope !== 'organism') ?? null;
    const before = new Map<OrganismId, Before>();
    const provenSlots = new Map<OrganismId, RuleSlot>();
    const priorSlots = new Map<OrganismId, RuleSlot>();
    const places = new Map<OrganismId, Place>();
    const mark = { atSeconds: runSeconds(), label: next.label };
    for (const one of moved) {
      const isSteady = organisms.isSettled(one, STEADY);
      before.set(one.id, { cells: cells.get(one.id) ?? 0, health: one.health, isSteady });
      provenSlots.set(one.id, provenSlot(one, replaced));
      priorSlots.set(one.id, one.slot);
      if (bodies.has(one.id)) places.set(one.id, provenPlace(one, replaced));
      this.#move(one, slot, mark);
    }
    const inForce = fallback === null ? slots.inForce(species) : fallback.fallback;
    if (scope !== 'organism') slots.putInForce(species, slot);
    const absent = moved.filter(({ absence }) => absence !== null).map(({ id }) => id);
    const watch = new SwapWatch(engine, slots.at(slot).mature, before, absent);
    // Before the old swaps end: else territories would be the new rule's alone and cut what it has not grown yet.
    const kept = { provenSlots, priorSlots, bodies, places };
    this.#swaps.push({ order, slot, fallback: inForce, ...kept, watch, deaths: 0 });
    for (const one of moved) this.#world.updateTerritory(one);
    for (const swap of replaced) this.#end(swap, 'superseded', `by swap ${order.id}`);
    this.#world.changed();
    return { ok: true, step: engine.stepNumber, organisms: moved.length };
  }

  /** Sets bodies aside. A body that an earlier swap set aside is kept as it was before that one. */
  async #bodiesOf(moved: readonly Organism[], replaced: readonly Swap[]): Promise<Bodies> {
    const unproven = (one: Organism): Swap | undefined => replaced.find((swap) => swap.bodies.has(one.id));
    const proven = new Set(moved.filter((one) => unproven(one) === undefined).map(({ id }) => id));
    const bodies = new Bodies(await this.#world.engine.copyBodies(proven));
    for (const swap of replaced)
      bodies.adopt(
        swap.bodies,
        moved.map(({ id }) => id),
      );
    return bodies;
  }

  #refusal(order: SwapOrder, moved: readonly Organism[], replaced: readonly Swap[]): string | null {
    const { scope, species, organism } = order;
    if (scope === 'organism' && moved.length === 0)
      return `organism ${organism} is not alive, or is not of species ${species}`;
    if (scope === 'planted' && this.#world.slots.inForce(species) === undefined)
      return `there is no species ${species} yet: swap all of it`;
    if (scope === 'species' && this.#isOneMore(species))
      return `the world has ${MAX_SPECIES} species, which is the most it may have: remove one first`;
    const isWatched = this.#swaps.some(
      (swap) => swap.order.species === species && swap.order.scope === 'species',
    );
    if (scope !== 'species' && isWatched)
      return `the last swap of ${species} is still being watched: wait until it has settled`;
    if (this.#swaps.length - replaced.length >= MAX_WATCHED)
      return `${MAX_WATCHED} swaps are being watched: wait until they have settled`;
    return null;
  }

  #isOneMore(species: string): boolean {
    const { slots } = this.#world;
    return slots.inForce(species) === undefined && slots.count >= MAX_SPECIES;
  }

  /** The species is the world's no longer: its swaps end, and nothing can be planted of it. */
  forget(species: string): void {
    for (const swap of this.#swaps.filter(({ order }) => order.species === species))
      this.#end(swap, 'superseded', 'the species was removed');
    this.#world.slots.putInForce(species, undefined);
  }

  /** Once per frame, before dead organisms are removed. */
  async watch(): Promise<void> {
    if (this.#swaps.length === 0) return;
    for (const swap of [...this.#swaps]) {
      const covered = [...this.#world.organisms.in(swap.slot)].filter((one) => isCovered(swap, one));
      const cells = await this.#census([...swap.watch.before.keys(), ...covered.map(({ id }) => id)]);
      const living = covered.filter(({ absence }) => absence === null);
      const fault =
        swap.deaths >= MAX_DEATHS
          ? `the server died ${swap.deaths} times while it was watched`
          : await swap.watch.judge(living, cells);
      if (fault !== null) await this.#rollBack(swap, covered, fault);
      else if (swap.watch.age >= WATCH_STEPS) this.#end(swap, 'in force', '');
    }
  }

  async #rollBack(swap: Swap, covered: readonly Organism[], reason: string): Promise<void> {
    const { slots, runSeconds } = this.#world;
    const { order, slot, fallback, provenSlots, places } = swap;
    if (order.scope !== 'organism' && slots.inForce(order.species) === slot)
      slots.putInForce(order.species, fallback);
    for (const one of [...covered].sort(byOrder)) {
      const back = provenSlots.get(one.id) ?? fallback;
      if (back === undefined) {
        this.#remove(one);
        continue;
      }
      this.#move(one, back, { atSeconds: runSeconds(), label: slots.at(back).label });
      const place = places.get(one.id);
      if (place !== undefined) {
        one.x = place.x;
        one.y = place.y;
      }
      // Before its old body is put back: what lies outside would be left out.
      this.#world.updateTerritory(one);
    }
    await this.#putBack(swap, covered);
    this.#end(swap, 'rolled back', reason);
  }

  async #putBack({ bodies }: Swap, covered: readonly Organism[]): Promise<void> {
    const hurt = bodies.of([...covered].sort(byOrder).map(({ id }) => id));
    if (hurt.size > 0) await this.#world.engine.putBodies(hurt);
  }

  /** The bodies of these organisms that watched swaps have set aside, in their order. */
  asideOf(organisms: readonly OrganismId[]): Map<OrganismId, readonly Piece[]> {
    const all = new Bodies();
    for (const { bodies } of this.#swaps) all.adopt(bodies, organisms);
    return all.of(organisms);
  }

  #move(one: Organism, slot: RuleSlot, mark: Organism['marks'][number]): void {
    this.#world.leaves(one.id);
    this.#world.engine.setOrganismRule(one.id, slot);
    one.slot = slot;
    one.marks = [...one.marks.slice(-3), mark];
  }

  #remove({ id }: Organism): void {
    this.#world.leaves(id);
    this.#world.engine.remove(id);
    this.#world.organisms.remove(id, this.#world.runSeconds());
  }

  #end(swap: Swap, verdict: SwapOutcome['verdict'], reason: string): void {
    this.#swaps = this.#swaps.filter((one) => one !== swap);
    for (const one of this.#world.organisms)
      if (one.slot === swap.slot || swap.provenSlots.has(one.id)) this.#world.updateTerritory(one);
    const { id, species, scope, who } = swap.order;
    const { label } = this.#world.slots.at(swap.slot);
    const outcome = { id, species, scope, who, rule: label, verdict, reason };
    this.#world.changed(outcome);
    this.onOutcome(outcome);
  }

  // --- save and restore ---

  /** @param nameOf - the sha256 of the rule in a slot */
  saved(nameOf: (slot: RuleSlot) => string): SavedSwap[] {
    const named = (slots: ReadonlyMap<OrganismId, RuleSlot>): SavedSwap['proven'] =>
      Array.from(slots, ([id, slot]) => [id, nameOf(slot)] as const);
    return this.#swaps.map((swap) => ({
      order: swap.order,
      rule: nameOf(swap.slot),
      fallback: swap.fallback === undefined ? null : nameOf(swap.fallback),
      proven: named(swap.provenSlots),
      prior: named(swap.priorSlots),
      startStep: swap.watch.startStep,
      before: [...swap.watch.before],
      struck: [...swap.watch.struck],
      bodies: swap.bodies.ids,
      places: Array.from(swap.places, ([id, { x, y }]) => [id, x, y] as const),
      deaths: swap.deaths,
    }));
  }

  /** The bodies that each watched swap has set aside, in the order of `saved`. They do not change any more. */
  get aside(): Bodies[] {
    return this.#swaps.map(({ bodies }) => bodies);
  }

  /**
   * Replaces the swaps that are watched. A body that is set aside already stays as it is.
   *
   * @param slotOf - undefined: the rule is gone; a swap without its own rule is dropped
   * @param bodiesOf - bodies that are not set aside yet
   */
  async restore(
    saved: readonly SavedSwap[],
    slotOf: (species: string, sha256: string) => Promise<RuleSlot | undefined>,
    bodiesOf: (swap: SavedSwap, ids: ReadonlySet<OrganismId>) => Promise<Bodies>,
  ): Promise<void> {
    const { engine, slots } = this.#world;
    const before = this.#swaps;
    const swaps: Swap[] = [];
    for (const one of saved) {
      const { species } = one.order;
      const slot = await slotOf(species, one.rule);
      if (slot === undefined) continue;
      const found = async (pairs: SavedSwap['proven']): Promise<Map<OrganismId, RuleSlot>> => {
        const known = new Map<OrganismId, RuleSlot>();
        for (const [id, sha256] of pairs) {
          const own = await slotOf(species, sha256);
          if (own !== undefined) known.set(id, own);
        }
        return known;
      };
      const missing = new Set(one.bodies.filter((id) => !before.some(({ bodies }) => bodies.has(id))));
      const bodies = missing.size === 0 ? new Bodies() : await bodiesOf(one, missing);
      const kept = one.bodies.filter((id) => !missing.has(id));
      for (const { bodies: aside } of before) bodies.adopt(aside, kept);
      swaps.push({
        order: one.order,
        slot,
        fallback: one.fallback === null ? undefined : await slotOf(species, one.fallback),
        provenSlots: await found(one.proven),
        priorSlots: await found(one.prior),
        watch: new SwapWatch(engine, slots.at(slot).mature, new Map(one.before), one.struck, one.startStep),
        bodies,
        places: new Map(one.places?.map(([id, x, y]) => [id, { x, y }])),
        deaths: one.deaths,
      });
    }
    this.#swaps = swaps;
  }

  /** The process has died while these were watched. */
  countDeath(): void {
    this.#swaps = this.#swaps.map((swap) => ({ ...swap, deaths: swap.deaths + 1 }));
    if (this.#swaps.length > 0) this.#world.changed();
  }

  /** Cells by organism. */
  async #census(ids: readonly OrganismId[]): Promise<Map<OrganismId, number>> {
    const census = await this.#world.engine.census(new Set(ids));
    return new Map(census.map(({ organism, cells }) => [organism, cells]));
  }

  /** Slots that organisms live by or may go back to. */
  #neededSlots(): Set<RuleSlot> {
    return new Set([...this.#world.organisms.slots, ...this.slots()]);
  }

  /** Slots that watched swaps need. */
  *slots(): Generator<RuleSlot> {
    for (const { slot, fallback, provenSlots, priorSlots } of this.#swaps) {
      yield slot;
      if (fallback !== undefined) yield fallback;
      yield* priorSlots.values();
      yield* provenSlots.values();
    }
  }
}

/** Whether an order moves this organism now. */
function isMoved({ scope, species, organism }: SwapOrder, one: Organism): boolean {
  return one.species === species && (scope === 'species' || (scope === 'organism' && one.id === organism));
}

/** A swap of a whole species ends every other swap of it. Another swap ends only the last one of the same scope. */
const isReplaced = (old: SwapOrder, next: SwapOrder): boolean =>
  old.species === next.species &&
  (next.scope === 'species' || (old.scope === next.scope && old.organism === next.organism));

/** Whether an organism lives by a swap: it was moved by it, or planted since. */
const isCovered = ({ order, slot, provenSlots, watch }: Swap, one: Organism): boolean =>
  one.slot === slot &&
  one.species === order.species &&
  (provenSlots.has(one.id) || (order.scope !== 'organism' && watch.isSince(one.plantedStep)));

function provenSlot(one: Organism, replaced: readonly Swap[]): RuleSlot {
  const unproven = replaced.find((swap) => isCovered(swap, one));
  return unproven?.provenSlots.get(one.id) ?? unproven?.fallback ?? one.slot;
}

/** Where the body stood that an organism goes back to. */
function provenPlace(one: Organism, replaced: readonly Swap[]): Place {
  const unproven = replaced.find(({ bodies }) => bodies.has(one.id));
  return unproven?.places.get(one.id) ?? { x: one.x, y: one.y };
}
