/**
 * The training run: one `iterate` rolls a batch out, differentiates it and learns from it. A run's whole state is its
 * `Snapshot`: a checkpoint is one on disk, and a run that diverges returns to one in memory.
 */
import { readRule } from '../rules/load.ts';
import { CHANNELS, RuleError } from '../rules/rule.ts';
import type { Weights } from './kernel.ts';
import { firstState, firstWeights, meanDirection, update } from './optimizer.ts';
import type { TrainingPlan } from './plan.ts';
import { Random } from './random.ts';
import * as regime from './regime.ts';
import { type OpenRollouts, type RolloutBatch, Rollouts } from './rollouts.ts';
import { poolState, Samples } from './samples.ts';
import { checkSnapshot, poolSizeOf, type Snapshot } from './snapshot.ts';
import { livingCells, plantSeed } from './states.ts';
import { clearOfThreshold, padded, readTarget, type Target } from './target.ts';
import type { Walls } from './walls.ts';
import { Ward } from './ward.ts';

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
  /** Why the run has just returned to its last good state; absent: it has not. */
  readonly rolledBack?: string;
}

/** What a run takes from memory instead of from the files that its plan names. */
export interface Given {
  /** The picture, padded as the plan says. */
  readonly target?: Target;
  /** What a new run begins with; a run that is continued has its own. */
  readonly weights?: Weights;
}

/** Iterations between two kept states that a diverging run can return to. */
const KEEP_EVERY = 250;
/** A smoothed loss this many times the kept one (or the pass loss, if larger) is divergence. */
const DIVERGED = 4;
/** A run that diverges more often is given up. */
const MAX_ROLLBACKS = 8;
/** Updates until the learning rate is full. */
const WARM_UP = 50;
const RATE_AFTER_ROLLBACK = 0.6;
/** The population is dead when no sample lived at the end of this many iterations in a row. */
const DEAD_FOR = 10;

export class TrainingError extends Error {
  override name = 'TrainingError';
}

export class TrainingRun {
  readonly plan: TrainingPlan;
  /** The picture with the plan's padding; `#grid` has the plan's room around it, too. */
  readonly target: Target;
  readonly #grid: Target;
  readonly #rollouts: RolloutBatch;
  readonly #samples: Samples;
  /** null: the plan has none. */
  readonly #ward: Ward | null;
  #now: Snapshot;
  #kept: Snapshot;
  #random: Random;
  /** Iterations since a sample last outlived its rollout. */
  #deadFor = 0;

