/**
 * How well a rule heals recorded wounds: bodies are grown, hurt blow by blow at the recorded steps, and measured while
 * they heal. Which cells fire depends only on random seed and step, so two rules are compared in pairs.
 */

import { HEALING } from '../../shared/adminApi.ts';
import { straightRgba8 } from '../../shared/straight.ts';
import { meanOf, medianOf, recoveryOf } from '../evaluation/statistics.ts';
import { CHANNELS, type Rule } from '../rules/rule.ts';
import { strike } from '../training/recorded.ts';
import { Rollouts } from '../training/rollouts.ts';
import { forEachCell, plantSeed } from '../training/states.ts';
import type { Target } from '../training/target.ts';
import { MATURE_STEPS } from '../world/mature.ts';
import type { Blows } from './wounds.ts';

/** Steps told for a body that is not whole by then, because a figure must be a number. */
export const MAX_HEALING_STEPS = 400;
/** A body is whole again at this share of its likeness before the wound, as in sessions. */
const WHOLE_AGAIN = 0.95;
/** Most steps that a body lives between two blows; a longer wait is cut to this, because bodies change little later. */
const MAX_STEPS_BETWEEN = 600;

/** Arrays are by random seed, each value the mean over all wounds. */
export interface Healing {
  /** Mean square error of the grown body's RGBA, … */
  readonly grown: readonly number[];
  /** … right after the last blow, … */
  readonly hurt: readonly number[];
  /** … and 200 steps later. */
  readonly healed: readonly number[];
  /** (hurt − healed) / (hurt − grown): 1 is whole again. */
  readonly recovery: readonly number[];
  /** Steps from the last blow until whole again, at most 400. */
  readonly steps: readonly number[];
  /** Median over wounds and seeds. */
  readonly medianRecovery: number;
  readonly medianSteps: number;
  /** Error 200 steps after the last blow, by wound: shows which are hard. */
  readonly byWound: readonly number[];
  /** Mean error by step after the last blow: 0, 10 … 200. */
  readonly curve: readonly number[];
}

export interface HealOptions {
  readonly randomSeeds: number;
  /** 0 works on the calling thread. */
  readonly threads: number;
}

/** Bodies of one rule that are grown once and hurt many times. */
export class Patient {
  readonly #rollouts: Rollouts;
  readonly #target: Target;
  readonly #seeds: readonly number[];
  #grown: readonly Float32Array[] = [];

