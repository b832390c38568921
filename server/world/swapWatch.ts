/**
 * Whether a rule can live with the bodies it was given. It has failed when, of the organisms that were
 * moved to it and that no player has hurt since,
 * - too few cells are left (LEFT_SHARE): it dies;
 * - one has far more cells than before, and than its mature form has (RUNAWAY): it runs away;
 * - one holds a number that is none: it explodes;
 * - half of those looked at have not moved for FROZEN_STEPS and are not whole: it freezes (but for those that
 *   stood still before, and are no worse now: a body that its neighbours leave no room is no rule's fault);
 * - at VERDICT_STEPS, they are less than half as healthy as they were and getting no better: it fails.
 *
 * Health is measured against what the new rule grows: a body that turns into another picture is ill at
 * first, and gets better. Time is counted in steps: a paused world judges nobody.
 */
import { type Engine, type OrganismId, stepsBetween } from '../engines/engine.ts';
import { healthRect } from './likeness.ts';
import { type MatureForm, matureCells } from './mature.ts';
import { Measure } from './measure.ts';
import type { Organism } from './organisms.ts';

/** 1.5 s at 30 steps a second. */
export const FROZEN_STEPS = 45;
/** 4 s at 30 steps a second: who fails on the swap has gone back within 5 s. */
export const VERDICT_STEPS = 120;
/** Slow deaths and slow explosions are noticed until then. */
export const WATCH_STEPS = 600;
/** Of the cells that were there, or that a mature body has, whichever is less. */
const LEFT_SHARE = 0.25;
/** Of the cells that were there, or that a mature body has, whichever is more; and some for a small one. */
const RUNAWAY = 1.5;
const RUNAWAY_CELLS = 32;
const WHOLE = 0.9;
/** Health that has moved by less stands still. */
const STEADY = 0.05;
const COLLAPSED = 0.5;
/** Health that rises by less within FROZEN_STEPS does not rise. */
const RISING = 0.02;
/** A pixel that moves by less stands still; a rule at work on a body that is not whole moves it far more. */
const STILL = 1e-4;
/** Bodies looked at in every frame, about 0.02 ms each; cells are counted for all. */
const LOOKED_AT = 8;

/** An organism as it was when its rule was swapped. */
export interface Before {
  readonly cells: number;
  /** 0..1, against what the old rule grows. */
  readonly health: number;
  /** Its health has not moved for a while. */
  readonly isSteady: boolean;
}

interface Look {
  readonly id: OrganismId;
  readonly before: Before;
  /** As `healthRect` says. */
  readonly rgba: Float32Array;
  readonly now: Float32Array;
  /** The step since which it stands still. */
  stillSince: number;
}

export class SwapWatch {
  readonly #engine: Engine;
  readonly #measure: Measure;
  readonly #mature: MatureForm;
  readonly #matureCells: number;
  readonly #before: Map<OrganismId, Before>;
  readonly #startStep: number;
  #looks: Look[];
  /** Mean health of those looked at, FROZEN_STEPS before the verdict; null: not yet, or judged. */
  #healthThen: number | null = null;

