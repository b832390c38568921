/**
 * One job: tunes a species' rule in force on the wounds of a session, and compares the result with it. All state is in
 * the job's folder (`jobs.ts`), so the job can be stopped anywhere and continued.
 */
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Comparison, ComparisonRecord, TuningStage } from '../../shared/adminApi.ts';
import type { EvaluationTarget } from '../evaluation/evaluate.ts';
import { meanOf, spread, spreads } from '../evaluation/statistics.ts';
import { readRule, writeRule, writeWhole } from '../rules/load.ts';
import { type Rule, RuleError } from '../rules/rule.ts';
import { readCheckpoint, writeCheckpoint } from '../training/checkpoint.ts';
import type { TrainingPlan } from '../training/plan.ts';
import type { OpenRollouts } from '../training/rollouts.ts';
import { readTarget, type TargetSource } from '../training/target.ts';
import { type Snapshot, TrainingError, TrainingRun } from '../training/train.ts';
import { compare, type Measured, measureHeldOut, measureSuite } from './compare.ts';
import { type Healing, type HealOptions, MAX_HEALING_STEPS } from './heal.ts';
import { isResult, JOB_FILES, type Job, type Result, readJson } from './jobs.ts';
import { Measurements } from './measured.ts';
import type { FromTuning } from './messages.ts';
import { filmHealing, pictureOf } from './picture.ts';
import { jobRandomSeed, planOf } from './plan.ts';
import { SpotCheck } from './spotCheck.ts';
import { differentWounds, MIN_WOUNDS, type Split, splitWounds } from './wounds.ts';

/** Largest loss of training time when the process is killed. */
const CHECKPOINT_MS = 30_000;
const PROGRESS_MS = 250;
/** Iterations between two checks of whether the plan still fits the time, … */
const REPLAN_EVERY = 100;
/** … and before the first one: pools of seeds are quicker than pools of bodies. */
const FIRST_REPLAN = 40;
/** Least change of the number of iterations for which the plan is made again, as a share of it. */
const REPLAN_BEYOND = 0.1;
/** Training ends after this many times the planned seconds, so that a job ends on a machine that became slow, too. */
const MAX_OVERRUN = 1.5;
/** Default number of random seeds: the least p-value is then 2^-16, far below the level that `holm` asks for. */
const RANDOM_SEEDS = 16;
/** A wound is healed when the error is at most this many times the error before it, … */
const WHOLE_ERROR = 1.5;
/** … and when this much of it has recovered. */
const WHOLE_RECOVERY = 0.98;

export interface TuneHooks {
  post(message: FromTuning): void;
  /** Asked between iterations; true stops the job at a checkpoint. */
  isPausing(): boolean;
}

/** The job has stopped at a checkpoint, as asked. */
export class Paused extends Error {
  override name = 'Paused';
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
  readonly #split: Split;
  readonly #healing: HealOptions;
  readonly #measurements: Measurements;
  #lastTold = Number.NEGATIVE_INFINITY;

