/**
 * One attempt to make a rule heal better: rounds of training (`rounds.ts`), a look after each, and a judgement when the
 * look finds little lacking. What is rejected is gone on from, weighted to what is worse, until it passes, stops gaining,
 * or the budget of iterations is spent. It knows no files and no processes: its state is a value that can be kept and
 * gone on with.
 */
import type { Weights } from '../training/kernel.ts';
import { between } from '../training/optimizer.ts';
import type { Snapshot } from '../training/snapshot.ts';
import { TrainingError } from '../training/train.ts';
import { type Lack, shortfallOf, type Verdict } from './compare.ts';
import { type Aim, firstRound, nextRound, type Round } from './rounds.ts';

/** Part of the newest weights in the running mean of a round's weights, which is what is looked at. */
const AVERAGED_PART = 0.02;
/**
 * A judgement takes as long as some hundred iterations: a rule that lacks more than this at a glance gets none. One of
 * four bodies that heals badly by chance lacks three.
 */
const JUDGED_WITHIN = 3;
/** A round gains when what is lacking falls to this part of the least so far. */
const GAIN = 0.9;
/** So many rounds in a row without a gain end the attempt. */
export const MAX_IDLE_ROUNDS = 4;

/** What a few measurements show of a rule. */
export interface Look {
  readonly lacks: readonly Lack[];
  /** Mean error that wounds leave. */
  readonly error: number;
}

export interface PastRound {
  readonly aim: Aim;
  readonly because: string;
  readonly iterations: number;
  /** How far its result is from passing, and why. */
  readonly shortfall: number;
  readonly lacks: readonly string[];
  readonly wasJudged: boolean;
}

export interface Best {
  readonly weights: Weights;
  readonly shortfall: number;
  readonly error: number;
  /** Iterations that made it. */
  readonly iterations: number;
  /** null: it was looked at, not judged. */
  readonly verdict: Verdict | null;
}

/** Everything that an attempt goes on from. */
export interface AttemptState {
  readonly round: Round;
  /** Finished ones. */
  readonly rounds: readonly PastRound[];
  /** Iterations of the finished rounds. */
  readonly spent: number;
  /** The round's training; its pool outlives it. */
  readonly run: Snapshot;
  readonly average: Weights;
  readonly best: Best | null;
  /** Rounds since the last gain. */
  readonly idle: number;
  readonly elapsedMs: number;
}

export interface AttemptOutcome {
  readonly passed: boolean;
  /** Why it ends, for people. */
  readonly told: string;
  readonly weights: Weights;
  readonly verdict: Verdict;
  /** Iterations that made these weights, … */
  readonly iterations: number;
  /** … and of the whole attempt. */
  readonly spent: number;
  readonly rounds: readonly PastRound[];
  readonly elapsedMs: number;
}

/** A training of one round; a `TrainingRun` is one. */
export interface RoundRun {
  readonly isFinished: boolean;
  /** Iterations of this round so far. */
  readonly done: number;
  readonly weights: Weights;
  iterate(): Promise<{ readonly smoothedLoss: number; readonly rolledBack?: string }>;
  snapshot(): Snapshot;
  dispose(): Promise<void>;
}

export interface AttemptParts {
  /** Budget of the whole attempt. */
  readonly iterations: number;
  readonly incumbent: Weights;
  /** @param before - the training of the round before, whose pool goes on; null: this is the first */
  begin(round: Round, number: number, weights: Weights, before: Snapshot | null): RoundRun;
  /** Goes on with a round from its snapshot. */
  resume(round: Round, number: number, run: Snapshot): RoundRun;
  look(weights: Weights): Promise<Look>;
  judge(weights: Weights): Promise<Verdict>;
  /** After every iteration. May throw, to stop: then the state has to be kept first. */
  onIteration(attempt: Attempt, loss: number, rolledBack?: string): void | Promise<void>;
  /** After every round, and before the first. */
  onRound(attempt: Attempt): void | Promise<void>;
}