  constructor(target: Target, hidden: number, fireRate: number, { randomSeeds, threads }: HealOptions) {
    this.#target = target;
    this.#seeds = Array.from({ length: randomSeeds }, (_, slot) => slot + 1);
    this.#rollouts = new Rollouts({
      shape: target.shape,
      hidden,
      fireRate,
      overflowWeight: 0,
      slots: randomSeeds,
      threads: Math.min(threads, randomSeeds),
      maxSteps: 0,
    });
    this.#rollouts.target.set(target.rgba);
  }

  /** Grows the bodies by this rule. @returns their errors, by random seed */
  async grow(weights: Pick<Rule, 'w1' | 'b1' | 'w2' | 'b2'>): Promise<readonly number[]> {
    this.#rollouts.setWeights(weights);
    for (const slot of this.#seeds.keys()) plantSeed(this.#rollouts.state(slot), this.#target.shape);
    const losses = await this.#advance(0, MATURE_STEPS);
    this.#grown = this.#seeds.map((_, slot) => this.#rollouts.state(slot).slice());
    return losses;
  }

  /** Deals a wound to the grown bodies. @returns the step of the last blow */
  async wound(blows: Blows): Promise<number> {
    const { shape } = this.#target;
    for (const [slot, state] of this.#grown.entries()) this.#rollouts.state(slot).set(state);
    let step = MATURE_STEPS;
    for (const [i, blow] of blows.entries()) {
      const since = i === 0 ? 0 : Math.min(MAX_STEPS_BETWEEN, blow.afterSteps - blows[i - 1].afterSteps);
      await this.#advance(step, step + since);
      step += since;
      for (const [slot, randomSeed] of this.#seeds.entries())
        strike(this.#rollouts.state(slot), shape, blow, { randomSeed, salt: i, step });
    }
    return step;
  }

  /** @returns errors, by random seed */
  #advance(from: number, to: number): Promise<readonly number[]> {
    return this.#rollouts
      .run(this.#seeds.map((randomSeed) => ({ steps: to - from, randomSeed, firstStep: from })))
      .then(({ losses }) => losses);
  }

  /** Advances the bodies. @returns errors, by random seed */
  live(from: number, steps: number): Promise<readonly number[]> {
    return this.#advance(from, from + steps);
  }

  state(slot: number): Float32Array {
    return this.#rollouts.state(slot);
  }

  dispose(): Promise<void> {
    return this.#rollouts.dispose();
  }
}

export async function measureHealing(
  rule: Rule,
  target: Target,
  wounds: readonly Blows[],
  options: HealOptions,
): Promise<Healing> {
  const patient = new Patient(target, rule.hidden, rule.fireRate, options);
  try {
    const grown = await patient.grow(rule);
    const nothing = emptyError(target);
    const all: { hurt: readonly number[]; healed: readonly number[]; steps: readonly number[] }[] = [];
    const look: number = HEALING.stepsPerPoint;
    const curve = new Array<number>(HEALING.steps / look + 1).fill(0);
    for (const blows of wounds) {
      const last = await patient.wound(blows);
      const hurt = await patient.live(last, 0);
      curve[0] += meanOf(hurt) / wounds.length;
      let healed = hurt;
      const steps = grown.map(() => MAX_HEALING_STEPS);
      for (let after = look; after <= MAX_HEALING_STEPS; after += look) {
        const now = await patient.live(last + after - look, look);
        for (const [slot, error] of now.entries()) {
          const isWhole = 1 - error / nothing >= WHOLE_AGAIN * (1 - grown[slot] / nothing);
          if (isWhole && steps[slot] === MAX_HEALING_STEPS) steps[slot] = after;
        }
        if (after <= HEALING.steps) curve[after / look] += meanOf(now) / wounds.length;
        if (after === HEALING.steps) healed = now;
        if (after >= HEALING.steps && steps.every((one) => one < MAX_HEALING_STEPS)) break;
      }
      all.push({ hurt, healed, steps });
    }
    const recoveries = all.map(({ hurt, healed }) => recoveriesOf(grown, hurt, healed));
    const bySeed = (of: readonly (readonly number[])[]): number[] =>
      grown.map((_, slot) => meanOf(of.map((values) => values[slot])));
    return {
      grown,
      hurt: bySeed(all.map(({ hurt }) => hurt)),
      healed: bySeed(all.map(({ healed }) => healed)),
      recovery: bySeed(recoveries),
      steps: bySeed(all.map(({ steps }) => steps)),
      medianRecovery: medianOf(recoveries.flat()),
      medianSteps: medianOf(all.flatMap(({ steps }) => steps)),
      byWound: all.map(({ healed }) => meanOf(healed)),
      curve,
    };
  } finally {
    await patient.dispose();
  }
}

/** Least error that a wound must add to count: about one cell's. */
const MIN_HURT = 1e-4;

/** Recovery by slot, from the errors; 1 where the wound missed the body, because nothing is left to heal. */
export const recoveriesOf = (
  grown: readonly number[],
  hurt: readonly number[],
  healed: readonly number[],
): number[] =>
  hurt.map((post, slot) => (post - grown[slot] > MIN_HURT ? recoveryOf(grown[slot], post, healed[slot]) : 1));

/** Mean square error of an empty world, which is also that of a body that has died. */
export function emptyError({ rgba, shape }: Target): number {
  let sum = 0;
  forEachCell(shape, (_x, _y, cell) => {
    for (let c = 0; c < 4; c++) sum += rgba[cell * 4 + c] ** 2;
  });
  return sum / (shape.width * shape.height * 4);
}

/** [height, width, 4] straight RGBA of a state's cells. */
export function pixelsOf(state: Float32Array, { shape }: Target): Uint8Array {
  const rgba = new Uint8Array(shape.width * shape.height * 4);
  let at = 0;
  forEachCell(shape, (_x, _y, cell) => {
    straightRgba8(state, cell * CHANNELS, rgba, at);
    at += 4;
  });
  return rgba;
}
