/**
 * Brings a restored world to where its journal ends: takes the steps again, and does again what was done between them.
 * Nothing is decided anew: what the world noticed by its clock (deaths, bodies that moved, beds that were due, rules
 * that failed) is in the journal as what it did about it.
 */
import { stepsBetween } from '../../shared/numbers.ts';
import {
  type Engine,
  EngineError,
  type OrganismId,
  type PageState,
  type RuleSlot,
} from '../engines/engine.ts';
import type { Act, Entry, RuleName } from './acts.ts';
import { Bodies } from './bodies.ts';
import type { Losses } from './losses.ts';
import type { SwapOutcome } from './messages.ts';
import type { Organisms } from './organisms.ts';
import type { Recall } from './recall.ts';
import type { RuleSlots } from './ruleSlots.ts';
import type { Swaps } from './swap.ts';
import type { FallowBed, SavedWorld } from './worldSave.ts';

/** Steps taken at a time: the thread answers between them. */
const STEPS_AT_ONCE = 64;

export interface ReplayedWorld {
  readonly engine: Engine;
  readonly organisms: Organisms;
  readonly slots: RuleSlots;
  readonly swaps: Swaps;
  readonly losses: Losses;
  readonly recall: Recall;
  /** Organisms that the save held and this world does not: what was done to them is passed over. */
  readonly leftOut: Set<OrganismId>;
}

export interface JournalEntry {
  readonly entry: Entry;
  readonly pages: readonly PageState[];
}

/** The journal does not fit the world: another world's, or one of the two was changed. Nothing is guessed. */
export class ReplayError extends Error {
  override name = 'ReplayError';
}

export class Replay {
  entries = 0;
  steps = 0;
  /** World time of the last entry; null: there was none. */
  runSeconds: number | null = null;
  /** As set by an admin; undefined: not in the journal. */
  stepsPerSecond: number | null | undefined;
  /** Beds of an earlier version that wait. */
  beds: readonly FallowBed[];
  readonly outcomes: SwapOutcome[] = [];
  readonly #world: ReplayedWorld;

  /** @param beds - of the save */
  constructor(world: ReplayedWorld, beds: readonly FallowBed[]) {
    this.#world = world;
    this.beds = beds;
  }

  /** The swaps that a save holds. */
  restoreSwaps({ swaps = [], aside = [] }: Pick<SavedWorld, 'swaps' | 'aside'>): Promise<void> {
    return this.#world.swaps.restore(
      swaps,
      (species, sha256) => this.#find({ species, sha256 }),
      async (swap, ids) => Bodies.in(aside[swaps.indexOf(swap)] ?? [], ids),
    );
  }

  /** @throws ReplayError */
  async take({ entry, pages }: JournalEntry): Promise<void> {
    const left = [...pages];
    for (const [step, act] of entry.acts) {
      await this.#stepTo(step);
      try {
        await this.#do(act, left);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        throw new ReplayError(`at step ${step}, ${act.act} is refused: ${error.message}`, { cause: error });
      }
    }
    await this.#stepTo(entry.step);
    this.#world.organisms.nextId = entry.nextId;
    this.runSeconds = entry.runSeconds;
    this.entries++;
  }

  async #stepTo(step: number): Promise<void> {
    const { engine } = this.#world;
    let steps = stepsBetween(engine.stepNumber, step);
    if (steps > 2 ** 31)
      throw new ReplayError(`the world is at step ${engine.stepNumber}, the entry at step ${step}`);
    this.steps += steps;
    for (; steps > 0; steps -= STEPS_AT_ONCE) await engine.step(Math.min(steps, STEPS_AT_ONCE));
  }

  async #do(act: Act, pages: PageState[]): Promise<void> {
    const { engine, organisms, swaps, losses } = this.#world;
    if (this.#isLeftOut(act)) return;
    switch (act.act) {
      case 'perturb':
        return engine.perturb(act.perturbation);
      case 'plant':
        return engine.plant(act.organism, await this.#slotOf(act.rule), act.x, act.y, act.territory);
      case 'territory':
        return engine.setTerritory(act.organism, act.territory);
      case 'rule':
        return engine.setOrganismRule(act.organism, await this.#slotOf(act.rule));
      case 'remove':
        return engine.remove(act.organism);
      case 'sleep':
        return engine.sleep(act.organism);
      case 'wake':
        return engine.wake(act.organism);
      case 'bodies':
        return this.#putBodies(act.organisms);
      case 'cells':
        return this.#replaceCells(pages.splice(0, act.pages));
      case 'organism': {
        const { species, rule = '' } = act.record;
        organisms.put(act.record, await this.#slotOf({ species, sha256: rule }));
        return;
      }
      case 'gone':
        return organisms.forget(act.organism);
      case 'lost':
        return losses.put(act.loss);
      case 'found':
        return losses.drop(act.loss);
      case 'fallow':
        this.beds = act.beds;
        return;
      case 'swaps':
        return swaps.restore(
          act.swaps,
          (species, sha256) => this.#find({ species, sha256 }),
          async (_swap, ids) => new Bodies(await engine.copyBodies(ids)),
        );
      case 'struck':
        return swaps.strike(act.organisms);
      case 'outcome':
        this.outcomes.push(act.outcome);
        return;
      case 'speed':
        this.stepsPerSecond = act.stepsPerSecond;
        return;
      default:
        return act satisfies never;
    }
  }

  #isLeftOut(act: Act): boolean {
    const { leftOut } = this.#world;
    if (leftOut.size === 0) return false;
    if (act.act === 'organism') return leftOut.has(act.record.id);
    if (act.act === 'perturb')
      return act.perturbation.kind === 'truncate' && leftOut.has(act.perturbation.organism);
    if (!('organism' in act)) return false;
    const isPassed = leftOut.has(act.organism) && act.act !== 'plant';
    // The id is free from now on, and may be another organism's.
    if (act.act === 'gone' || act.act === 'plant') leftOut.delete(act.organism);
    return isPassed;
  }

  async #putBodies(organisms: readonly OrganismId[]): Promise<void> {
    const { engine, swaps, leftOut } = this.#world;
    const ids = organisms.filter((id) => !leftOut.has(id));
    const bodies = swaps.asideOf(ids);
    const missing = ids.find((id) => !bodies.has(id));
    if (missing !== undefined) throw new ReplayError(`no swap has set the body of organism ${missing} aside`);
    await engine.putBodies(bodies);
  }

  async #replaceCells(changed: readonly PageState[]): Promise<void> {
    const { engine } = this.#world;
    const state = await engine.save();
    const pages = new Map(state.pages.map((page) => [page.page, page]));
    for (const page of changed) {
      if (page.owners.some((owner) => owner !== 0)) pages.set(page.page, page);
      else pages.delete(page.page);
    }
    await engine.restore({ ...state, pages: [...pages.values()] });
  }

  /** @throws ReplayError when the rule is gone */
  async #slotOf(rule: RuleName): Promise<RuleSlot> {
    const slot = await this.#find(rule);
    if (slot === undefined)
      throw new ReplayError(
        `the rule ${rule.sha256.slice(0, 12)}… of ${rule.species} is not in the registry`,
      );
    return slot;
  }

  async #find({ species, sha256 }: RuleName): Promise<RuleSlot | undefined> {
    const { slots, organisms, swaps, recall } = this.#world;
    const there = slots.find(species, sha256);
    if (there !== undefined) return there;
    const loaded = await recall(species, sha256);
    if (loaded === null) return undefined;
    const needed = new Set(organisms.slots);
    for (const slot of swaps.slots()) needed.add(slot);
    return slots.take(loaded, needed);
  }
}
