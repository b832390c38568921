/**
 * The training run: one `iterate` is one batch rolled out, differentiated and learned from. Everything that a
 * run is lies in its `Snapshot`: a checkpoint is one on disk, and a run that diverges returns to one in memory.
 */
import { readRule } from '../rules/load.ts';
import { CHANNELS, RuleError } from '../rules/rule.ts';
import { type AdamState, adamUpdate, firstAdam, firstWeights, meanDirection } from './adam.ts';
import type { Weights } from './kernel.ts';
import { Random, type RandomState } from './random.ts';
import * as regime from './regime.ts';
import { Rollouts } from './rollouts.ts';
import { readTarget, type Target, type TargetSource } from './target.ts';

/** What is trained and how; fixed for the whole run, kept in its checkpoints. */
export interface TrainingPlan {
  readonly name: string;
  readonly source: TargetSource;
  /** Rule file to begin with instead of random weights. */
  readonly parent?: string;
  readonly hidden: number;
  readonly fireRate: number;
  /** Of the hidden channels' overflow beside the picture's error. */
  readonly overflowWeight: number;
  /** Iterations of the pool phase; the learning rate falls over them. */
  readonly iterations: number;
  /** The curriculum ends after so many iterations, at a seed or not. */
  readonly curriculumIterations: number;
  readonly batch: number;
  readonly poolSize: number;
  /**
   * How often the worst of a batch starts again from a seed. Below 1 it is sometimes kept as it is, so that
   * what drifts with age is trained away instead of thrown away.
   */
  readonly seedPart: number;
  readonly rate: number;
  readonly randomSeed: number;
}

export interface Snapshot {
  readonly plan: TrainingPlan;
  /** Done, of each phase. */
  readonly curriculumDone: number;
  readonly poolDone: number;
  readonly difficulty: regime.Difficulty;
  readonly smoothedLoss: number;
  readonly adam: AdamState;
  readonly random: RandomState;
  /** [poolSize, cellCount, 16]; empty before the pool phase. */
  readonly pool: Float32Array;
  readonly rollbacks: number;
  /** Loss of every iteration. */
  readonly losses: readonly number[];
  readonly elapsedMs: number;
}

export interface Progress {
  readonly phase: 'curriculum' | 'pool';
  readonly done: number;
  readonly planned: number;
  readonly loss: number;
  readonly smoothedLoss: number;
  /** Curriculum: 0 at the first difficulty, 1 at the seed. */
  readonly difficulty: number;
  readonly steps: number;
  readonly rollbacks: number;
}

/** Every so many iterations of a run that does well, its state is kept to return to. */
const KEEP_EVERY = 250;
/** Smoothed loss this many times the kept one (or the pass loss, if more) is divergence. */
const DIVERGED = 4;
/** A run that diverges this often is hopeless. */
const MOST_ROLLBACKS = 8;
/** Updates until the rate is whole. */
const WARM_UP = 50;
const RATE_AFTER_ROLLBACK = 0.6;
/** A body whose error is below this part of a bare seed's has grown: it can be damaged. */
const GROWN = 0.5;
/** … and above this part of it, it is not worth keeping: while all are, the pool stays young. */
const FAR_OFF = 0.1;

export class TrainingError extends Error {
  override name = 'TrainingError';
}

export class TrainingRun {
  readonly plan: TrainingPlan;
  readonly target: Target;
  readonly #rollouts: Rollouts;
  readonly #seedLoss: number;
  #now: Snapshot;
  #kept: Snapshot;
  #random: Random;

