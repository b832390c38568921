/**
 * The ward: bodies that live on beside the training and are struck again and again, as the page deals it. Without
 * gradients, an iteration costs them little, and one stroke in hundreds leads to what a batch hardly ever sees: a body
 * that stays too large, or does not heal. Those that stay so are put before the rule until it heals them; and more often
 * the same bodies as the stroke left them, because a rule learns sooner not to grow a twin than to be rid of one.
 */
import { MIN_SHAPE } from '../world/symptoms.ts';
import type { Weights } from './kernel.ts';
import { Likeness } from './likeness.ts';
import { drawPlayed, drawTool, STROKE_EVERY_STEPS } from './played.ts';
import type { Random } from './random.ts';
import { replay } from './recorded.ts';
import type { RolloutBatch } from './rollouts.ts';
import { livingCells, plantSeed } from './states.ts';
import { pictureCells, type Target } from './target.ts';

/** Strokes' worth of steps until a seed has grown, and is struck. */
const YOUNG_PASSES = 4;
/** A body with more than this many times its picture's cells, or less than this health, may be sick. */
const MAX_SIZE = 1.2;
const MIN_HEALTH = 0.7;
/** It is sick when it has been so at this many looks in a row, without strokes in between: 17 s of the world. */
const SICK_LOOKS = 4;
/** A body below this health is moved back if it has healed up to so many cells beside its place. */
const ALIGN_BELOW = 0.95;
const ALIGN_CELLS = 4;
/** Sick bodies that are kept; the oldest go first. */
export const MAX_SICK = 32;
/** So many of three draws are of the body as its last stroke left it, not as it became. */
const STRUCK_IN_THREE = 2;

/** What a checkpoint needs to go on. */
export interface WardState {
  /** [bodies, cellCount, 16] */
  readonly bodies: readonly Float32Array[];
  /** Looks since the seed was planted, and looks in a row at which it may have been sick. */
  readonly ages: readonly number[];
  readonly doubts: readonly number[];
  /** [bodies, cellCount, 16]: as the last stroke left each; a seed, if there was none. */
  readonly struck: readonly Float32Array[];
  /** [at most 32, cellCount, 16], oldest first. */
  readonly sick: readonly Float32Array[];
  /** The same bodies, as their last strokes left them. */
  readonly causes: readonly Float32Array[];
  readonly found: number;
}

export class Ward {
  readonly #rollouts: RolloutBatch;
  readonly #target: Target;
  readonly #likeness: Likeness;
  readonly #cells: number;
  readonly #slots: readonly number[];
  #ages: number[] = [];
  #doubts: number[] = [];
  #struck: Float32Array[] = [];
  #sick: Float32Array[] = [];
  #causes: Float32Array[] = [];
  #found = 0;
  #strokes = 0;

  /**
   * @param rollouts - one slot per body, all seeds; owned by the ward
   * @param bodies - how many
   */
  constructor(rollouts: RolloutBatch, bodies: number, target: Target) {
    this.#rollouts = rollouts;
    this.#target = target;
    this.#likeness = new Likeness(target);
    this.#cells = pictureCells(target);
    this.#slots = Array.from({ length: bodies }, (_, slot) => slot);
    for (const slot of this.#slots) this.#restart(slot);
  }

  /** Bodies that were found sick so far, or that died of more than a stroke. */
  get found(): number {
    return this.#found;
  }

  /** Strokes that this ward has dealt. */
  get strokes(): number {
    return this.#strokes;
  }

  /** A copy. */
  get state(): WardState {
    return {
      bodies: this.#slots.map((slot) => this.#rollouts.state(slot).slice()),
      ages: this.#ages.slice(),
      doubts: this.#doubts.slice(),
      struck: this.#struck.slice(),
      sick: this.#sick.slice(),
      causes: this.#causes.slice(),
      found: this.#found,
    };
  }

  /** Goes on from the state of a ward with as many bodies of the same size (`snapshot.ts` checks it). */
  set state({ bodies, ages, doubts, struck, sick, causes, found }: WardState) {
    for (const slot of this.#slots) this.#rollouts.state(slot).set(bodies[slot]);
    this.#ages = ages.slice();
    this.#doubts = doubts.slice();
    this.#struck = struck.slice();
    this.#sick = sick.slice();
    this.#causes = causes.slice();
    this.#found = found;
  }

  /** One of the sick bodies, or how its last stroke left it, for the pool; null: there is none. Read only. */
  drawSick(random: Random): Float32Array | null {
    if (this.#sick.length === 0) return null;
    const draw = random.whole(0, 3 * this.#sick.length - 1);
    return (draw % 3 < STRUCK_IN_THREE ? this.#causes : this.#sick)[Math.floor(draw / 3)];
  }

  /** Strikes every grown body that looks well, and lets all live on. */
  async pass(weights: Weights, random: Random): Promise<void> {
    this.#rollouts.setWeights(weights);
    await this.#strike(random);
    await this.#rollouts.run(
      this.#slots.map(() => ({ steps: STROKE_EVERY_STEPS, randomSeed: random.uint32() | 0 })),
    );
    for (const slot of this.#slots) this.#look(slot);
  }

  dispose(): Promise<void> {
    return this.#rollouts.dispose();
  }

  async #strike(random: Random): Promise<void> {
    const { shape, width, height } = this.#target;
    const reach = Math.max(width, height) / 2;
    const struck = this.#slots.filter((slot) => this.#ages[slot] >= YOUNG_PASSES && this.#doubts[slot] === 0);
    this.#strokes += struck.length;
    const dealt = struck.map((slot) => ({
      slot,
      blows: drawPlayed(drawTool(random), reach, random),
      randomSeed: random.uint32() | 0,
    }));
    await replay(dealt, this.#rollouts, this.#slots.length, this.#target, false);
    for (const slot of struck) {
      this.#struck[slot] = this.#rollouts.state(slot).slice();
      if (livingCells(this.#struck[slot], shape) === 0) this.#restart(slot);
    }
  }

  #look(slot: number): void {
    const state = this.#rollouts.state(slot);
    if (++this.#ages[slot] < YOUNG_PASSES) return;
    const living = livingCells(state, this.#target.shape);
    if (living === 0) {
      // It has died of the rule: what a stroke kills starts again at once. Nothing is left that a batch could heal.
      this.#found++;
      this.#restart(slot);
      return;
    }
    if (this.#likeness.health(state) < ALIGN_BELOW) this.#likeness.align(state, ALIGN_CELLS);
    // As the world follows a body that has grown far beside its place.
    if (this.#likeness.health(state) < MIN_SHAPE) this.#likeness.align(state, 'far');
    // Written so that NaN is sick, too.
    const isWell = living <= MAX_SIZE * this.#cells && this.#likeness.health(state) >= MIN_HEALTH;
    this.#doubts[slot] = isWell ? 0 : this.#doubts[slot] + 1;
    if (this.#doubts[slot] < SICK_LOOKS) return;
    this.#found++;
    this.#sick = [...this.#sick, state.slice()].slice(-MAX_SICK);
    this.#causes = [...this.#causes, this.#struck[slot]].slice(-MAX_SICK);
    this.#restart(slot);
  }

  #restart(slot: number): void {
    plantSeed(this.#rollouts.state(slot), this.#target.shape);
    this.#struck[slot] = this.#rollouts.state(slot).slice();
    this.#ages[slot] = 0;
    this.#doubts[slot] = 0;
  }
}