export class Attempt {
  readonly #parts: AttemptParts;
  #round: Round;
  #rounds: readonly PastRound[] = [];
  #spent = 0;
  #run: RoundRun;
  #average: Weights;
  #best: Best | null = null;
  #idle = 0;
  readonly #earlierMs: number;
  readonly #startedMs = performance.now();

  /** @param state - null: it begins */
  constructor(parts: AttemptParts, state: AttemptState | null) {
    this.#parts = parts;
    this.#earlierMs = state?.elapsedMs ?? 0;
    if (state === null) {
      this.#round = firstRound(parts.iterations);
      this.#average = parts.incumbent;
      this.#run = parts.begin(this.#round, 0, parts.incumbent, null);
      return;
    }
    this.#round = state.round;
    this.#rounds = state.rounds;
    this.#spent = state.spent;
    this.#average = state.average;
    this.#best = state.best;
    this.#idle = state.idle;
    this.#run = parts.resume(state.round, state.rounds.length, state.run);
  }

  get state(): AttemptState {
    return {
      round: this.#round,
      rounds: this.#rounds,
      spent: this.#spent,
      run: this.#run.snapshot(),
      average: this.#average,
      best: this.#best,
      idle: this.#idle,
      elapsedMs: this.elapsedMs,
    };
  }

  get elapsedMs(): number {
    return this.#earlierMs + performance.now() - this.#startedMs;
  }

  get round(): Round {
    return this.#round;
  }

  get rounds(): readonly PastRound[] {
    return this.#rounds;
  }

  get best(): Best | null {
    return this.#best;
  }

  /** Iterations of the finished rounds. */
  get spent(): number {
    return this.#spent;
  }

  /** Iterations of the running one. */
  get doneInRound(): number {
    return this.#run.done;
  }

  /** The rule as it stands. */
  get weights(): Weights {
    return this.#average;
  }

  async run(): Promise<AttemptOutcome> {
    await this.#parts.onRound(this);
    for (;;) {
      const fault = await this.#train();
      const outcome = await this.#finishRound(fault);
      if (outcome !== null) return outcome;
      await this.#parts.onRound(this);
    }
  }

