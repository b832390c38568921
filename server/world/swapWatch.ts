/**
 * Whether a rule can live with the bodies it was given. Only organisms count that were moved to it and that no player
 * has hurt since; but any that lives by it may run away. The rule has failed when:
 * - it dies: fewer than a quarter of their cells are left;
 * - it runs away: one has over 1.5 times the cells of its old body or mature form, whichever is more. A large body that
 *   goes over to a smaller form stays large for a while, hurt or not;
 * - it explodes: one holds NaN or an infinite value;
 * - it freezes: half of the bodies looked at have not moved for 45 steps and are not whole. Those that stood still
 *   before and are no worse now do not count: neighbours may leave them no room;
 * - it collapses: at 120 steps, their mean health is less than half of what it was and does not rise.
 *
 * Health is measured against the new rule's mature form: a body that turns into another picture starts ill and gets
 * better. Time is counted in steps: a paused world judges no rule.
 */

import { stepsBetween } from '../../shared/numbers.ts';
import type { Engine, OrganismId } from '../engines/engine.ts';
import { healthRect } from './likeness.ts';
import { type MatureForm, matureCells } from './mature.ts';
import { Measure } from './measure.ts';
import type { Organism } from './organism.ts';

/** 1.5 s at 30 steps per second. */
const FROZEN_STEPS = 45;
/** 4 s at 30 steps per second: a rule that fails at once is rolled back within 5 s. */
export const VERDICT_STEPS = 120;
/** The watch ends here; until then, slow deaths and slow explosions are noticed. */
export const WATCH_STEPS = 600;
/** Least share that must be left of the cells of the old body or of the mature form, whichever is less. */
const LEFT_SHARE = 0.25;
/** Most times the cells of the old body or of the mature form, whichever is more; and some cells for small bodies. */
const RUNAWAY = 1.5;
const RUNAWAY_CELLS = 32;
const WHOLE = 0.9;
/** Health that moves by less than this stands still. */
const STEADY = 0.05;
const COLLAPSED = 0.5;
/** Health that rises by less than this within 45 steps does not rise. */
const RISING = 0.02;
/** A pixel that moves by less than this stands still. A working rule moves a body that is not whole far more. */
const STILL = 1e-4;
/** Bodies looked at in each frame, about 0.02 ms each. Cells are counted for all bodies. */
const LOOKED_AT = 8;

/** An organism as it was when its rule was swapped. */
export interface Before {
  readonly cells: number;
  /** 0..1, against the old rule's mature form. */
  readonly health: number;
  /** Its health had not moved for a while (`Organisms.isSettled`). */
  readonly isSteady: boolean;
}

interface Look {
  readonly id: OrganismId;
  readonly before: Before;
  /** In `healthRect`. */
  readonly rgba: Float32Array;
  readonly now: Float32Array;
  /** Step since which it stands still. */
  stillSince: number;
}

export class SwapWatch {
  readonly #engine: Engine;
  readonly #measure: Measure;
  readonly #mature: MatureForm;
  readonly #matureCells: number;
  /** All that were moved. */
  readonly #before: ReadonlyMap<OrganismId, Before>;
  /** Those of them that are not judged any more. */
  readonly #struck: Set<OrganismId>;
  readonly #startStep: number;
  #looks: Look[];
  /** Mean health of the bodies looked at, 45 steps before the verdict; null: not taken yet, or judged. */
  #healthThen: number | null = null;

  /**
   * @param mature - the new rule's mature form
   * @param before - organisms that were moved to it; empty: only organisms planted later are watched
   * @param struck - those of them that are not judged
   * @param startStep - uint32; of a watch that goes on after a restart
   */
  constructor(
    engine: Engine,
    mature: MatureForm,
    before: ReadonlyMap<OrganismId, Before>,
    struck: Iterable<OrganismId> = [],
    startStep = engine.stepNumber,
  ) {
    this.#engine = engine;
    this.#measure = new Measure(engine);
    this.#mature = mature;
    this.#matureCells = matureCells(mature);
    this.#before = before;
    this.#struck = new Set(struck);
    this.#startStep = startStep;
    const { width, height } = healthRect(mature, 0, 0);
    this.#looks = spread([...this.#judged()], LOOKED_AT).map(([id, one]) => ({
      id,
      before: one,
      rgba: new Float32Array(width * height * 4).fill(Number.NaN),
      now: new Float32Array(width * height * 4),
      stillSince: engine.stepNumber,
    }));
  }

  get startStep(): number {
    return this.#startStep;
  }

  /** All organisms that were moved, as they were before the swap. */
  get before(): ReadonlyMap<OrganismId, Before> {
    return this.#before;
  }

  /** Organisms that are not judged any more. */
  get struck(): ReadonlySet<OrganismId> {
    return this.#struck;
  }

  /** Steps since the swap. */
  get age(): number {
    return this.#since(this.#startStep);
  }

  isSince(step: number): boolean {
    return this.#since(step) <= this.age;
  }

  /** A player has hurt these: they are not judged any more. */
  strike(organisms: readonly OrganismId[]): void {
    for (const id of organisms) if (this.#before.has(id)) this.#struck.add(id);
    this.#looks = this.#looks.filter(({ id }) => !organisms.includes(id));
  }

  /**
   * @param covered - organisms that live by the new rule because of this swap
   * @param cells - cells of every organism
   * @returns what is wrong, for people; null: nothing
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

  *#judged(): Generator<[OrganismId, Before]> {
    for (const one of this.#before) if (!this.#struck.has(one[0])) yield one;
  }

  #deathFault(cells: ReadonlyMap<OrganismId, number>): string | null {
    let left = 0;
    let expected = 0;
    for (const [id, { cells: had }] of this.#judged()) {
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
        return `it explodes: organism ${look.id} holds NaN or infinite values`;
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

/** False for NaN, which stands there before the first look. */
function standsStill(before: Float32Array, now: Float32Array): boolean {
  for (let i = 0; i < now.length; i++) if (!(Math.abs(now[i] - before[i]) <= STILL)) return false;
  return true;
}

/** At most `most` of them, evenly spread. */
const spread = <T>(all: readonly T[], most: number): T[] =>
  all.length <= most
    ? [...all]
    : Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]);

const percent = (share: number): string => `${Math.round(share * 100)} %`;
