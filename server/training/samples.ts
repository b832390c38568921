/** What a batch is made of (`regime.ts` says why): samples from the pool, or from the finished picture, and their wounds. */
import { CHANNELS } from '../rules/rule.ts';
import { damage, drawKind } from './damage.ts';
import type { GridShape } from './kernel.ts';
import { Likeness } from './likeness.ts';
import type { TrainingPlan } from './plan.ts';
import type { Random } from './random.ts';
import { drawReplay, type Replay, replay } from './recorded.ts';
import * as regime from './regime.ts';
import type { RolloutBatch } from './rollouts.ts';
import { livingCells, meanSquareError, plantSeed } from './states.ts';
import type { Target } from './target.ts';
import { buildWalls, clearWalled, drawEdge, drawNeighbours, type Walls } from './walls.ts';

/** What becomes of one slot of a batch. */
export interface Sample {
  /** In the pool; -1 in the curriculum. */
  readonly index: number;
  /** Was whole, and is left alone: it shall keep still. */
  readonly isWhole: boolean;
  /** Is hurt before the rollout. */
  readonly isHurt: boolean;
  /** What it is rolled out within; null: nothing. */
  readonly walls: Walls | null;
}

/** One of the pool as it was drawn. */
interface Drawn {
  readonly index: number;
  readonly walls: Walls | null;
  /** Its error where it may live, in parts of a bare seed's. */
  readonly error: number;
}

/** A view: what is written there is in the pool. @param pool - [size, cellCount, 16] */
export function poolState(pool: Float32Array, shape: GridShape, index: number): Float32Array {
  const length = shape.cellCount * CHANNELS;
  return pool.subarray(index * length, (index + 1) * length);
}

/** Fills the slots of a batch of rollouts. */
export class Samples {
  /** Mean square error of a bare seed: what a sample's is compared with. */
  readonly seedLoss: number;
  readonly #plan: TrainingPlan;
  readonly #target: Target;
  readonly #rollouts: RolloutBatch;
  readonly #seed: Float32Array;
  readonly #likeness: Likeness;