  /**
   * @param mature - what the new rule grows
   * @param before - who was moved to it; empty: only those to come are watched
   */
  constructor(engine: Engine, mature: MatureForm, before: ReadonlyMap<OrganismId, Before>) {
    this.#engine = engine;
    this.#measure = new Measure(engine);
    this.#mature = mature;
    this.#matureCells = matureCells(mature);
    this.#before = new Map(before);
    this.#startStep = engine.stepNumber;
    const { width, height } = healthRect(mature, 0, 0);
    this.#looks = spread([...before], LOOKED_AT).map(([id, one]) => ({
      id,
      before: one,
      rgba: new Float32Array(width * height * 4).fill(Number.NaN),
      now: new Float32Array(width * height * 4),
      stillSince: this.#startStep,
    }));
  }

  /** Steps since the swap. */
  get age(): number {
    return this.#since(this.#startStep);
  }

  isSince(step: number): boolean {
    return this.#since(step) <= this.age;
  }

  /** These say nothing any more. */
  strike(organisms: readonly OrganismId[]): void {
    for (const id of organisms) this.#before.delete(id);
    this.#looks = this.#looks.filter(({ id }) => !organisms.includes(id));
  }

  /**
   * @param covered - who lives by the new rule because of this swap
   * @param cells - of every organism
   * @returns what is wrong, for people; null when nothing is
   */
  async judge(covered: readonly Organism[], cells: ReadonlyMap<OrganismId, number>): Promise<string | null> {
    const organisms = new Map(covered.map((one) => [one.id, one]));
    return (
      this.#deathFault(cells) ??
      this.#runawayFault(covered, cells) ??
      (await this.#bodyFault(organisms)) ??
      null
    );
  }

  #deathFault(cells: ReadonlyMap<OrganismId, number>): string | null {
    let left = 0;
    let expected = 0;
    for (const [id, { cells: had }] of this.#before) {
      left += cells.get(id) ?? 0;
      expected += Math.min(had, this.#matureCells);
    }
    return left < expected * LEFT_SHARE ? `it dies: ${left} of ${expected} cells are left` : null;
  }

  #runawayFault(covered: readonly Organism[], cells: ReadonlyMap<OrganismId, number>): string | null {
    for (const { id } of covered) {
      const has = cells.get(id) ?? 0;
      const most = Math.max(this.#before.get(id)?.cells ?? 0, this.#matureCells) * RUNAWAY + RUNAWAY_CELLS;
      if (has > most)
        return `it runs away: organism ${id} has ${has} cells, its mature form ${this.#matureCells}`;
    }
    return null;
  }

  async #bodyFault(organisms: ReadonlyMap<OrganismId, Organism>): Promise<string | null> {
    this.#looks = this.#looks.filter(({ id }) => organisms.has(id));
    const count = this.#looks.length;
    if (count === 0) return null;
    const step = this.#engine.stepNumber;
    let health = 0;
    let frozen = 0;
    for (const look of this.#looks) {
      const { health: own } = await this.#measure.health(organisms.get(look.id)!, this.#mature, look.now);
      if (!look.now.every(Number.isFinite))
        return `it explodes: organism ${look.id} holds a number that is none`;
      health += own / count;
      if (!standsStill(look.rgba, look.now)) {
        look.rgba.set(look.now);
        look.stillSince = step;
      } else if (this.#since(look.stillSince) >= FROZEN_STEPS && isWorse(own, look.before)) frozen++;
    }
    if (frozen > 0 && frozen >= count / 2)
      return `it freezes: ${frozen} of ${count} bodies have not moved for ${FROZEN_STEPS} steps and are not whole`;
    return this.#collapseFault(health);
  }

  #collapseFault(health: number): string | null {
    if (this.age <= VERDICT_STEPS - FROZEN_STEPS) this.#healthThen = health;
    if (this.age < VERDICT_STEPS || this.#healthThen === null) return null;
    const then = this.#healthThen;
    this.#healthThen = null;
    const before = this.#looks.reduce((sum, look) => sum + look.before.health, 0) / this.#looks.length;
    if (health >= before * COLLAPSED || health > then + RISING) return null;
    return `health collapses: ${percent(before)} before, ${percent(health)} now, and it does not rise`;
  }

  #since(step: number): number {
    return stepsBetween(step, this.#engine.stepNumber);
  }
}

const isWorse = (health: number, before: Before): boolean =>
  health < WHOLE && !(before.isSteady && health >= before.health - STEADY);

/** NaN, as before the first look, is no standing still. */
function standsStill(before: Float32Array, now: Float32Array): boolean {
  for (let i = 0; i < now.length; i++) if (!(Math.abs(now[i] - before[i]) <= STILL)) return false;
  return true;
}

/** At most `most` of them, evenly. */
const spread = <T>(all: readonly T[], most: number): T[] =>
  all.length <= most
    ? [...all]
    : Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]);

const percent = (share: number): string => `${Math.round(share * 100)} %`;
