/**
 * `npm run bench -- nursery [--drawings FOLDER] [--start FILE|nothing] [--only NAMES] [--threads n] [--json]`: each
 * drawing is learned from a start until its rule passes the gates. Without a folder of PNGs the drawings are the first
 * five starters; with one, its pictures and those five. `--start nothing` begins with random weights.
 *
 * Minutes are wall-clock, and `cpuSeconds` what the process used: on a machine that does other work, compare those.
 */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { medianOf } from '../../server/evaluation/statistics.ts';
import { learnCreature } from '../../server/nursery/learn.ts';
import { readStart } from '../../server/nursery/start.ts';
import { readRule } from '../../server/rules/load.ts';
import type { Rule } from '../../server/rules/rule.ts';
import { LEARNING, LEARNING_PADDING } from '../../server/training/learning.ts';
import { firstWeights } from '../../server/training/optimizer.ts';
import { Random } from '../../server/training/random.ts';
import { fromPixels, type Target } from '../../server/training/target.ts';
import { pictureToGrow } from '../../shared/drawing/growth.ts';
import { type Picture, readPictures } from './nursery/pictures.ts';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    drawings: { type: 'string' },
    start: { type: 'string' },
    only: { type: 'string' },
    threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    'random-seed': { type: 'string', default: '1' },
    'max-iterations': { type: 'string' },
  },
});
const threads = Number(values.threads);
const randomSeed = Number(values['random-seed']);
const maxIterations = values['max-iterations'] === undefined ? undefined : Number(values['max-iterations']);

function nothing(): Rule {
  const { hidden, fireRate } = LEARNING;
  return { name: 'nothing', hidden, fireRate, ...firstWeights(hidden, new Random(randomSeed)), metadata: {} };
}

const start =
  values.start === undefined ? readStart() : values.start === 'nothing' ? nothing() : readRule(values.start);

const size = { scale: 1, padding: LEARNING_PADDING };

/** A starter is cut out as the nursery does it, a PNG as `npm run train` does. */
function targetOf({ name, drawing, isStarter }: Picture): Target {
  const { width, height, rgba } = (isStarter ? pictureToGrow(drawing) : null) ?? drawing;
  return fromPixels(rgba, width, height, { ...size, crop: !isStarter }, name);
}

const pictures = readPictures(values.drawings, values.only);

const results = [];
for (const picture of pictures) {
  const { name } = picture;
  const before = process.cpuUsage();
  const { outcome, missed, iterations, losses, elapsedMs, evaluation } = await learnCreature(
    targetOf(picture),
    {
      name,
      start,
      threads,
      randomSeed,
      maxIterations,
    },
  );
  const { user, system } = process.cpuUsage(before);
  const medians = (spreads: Readonly<Record<string, { median: number }>>): Record<string, number> =>
    Object.fromEntries(
      Object.entries(spreads).map(([key, { median }]) => [key, Number(median.toPrecision(3))]),
    );
  const result = {
    name,
    cells: evaluation.cells.target,
    outcome,
    missed: missed.map(({ told }) => told),
    iterations,
    iterationsDone: losses.length,
    minutes: Number((elapsedMs / 60_000).toFixed(2)),
    cpuSeconds: Number(((user + system) / 1e6).toFixed(1)),
    load: Number(loadavg()[0].toFixed(1)),
    mse: medians(evaluation.mse),
    recovery: medians(evaluation.recovery),
    deaths: evaluation.deaths,
    runaways: evaluation.runaways,
    changingCells: Number(evaluation.changingCells.median.toFixed(1)),
  };
  results.push(result);
  if (!values.json)
    console.log(
      `${name.padEnd(12)} ${String(result.cells).padStart(4)} cells  ${outcome.padEnd(7)} ` +
        `${String(losses.length).padStart(5)} iterations  ${result.minutes} min  ${result.cpuSeconds} s of processor  ` +
        `load ${result.load}  ${result.missed.join('; ')}`,
    );
}

const figures = {
  start: start.name,
  threads,
  randomSeed,
  passed: results.filter(({ outcome }) => outcome === 'passed').length,
  tried: results.length,
  medianMinutes: medianOf(results.map(({ minutes }) => minutes)),
  worstMinutes: Math.max(...results.map(({ minutes }) => minutes)),
  medianIterations: medianOf(results.map(({ iterationsDone }) => iterationsDone)),
  medianCpuSeconds: medianOf(results.map(({ cpuSeconds }) => cpuSeconds)),
  drawings: results,
};
if (values.json) console.log(JSON.stringify(figures, undefined, 2));
else
  console.log(
    `${figures.passed} of ${figures.tried} pass from ${figures.start}; median ${figures.medianMinutes} min, ` +
      `${figures.medianIterations} iterations, ${figures.medianCpuSeconds} s of processor; worst ${figures.worstMinutes} min`,
  );