  /** @param from - a plan to begin, or a snapshot to go on from */
  constructor(from: TrainingPlan | Snapshot, threads: number) {
    this.plan = 'plan' in from ? from.plan : from;
    const { plan } = this;
    this.target = readTarget(plan.source);
    const { shape } = this.target;
    this.#random = new Random(plan.randomSeed);
    this.#now =
      'plan' in from
        ? from
        : {
            plan,
            curriculumDone: 0,
            poolDone: 0,
            difficulty: regime.firstDifficulty(shape),
            smoothedLoss: Number.NaN,
            adam: firstAdam(this.#firstWeights()),
            random: this.#random.state,
            pool: new Float32Array(0),
            rollbacks: 0,
            losses: [],
            elapsedMs: 0,
          };
    this.#random = new Random(this.#now.random);
    this.#kept = this.snapshot();
    this.#rollouts = new Rollouts({
      shape,
      hidden: plan.hidden,
      fireRate: plan.fireRate,
      overflowWeight: plan.overflowWeight,
      slots: plan.batch,
      threads: Math.min(threads, plan.batch),
      maxSteps: Math.max(regime.POOL.mostSteps, regime.CURRICULUM.mostSteps),
    });
    this.#rollouts.target.set(this.target.rgba);
    const seed = new Float32Array(shape.cellCount * CHANNELS);
    regime.plantSeed(seed, shape);
    this.#seedLoss = regime.meanSquareError(seed, this.target.rgba, shape);
  }

  #firstWeights(): Weights {
    const { parent, hidden } = this.plan;
    if (parent === undefined) return firstWeights(hidden, this.#random);
    const rule = readRule(parent);
    if (rule.hidden === hidden) return rule;
    throw new RuleError(`${parent} has ${rule.hidden} hidden units, the plan ${hidden}`);
  }

  get weights(): Weights {
    return this.#now.adam.weights;
  }

  get losses(): readonly number[] {
    return this.#now.losses;
  }

  get elapsedMs(): number {
    return this.#now.elapsedMs;
  }

  get curriculumDone(): number {
    return this.#now.curriculumDone;
  }

  get isFinished(): boolean {
    return this.#now.poolDone >= this.plan.iterations;
  }

  get #inCurriculum(): boolean {
    return this.#now.pool.length === 0;
  }

  /** A copy: what happens later does not reach it. */
  snapshot(): Snapshot {
    const now = this.#now;
    return { ...now, random: { ...this.#random.state }, pool: now.pool.slice(), losses: now.losses.slice() };
  }

  /** @throws TrainingError when the run keeps diverging */
  async iterate(): Promise<Progress> {
    const started = performance.now();
    const inCurriculum = this.#inCurriculum;
    const { batch } = this.plan;
    const steps = inCurriculum
      ? this.#now.difficulty.steps
      : this.#random.whole(regime.POOL.fewestSteps, regime.mostPoolSteps(this.#now.poolDone));
    const drawn = inCurriculum ? this.#drawFromTarget() : this.#drawFromPool();
    this.#rollouts.setWeights(this.weights);
    const rollouts = Array.from({ length: batch }, () => ({ steps, randomSeed: this.#random.uint32() | 0 }));
    const result = await this.#rollouts.differentiate(rollouts);
    const loss = result.losses.reduce((sum, value) => sum + value, 0) / batch;
    const smoothed = this.#smooth(loss);
    const gradient = meanDirection(rollouts.map((_, slot) => this.#rollouts.gradient(slot)));
    // A cell that overflows dies and leaves no trace in the loss, but one in the gradient.
    if (this.#hasDiverged(smoothed) || !isFiniteEverywhere(gradient)) {
      this.#rollBack(performance.now() - started);
      return this.#progress(inCurriculum, steps, loss);
    }
    const adam = adamUpdate(this.#now.adam, gradient, this.#rate());
    drawn.forEach((index, slot) => {
      this.#poolState(index).set(this.#rollouts.state(slot));
    });
    (this.#now.losses as number[]).push(loss);
    this.#now = {
      ...this.#now,
      adam,
      smoothedLoss: smoothed,
      curriculumDone: this.#now.curriculumDone + (inCurriculum ? 1 : 0),
      poolDone: this.#now.poolDone + (inCurriculum ? 0 : 1),
      elapsedMs: this.#now.elapsedMs + performance.now() - started,
    };
    if (inCurriculum) this.#advanceCurriculum();
    if (this.#now.losses.length % KEEP_EVERY === 0) this.#kept = this.snapshot();
    return this.#progress(inCurriculum, steps, loss);
  }

  #smooth(loss: number): number {
    const before = this.#now.smoothedLoss;
    return Number.isNaN(before) ? loss : before + regime.CURRICULUM.smoothing * (loss - before);
  }

  #rate(): number {
    // Adam's first updates move every weight by the whole rate, whatever the gradient's size.
    const warm = Math.min(1, (this.#now.adam.updates + 1) / WARM_UP);
    const base = warm * this.plan.rate * RATE_AFTER_ROLLBACK ** this.#now.rollbacks;
    if (this.#inCurriculum) return base;
    return base * (0.01 + 0.495 * (1 + Math.cos((Math.PI * this.#now.poolDone) / this.plan.iterations)));
  }

  #hasDiverged(smoothed: number): boolean {
    if (!Number.isFinite(smoothed)) return true;
    if (this.#inCurriculum) return smoothed > 100 * this.#seedLoss;
    // After a return to the kept state it may do worse: it can be that the state itself must be unlearned,
    // as when the first rollouts longer than the curriculum's run wild.
    const returns = this.#now.rollbacks - this.#kept.rollbacks;
    return (
      smoothed > DIVERGED ** (1 + returns) * Math.max(this.#kept.smoothedLoss, regime.CURRICULUM.passLoss)
    );
  }

  #rollBack(wastedMs: number): void {
    const rollbacks = this.#now.rollbacks + 1;
    if (rollbacks > MOST_ROLLBACKS) {
      throw new TrainingError(`diverged ${rollbacks} times; try a lower --rate than ${this.plan.rate}`);
    }
    const elapsedMs = this.#now.elapsedMs + wastedMs;
    const kept = this.#kept;
    this.#now = { ...kept, pool: kept.pool.slice(), losses: kept.losses.slice(), rollbacks, elapsedMs };
    // Another draw: the same one could lead to the same end.
    this.#random = new Random(this.plan.randomSeed + rollbacks * 7919 + kept.losses.length);
  }

  #drawFromTarget(): number[] {
    const { shape, rgba } = this.target;
    for (let slot = 0; slot < this.plan.batch; slot++) {
      regime.plantTarget(this.#rollouts.state(slot), shape, rgba, this.#now.difficulty, this.#random);
    }
    return [];
  }

  /** Fills the slots, worst first, and returns which of the pool they are. */
  #drawFromPool(): number[] {
    const { shape, rgba } = this.target;
    const { batch, poolSize } = this.plan;
    const chosen = new Set<number>();
    while (chosen.size < batch) chosen.add(this.#random.whole(0, poolSize - 1));
    const ranked = [...chosen]
      .map((index) => ({ index, loss: regime.meanSquareError(this.#poolState(index), rgba, shape) }))
      .sort((a, b) => b.loss - a.loss || a.index - b.index);
    const firstDamaged = Math.max(1, batch - Math.round(batch * regime.POOL.damagedPart));
    ranked.forEach(({ index, loss }, slot) => {
      const state = this.#rollouts.state(slot);
      state.set(this.#poolState(index));
      if (slot === 0 && this.#startsAgain(loss)) regime.plantSeed(state, shape);
      if (slot >= firstDamaged && loss < GROWN * this.#seedLoss) regime.damage(state, shape, this.#random);
    });
    return ranked.map(({ index }) => index);
  }

  /** A body that is far off always does; one that merely drifts is sometimes kept, to be taught. */
  #startsAgain(worstLoss: number): boolean {
    return worstLoss >= FAR_OFF * this.#seedLoss || this.#random.unit() < this.plan.seedPart;
  }

  #poolState(index: number): Float32Array {
    const length = this.target.shape.cellCount * CHANNELS;
    return this.#now.pool.subarray(index * length, (index + 1) * length);
  }

  #advanceCurriculum(): void {
    const { difficulty, smoothedLoss, curriculumDone } = this.#now;
    const passed = smoothedLoss < regime.CURRICULUM.passLoss;
    const next = passed ? regime.harder(difficulty) : difficulty;
    this.#now = { ...this.#now, difficulty: next };
    if (regime.isSeed(next) || curriculumDone >= this.plan.curriculumIterations) this.#beginPool();
  }

  #beginPool(): void {
    const { shape } = this.target;
    const length = shape.cellCount * CHANNELS;
    const pool = new Float32Array(this.plan.poolSize * length);
    // Cut short, the curriculum leaves a rule that fails from a seed: that is no divergence.
    const { difficulty } = this.#now;
    const smoothedLoss = regime.isSeed(difficulty) ? this.#now.smoothedLoss : this.#seedLoss;
    this.#now = { ...this.#now, pool, smoothedLoss };
    for (let i = 0; i < this.plan.poolSize; i++) regime.plantSeed(this.#poolState(i), shape);
    this.#kept = this.snapshot();
  }

  #progress(inCurriculum: boolean, steps: number, loss: number): Progress {
    const now = this.#now;
    return {
      phase: inCurriculum ? 'curriculum' : 'pool',
      done: inCurriculum ? now.curriculumDone : now.poolDone,
      planned: inCurriculum ? this.plan.curriculumIterations : this.plan.iterations,
      loss,
      smoothedLoss: now.smoothedLoss,
      difficulty: regime.progress(now.difficulty, this.target.shape),
      steps,
      rollbacks: now.rollbacks,
    };
  }

  dispose(): Promise<void> {
    return this.#rollouts.dispose();
  }
}

const isFiniteEverywhere = (weights: Weights): boolean =>
  [weights.w1, weights.b1, weights.w2, weights.b2].every((values) => values.every(Number.isFinite));
