/**
 * How well a rule heals recorded wounds: bodies are grown, hurt blow by blow at the recorded steps, and measured while
 * they heal. Which cells fire depends only on random seed and step, so two rules are compared in pairs.
 */

import { HEALING } from '../../shared/adminApi.ts';
import { straightRgba8 } from '../../shared/straight.ts';
import type { Capsule } from '../engines/engine.ts';
import { meanOf, medianOf, recoveryOf } from '../evaluation/statistics.ts';
import { CHANNELS, type Rule } from '../rules/rule.ts';
import { capsulesIn, deal } from '../training/recorded.ts';
import { Rollouts } from '../training/rollouts.ts';
import { forEachCell, livingCells, plantSeed } from '../training/states.ts';
import type { Target } from '../training/target.ts';
import { goesOn } from '../world/doses.ts';
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
  /** (hurt − healed) / (hurt − grown), at least -1: 1 is whole again. */
  readonly recovery: readonly number[];
  /** Steps from the last blow until whole again, at most 400. */
  readonly steps: readonly number[];
  /** Median over wounds and seeds. */
  readonly medianRecovery: number;
  readonly medianSteps: number;
  /** Error 200 steps after the last blow, of each body: all of the first wound, then all of the second … */
  readonly each: readonly number[];
  /** … and by wound: shows which are hard. */
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
    // A stroke of noise is one dose, as in the world.
    let shaken: Capsule[] = [];
    for (const [i, blow] of blows.entries()) {
      const since = i === 0 ? 0 : Math.min(MAX_STEPS_BETWEEN, blow.afterSteps - blows[i - 1].afterSteps);
      await this.#advance(step, step + since);
      step += since;
      shaken = i > 0 && goesOn(blows[i - 1], blow) ? [...shaken, ...capsulesIn(shape, blows[i - 1])] : [];
      for (const [slot, randomSeed] of this.#seeds.entries())
        deal(this.#rollouts.state(slot), this.#target, blow, { randomSeed, salt: i, step }, shaken);
    }
    return step;
  }

  /** Whether nothing is left to heal from: the world sows such a body again. */
  isDead(slot: number): boolean {
    return livingCells(this.#rollouts.state(slot), this.#target.shape) === 0;
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

/** What was measured of one wound: arrays are by random seed, but `curve` is by time. */
interface WoundSample {
  readonly hurt: readonly number[];
  readonly healed: readonly number[];
  readonly steps: readonly number[];
  readonly curve: readonly number[];
}

/** Measurements wound by wound, so that they can be kept and gone on with. JSON. */
export interface HealingSamples {
  readonly grown: readonly number[];
  readonly wounds: readonly WoundSample[];
}

export const measureHealing = async (
  rule: Rule,
  target: Target,
  wounds: readonly Blows[],
  options: HealOptions,
): Promise<Healing> => healingOf(await sampleHealing(rule, target, wounds, options));

/**
 * @param known - of the first wounds: those are not measured again
 * @param keep - gets everything measured so far, after each wound
 */
export async function sampleHealing(
  rule: Rule,
  target: Target,
  wounds: readonly Blows[],
  options: HealOptions,
  known: HealingSamples | null = null,
  keep: (samples: HealingSamples) => void = () => {},
): Promise<HealingSamples> {
  if (known !== null && known.wounds.length >= wounds.length) return known;
  const patient = new Patient(target, rule.hidden, rule.fireRate, options);
  try {
    return await samplePatient(patient, rule, target, wounds, known, keep);
  } finally {
    await patient.dispose();
  }
}

/** As `sampleHealing`, with bodies that were made before. */
export async function samplePatient(
  patient: Patient,
  weights: Pick<Rule, 'w1' | 'b1' | 'w2' | 'b2'>,
  target: Target,
  wounds: readonly Blows[],
  known: HealingSamples | null = null,
  keep: (samples: HealingSamples) => void = () => {},
): Promise<HealingSamples> {
  const grown = await patient.grow(weights);
  const nothing = emptyError(target);
  let samples: HealingSamples = known ?? { grown, wounds: [] };
  for (const blows of wounds.slice(samples.wounds.length)) {
    samples = { ...samples, wounds: [...samples.wounds, await sampleWound(patient, grown, nothing, blows)] };
    keep(samples);
  }
  return samples;
}

async function sampleWound(
  patient: Patient,
  grown: readonly number[],
  nothing: number,
  blows: Blows,
): Promise<WoundSample> {
  const look: number = HEALING.stepsPerPoint;
  const last = await patient.wound(blows);
  const isDead = grown.map((_, slot) => patient.isDead(slot));
  // What the world sows again counts as whole, for every rule.
  const told = (errors: readonly number[]): number[] =>
    errors.map((error, slot) => (isDead[slot] ? grown[slot] : error));
  const hurt = told(await patient.live(last, 0));
  const curve = [meanOf(hurt)];
  let healed = hurt;
  const steps = isDead.map((isGone): number => (isGone ? 0 : MAX_HEALING_STEPS));
  for (let after = look; after <= MAX_HEALING_STEPS; after += look) {
    const now = told(await patient.live(last + after - look, look));
    for (const [slot, error] of now.entries()) {
      const isWhole = 1 - error / nothing >= WHOLE_AGAIN * (1 - grown[slot] / nothing);
      if (isWhole && steps[slot] === MAX_HEALING_STEPS) steps[slot] = after;
    }
    if (after <= HEALING.steps) curve.push(meanOf(now));
    if (after === HEALING.steps) healed = now;
    if (after >= HEALING.steps && steps.every((one) => one < MAX_HEALING_STEPS)) break;
  }
  return { hurt, healed, steps, curve };
}

export function healingOf({ grown, wounds }: HealingSamples): Healing {
  const recoveries = wounds.map(({ hurt, healed }) => recoveriesOf(grown, hurt, healed));
  const bySeed = (of: readonly (readonly number[])[]): number[] =>
    grown.map((_, slot) => meanOf(of.map((values) => values[slot])));
  return {
    grown,
    hurt: bySeed(wounds.map(({ hurt }) => hurt)),
    healed: bySeed(wounds.map(({ healed }) => healed)),
    recovery: bySeed(recoveries),
    steps: bySeed(wounds.map(({ steps }) => steps)),
    medianRecovery: medianOf(recoveries.flat()),
    medianSteps: medianOf(wounds.flatMap(({ steps }) => steps)),
    each: wounds.flatMap(({ healed }) => healed),
    byWound: wounds.map(({ healed }) => meanOf(healed)),
    curve: wounds[0].curve.map((_, point) => meanOf(wounds.map(({ curve }) => curve[point]))),
  };
}

/** Least error that a wound must add to count: about one cell's. */
const MIN_HURT = 1e-4;

/**
 * Recovery by slot, from the errors; 1 where the wound missed the body, because nothing is left to heal. A body that goes
 * on to fall apart counts as -1 at worst: noise hurts little at first, and one such body would outweigh all others.
 */
const recoveriesOf = (
  grown: readonly number[],
  hurt: readonly number[],
  healed: readonly number[],
): number[] =>
  hurt.map((post, slot) =>
    post - grown[slot] > MIN_HURT ? Math.max(-1, recoveryOf(grown[slot], post, healed[slot])) : 1,
  );

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
