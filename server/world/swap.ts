/**
 * Hot swap: organisms go over to another rule between two steps, their cells as they are; then they are
 * watched, and go back by themselves if the new rule cannot live with the bodies it was given: to the old
 * rule, and to the bodies they had, for what a bad rule has done to a body no good one can heal.
 */
import { type Engine, EngineError, type OrganismId, type RuleSlot } from '../engines/engine.ts';
import { Bodies } from './bodies.ts';
import type { SwapAnswer, SwapOrder, SwapOutcome } from './messages.ts';
import type { Organism, Organisms } from './organisms.ts';
import type { LoadedRule, RuleSlots } from './ruleSlots.ts';
import { type Before, SwapWatch, WATCH_STEPS } from './swapWatch.ts';

/** Swaps under watch at once; each costs its looks in every frame. */
const MAX_WATCHED = 16;
/** 2 s of health. */
const STEADY_SAMPLES = 8;

export interface SwapGround {
  readonly engine: Engine;
  readonly organisms: Organisms;
  readonly slots: RuleSlots;
  /** Of the world's running time. */
  readonly runSeconds: () => number;
  /** Told of whoever goes over to another rule, or is removed, before it does. */
  readonly leaves: (id: OrganismId) => void;
  /** Told when the rules have changed by which an organism may live: its territory follows. */
  readonly settle: (one: Organism) => void;
}

interface Swap {
  readonly order: SwapOrder;
  readonly slot: RuleSlot;
  /** What goes back into force; undefined: the species is new. */
  readonly fallback: RuleSlot | undefined;
  /** Where each organism goes back to: the last rule that has proved itself. */
  readonly provenSlots: ReadonlyMap<OrganismId, RuleSlot>;
  /** By what each organism lived until this swap. */
  readonly priorSlots: ReadonlyMap<OrganismId, RuleSlot>;
  readonly watch: SwapWatch;
  /** As they were under the last rule that has proved itself. */
  readonly bodies: Bodies;
}

export class Swaps {
  /** What became of a swap; also whenever one ends because another took its place. */
  onOutcome: (outcome: SwapOutcome) => void = () => {};
  readonly #ground: SwapGround;
  #swaps: Swap[] = [];

  constructor(ground: SwapGround) {
    this.#ground = ground;
  }

