/** The bars for shipped rules, the bars that an evaluation misses, and the table that people read. */
import type { Evaluation } from './evaluate.ts';
import type { Spread } from './statistics.ts';
import type { Harmed } from './suite.ts';
import type { Trial } from './trials.ts';

/** For medians. */
export const MAX_ERROR = 2e-4;
/** For medians, by kind of damage; a kind that is not named has no bar of its own. */
const MIN_RECOVERY: Readonly<Partial<Record<Harmed, number>>> = {
  left: 0.98,
  right: 0.98,
  top: 0.98,
  bottom: 0.98,
  scrub: 0.98,
  centre: 0.95,
};
/** For every random seed, in every kind with a bar. */
export const MIN_WORST_RECOVERY = 0.9;
/** Share of strokes that may heal badly (recovery under 0.9). */
const MAX_BAD_STROKES = 1 / 32;
/** For the median of cells whose RGBA8 changes per step: fewer cells cost the stream next to nothing. */
export const MAX_CHANGING_CELLS = 10;
/** Share of played strokes that left something alive whose body is whole in its place within 150 steps. */
export const MIN_WHOLE_SOON = 0.95;

export const barOf = (kind: string): number | undefined => MIN_RECOVERY[kind as Harmed];

const inWords = (value: number, show: string): string => (Number.isFinite(value) ? show : 'no number');

/** Share of strokes that healed badly. */
const badStrokes = ({ samples }: Evaluation): number => {
  const strokes = samples.recovery.stroke ?? [];
  return strokes.filter((value) => !(value >= MIN_WORST_RECOVERY)).length / Math.max(1, strokes.length);
};

/** Every missed bar, in words; NaN misses, too. */
export function missedBars(evaluation: Evaluation): string[] {
  const { mse, recovery, deaths, runaways, changingCells, trials, play } = evaluation;
  const missed: string[] = [];
  for (const [step, { median }] of Object.entries(mse)) {
    if (!(median <= MAX_ERROR))
      missed.push(`MSE at ${step}: ${inWords(median, median.toExponential(1))} > ${MAX_ERROR}`);
  }
  for (const [kind, { median, worst }] of Object.entries(recovery)) {
    const bar = barOf(kind);
    if (bar === undefined) continue;
    if (!(median >= bar)) missed.push(`${kind}: median ${inWords(median, median.toFixed(3))} < ${bar}`);
    if (!(worst >= MIN_WORST_RECOVERY)) {
      missed.push(`${kind}: worst ${inWords(worst, worst.toFixed(3))} < ${MIN_WORST_RECOVERY}`);
    }
  }
  if (deaths > 0) missed.push(`${deaths} died`);
  if (runaways > 0) missed.push(`${runaways} ran away`);
  if (!(changingCells.median <= MAX_CHANGING_CELLS))
    missed.push(`${changingCells.median.toFixed(1)} cells change per step > ${MAX_CHANGING_CELLS}`);
  if (badStrokes(evaluation) > MAX_BAD_STROKES)
    missed.push(`${(100 * badStrokes(evaluation)).toFixed(0)} % of strokes badly healed > 1 of 32`);
  for (const [trial, figures] of Object.entries(trials)) {
    if (figures.explosions > 0) missed.push(`${trial}: ${figures.explosions} exploded`);
    if (figures.runaways > 0) missed.push(`${trial}: ${figures.runaways} ran away`);
  }
  if (play !== null && !(play.wholeSoon >= MIN_WHOLE_SOON))
    missed.push(`play: ${(100 * play.wholeSoon).toFixed(0)} % whole soon < ${100 * MIN_WHOLE_SOON} %`);
  return missed;
}

const RULES_PER_TABLE = 4;
const LABEL_CHARACTERS = 20;
const CELL_CHARACTERS = 22;

/** Median / worst of every figure, one column per rule. */
export function describeEvaluations(evaluations: readonly Evaluation[]): string {
  const tables = [];
  for (let i = 0; i < evaluations.length; i += RULES_PER_TABLE) {
    tables.push(table(evaluations.slice(i, i + RULES_PER_TABLE)));
  }
  return tables.join('\n\n');
}

function table(evaluations: readonly Evaluation[]): string {
  const row = (label: string, cell: (evaluation: Evaluation) => string): string =>
    label.padEnd(LABEL_CHARACTERS) + evaluations.map((one) => cell(one).padStart(CELL_CHARACTERS)).join('');
  const both = ({ median, worst }: Spread, show: (value: number) => string): string =>
    `${show(median)} /${show(worst).padStart(8)}`;
  const [{ mse, recovery }] = evaluations;
  return [
    ...evaluations.map(
      ({ rule, target, width, height, randomSeeds }) =>
        `${rule} against ${target}, ${width}x${height} cells, ${randomSeeds} random seeds`,
    ),
    row('median / worst', ({ rule }) => rule.slice(0, CELL_CHARACTERS - 2)),
    ...Object.keys(mse).map((step) =>
      row(`MSE at step ${step}`, (one) => both(one.mse[step], (value) => value.toExponential(1))),
    ),
    ...Object.keys(recovery).map((kind) =>
      row(`recovery, ${kind}`, (one) => both(one.recovery[kind], (value) => value.toFixed(3))),
    ),
    row('deaths', ({ deaths }) => String(deaths)),
    row('runaways', ({ runaways }) => String(runaways)),
    row('cells (target)', ({ cells }) => `${cells.median} (${cells.target})`),
    row('changing per step', (one) => both(one.changingCells, (value) => value.toFixed(1))),
    ...Object.keys(evaluations[0].trials).map((trial) =>
      row(`${trial}, of all`, ({ trials }) => {
        const { explosions, runaways, twoBodied, badlyHealed } = trials[trial as Trial]!;
        return `${explosions} ex ${runaways} ra ${twoBodied} tw ${badlyHealed} bad`;
      }),
    ),
    ...(evaluations[0].play === null
      ? []
      : [
          row('play, whole soon', ({ play }) =>
            play === null ? '-' : `${(100 * play.wholeSoon).toFixed(0)} % (${play.steps.toFixed(0)} steps)`,
          ),
        ]),
    ...(evaluations[0].longPlay === null
      ? []
      : [
          row('long play, sick', ({ longPlay }) =>
            longPlay === null ? '-' : `${longPlay.sick} in ${longPlay.strokes}`,
          ),
        ]),
    ...evaluations.map((one) => {
      const missed = missedBars(one);
      return `${one.rule}: ${missed.length === 0 ? 'meets every bar' : `misses ${missed.join('; ')}`}`;
    }),
  ].join('\n');
}
