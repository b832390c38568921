/**
 * Finds bodies that are sick for good, four times per second (`symptoms.ts`). All that it changes is that bodies which have
 * not been whole for a while shed what has come loose.
 */

import { stepsBetween } from '../../shared/numbers.ts';
import type { Engine, OrganismId } from '../engines/engine.ts';
import { healthRect } from './likeness.ts';
import { MATURE_STEPS, matureCells, TERRITORY_MARGIN } from './mature.ts';
import { type Organism, WHOLE } from './organism.ts';
import { byOrder, type Organisms } from './organisms.ts';
import type { RuleSlots } from './ruleSlots.ts';
import type { RunningTime } from './runningTime.ts';
import { shed } from './shedding.ts';
import { Symptoms, type WiltCause } from './symptoms.ts';
import { isTwoBodied } from './twoBodies.ts';

/** Bodies examined per sample: 1 ms each, up to 8 ms for twins. None of them has been whole for 10 s. */
const MAX_LOOKED_AT = 2;
/** A body with more cells than 1.05 times its form's is not whole. */
const MAX_WHOLE_SIZE = 1.05;

export interface WatchedWorld {
  readonly engine: Engine;
  readonly organisms: Organisms;
  readonly slots: RuleSlots;
  /** Whether the swap of its rule is being watched: then its sickness must be seen, so that the rule is rolled back. */
  readonly isWatched: (one: Organism) => boolean;
}

export interface SickBody {
  readonly organism: Organism;
  readonly cause: WiltCause;
}

export class WiltWatch {
  readonly #world: WatchedWorld;
  readonly #symptoms: Symptoms;
  /** The organism that was examined last for twins. */
  #lastLookedAt = 0;

  constructor(world: WatchedWorld, time: RunningTime) {
    this.#world = world;
    this.#symptoms = new Symptoms(time);
  }

  /** A stroke has touched it. */
  struck(id: OrganismId): void {
    this.#symptoms.struck(id);
  }

  /** Drops what was seen of it. */
  forget(id: OrganismId): void {
    this.#symptoms.forget(id);
  }

  forgetAll(): void {
    this.#symptoms.forgetAll();
  }

  /**
   * Once per sample of a world that runs, after a count. Bodies that dissolve already are left out, and those that sleep, unless something
   * about them is new, or was wrong before.
   */
  async look(): Promise<SickBody[]> {
    const looked = await this.#lookForTwo();
    const sick: SickBody[] = [];
    for (const organism of this.#toJudge()) {
      const { id, cells, health, isOutOfRange } = organism;
      if (organism.absence !== null || !this.#mayBeSick(organism)) {
        this.#symptoms.forget(id);
        continue;
      }
      const size = matureCells(this.#world.slots.at(organism.slot).mature);
      const isWhole = health >= WHOLE && cells <= MAX_WHOLE_SIZE * size;
      const figures = { id, cells, matureCells: size, health, isOutOfRange, isWhole };
      const cause = this.#symptoms.judge(figures, looked.get(id));
      if (cause !== null) sick.push({ organism, cause });
    }
    return sick;
  }

  #toJudge(): Organism[] {
    const { engine, organisms } = this.#world;
    const found = new Set<Organism>();
    for (const ids of [engine.awakeIds(), this.#symptoms.open()]) {
      for (const id of ids) {
        const organism = organisms.get(id);
        if (organism !== undefined) found.add(organism);
        else this.#symptoms.forget(id);
      }
    }
    for (const organism of organisms.takeStirred()) found.add(organism);
    return [...found].sort(byOrder);
  }

  /** False for a body that still grows, and for one whose swap is watched. */
  #mayBeSick(organism: Organism): boolean {
    const age = stepsBetween(organism.plantedStep, this.#world.engine.stepNumber);
    return age >= MATURE_STEPS && !this.#world.isWatched(organism);
  }

  /** Examines a few bodies, in turn; they shed. @returns id → whether it is two bodies */
  async #lookForTwo(): Promise<Map<OrganismId, boolean>> {
    const candidates: Organism[] = [];
    for (const id of this.#symptoms.open()) {
      const organism = this.#world.organisms.get(id);
      if (organism !== undefined && this.#symptoms.mayBeTwo(id)) candidates.push(organism);
    }
    candidates.sort((a, b) => a.id - b.id);
    const next = candidates.findIndex(({ id }) => id > this.#lastLookedAt);
    const inTurn = [...candidates.slice(Math.max(0, next)), ...candidates.slice(0, Math.max(0, next))];
    const looked = new Map<OrganismId, boolean>();
    for (const organism of inTurn.slice(0, MAX_LOOKED_AT)) {
      const { engine, slots } = this.#world;
      await shed(engine, organism, slots.at(organism.slot).mature);
      looked.set(organism.id, await this.#isTwo(organism));
      this.#lastLookedAt = organism.id;
    }
    return looked;
  }

  async #isTwo({ id, x, y, slot }: Organism): Promise<boolean> {
    const { engine, slots } = this.#world;
    const { mature } = slots.at(slot);
    const rect = healthRect(mature, x, y, TERRITORY_MARGIN);
    const own = new Float32Array(rect.width * rect.height * 4);
    await engine.readOrganism(id, rect, own);
    return isTwoBodied(own, mature);
  }
}