  /** @returns why the training went astray; null: it did not */
  async #train(): Promise<string | null> {
    while (!this.#run.isFinished) {
      let progress: Awaited<ReturnType<RoundRun['iterate']>>;
      try {
        progress = await this.#run.iterate();
      } catch (error) {
        if (!(error instanceof TrainingError)) throw error;
        return error.message;
      }
      this.#average = between(this.#average, this.#run.weights, AVERAGED_PART);
      await this.#parts.onIteration(this, progress.smoothedLoss, progress.rolledBack);
    }
    return null;
  }

  /** @returns null: there is another round */
  async #finishRound(fault: string | null): Promise<AttemptOutcome | null> {
    const spent = this.#spent + this.#round.iterations;
    const found = fault === null ? await this.#lookAt(spent) : null;
    if (found?.verdict?.lacks.length === 0) {
      this.#record(found, found.verdict.lacks, spent);
      return this.#outcome(found, true, 'it passes');
    }
    const lacks = found?.verdict?.lacks ?? found?.lacks ?? [astray(fault ?? '')];
    this.#record(found, lacks, spent);
    const { iterations } = this.#parts;
    if (this.#spent >= iterations) return this.#giveUp(`the budget of ${iterations} iterations is spent`);
    if (this.#idle >= MAX_IDLE_ROUNDS) return this.#giveUp(`${this.#idle} rounds in a row gained nothing`);
    // Training goes on from the better of what the round made; after one that went astray, from the best so far.
    const weights = found?.weights ?? this.#best?.weights ?? this.#parts.incumbent;
    const before = this.#run.snapshot();
    await this.#run.dispose();
    this.#round = nextRound(this.#round, lacks, iterations - this.#spent);
    this.#average = weights;
    this.#run = this.#parts.begin(this.#round, this.#rounds.length, weights, fault === null ? before : null);
    return null;
  }

  /**
   * The better of the round's mean and its mean with the rule in force: the one heals, the other has the picture. The
   * other is judged, too, if only safety speaks against the better: no look sees it, and a mean is often safe.
   */
  async #lookAt(spent: number): Promise<Looked | null> {
    const { incumbent, look } = this.#parts;
    const all: Looked[] = [];
    for (const weights of [this.#average, between(incumbent, this.#average, 0.5)]) {
      const { lacks, error } = await look(weights);
      all.push({ weights, shortfall: shortfallOf(lacks), error, lacks, iterations: spent, verdict: null });
    }
    const [first, second] = isBetter(all[1], all[0]) ? [all[1], all[0]] : all;
    const found = await this.#judged(first);
    const lacks = found.verdict?.lacks ?? [];
    if (lacks.length === 0 || lacks.some(({ area }) => area !== 'safety')) return found;
    const other = await this.#judged(second);
    return other.verdict !== null && isBetter(other, found) ? other : found;
  }

  /** With a verdict, if it lacks little at a glance. */
  async #judged(one: Looked): Promise<Looked> {
    if (!(one.shortfall <= JUDGED_WITHIN)) return one;
    const verdict = await this.#parts.judge(one.weights);
    const judged = shortfallOf(verdict.lacks);
    return { ...one, verdict, shortfall: judged === 0 ? 0 : Math.max(one.shortfall, judged) };
  }

  #record(found: Best | null, lacks: readonly Lack[], spent: number): void {
    const { aim, because, iterations } = this.#round;
    this.#spent = spent;
    this.#rounds = [
      ...this.#rounds,
      {
        aim,
        because,
        iterations,
        shortfall: found?.shortfall ?? Number.POSITIVE_INFINITY,
        lacks: lacks.map(({ told }) => told),
        wasJudged: (found?.verdict ?? null) !== null,
      },
    ];
    const gains =
      found !== null && !(found.shortfall > GAIN * (this.#best?.shortfall ?? Number.POSITIVE_INFINITY));
    this.#idle = gains ? 0 : this.#idle + 1;
    if (found !== null && (this.#best === null || isBetter(found, this.#best))) this.#best = found;
  }

  async #giveUp(why: string): Promise<AttemptOutcome> {
    const best = this.#best;
    if (best === null)
      throw new TrainingError(`nothing was learned: ${this.#rounds.at(-1)?.lacks.join('; ')}`);
    const verdict = best.verdict ?? (await this.#parts.judge(best.weights));
    // What a glance finds lacking, a whole judgement may not.
    if (verdict.lacks.length === 0) return this.#outcome({ ...best, verdict }, true, 'it passes');
    return this.#outcome({ ...best, verdict }, false, why);
  }

  #outcome(best: Best, passed: boolean, told: string): AttemptOutcome {
    if (best.verdict === null) throw new Error('an attempt ends with a judgement');
    return {
      passed,
      told,
      weights: best.weights,
      verdict: best.verdict,
      iterations: best.iterations,
      spent: this.#spent,
      rounds: this.#rounds,
      elapsedMs: this.elapsedMs,
    };
  }

  dispose(): Promise<void> {
    return this.#run.dispose();
  }
}

type Looked = Best & { readonly lacks: readonly Lack[] };
type Found = Pick<Best, 'shortfall' | 'error'>;

/** NaN is worse than any number. */
function isBetter(one: Found, other: Found): boolean {
  if (one.shortfall !== other.shortfall)
    return one.shortfall < other.shortfall || Number.isNaN(other.shortfall);
  return one.error < other.error;
}

const astray = (fault: string): Lack => ({
  area: 'learning',
  name: '',
  by: 10,
  told: `its training went astray: ${fault}`,
});
