/** One job of the nursery: from a drawing to a rule with its figures, its film and its card, all in the job's folder. */
import { rmSync } from 'node:fs';
import { encode } from 'fast-png';
import { FILM } from '../../shared/nursery.ts';
import { writeRule, writeWhole } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';
import { drawnPicture } from '../training/drawn.ts';
import type { Weights } from '../training/kernel.ts';
import { drawnTarget } from '../training/learning.ts';
import { FilmMaker, SHOWN_MARGIN } from './film.ts';
import { fileOf, type LearnJob, type LearnResult } from './job.ts';
import { type Learned, type LearningParts, type LearningProgress, learnCreature } from './learn.ts';
import type { FromLearning } from './messages.ts';
import { readStart } from './start.ts';
import { cardPng, growthGif } from './takeHome.ts';

const PROGRESS_MS = 500;

export interface GrowHooks {
  readonly post: (message: FromLearning) => void;
  /** Stops the learning at a checkpoint. */
  readonly signal: AbortSignal;
  /** Whether anybody looks. */
  readonly isWatched: () => boolean;
}

/**
 * Does or continues the job; `result.json` is written last.
 *
 * @param parts - for tests
 * @throws LearningStopped; RuleError with the reason why the job cannot succeed
 */
export async function grow(
  folder: string,
  job: LearnJob,
  hooks: GrowHooks,
  parts?: LearningParts,
): Promise<void> {
  const target = drawnTarget(job);
  const start = readStart();
  const films = new FilmMaker(start, target);
  const reporter = new Reporter(hooks, films);
  try {
    const learned = await learnCreature(
      target,
      {
        name: job.species,
        start,
        threads: job.threads,
        randomSeed: job.randomSeed,
        ...(job.maxIterations !== undefined && { maxIterations: job.maxIterations }),
        checkpoint: fileOf(folder, 'checkpoint'),
        onBadCheckpoint: (reason) =>
          hooks.post({ type: 'log', line: `${reason}: its learning begins again` }),
        signal: hooks.signal,
        onProgress: (progress) => reporter.progress(progress),
      },
      parts,
    );
    await reporter.settled();
    if (learned.outcome !== 'refused') {
      const film = await films.make(learned.rule);
      writeWhole(fileOf(folder, 'film'), growthGif(film));
      writeWhole(fileOf(folder, 'card'), cardPng(drawnPicture(job), film, SHOWN_MARGIN));
      writeRule(fileOf(folder, 'rule'), ruleOf(job, learned));
    }
    writeWhole(fileOf(folder, 'result'), JSON.stringify(resultOf(learned)));
    rmSync(fileOf(folder, 'checkpoint'), { force: true });
  } finally {
    await films.dispose();
  }
}

function ruleOf({ title, maker, drawing }: LearnJob, learned: Learned): Rule {
  const metrics = JSON.stringify(metricsOf(learned));
  const metadata = {
    ...learned.rule.metadata,
    title,
    maker,
    drawing,
    trainingCommand: 'the nursery',
    metrics,
  };
  return { ...learned.rule, metadata };
}

function metricsOf({ evaluation, iterations }: Learned): Record<string, unknown> {
  const { mse, recovery, deaths, runaways, changingCells } = evaluation;
  const figures = { mse, recovery, deaths, runaways, changingCells, iterations };
  return JSON.parse(JSON.stringify(figures, rounded)) as Record<string, unknown>;
}

const rounded = (_key: string, value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(4)) : value;

const resultOf = (learned: Learned): LearnResult => ({
  format: 1,
  outcome: learned.outcome,
  lacks: learned.missed.map(({ told }) => told),
  iterations: learned.iterations,
  seconds: Math.round(learned.elapsedMs / 1_000),
  metrics: metricsOf(learned),
});

/** Tells the server how the learning goes, and makes films while somebody looks. */
class Reporter {
  readonly #hooks: GrowHooks;
  readonly #films: FilmMaker;
  #toldMs = Number.NEGATIVE_INFINITY;
  #filmedMs = Number.NEGATIVE_INFINITY;
  #checked: LearningProgress['checked'] = null;
  #stage: LearningProgress['stage'] | null = null;
  #filming: Promise<void> | null = null;

  constructor(hooks: GrowHooks, films: FilmMaker) {
    this.#hooks = hooks;
    this.#films = films;
  }

  progress({ stage, iterations, maxIterations, loss, elapsedMs, checked, weights }: LearningProgress): void {
    const { post, isWatched } = this.#hooks;
    const now = performance.now();
    if (checked !== null && checked !== this.#checked) {
      this.#checked = checked;
      const { grownError, recovery } = checked;
      // JSON makes null of what is no number.
      const error = Number.isFinite(grownError) ? grownError : null;
      post({ type: 'checked', iterations, error, recovery: { ...recovery } });
    }
    if (stage !== this.#stage || now - this.#toldMs >= PROGRESS_MS) {
      this.#stage = stage;
      this.#toldMs = now;
      const seconds = elapsedMs / 1_000;
      post({
        type: 'progress',
        stage,
        iterations,
        maxIterations,
        loss: Number.isFinite(loss) ? loss : null,
        seconds,
      });
    }
    if (this.#filming === null && isWatched() && now - this.#filmedMs >= FILM.everyMs) {
      this.#filmedMs = now;
      this.#filming = this.#film(weights).finally(() => {
        this.#filming = null;
      });
    }
  }

  async #film(weights: Weights): Promise<void> {
    const { width, height, rgba } = await this.#films.make(weights);
    const png = encode({ width, height: height * FILM.frames, data: rgba, channels: 4, depth: 8 });
    this.#hooks.post({ type: 'film', png: Buffer.from(png).toString('base64') });
  }

  async settled(): Promise<void> {
    await this.#filming;
  }
}
