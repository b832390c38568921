/** `npm run train -- --quick`: learns from the starting rule until the gates of the nursery are passed. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { lossPlot } from '../evaluation/report.ts';
import { contactSheet } from '../evaluation/sheet.ts';
import { LearningStopped, type LearnOptions, learnCreature } from '../nursery/learn.ts';
import { readStart } from '../nursery/start.ts';
import { readRule, writeRule, writeWhole } from '../rules/load.ts';
import { LEARNING_PADDING } from '../training/learning.ts';
import { clock } from '../training/progress.ts';
import { readTarget, type TargetSource } from '../training/target.ts';
import { pictureFlag, pictureMetadata } from './picture.ts';

const SAY_EVERY_MS = 5_000;
const INTERRUPTED = 130;
/** The rule is written, and misses gates. */
const WEAK = 2;

export interface QuickTraining
  extends Pick<LearnOptions, 'name' | 'threads' | 'randomSeed' | 'maxIterations'> {
  readonly source: Pick<TargetSource, 'sprite' | 'image' | 'drawing' | 'scale'>;
  /** Rule file to begin with; default: the starting rule. */
  readonly start?: string;
  readonly out: string;
  /** Folder of contact sheet and loss plot. */
  readonly report: string;
  readonly checkpoint: string;
}

/** @returns the exit status */
export async function trainQuickly(training: QuickTraining): Promise<number> {
  const { source, out, report, checkpoint, start } = training;
  const stop = new AbortController();
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(INTERRUPTED);
    stop.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const target = readTarget({ ...source, padding: LEARNING_PADDING });
  let saidMs = Number.NEGATIVE_INFINITY;
  const onProgress: LearnOptions['onProgress'] = ({
    stage,
    iterations,
    maxIterations,
    loss,
    elapsedMs,
    checked,
  }) => {
    if (stage === 'learning' && elapsedMs - saidMs < SAY_EVERY_MS) return;
    saidMs = elapsedMs;
    const error = checked === null ? '' : `  error when grown ${checked.grownError.toExponential(1)}`;
    console.error(
      `${clock(elapsedMs)} ${stage} ${iterations}, at most ${maxIterations}  loss ${loss.toExponential(2)}${error}`,
    );
  };
  try {
    const learned = await learnCreature(target, {
      ...training,
      start: start === undefined ? readStart() : readRule(start),
      signal: stop.signal,
      onProgress,
    });
    rmSync(checkpoint, { force: true });
    const { rule, evaluation, outcome, missed, losses, iterations, elapsedMs } = learned;
    const { mse, recovery, deaths, runaways, changingCells } = evaluation;
    const metadata = {
      ...rule.metadata,
      ...pictureMetadata(source),
      scale: String(source.scale),
      trainingCommand: commandOf(training),
      metrics: JSON.stringify({ mse, recovery, deaths, runaways, changingCells }, rounded),
    };
    writeWhole(join(report, 'sheet.png'), contactSheet([learned]));
    writeWhole(join(report, 'loss.svg'), lossPlot(rule.name, losses, 0));
    if (outcome !== 'refused') writeRule(out, { ...rule, metadata });
    const took = `${iterations} iterations, ${clock(elapsedMs)}`;
    if (outcome === 'passed') {
      console.error(`${out} passes every gate after ${took}; the report is in ${report}`);
      return 0;
    }
    const lacks = missed.map(({ told }) => told).join('; ');
    console.error(
      outcome === 'weak'
        ? `${out} is written after ${took}, but it misses ${lacks}`
        : `${out} is not written after ${took}: ${lacks}`,
    );
    return outcome === 'weak' ? WEAK : 1;
  } catch (error) {
    if (!(error instanceof LearningStopped)) throw error;
    console.error(`stopped; the same command goes on from ${checkpoint}`);
    return INTERRUPTED;
  }
}

function commandOf({ source, start, out, maxIterations, randomSeed }: QuickTraining): string {
  const flags = {
    ...pictureFlag(source),
    scale: source.scale,
    from: start,
    iterations: maxIterations,
    'random-seed': randomSeed,
    out,
  };
  const said = Object.entries(flags).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag} ${value}`],
  );
  return `npm run train -- --quick ${said.join(' ')}`;
}

const rounded = (_key: string, value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(4)) : value;