  constructor(folder: string, job: Job, hooks: TuneHooks) {
    this.#folder = folder;
    this.#job = job;
    this.#hooks = hooks;
    this.#incumbent = readRule(this.#path('incumbent'));
    const wounds = differentWounds(job.wounds);
    if (wounds.length < MIN_WOUNDS)
      throw new RuleError(
        `${job.species} has ${wounds.length} different wounds, at least ${MIN_WOUNDS} are needed`,
      );
    this.#split = splitWounds(wounds, jobRandomSeed(job));
    const { randomSeeds = RANDOM_SEEDS, threads } = job.options;
    this.#healing = { randomSeeds, threads };
    this.#measurements = new Measurements(this.#path('measured'), (text) =>
      hooks.post({ type: 'log', line: text }),
    );
  }

  #path(file: keyof typeof JOB_FILES): string {
    return `${this.#folder}/${JOB_FILES[file]}`;
  }

  #progress(stage: TuningStage, done = 0, planned = 0, loss: number | null = null, seconds = 0): void {
    this.#hooks.post({ type: 'progress', stage, done, planned, loss, seconds });
  }

  async run(): Promise<Result> {
    const known = existsSync(this.#path('result')) ? readJson(this.#path('result'), isResult) : null;
    if (known !== null) return known;
    this.#progress('preparing');
    const target = await this.#target();
    this.#progress('measuring');
    const { heldOut } = this.#split;
    const before = await this.#measurements.once('heldOutBefore', () =>
      measureHeldOut(this.#incumbent, target, heldOut, this.#healing),
    );
    if (isWhole(before)) {
      const error = meanOf(before.healed).toExponential(1);
      const reason = `${this.#job.species} heals these wounds already: error ${error} after 200 steps`;
      return this.#finish({ format: 1, verdict: 'needless', reasons: [reason], metrics: {} });
    }
    const run = await this.#train(target);
    const candidate = this.#candidate(run);
    this.#progress('comparing', run.losses.length, run.plan.iterations, null, run.elapsedMs / 1_000);
    const measured = await this.#measureBoth(candidate, target, before);
    const comparison = compare(measured[0], measured[1], heldOut.length);
    writeWhole(this.#path('film'), await this.#film(candidate, target, before));
    writeRule(this.#path('candidate'), candidate);
    return this.#finish(this.#resultOf(run, measured, comparison));
  }

  #finish(result: Result): Result {
    writeWhole(this.#path('result'), JSON.stringify(result));
    return result;
  }

  async #target(): Promise<EvaluationTarget & { readonly source: TargetSource }> {
    const image = this.#path('target');
    const picture = await pictureOf(this.#incumbent);
    writeWhole(image, picture.png);
    const source = { ...picture.source, image };
    return { label: picture.label, target: readTarget(source), source };
  }

  // --- training ---

  async #train(
    target: EvaluationTarget & { readonly source: TargetSource },
  ): Promise<Pick<TrainingRun, 'weights' | 'losses' | 'plan' | 'elapsedMs'>> {
    const { options } = this.#job;
    const open = await this.#opener();
    const threads = Math.min(options.threads, availableParallelism());
    let run = new TrainingRun(this.#begin(target), threads, open);
    const spotCheck = new SpotCheck(this.#split.trained, target, this.#incumbent, this.#healing.threads);
    let saved = performance.now();
    try {
      // The first measurement is the incumbent's own.
      if (run.losses.length === 0) await this.#check(spotCheck, run);
      while (!run.isFinished && run.elapsedMs < MAX_OVERRUN * 1_000 * options.seconds) {
        const progress = await run.iterate();
        const done = run.losses.length;
        this.#told(done, run, progress.smoothedLoss);
        if (progress.rolledBack !== undefined)
          this.#hooks.post({ type: 'log', line: `${progress.rolledBack}: back, at a lower rate` });
        if (this.#hooks.isPausing()) {
          writeCheckpoint(this.#path('checkpoint'), run.snapshot());
          throw new Paused();
        }
        if (performance.now() - saved >= CHECKPOINT_MS) {
          writeCheckpoint(this.#path('checkpoint'), run.snapshot());
          saved = performance.now();
          await this.#check(spotCheck, run);
        }
        if (options.iterations === undefined && (done === FIRST_REPLAN || done % REPLAN_EVERY === 0))
          run = await this.#replanned(run, threads, open);
      }
      writeCheckpoint(this.#path('checkpoint'), run.snapshot());
      await this.#check(spotCheck, run);
      return run;
    } finally {
      await Promise.all([run.dispose(), spotCheck.dispose()]);
    }
  }

  #told(done: number, run: TrainingRun, loss: number): void {
    const now = performance.now();
    if (now - this.#lastTold < PROGRESS_MS) return;
    this.#lastTold = now;
    this.#progress(
      'training',
      done,
      run.plan.iterations,
      Number.isFinite(loss) ? loss : null,
      run.elapsedMs / 1_000,
    );
  }

  async #check(spotCheck: SpotCheck, run: TrainingRun): Promise<void> {
    const recovery = await spotCheck.measure(run.weights);
    this.#hooks.post({ type: 'spotCheck', done: run.losses.length, recovery });
  }

  /** The same run with as many iterations as fit into the remaining time; the learning rate falls over those. */
  async #replanned(run: TrainingRun, threads: number, open?: OpenRollouts): Promise<TrainingRun> {
    const done = run.losses.length;
    const leftMs = Math.max(0, this.#job.options.seconds * 1_000 - run.elapsedMs);
    const planned = done + Math.max(1, Math.round(leftMs / (run.elapsedMs / done)));
    if (Math.abs(planned / run.plan.iterations - 1) < REPLAN_BEYOND) return run;
    const snapshot = run.snapshot();
    await run.dispose();
    return new TrainingRun({ ...snapshot, plan: { ...run.plan, iterations: planned } }, threads, open);
  }

  async #opener(): Promise<OpenRollouts | undefined> {
    if (this.#job.options.engine === 'wasm') return undefined;
    const { openTfjs } = await import('../training/tfjs.ts');
    const { open, description } = await openTfjs();
    this.#hooks.post({ type: 'log', line: `tuning on ${description}` });
    return open;
  }

  /** A plan, or the checkpoint of one. A bad checkpoint is reported by name, and training begins again. */
  #begin({ source }: { readonly source: TargetSource }): TrainingPlan | Snapshot {
    const plan = planOf(this.#job, this.#incumbent, this.#path('incumbent'), source, this.#split.trained);
    const file = this.#path('checkpoint');
    if (!existsSync(file)) return plan;
    try {
      const snapshot = readCheckpoint(file);
      const same = (one: TrainingPlan): string => JSON.stringify({ ...one, iterations: 0 });
      if (same(snapshot.plan) === same(plan)) return snapshot;
      throw new RuleError(`${file} is of another plan`);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      this.#hooks.post({ type: 'log', line: `${error.message}: its training begins again` });
      rmSync(file, { force: true });
      this.#measurements.forgetCandidate();
      return plan;
    }
  }

  #candidate(run: Pick<TrainingRun, 'weights' | 'losses' | 'elapsedMs'>): Rule {
    const { metadata, fireRate, hidden } = this.#incumbent;
    const { trainingCommand, metrics: _, ...kept } = metadata;
    return {
      name: this.#job.species,
      hidden,
      fireRate,
      ...run.weights,
      metadata: {
        ...kept,
        ...(trainingCommand === undefined ? {} : { parentCommand: trainingCommand }),
        parent: this.#job.incumbent?.label ?? this.#incumbent.name,
        tunedOn: `session ${this.#job.session}`,
        tuning: `${run.losses.length} iterations in ${(run.elapsedMs / 1_000).toFixed(0)} s`,
        randomSeed: String(jobRandomSeed(this.#job)),
      },
    };
  }

  // --- measuring ---

  async #measureBoth(
    candidate: Rule,
    target: EvaluationTarget,
    before: Healing,
  ): Promise<[Measured, Measured]> {
    const { heldOut } = this.#split;
    const options = this.#healing;
    const suiteBefore = await this.#measurements.once('suiteBefore', () =>
      measureSuite(this.#incumbent, target, options),
    );
    const after = await this.#measurements.once('heldOutAfter', () =>
      measureHeldOut(candidate, target, heldOut, options),
    );
    const suiteAfter = await this.#measurements.once('suiteAfter', () =>
      measureSuite(candidate, target, options),
    );
    return [
      { heldOut: before, suite: suiteBefore },
      { heldOut: after, suite: suiteAfter },
    ];
  }

  /** The held-out wound that was hardest for the incumbent. */
  #film(candidate: Rule, target: EvaluationTarget, { byWound }: Healing): Promise<Uint8Array> {
    const hardest = byWound.indexOf(Math.max(...byWound));
    return filmHealing([this.#incumbent, candidate], target, this.#split.heldOut[Math.max(0, hardest)]);
  }

  #resultOf(
    run: Pick<TrainingRun, 'losses' | 'elapsedMs'>,
    [before, after]: readonly [Measured, Measured],
    comparison: Comparison,
  ): Result {
    const { reasons } = comparison;
    const record: ComparisonRecord & Pick<Job, 'incumbent'> = {
      ...comparison,
      incumbent: this.#job.incumbent,
      trainedWounds: this.#split.trained.length,
      iterations: run.losses.length,
      seconds: run.elapsedMs / 1_000,
    };
    const metrics = {
      ...summary(after.suite),
      learned: {
        session: this.#job.session,
        wounds: this.#split.trained.length + this.#split.heldOut.length,
        recoveryBefore: share(before.heldOut.medianRecovery),
        recoveryAfter: share(after.heldOut.medianRecovery),
        stepsBefore: stepsTold(before.heldOut.medianSteps),
        stepsAfter: stepsTold(after.heldOut.medianSteps),
      },
      comparison: record,
    };
    const rounded = JSON.parse(
      JSON.stringify(metrics, (_, value) =>
        typeof value === 'number' ? Number(value.toPrecision(4)) : value,
      ),
    );
    return { format: 1, verdict: reasons.length === 0 ? 'candidate' : 'rejected', reasons, metrics: rounded };
  }
}

/** The figures as shipped rules hold them: median and worst. */
function summary({ mse, recovery, changingCells, deaths, runaways }: Measured['suite']): object {
  return {
    mse: spreads(mse, Math.max),
    recovery: spreads(recovery, Math.min),
    changingCells: spread(changingCells, Math.max),
    deaths,
    runaways,
  };
}

/** What players read, 0..1: a body that got worse after the wound has healed nothing. */
const share = (recovery: number): number => Math.min(1, Math.max(0, recovery || 0));
/** null: it was not whole again while it was watched. */
const stepsTold = (steps: number): number | null => (steps < MAX_HEALING_STEPS ? steps : null);

const isWhole = ({ healed, grown, recovery }: Healing): boolean =>
  meanOf(healed) <= WHOLE_ERROR * meanOf(grown) && meanOf(recovery) >= WHOLE_RECOVERY;

/** Errors that end a job and are not bugs. */
export const isTold = (error: unknown): error is Error =>
  error instanceof RuleError || error instanceof TrainingError || error instanceof RangeError;
