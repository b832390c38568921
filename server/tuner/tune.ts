/**
 * One job: an attempt to tune a species' rule in force on the wounds that players dealt, with everything that it is made
 * of (`attempt.ts` decides). All state is in the job's folder (`jobs.ts`), so it can be stopped anywhere and gone on with.
 */
import { createHash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { EvaluationTarget } from '../evaluation/evaluate.ts';
import { meanOf } from '../evaluation/statistics.ts';
import { readRule, writeRule, writeWhole } from '../rules/load.ts';
import { hashWeights, type Rule, RuleError } from '../rules/rule.ts';
import { readState, SNAPSHOT_FORMAT, writeState } from '../training/checkpoint.ts';
import type { Weights } from '../training/kernel.ts';
import { firstState } from '../training/optimizer.ts';
import type { TrainingPlan } from '../training/plan.ts';
import type { OpenRollouts } from '../training/rollouts.ts';
import { checkWeights } from '../training/snapshot.ts';
import { readTarget, type TargetSource } from '../training/target.ts';
import { TrainingError, TrainingRun } from '../training/train.ts';
import { Attempt, type AttemptOutcome, type AttemptParts, type AttemptState } from './attempt.ts';
import { compare, type Measured, type Verdict } from './compare.ts';
import type { Healing } from './heal.ts';
import { isResult, JOB_FILES, type Job, type Result } from './jobs.ts';
import { readJson } from './jsonFile.ts';
import { Looker } from './look.ts';
import { Measurements, type Subject } from './measured.ts';
import type { FromTuning } from './messages.ts';
import { filmHealing, pictureOf } from './picture.ts';
import { candidateOf, resultOf, toldOf } from './result.ts';
import { type Lessons, planOf, type Round } from './rounds.ts';
import { type Blows, keyOf, MIN_WOUNDS, randomSeedOf } from './wounds.ts';

/** Largest loss of training time when the process is killed. */
const CHECKPOINT_MS = 5_000;
const PROGRESS_MS = 250;
/** Default number of random seeds: the least p-value is then 2^-16, far below the level that `holm` asks for. */
const RANDOM_SEEDS = 16;
/** A wound is healed when the error is at most this many times the error before it, … */
const WHOLE_ERROR = 1.5;
/** … and when this much of it has recovered. */
const WHOLE_RECOVERY = 0.98;
const MAGIC = `regrow-attempt-1-${SNAPSHOT_FORMAT}`;

export interface TuneHooks {
  post(message: FromTuning): void;
  /** Asked between iterations; true stops the job at a checkpoint. */
  isPausing(): boolean;
}

/** The job has stopped at a checkpoint, as asked. */
export class Paused extends Error {
  override name = 'Paused';
}

/** An attempt on disk. */
interface Saved {
  /** The key of the rule that it began with: an attempt on another rule is not gone on with. */
  readonly incumbent: string;
  /** The key of the wounds: new ones make a verdict old. */
  readonly wounds: string;
  readonly state: AttemptState;
}

/**
 * Does or continues the job, and writes its result.
 *
 * @throws Paused; RuleError or TrainingError with the reason why the job cannot succeed
 */
export async function tune(folder: string, job: Job, hooks: TuneHooks): Promise<Result> {
  return new Tuning(folder, job, hooks).run();
}

class Tuning {
  readonly #folder: string;
  readonly #job: Job;
  readonly #hooks: TuneHooks;
  readonly #incumbent: Rule;
  readonly #root: Rule;
  readonly #trained: readonly Blows[];
  readonly #heldOut: readonly Blows[];
  readonly #threads: number;
  readonly #wounds: string;
  #told = Number.NEGATIVE_INFINITY;
  #saved = performance.now();
  #loss: number | null = null;
  /** As of the last look; null: this process has not looked yet. */
  #recovery: number | null = null;

  constructor(folder: string, job: Job, hooks: TuneHooks) {
    this.#folder = folder;
    this.#job = job;
    this.#hooks = hooks;
    this.#incumbent = readRule(this.#path('incumbent'));
    this.#root = existsSync(this.#path('root')) ? readRule(this.#path('root')) : this.#incumbent;
    this.#trained = job.wounds.trained.map(({ blows }) => blows);
    this.#heldOut = job.wounds.heldOut.map(({ blows }) => blows);
    const count = this.#trained.length + this.#heldOut.length;
    if (count < MIN_WOUNDS || this.#trained.length === 0 || this.#heldOut.length === 0)
      throw new RuleError(
        `${job.species} has ${count} different wounds, ${this.#heldOut.length} of them held out; at least ${MIN_WOUNDS} are needed`,
      );
    this.#wounds = hashOf([...this.#heldOut, [], ...this.#trained].map(keyOf).join());
    this.#threads = Math.min(job.options.threads, availableParallelism());
  }

  #path(file: keyof typeof JOB_FILES): string {
    return `${this.#folder}/${JOB_FILES[file]}`;
  }

  async run(): Promise<Result> {
    const known = existsSync(this.#path('result')) ? readJson(this.#path('result'), isResult) : null;
    if (known !== null) return known;
    const { post } = this.#hooks;
    post({ type: 'stage', stage: 'preparing' });
    const target = await this.#target();
    const { randomSeeds = RANDOM_SEEDS } = this.#job.options;
    const measurements = new Measurements(
      this.#path('measured'),
      target,
      this.#heldOut,
      hashOf(this.#heldOut.map(keyOf).join()),
      { randomSeeds, threads: this.#threads },
      (line) => post({ type: 'log', line }),
    );
    post({ type: 'stage', stage: 'measuring' });
    const incumbent = subject('incumbent', this.#incumbent);
    const before = await measurements.heldOut(incumbent);
    if (isWhole(before)) return this.#needless(before);
    const judge = new Judge(measurements, incumbent, subject('root', this.#root), this.#heldOut.length);
    const outcome = await this.#attempt(target, judge);
    const candidate = candidateOf(this.#job, this.#incumbent, outcome);
    post({ type: 'stage', stage: 'comparing' });
    writeWhole(this.#path('film'), await this.#film(candidate, target, before));
    writeRule(this.#path('candidate'), candidate);
    return this.#finish(resultOf(this.#job, outcome));
  }

  #finish(result: Result): Result {
    writeWhole(this.#path('result'), JSON.stringify(result));
    rmSync(this.#path('checkpoint'), { force: true });
    return result;
  }

  #needless(before: Healing): Result {
    const error = meanOf(before.healed).toExponential(1);
    const reason = `${this.#job.species} heals these wounds already: error ${error} after 200 steps`;
    return this.#finish({
      format: 2,
      verdict: 'needless',
      reasons: [reason],
      metrics: {},
      iterations: 0,
      rounds: [],
    });
  }

  /** The root's picture: what each of ten tuned rules grows may lie a little farther from it than the last. */
  async #target(): Promise<EvaluationTarget & { readonly source: TargetSource }> {
    const image = this.#path('target');
    const picture = await pictureOf(this.#root);
    writeWhole(image, picture.png);
    const source = { ...picture.source, image };
    return { label: picture.label, target: readTarget(source), source };
  }

  async #attempt(
    target: EvaluationTarget & { readonly source: TargetSource },
    judge: Judge,
  ): Promise<AttemptOutcome> {
    const looker = new Looker(this.#incumbent, target, this.#trained, this.#threads);
    const open = await this.#opener();
    let attempt: Attempt | null = null;
    try {
      const { recovery, errors } = await looker.begin(this.#root);
      this.#hooks.post({ type: 'spotCheck', done: 0, recovery: recovery || 0 });
      const lessons = { wounds: this.#trained, errors };
      attempt = this.#opened(this.#parts(target.source, lessons, looker, judge, open));
      return await attempt.run();
    } finally {
      await Promise.all([attempt?.dispose(), looker.dispose()]);
    }
  }

  #parts(
    source: TargetSource,
    lessons: Lessons,
    looker: Looker,
    judge: Judge,
    open: OpenRollouts | undefined,
  ): AttemptParts {
    const { options, species, incumbent } = this.#job;
    const { post, isPausing } = this.#hooks;
    const randomSeed = randomSeedOf(`${species} ${incumbent?.sha256 ?? ''}`);
    const plan = (round: Round, number: number): TrainingPlan =>
      planOf(this.#incumbent, source, round, lessons, randomSeed + number);
    return {
      iterations: options.iterations,
      incumbent: this.#incumbent,
      begin: (round, number, weights, before) => {
        const own = plan(round, number);
        if (before === null) return new TrainingRun(own, this.#threads, open, { weights });
        const next = { ...before, plan: own, poolDone: 0, rollbacks: 0, optimizer: firstState(weights) };
        return new TrainingRun(next, this.#threads, open);
      },
      // The wounds may be others than when the snapshot was taken.
      resume: (round, number, run) =>
        new TrainingRun({ ...run, plan: plan(round, number) }, this.#threads, open),
      look: async (weights) => {
        post({ type: 'stage', stage: 'comparing' });
        const { recovery, ...look } = await looker.look(weights);
        this.#recovery = recovery || 0;
        return look;
      },
      judge: (weights) => judge.judge({ ...this.#incumbent, ...weights }),
      onIteration: (attempt, loss, rolledBack) => {
        if (rolledBack !== undefined) post({ type: 'log', line: `${rolledBack}: back, at a lower rate` });
        this.#loss = Number.isFinite(loss) ? loss : null;
        const now = performance.now();
        if (now - this.#told >= PROGRESS_MS) {
          this.#told = now;
          this.#tell(attempt);
        }
        if (isPausing()) {
          this.#save(attempt.state);
          throw new Paused();
        }
        if (now - this.#saved >= CHECKPOINT_MS) this.#save(attempt.state);
      },
      onRound: (attempt) => {
        this.#save(attempt.state);
        this.#tell(attempt);
        if (this.#recovery !== null)
          post({ type: 'spotCheck', done: attempt.spent, recovery: this.#recovery });
      },
    };
  }

  #tell(attempt: Attempt): void {
    const { iterations } = this.#job.options;
    const { round, rounds, spent } = attempt;
    this.#hooks.post({
      type: 'progress',
      done: Math.min(iterations, spent + attempt.doneInRound),
      planned: iterations,
      loss: this.#loss,
      seconds: attempt.elapsedMs / 1_000,
      aim: round.aim,
      because: round.because,
      rounds: rounds.map(toldOf),
    });
  }

  #save(state: AttemptState): void {
    const saved: Saved = { incumbent: keyOfWeights(this.#incumbent), wounds: this.#wounds, state };
    writeState(this.#path('checkpoint'), MAGIC, saved);
    this.#saved = performance.now();
  }

  /** Goes on from the checkpoint, if there is one. A bad one is reported, and the attempt begins again. */
  #opened(parts: AttemptParts): Attempt {
    const file = this.#path('checkpoint');
    if (!existsSync(file)) return new Attempt(parts, null);
    try {
      return new Attempt(parts, this.#read(file));
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      this.#hooks.post({ type: 'log', line: `${error.message}: its training begins again` });
      rmSync(file, { force: true });
      return new Attempt(parts, null);
    }
  }

  /** @throws RuleError */
  #read(file: string): AttemptState {
    const { incumbent, wounds, state } = readState<Saved>(file, MAGIC);
    if (incumbent !== keyOfWeights(this.#incumbent)) throw new RuleError(`${file} is of another rule`);
    const { average, best } = state;
    checkWeights({ average, 'best.weights': best?.weights ?? null }, this.#incumbent.hidden);
    if (wounds === this.#wounds) return state;
    // New wounds: what was found of the best is not true of them.
    return { ...state, idle: 0, best: state.best && { ...state.best, verdict: null } };
  }

  async #opener(): Promise<OpenRollouts | undefined> {
    if (this.#job.options.engine === 'wasm') return undefined;
    const { openTfjs } = await import('../training/tfjs.ts');
    const { open, description } = await openTfjs();
    this.#hooks.post({ type: 'log', line: `tuning on ${description}` });
    return open;
  }

  /** The held-out wound that was hardest for the incumbent. */
  #film(candidate: Rule, target: EvaluationTarget, { byWound }: Healing): Promise<Uint8Array> {
    const hardest = byWound.indexOf(Math.max(...byWound));
    return filmHealing([this.#incumbent, candidate], target, this.#heldOut[Math.max(0, hardest)]);
  }
}

/** Judges candidates by the held-out wounds, the suite and the trials; what decides early spares the rest. */
class Judge {
  readonly #measurements: Measurements;
  readonly #incumbent: Subject;
  readonly #root: Subject;
  readonly #heldOutWounds: number;

  constructor(measurements: Measurements, incumbent: Subject, root: Subject, heldOutWounds: number) {
    this.#measurements = measurements;
    this.#incumbent = incumbent;
    this.#root = incumbent.key === root.key ? incumbent : root;
    this.#heldOutWounds = heldOutWounds;
  }

  async judge(rule: Rule): Promise<Verdict> {
    const candidate = subject('candidate', rule);
    const part = async (one: Subject): Promise<Measured> => ({
      heldOut: await this.#measurements.heldOut(one),
      suite: await this.#measurements.suite(one),
      trials: null,
    });
    let before = await part(this.#incumbent);
    let root: Pick<Measured, 'suite' | 'trials'> = {
      suite: await this.#measurements.suite(this.#root),
      trials: null,
    };
    let after = await part(candidate);
    let verdict = compare(before, root, after, this.#heldOutWounds);
    if (verdict.lacks.length === 0) {
      before = { ...before, trials: await this.#measurements.trials(this.#incumbent) };
      root = { ...root, trials: await this.#measurements.trials(this.#root) };
      after = { ...after, trials: await this.#measurements.trials(candidate) };
      verdict = compare(before, root, after, this.#heldOutWounds);
    }
    return verdict;
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 16);

const keyOfWeights = (weights: Weights): string =>
  hashWeights(createHash('sha256'), weights).digest('base64url').slice(0, 16);

const subject = (role: Subject['role'], rule: Rule): Subject => ({ role, rule, key: keyOfWeights(rule) });

const isWhole = ({ healed, grown, recovery }: Healing): boolean =>
  meanOf(healed) <= WHOLE_ERROR * meanOf(grown) && meanOf(recovery) >= WHOLE_RECOVERY;

/** Errors that end a job and are not bugs. */
export const isTold = (error: unknown): error is Error =>
  error instanceof RuleError || error instanceof TrainingError || error instanceof RangeError;