  /** A player has hurt them: what becomes of them says nothing about their rule. */
  strike(organisms: readonly OrganismId[]): void {
    for (const { watch } of this.#swaps) watch.strike(organisms);
  }

  /** Whether an organism lives by a rule that has not proved itself yet. */
  isWatched(one: Organism): boolean {
    return this.#swaps.some((swap) => isCovered(swap, one));
  }

  /** The rules by which its body has grown, or may go back to, besides its own: until its swap has been judged. */
  heldSlots(one: Organism): RuleSlot[] {
    const held: RuleSlot[] = [];
    for (const swap of this.#swaps) {
      if (!isCovered(swap, one)) continue;
      for (const slot of [swap.provenSlots.get(one.id), swap.priorSlots.get(one.id)])
        if (slot !== undefined) held.push(slot);
    }
    return held;
  }

  /** Between two steps. Whatever is refused leaves everything as it was. */
  async begin(order: SwapOrder, next: LoadedRule): Promise<SwapAnswer> {
    const { engine, organisms, slots, runSeconds } = this.#ground;
    const moved = [...organisms].filter((one) => isMoved(order, one));
    const replaced = this.#swaps.filter((swap) => isReplaced(swap.order, order));
    const refusal = this.#refusal(order, moved, replaced);
    if (refusal !== null) return { ok: false, reason: refusal };
    const cells = await this.#census();
    // What wilts dissolves under any rule, and its body is none to come back.
    const living = moved.filter(({ isWilting }) => !isWilting);
    const bodies = await this.#bodiesOf(living, replaced);
    let slot: RuleSlot | undefined;
    try {
      slot = slots.take(next, this.#neededSlots());
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return { ok: false, reason: error.message };
    }
    if (slot === undefined) return { ok: false, reason: 'every slot for a rule is in use' };

    // From here on nothing can fail.
    const { species, scope } = order;
    const fallback = replaced.find((swap) => swap.order.scope !== 'organism') ?? null;
    const before = new Map<OrganismId, Before>();
    const provenSlots = new Map<OrganismId, RuleSlot>();
    const priorSlots = new Map<OrganismId, RuleSlot>();
    const mark = { atSeconds: runSeconds(), label: next.label };
    for (const one of moved) {
      const isSteady = one.history.isSteady(STEADY_SAMPLES);
      if (!one.isWilting) before.set(one.id, { cells: cells.get(one.id) ?? 0, health: one.health, isSteady });
      provenSlots.set(one.id, provenSlot(one, replaced));
      priorSlots.set(one.id, one.slot);
      this.#move(one, slot, mark);
    }
    const inForce = fallback === null ? slots.inForce(species) : fallback.fallback;
    if (scope !== 'organism') slots.putInForce(species, slot);
    const watch = new SwapWatch(engine, slots.at(slot).mature, before);
    // Before the old ones end: else the territories would be the new rule's, and cut what it has not grown.
    this.#swaps.push({ order, slot, fallback: inForce, provenSlots, priorSlots, watch, bodies });
    for (const one of moved) this.#ground.settle(one);
    for (const swap of replaced) this.#end(swap, 'superseded', `by swap ${order.id}`);
    return { ok: true, step: engine.stepNumber, organisms: moved.length };
  }

  /** Set aside; of those whom a swap before this one has moved, as they were before that one. */
  async #bodiesOf(moved: readonly Organism[], replaced: readonly Swap[]): Promise<Bodies> {
    const unproven = (one: Organism): Swap | undefined => replaced.find((swap) => swap.bodies.has(one.id));
    const proven = new Set(moved.filter((one) => unproven(one) === undefined).map(({ id }) => id));
    // The copy of a whole world is what a save costs: only when something is needed of it.
    const pages = proven.size === 0 ? [] : (await this.#ground.engine.save()).pages;
    const bodies = new Bodies(pages, proven);
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
      return `organism ${organism} is not alive, or is no ${species}`;
    if (scope === 'planted' && this.#ground.slots.inForce(species) === undefined)
      return `there is no species ${species} yet: swap all of it`;
    const isWatched = this.#swaps.some(
      (swap) => swap.order.species === species && swap.order.scope === 'species',
    );
    if (scope !== 'species' && isWatched)
      return `the last swap of ${species} is still being watched: wait until it has settled`;
    if (this.#swaps.length - replaced.length >= MAX_WATCHED)
      return `${MAX_WATCHED} swaps are being watched: wait until they have settled`;
    return null;
  }

  /** Once a frame, before the dead are buried. */
  async watch(): Promise<void> {
    if (this.#swaps.length === 0) return;
    const cells = await this.#census();
    for (const swap of [...this.#swaps]) {
      const covered = [...this.#ground.organisms].filter((one) => isCovered(swap, one));
      const living = covered.filter(({ isWilting }) => !isWilting);
      const fault = await swap.watch.judge(living, cells);
      if (fault !== null) await this.#rollBack(swap, covered, fault);
      else if (swap.watch.age >= WATCH_STEPS) this.#end(swap, 'in force', '');
    }
  }

  async #rollBack(swap: Swap, covered: readonly Organism[], reason: string): Promise<void> {
    const { slots, runSeconds } = this.#ground;
    const { order, slot, fallback, provenSlots } = swap;
    if (order.scope !== 'organism' && slots.inForce(order.species) === slot)
      slots.putInForce(order.species, fallback);
    for (const one of covered) {
      const back = provenSlots.get(one.id) ?? fallback;
      if (back === undefined) this.#remove(one);
      else this.#move(one, back, { atSeconds: runSeconds(), label: slots.at(back).label });
    }
    await this.#putBack(swap, covered);
    this.#end(swap, 'rolled back', reason);
  }

  async #putBack({ bodies }: Swap, covered: readonly Organism[]): Promise<void> {
    const { engine } = this.#ground;
    const hurt = new Set(covered.map(({ id }) => id).filter((id) => bodies.has(id)));
    if (hurt.size === 0) return;
    try {
      await engine.restore(bodies.putBack(await engine.save(), hurt));
    } catch (error) {
      // No room for them any more: they keep what they have, by the old rule.
      if (!(error instanceof EngineError)) throw error;
    }
  }

  #move(one: Organism, slot: RuleSlot, mark: Organism['marks'][number]): void {
    this.#ground.leaves(one.id);
    this.#ground.engine.setOrganismRule(one.id, slot);
    one.slot = slot;
    one.marks = [...one.marks.slice(-3), mark];
  }

  #remove({ id }: Organism): void {
    this.#ground.leaves(id);
    this.#ground.engine.remove(id);
    this.#ground.organisms.remove(id, this.#ground.runSeconds());
  }

  #end(swap: Swap, verdict: SwapOutcome['verdict'], reason: string): void {
    this.#swaps = this.#swaps.filter((one) => one !== swap);
    for (const one of this.#ground.organisms)
      if (one.slot === swap.slot || swap.provenSlots.has(one.id)) this.#ground.settle(one);
    const { id, species, scope, who } = swap.order;
    const { label } = this.#ground.slots.at(swap.slot);
    this.onOutcome({ id, species, scope, who, rule: label, verdict, reason });
  }

  async #census(): Promise<Map<OrganismId, number>> {
    return new Map((await this.#ground.engine.census()).map(({ organism, cells }) => [organism, cells]));
  }

  /** Slots that are lived by, or may be gone back to. */
  #neededSlots(): Set<RuleSlot> {
    const needed = new Set<RuleSlot>();
    for (const { slot } of this.#ground.organisms) needed.add(slot);
    for (const { slot, fallback, provenSlots, priorSlots } of this.#swaps) {
      needed.add(slot);
      for (const prior of priorSlots.values()) needed.add(prior);
      if (fallback !== undefined) needed.add(fallback);
      for (const proven of provenSlots.values()) needed.add(proven);
    }
    return needed;
  }
}

/** Whom an order moves now. */
function isMoved({ scope, species, organism }: SwapOrder, one: Organism): boolean {
  return one.species === species && (scope === 'species' || (scope === 'organism' && one.id === organism));
}

/** A swap of the whole species ends every other of that species; else one ends the one before of its kind. */
const isReplaced = (old: SwapOrder, next: SwapOrder): boolean =>
  old.species === next.species &&
  (next.scope === 'species' || (old.scope === next.scope && old.organism === next.organism));

/** Who lives by a swap: those it moved, and those planted since. */
const isCovered = ({ order, slot, provenSlots, watch }: Swap, one: Organism): boolean =>
  one.slot === slot &&
  one.species === order.species &&
  (provenSlots.has(one.id) || (order.scope !== 'organism' && watch.isSince(one.plantedStep)));

function provenSlot(one: Organism, replaced: readonly Swap[]): RuleSlot {
  const unproven = replaced.find((swap) => isCovered(swap, one));
  return unproven?.provenSlots.get(one.id) ?? unproven?.fallback ?? one.slot;
}
