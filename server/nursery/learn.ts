/**
 * A creature from a drawing: learns a rule that grows it, keeps it and heals it, from a starting rule that already
 * does so with other pictures. Stops as soon as the rule passes the gates. One random seed gives one rule, whatever
 * the threads and however often the learning was stopped and continued.
 */
import { createHash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import type { Evaluated } from '../evaluation/sheet.ts';
import { type Rule, RuleError } from '../rules/rule.ts';
import { readState, SNAPSHOT_FORMAT, writeState } from '../training/checkpoint.ts';
import type { Weights } from '../training/kernel.ts';
import { LEARNING, LEARNING_PADDING } from '../training/learning.ts';
import { between } from '../training/optimizer.ts';
import { checkWeights, type Snapshot } from '../training/snapshot.ts';
import { pictureCells, type Target } from '../training/target.ts';
import { TrainingError, TrainingRun } from '../training/train.ts';
import { judge, type Missed, missedGates } from './gates.ts';
import { roundPlan } from './rounds.ts';
import { type Checked, SpotCheck, shortfall } from './spotCheck.ts';

const MAGIC = `regrow-learning-1-${SNAPSHOT_FORMAT}`;
/** Largest loss of learning time when the process is killed. */
const CHECKPOINT_MS = 20_000;
/** In iterations. */
const PACE = {
  firstCheck: 200,
  checkEvery: 50,
  /** From a judgement that failed to the next one: a judgement takes as long as about 100 iterations. */
  judgeEvery: 100,
} as const;
/** Iterations after which a learning ends with the best that it has. */
const MAX_ITERATIONS = 5000;
/** Part of the newest weights in the running mean of the weights, which is what is checked, judged and kept. */
const AVERAGED_PART = 0.02;

export interface LearnOptions {
  readonly name: string;
  /** Rule to begin with: `readStart()`, or any rule of 128 hidden units whose hidden channels hold the place. */
  readonly start: Rule;
  /** 0 works on the calling thread; more than 4 are not used. */
  readonly threads: number;
  readonly randomSeed?: number;
  readonly maxIterations?: number;
  /** File to continue from if it exists; written every 20 s and when the signal stops the learning. */
  readonly checkpoint?: string;
  /** Told why the checkpoint cannot be gone on from: it is removed, and the learning begins. Absent: that is an error. */
  onBadCheckpoint?(reason: string): void;
  /** After every iteration, check and judgement. */
  onProgress?(progress: LearningProgress): void;
  /** Stops the learning at a checkpoint: `learnCreature` then throws `LearningStopped`. */
  readonly signal?: AbortSignal;
}

export interface LearningProgress {
  readonly stage: 'learning' | 'judging';
  readonly round: number;
  readonly iterations: number;
  readonly maxIterations: number;
  /** Mean square error of the batch's bodies, smoothed. */
  readonly loss: number;
  /** Time spent, without the time that the learning was stopped. */
  readonly elapsedMs: number;
  /** The last spot check; null: none yet. */
  readonly checked: Checked | null;
  /** The rule as it stands: never written to, so it may be kept for a film. */
  readonly weights: Weights;
}

/** `weak`: it lives, but misses gates. `refused`: bodies die or outgrow their picture. */
export type Outcome = 'passed' | 'weak' | 'refused';

/** With the figures of the judgement, and pictures of growth and healing (`contactSheet`). */
export interface Learned extends Evaluated {
  readonly rule: Rule;
  readonly outcome: Outcome;
  readonly missed: readonly Missed[];
  /** The loss of every iteration up to now. */
  readonly losses: readonly number[];
  /** Iterations that made the rule. */
  readonly iterations: number;
  readonly elapsedMs: number;
}

/** The learning has stopped at a checkpoint, as its signal asked. */
export class LearningStopped extends Error {
  override name = 'LearningStopped';
}

interface Best {
  readonly weights: Weights;
  readonly checked: Checked;
  readonly iterations: number;
}

/** A learning on disk. */
interface LearningSnapshot {
  /** A hash of the picture: a checkpoint of another one is refused. */
  readonly picture: string;
  readonly round: number;
  readonly run: Snapshot;
  readonly average: Weights;
  readonly before: Weights | null;
  readonly checked: Checked | null;
  readonly best: Best | null;
  readonly judgedAt: number;
  readonly elapsedMs: number;
}

/** What a learning is made of. Tests put others in their place. */
export interface LearningParts {
  readonly pace: Readonly<Record<keyof typeof PACE, number>>;
  readonly roundPlan: typeof roundPlan;
  readonly judge: typeof judge;
  openCheck(rule: Rule, target: Target, threads: number): Pick<SpotCheck, 'measure' | 'dispose'>;
}

const PARTS: LearningParts = {
  pace: PACE,
  roundPlan,
  judge,
  openCheck: (rule, target, threads) => new SpotCheck(rule, target, threads),
};

/**
 * @param target - with `LEARNING_PADDING` empty cells around the picture
 * @param parts - for tests
 * @throws LearningStopped; RuleError when the start cannot be used or the picture cannot be learned at all
 */
export async function learnCreature(
  target: Target,
  options: LearnOptions,
  parts: LearningParts = PARTS,
): Promise<Learned> {
  const learning = opened(target, options, parts);
  try {
    return await learning.learn();
  } finally {
    await learning.dispose();
  }
}

function opened(target: Target, options: LearnOptions, parts: LearningParts): Learning {
  try {
    return new Learning(target, options, parts);
  } catch (error) {
    const { checkpoint, onBadCheckpoint } = options;
    if (!(error instanceof RuleError) || checkpoint === undefined || onBadCheckpoint === undefined)
      throw error;
    onBadCheckpoint(error.message);
    rmSync(checkpoint, { force: true });
    return new Learning(target, options, parts);
  }
}

class Learning {
  readonly #target: Target;
  readonly #options: LearnOptions;
  readonly #picture: string;
  readonly #cells: number;
  readonly #maxIterations: number;
  readonly #parts: LearningParts;
  readonly #check: ReturnType<LearningParts['openCheck']>;
  #round = 0;
  #run: TrainingRun;
  #average: Weights;
  /** `#average` at the end of the round before; null: this is the first. */
  #before: Weights | null = null;
  #checked: Checked | null = null;
  #best: Best | null = null;
  #judgedAt = Number.NEGATIVE_INFINITY;
  /** Time of earlier processes. */
  #earlierMs = 0;
  readonly #startedMs = performance.now();
  #savedMs = performance.now();

  constructor(target: Target, options: LearnOptions, parts: LearningParts) {
    const { start, threads, name, randomSeed = 1, maxIterations = MAX_ITERATIONS, checkpoint } = options;
    if (start.hidden !== LEARNING.hidden || start.fireRate !== LEARNING.fireRate)
      throw new RuleError(
        `${start.name} has ${start.hidden} hidden units and fire rate ${start.fireRate}; ` +
          `a start has ${LEARNING.hidden} and ${LEARNING.fireRate}`,
      );
    this.#target = target;
    this.#options = options;
    this.#parts = parts;
    this.#maxIterations = maxIterations;
    this.#cells = pictureCells(target);
    this.#picture = createHash('sha256').update(target.rgba).digest('hex');
    const saved = checkpoint !== undefined && existsSync(checkpoint) ? this.#read(checkpoint) : null;
    this.#run = new TrainingRun(
      saved?.run ?? parts.roundPlan(name, 0, this.#cells, randomSeed, null),
      threads,
      undefined,
      {
        target,
        weights: start,
      },
    );
    this.#average = saved?.average ?? start;
    if (saved !== null) {
      this.#round = saved.round;
      this.#before = saved.before;
      this.#checked = saved.checked;
      this.#best = saved.best;
      this.#judgedAt = saved.judgedAt;
      this.#earlierMs = saved.elapsedMs;
    }
    this.#check = parts.openCheck(start, target, threads);
  }

  #read(checkpoint: string): LearningSnapshot {
    const saved = readState<LearningSnapshot>(checkpoint, MAGIC);
    if (saved.picture !== this.#picture) throw new RuleError(`${checkpoint} is of another picture`);
    const { average, before, best } = saved;
    checkWeights({ average, before, 'best.weights': best?.weights ?? null }, LEARNING.hidden);
    return saved;
  }

  get #iterations(): number {
    return this.#run.losses.length;
  }

  get #elapsedMs(): number {
    return this.#earlierMs + performance.now() - this.#startedMs;
  }

  async learn(): Promise<Learned> {
    while (this.#iterations < this.#maxIterations) {
      this.#stopIfAsked();
      if (this.#run.isFinished) await this.#nextRound();
      try {
        await this.#iterate();
      } catch (error) {
        if (!(error instanceof TrainingError)) throw error;
        break; // the best so far is judged
      }
      if (!this.#isCheckDue()) continue;
      const passed = await this.#checkAndJudge();
      if (passed !== null) return passed;
    }
    if (this.#best === null)
      throw new RuleError(
        `${this.#options.name} cannot be learned: nothing grew in ${this.#iterations} iterations`,
      );
    const { weights, iterations } = this.#best;
    return this.#judge(weights, iterations);
  }

  #stopIfAsked(): void {
    const { checkpoint, signal } = this.#options;
    const isStopping = signal?.aborted ?? false;
    if (checkpoint !== undefined && (isStopping || performance.now() - this.#savedMs >= CHECKPOINT_MS)) {
      this.#save(checkpoint);
      this.#savedMs = performance.now();
    }
    if (isStopping)
      throw new LearningStopped(`${this.#options.name} stopped at ${this.#iterations} iterations`);
  }

  #save(checkpoint: string): void {
    const saved: LearningSnapshot = {
      picture: this.#picture,
      round: this.#round,
      run: this.#run.snapshot(),
      average: this.#average,
      before: this.#before,
      checked: this.#checked,
      best: this.#best,
      judgedAt: this.#judgedAt,
      elapsedMs: this.#elapsedMs,
    };
    writeState(checkpoint, MAGIC, saved);
  }

  async #iterate(): Promise<void> {
    const { smoothedLoss } = await this.#run.iterate();
    this.#average = between(this.#average, this.#run.weights, AVERAGED_PART);
    this.#tell('learning', smoothedLoss);
  }

  #tell(stage: LearningProgress['stage'], loss: number): void {
    this.#options.onProgress?.({
      stage,
      round: this.#round,
      iterations: this.#iterations,
      maxIterations: this.#maxIterations,
      loss,
      elapsedMs: this.#elapsedMs,
      checked: this.#checked,
      weights: this.#average,
    });
  }

  #isCheckDue(): boolean {
    const done = this.#iterations;
    const { firstCheck, checkEvery } = this.#parts.pace;
    const isLast = this.#run.isFinished || done >= this.#maxIterations;
    return isLast || (done >= firstCheck && done % checkEvery === 0);
  }

  /** @returns null when no rule passes yet */
  async #checkAndJudge(): Promise<Learned | null> {
    const isWhole = this.#run.isFinished || this.#iterations >= this.#maxIterations;
    const passed = await this.#try(this.#average, isWhole);
    if (passed !== null || !this.#run.isFinished) return passed;
    // Rounds that taught different things: their mean has the healing of one and the fine picture of the other.
    const ofBoth = this.#before === null ? null : between(this.#before, this.#average, 0.5);
    this.#before = this.#average;
    const own = this.#checked;
    const passedBoth = ofBoth === null ? null : await this.#try(ofBoth, false);
    this.#checked = own;
    return passedBoth;
  }

  async #try(weights: Weights, isWhole: boolean): Promise<Learned | null> {
    const checked = await this.#check.measure(weights, isWhole);
    this.#checked = checked;
    const lacks = shortfall(checked);
    if (this.#best === null || lacks <= shortfall(this.#best.checked))
      this.#best = { weights, checked, iterations: this.#iterations };
    this.#tell('learning', this.#run.losses.at(-1) ?? Number.NaN);
    if (lacks > 0 || this.#iterations - this.#judgedAt < this.#parts.pace.judgeEvery) return null;
    this.#judgedAt = this.#iterations;
    const learned = await this.#judge(weights, this.#iterations);
    return learned.outcome === 'passed' ? learned : null;
  }

  async #judge(weights: Weights, iterations: number): Promise<Learned> {
    this.#tell('judging', this.#run.losses.at(-1) ?? Number.NaN);
    const { name, start, threads, randomSeed = 1 } = this.#options;
    const { width, height } = this.#target;
    const rule: Rule = {
      name,
      hidden: start.hidden,
      fireRate: start.fireRate,
      ...weights,
      metadata: {
        randomSeed: String(randomSeed),
        iterations: String(iterations),
        trainingMinutes: (this.#elapsedMs / 60_000).toFixed(1),
        targetWidth: String(width),
        targetHeight: String(height),
        scale: '1',
        padding: String(LEARNING_PADDING),
        place: String(LEARNING.placeWeight),
        waves: String(LEARNING.waveWeight),
        parent: start.name,
      },
    };
    const evaluated = await this.#parts.judge(rule, this.#target, threads);
    const missed = missedGates(evaluated.evaluation);
    const isUnsafe = missed.some(({ gate }) => gate === 'deaths' || gate === 'runaways');
    const outcome = missed.length === 0 ? 'passed' : isUnsafe ? 'refused' : 'weak';
    const { losses } = this.#run;
    return { ...evaluated, rule, outcome, missed, losses, iterations, elapsedMs: this.#elapsedMs };
  }

  async #nextRound(): Promise<void> {
    const { name, threads, randomSeed = 1 } = this.#options;
    const snapshot = this.#run.snapshot();
    await this.#run.dispose();
    this.#round++;
    const plan = this.#parts.roundPlan(name, this.#round, this.#cells, randomSeed, this.#checked);
    this.#run = new TrainingRun({ ...snapshot, plan, poolDone: 0, rollbacks: 0 }, threads, undefined, {
      target: this.#target,
    });
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#run.dispose(), this.#check.dispose()]);
  }
}
