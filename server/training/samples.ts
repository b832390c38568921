/** Fills a batch (`regime.ts` says why): samples from the pool or from the finished picture, and their wounds. */
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

/** What happens to one slot of a batch. */
export interface Sample {
  /** Index in the pool; -1 in the curriculum. */
  readonly index: number;
  /** It was whole and is not hurt: it is taught to keep still. */
  readonly isWhole: boolean;
  /** It is hurt before the rollout. */
  readonly isHurt: boolean;
  /** The walls of its rollout; null: none. */
  readonly walls: Walls | null;
}

/** A sample as it was drawn from the pool. */
interface Drawn {
  readonly index: number;
  readonly walls: Walls | null;
  /** Its error where it may live, in parts of a bare seed's. */
  readonly error: number;
}

/** A view: writes go into the pool. @param pool - [size, cellCount, 16] */
export function poolState(pool: Float32Array, shape: GridShape, index: number): Float32Array {
  const length = shape.cellCount * CHANNELS;
  return pool.subarray(index * length, (index + 1) * length);
}

/** Fills the slots of a batch of rollouts. */
export class Samples {
  /** Mean square error of a bare seed: other errors are measured against it. */
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

  /** Every slot begins on the finished picture, at the curriculum's difficulty. */
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
   * @param walls - [size]: the walls of each sample so far
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
    const { damagedPart = regime.POOL.damagedPart } = this.#plan;
    const firstHurt = Math.max(1, batch - Math.round(batch * damagedPart));
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

  /** Walls stay with probability `WALLS.stay`; a body without walls gets some with probability `wallPart`. */
  #drawWalls(walls: Walls | null, random: Random): Walls | null {
    const { wallPart } = this.#plan;
    if (wallPart === 0) return null;
    if (walls !== null) return random.unit() < regime.WALLS.stay ? walls : null;
    if (random.unit() >= wallPart) return null;
    const reach = Math.max(this.#target.width, this.#target.height) / 2;
    return random.unit() < regime.WALLS.edgePart ? drawEdge(reach, random) : drawNeighbours(reach, random);
  }

  /** A body's error within walls, in parts of a bare seed's there. */
  #errorWithin(state: Float32Array, walls: Walls | null): number {
    const { shape, rgba } = this.#target;
    if (walls === null) return meanSquareError(state, rgba, shape) / this.seedLoss;
    const open = new Uint8Array(shape.cellCount);
    buildWalls(open, shape, walls);
    return meanSquareError(state, rgba, shape, open) / meanSquareError(this.#seed, rgba, shape, open);
  }

  /** Hurts the samples that are to be hurt, each at a random age, and some once more while they heal. */
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

  /** Deals a recorded wound to each of these slots. */
  async #replay(slots: readonly number[], random: Random): Promise<void> {
    const { recorded, batch } = this.#plan;
    if (recorded === undefined || slots.length === 0) return;
    const replays = slots.map((slot) => drawReplay(slot, recorded, random));
    await replay(replays, this.#rollouts, batch, this.#target);
    const healing = slots.filter(() => random.unit() < 0.5);
    await this.#liveOn(healing, recorded.healingSteps, random);
  }

  /** Advances these slots without learning from it, each by 0 to `mostSteps`. */
  async #liveOn(slots: readonly number[], mostSteps: number, random: Random): Promise<void> {
    if (slots.length === 0 || mostSteps === 0) return;
    await this.#rollouts.run(
      Array.from({ length: this.#plan.batch }, (_, slot) => ({
        steps: slots.includes(slot) ? random.whole(0, mostSteps) : 0,
        randomSeed: random.uint32() | 0,
      })),
    );
  }

  /** Deals a wound of the plan's kinds to each of these slots. */
  async #damage(slots: readonly number[], random: Random): Promise<void> {
    const { shape, width, height } = this.#target;
    const reach = Math.max(width, height) / 2;
    const dealt: Replay[] = [];
    for (const slot of slots) {
      const state = this.#rollouts.state(slot);
      const blows = damage({ state, shape, reach }, drawKind(this.#plan.damage, random), random);
      if (blows.length > 0) dealt.push({ slot, blows, randomSeed: random.uint32() | 0 });
      // No cell is left to heal from: it starts again.
      else if (livingCells(state, shape) === 0) plantSeed(state, shape);
    }
    await replay(dealt, this.#rollouts, this.#plan.batch, this.#target);
  }

  /** Index of the sample that starts again, worst first; -1: none. A body that is far off always starts again. */
  #whoStartsAgain(worst: number, random: Random): number {
    const { seedPart, reseed, batch, farOff } = this.#plan;
    // Written so that NaN is far off, too.
    if (!(worst < farOff)) return 0;
    if (random.unit() >= seedPart) return -1;
    return reseed === 'worst' ? 0 : random.whole(0, batch - 1);
  }
}

/** True if it has grown but is not whole in its place. @param error - in parts of a bare seed's */
const isAstray = (error: number): boolean => error < regime.POOL.grown && error >= regime.POOL.whole;