  constructor(plan: TrainingPlan, target: Target, rollouts: RolloutBatch) {
    this.#plan = plan;
    this.#target = target;
    this.#rollouts = rollouts;
    this.#likeness = new Likeness(target);
    this.#seed = new Float32Array(target.shape.cellCount * CHANNELS);
    plantSeed(this.#seed, target.shape);
    this.seedLoss = meanSquareError(this.#seed, target.rgba, target.shape);
  }

  /** Every slot begins on the finished picture, made as hard as the curriculum says. */
  fromTarget(difficulty: regime.Difficulty, random: Random): Sample[] {
    const { shape, rgba } = this.#target;
    return Array.from({ length: this.#plan.batch }, (_, slot) => {
      regime.plantTarget(this.#rollouts.state(slot), shape, rgba, difficulty, random);
      return { index: -1, isWhole: false, isHurt: false, walls: null };
    });
  }

  /**
   * Fills the slots with samples of the pool, worst first, and hurts the best.
   *
   * @param pool - [size, cellCount, 16]
   * @param walls - [size]: what each sample lived within so far
   */
  async fromPool(pool: Float32Array, walls: readonly (Walls | null)[], random: Random): Promise<Sample[]> {
    const samples = this.#draw(pool, walls, random);
    await this.#hurt(samples, random);
    return samples;
  }

  #draw(pool: Float32Array, walls: readonly (Walls | null)[], random: Random): Sample[] {
    const { shape } = this.#target;
    const { batch } = this.#plan;
    const poolSize = pool.length / (shape.cellCount * CHANNELS);
    const hurts = this.#plan.damage.length > 0;
    const chosen = new Set<number>();
    while (chosen.size < batch) chosen.add(random.whole(0, poolSize - 1));
    const ranked = [...chosen]
      .map((index): Drawn => {
        const own = this.#drawWalls(walls[index] ?? null, random);
        return { index, walls: own, error: this.#errorWithin(poolState(pool, shape, index), own) };
      })
      .sort((a, b) => b.error - a.error || a.index - b.index);
    const again = this.#whoStartsAgain(ranked[0].error, random);
    if (again > 0) ranked.unshift(...ranked.splice(again, 1));
    const firstHurt = Math.max(1, batch - Math.round(batch * regime.POOL.damagedPart));
    return ranked.map(({ index, walls: own, error }, slot) => {
      const state = this.#rollouts.state(slot);
      state.set(poolState(pool, shape, index));
      const startsAgain = slot === 0 && again >= 0;
      if (startsAgain) plantSeed(state, shape);
      else if (own === null && isAstray(error)) this.#likeness.align(state, this.#plan.alignCells);
      buildWalls(this.#rollouts.open(slot), shape, own);
      clearWalled(state, this.#rollouts.open(slot), shape);
      const isHurt = hurts && slot >= firstHurt && error < regime.POOL.grown;
      const isWhole = !startsAgain && !isHurt && error < regime.POOL.whole;
      return { index, isWhole, isHurt, walls: own };
    });
  }

  /** Walls that stand stay for a while; a body without any gets some now and then. */
  #drawWalls(walls: Walls | null, random: Random): Walls | null {
    const { wallPart } = this.#plan;
    if (wallPart === 0) return null;
    if (walls !== null) return random.unit() < regime.WALLS.stay ? walls : null;
    if (random.unit() >= wallPart) return null;
    const reach = Math.max(this.#target.width, this.#target.height) / 2;
    return random.unit() < regime.WALLS.edgePart ? drawEdge(reach, random) : drawNeighbours(reach, random);
  }

  /** A body's error within walls, in parts of what a bare seed's is there. */
  #errorWithin(state: Float32Array, walls: Walls | null): number {
    const { shape, rgba } = this.#target;
    if (walls === null) return meanSquareError(state, rgba, shape) / this.seedLoss;
    const open = new Uint8Array(shape.cellCount);
    buildWalls(open, shape, walls);
    return meanSquareError(state, rgba, shape, open) / meanSquareError(this.#seed, rgba, shape, open);
  }

  /** Hurts those that are to be, each at an age of its own, and some once more while they heal. */
  async #hurt(samples: readonly Sample[], random: Random): Promise<void> {
    const slots = [...samples.keys()].filter((slot) => samples[slot].isHurt);
    const { recorded } = this.#plan;
    const replayed = recorded === undefined ? [] : slots.filter(() => random.unit() < recorded.part);
    await this.#liveOn(slots, this.#plan.delaySteps, random);
    const drawn = slots.filter((slot) => !replayed.includes(slot));
    await this.#damage(drawn, random);
    await this.#replay(replayed, random);
    const twice = drawn.filter(() => random.unit() < this.#plan.twicePart);
    await this.#liveOn(twice, regime.POOL.mostStepsBetween, random);
    await this.#damage(twice, random);
  }

  /** Does a recorded wound to each of these slots. */
  async #replay(slots: readonly number[], random: Random): Promise<void> {
    const { recorded, batch } = this.#plan;
    if (recorded === undefined || slots.length === 0) return;
    const replays = slots.map((slot) => drawReplay(slot, recorded, random));
    await replay(replays, this.#rollouts, batch, this.#target.shape);
    const healing = slots.filter(() => random.unit() < 0.5);
    await this.#liveOn(healing, recorded.healingSteps, random);
  }

  /** Steps these slots without learning from it, each 0 to `mostSteps`. */
  async #liveOn(slots: readonly number[], mostSteps: number, random: Random): Promise<void> {
    if (slots.length === 0 || mostSteps === 0) return;
    await this.#rollouts.run(
      Array.from({ length: this.#plan.batch }, (_, slot) => ({
        steps: slots.includes(slot) ? random.whole(0, mostSteps) : 0,
        randomSeed: random.uint32() | 0,
      })),
    );
  }

  /** Does a wound of the plan's kinds to each of these slots. */
  async #damage(slots: readonly number[], random: Random): Promise<void> {
    const { shape, width, height } = this.#target;
    const reach = Math.max(width, height) / 2;
    const dealt: Replay[] = [];
    for (const slot of slots) {
      const state = this.#rollouts.state(slot);
      const blows = damage({ state, shape, reach }, drawKind(this.#plan.damage, random), random);
      if (blows.length > 0) dealt.push({ slot, blows, randomSeed: random.uint32() | 0 });
      // Nothing is left to heal from: it starts again.
      else if (livingCells(state, shape) === 0) plantSeed(state, shape);
    }
    await replay(dealt, this.#rollouts, this.#plan.batch, shape);
  }

  /** Of the batch, worst first; -1: none. A body that is far off always does. */
  #whoStartsAgain(worst: number, random: Random): number {
    const { seedPart, reseed, batch, farOff } = this.#plan;
    // NaN is far off, too.
    if (!(worst < farOff)) return 0;
    if (random.unit() >= seedPart) return -1;
    return reseed === 'worst' ? 0 : random.whole(0, batch - 1);
  }
}

/** Grown, but not as it should be: it may be whole, and elsewhere. @param error - in parts of a bare seed's */
const isAstray = (error: number): boolean => error < regime.POOL.grown && error >= regime.POOL.whole;