  /**
   * @param from - a plan to begin, or a snapshot to continue
   * @param threads - 0 works on the calling thread
   * @throws RuleError when the snapshot does not fit its plan; nothing is open then
   */
  constructor(
    from: TrainingPlan | Snapshot,
    threads: number,
    open: OpenRollouts = (options) => new Rollouts(options),
    { target, weights }: Given = {},
  ) {
    this.plan = 'plan' in from ? from.plan : from;
    const { plan } = this;
    this.target = target ?? readTarget(plan.source);
    this.#grid = clearOfThreshold(padded(this.target, plan.source.padding + plan.roomCells));
    const { shape } = this.#grid;
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
            optimizer: firstState(weights ?? this.#firstWeights()),
            random: this.#random.state,
            pool: new Float32Array(0),
            walls: [],
            rollbacks: 0,
            losses: [],
            elapsedMs: 0,
          };
    checkSnapshot(this.#now, shape);
    this.#random = new Random(this.#now.random);
    const common = { shape, hidden: plan.hidden, fireRate: plan.fireRate };
    this.#rollouts = open({
      ...common,
      overflowWeight: plan.overflowWeight,
      quiescenceWeight: plan.quiescenceWeight,
      placeWeight: plan.placeWeight,
      waveWeight: plan.waveWeight,
      strayWeight: plan.strayWeight,
      rimWeight: plan.rimWeight,
      slots: plan.batch,
      threads: Math.min(threads, plan.batch),
      maxSteps: Math.max(plan.longestSteps, regime.CURRICULUM.mostSteps),
    });
    this.#rollouts.target.set(this.#grid.rgba);
    this.#samples = new Samples(plan, this.#grid, this.#rollouts);
    const { wardBodies = 0 } = plan;
    const beds = {
      slots: wardBodies,
      threads: Math.min(threads, wardBodies),
      overflowWeight: 0,
      maxSteps: 0,
    };
    this.#ward = wardBodies === 0 ? null : new Ward(open({ ...common, ...beds }), wardBodies, this.#grid);
    if (this.#ward !== null && this.#now.ward !== undefined) this.#ward.state = this.#now.ward;
    this.#kept = this.snapshot();
    if (this.#inCurriculum && plan.curriculumIterations === 0) this.#beginPool();
  }

  #firstWeights(): Weights {
    const { parent, hidden } = this.plan;
    if (parent === undefined) return firstWeights(hidden, this.#random);
    const rule = readRule(parent);
    if (rule.hidden === hidden) return rule;
    throw new RuleError(`${parent} has ${rule.hidden} hidden units, the plan ${hidden}`);
  }

  get weights(): Weights {
    return this.#now.optimizer.weights;
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

  /** Iterations of the pool phase, which the plan counts. */
  get done(): number {
    return this.#now.poolDone;
  }

  get isFinished(): boolean {
    return this.#now.poolDone >= this.plan.iterations;
  }

  get #inCurriculum(): boolean {
    return this.#now.pool.length === 0;
  }

  /** A copy: later iterations do not change it. */
  snapshot(): Snapshot {
    const now = this.#now;
    return {
      ...now,
      random: { ...this.#random.state },
      pool: now.pool.slice(),
      walls: now.walls.slice(),
      losses: now.losses.slice(),
      ...(this.#ward !== null && { ward: this.#ward.state }),
    };
  }

  /** @throws TrainingError when the run keeps diverging */
  async iterate(): Promise<Progress> {
    const started = performance.now();
    const inCurriculum = this.#inCurriculum;
    const { batch } = this.plan;
    const steps = inCurriculum
      ? this.#now.difficulty.steps
      : this.#random.whole(
          regime.POOL.fewestSteps,
          regime.mostPoolSteps(this.#now.poolDone, this.plan.longestSteps),
        );
    if (!inCurriculum) await this.#visitWard();
    this.#rollouts.setWeights(this.weights);
    const samples = inCurriculum
      ? this.#samples.fromTarget(this.#now.difficulty, this.#random)
      : await this.#samples.fromPool(this.#now.pool, this.#now.walls, this.#random);
    const rollouts = samples.map(({ isWhole, isHurt }) => ({
      steps: isHurt ? this.#random.whole(Math.min(this.plan.shortestSteps, steps), steps) : steps,
      randomSeed: this.#random.uint32() | 0,
      quietSteps: isWhole ? regime.POOL.quietSteps : 0,
      overflowPart: this.#annealed(),
    }));
    const { losses } = await this.#rollouts.differentiate(rollouts);
    const loss = losses.reduce((sum, value) => sum + value, 0) / batch;
    const smoothed = this.#smooth(loss);
    const gradient = meanDirection(
      samples.map((_, slot) => this.#rollouts.gradient(slot)),
      this.plan.normalisation,
    );
    const fault = this.#faultOf(smoothed, gradient);
    if (fault !== null) {
      this.#rollBack(performance.now() - started);
      return { ...this.#progress(inCurriculum, steps, loss), rolledBack: fault };
    }
    const optimizer = update(this.#now.optimizer, gradient, this.#rate(), this.plan.optimizer);
    const walls = this.#now.walls.slice();
    samples.forEach(({ index, walls: own }, slot) => {
      if (index < 0 || this.plan.poolSize === 0) return;
      poolState(this.#now.pool, this.#grid.shape, index).set(this.#rollouts.state(slot));
      walls[index] = own;
    });
    (this.#now.losses as number[]).push(loss);
    this.#now = {
      ...this.#now,
      optimizer,
      walls,
      smoothedLoss: smoothed,
      curriculumDone: this.#now.curriculumDone + (inCurriculum ? 1 : 0),
      poolDone: this.#now.poolDone + (inCurriculum ? 0 : 1),
      elapsedMs: this.#now.elapsedMs + performance.now() - started,
    };
    if (inCurriculum) this.#advanceCurriculum();
    if (this.#now.losses.length % KEEP_EVERY === 0) this.#kept = this.snapshot();
    return this.#progress(inCurriculum, steps, loss);
  }

  /** A sick body may take the place of a sample of the pool. */
  async #visitWard(): Promise<void> {
    const ward = this.#ward;
    if (ward === null) return;
    await ward.pass(this.weights, this.#random);
    const { sickPart = 0, poolSize } = this.plan;
    if (poolSize === 0 || this.#random.unit() >= sickPart) return;
    const sick = ward.drawSick(this.#random);
    if (sick === null) return;
    const index = this.#random.whole(0, poolSize - 1);
    poolState(this.#now.pool, this.#grid.shape, index).set(sick);
    (this.#now.walls as (Walls | null)[])[index] = null;
  }

  #smooth(loss: number): number {
    const before = this.#now.smoothedLoss;
    return Number.isNaN(before) ? loss : before + regime.CURRICULUM.smoothing * (loss - before);
  }

  #rate(): number {
    // The first updates move the weights by the whole rate, whatever the gradient's size.
    const warm = Math.min(1, (this.#now.optimizer.updates + 1) / WARM_UP);
    const base = warm * this.plan.rate * RATE_AFTER_ROLLBACK ** this.#now.rollbacks;
    return base * (0.01 + 0.99 * this.#annealed());
  }

  /** 1 until the pool phase, then along a cosine to 0 at its end. */
  #annealed(): number {
    if (this.#inCurriculum) return 1;
    return (1 + Math.cos((Math.PI * this.#now.poolDone) / this.plan.iterations)) / 2;
  }

  /** Why this iteration must not be learned from; null: it may. */
  #faultOf(smoothed: number, gradient: Weights): string | null {
    if (!Number.isFinite(smoothed)) return 'the loss is not a number';
    // A cell that overflows dies: it leaves no trace in the loss, but one in the gradient.
    if (!isFiniteEverywhere(gradient)) return 'the gradient is not finite';
    const { shape } = this.#grid;
    const lives = Array.from({ length: this.plan.batch }, (_, slot) => this.#rollouts.state(slot)).some(
      (state) => livingCells(state, shape) > 0,
    );
    this.#deadFor = lives ? 0 : this.#deadFor + 1;
    if (this.#deadFor >= DEAD_FOR) return 'no sample lives';
    if (this.#inCurriculum) return smoothed > 100 * this.#samples.seedLoss ? 'the loss has exploded' : null;
    // After a return to the kept state a larger loss is allowed: that state itself may have to be unlearned, as when
    // the first rollouts longer than the curriculum's run wild.
    const returns = this.#now.rollbacks - this.#kept.rollbacks;
    const most = DIVERGED ** (1 + returns) * Math.max(this.#kept.smoothedLoss, regime.CURRICULUM.passLoss);
    return smoothed > most ? 'the loss has risen far above the best' : null;
  }

  #rollBack(wastedMs: number): void {
    const rollbacks = this.#now.rollbacks + 1;
    if (rollbacks > MAX_ROLLBACKS) {
      throw new TrainingError(`diverged ${rollbacks} times; try a lower --rate than ${this.plan.rate}`);
    }
    const elapsedMs = this.#now.elapsedMs + wastedMs;
    const kept = this.#kept;
    const { pool, walls, losses } = kept;
    if (this.#ward !== null && kept.ward !== undefined) this.#ward.state = kept.ward;
    this.#now = {
      ...kept,
      pool: pool.slice(),
      walls: walls.slice(),
      losses: losses.slice(),
      rollbacks,
      elapsedMs,
    };
    this.#deadFor = 0;
    // Different draws: the same ones could lead to the same end.
    this.#random = new Random(this.plan.randomSeed + rollbacks * 7919 + kept.losses.length);
  }

  #advanceCurriculum(): void {
    const { difficulty, smoothedLoss, curriculumDone } = this.#now;
    const passed = smoothedLoss < regime.CURRICULUM.passLoss;
    const next = passed ? regime.harder(difficulty) : difficulty;
    this.#now = { ...this.#now, difficulty: next };
    if (regime.isSeed(next) || curriculumDone >= this.plan.curriculumIterations) this.#beginPool();
  }

  #beginPool(): void {
    const { shape } = this.#grid;
    const length = shape.cellCount * CHANNELS;
    const poolSize = poolSizeOf(this.plan);
    const pool = new Float32Array(poolSize * length);
    const walls = new Array<Walls | null>(poolSize).fill(null);
    // The smoothed loss begins again at a seed's. Bodies older than any in the curriculum run wild at first, and a
    // curriculum that is cut short leaves a rule that fails from a seed: neither is a divergence.
    this.#now = { ...this.#now, pool, walls, smoothedLoss: this.#samples.seedLoss };
    for (let i = 0; i < poolSize; i++) plantSeed(poolState(pool, shape, i), shape);
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
      difficulty: regime.progress(now.difficulty, this.#grid.shape),
      steps,
      rollbacks: now.rollbacks,
    };
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#rollouts.dispose(), this.#ward?.dispose()]);
  }
}

const isFiniteEverywhere = (weights: Weights): boolean =>
  [weights.w1, weights.b1, weights.w2, weights.b2].every((values) => values.every(Number.isFinite));
