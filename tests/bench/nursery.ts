/**
 * `npm run bench -- nursery [--drawings FOLDER] [--start FILE|nothing] [--only NAMES] [--threads n] [--json]`: each
 * drawing is learned from a start until its rule passes the gates. Without a folder of PNGs the drawings are the first
 * five starters; with one, its pictures and those five. `--start nothing` begins with random weights.
 *
 * Minutes are wall-clock, and `cpuSeconds` what the process used: on a machine that does other work, compare those.
 */
import { readdirSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { medianOf } from '../../server/evaluation/statistics.ts';
import { learnCreature } from '../../server/nursery/learn.ts';
import { readStart } from '../../server/nursery/start.ts';
import { readRule } from '../../server/rules/load.ts';
import { type Rule, RuleError } from '../../server/rules/rule.ts';
import { LEARNING, LEARNING_PADDING } from '../../server/training/learning.ts';
import { firstWeights } from '../../server/training/optimizer.ts';
import { Random } from '../../server/training/random.ts';
import { fromPixels, readTarget, type Target } from '../../server/training/target.ts';
import { pictureToGrow } from '../../shared/drawing/growth.ts';
import { STARTERS } from '../../shared/starters/starters.ts';

const STARTERS_TRIED = 5;

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

interface Picture {
  readonly name: string;
  readonly target: Target;
}

const size = { scale: 1, padding: LEARNING_PADDING };

function drawn(folder: string): Picture[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.png'))
    .sort()
    .map((file) => ({
      name: basename(file, '.png'),
      target: readTarget({ ...size, image: join(folder, file) }),
    }));
}

const starters: Picture[] = STARTERS.slice(0, STARTERS_TRIED).map(({ name, drawing }) => {
  const { width, height, rgba } = pictureToGrow(drawing) ?? drawing;
  return {
    name: name.toLowerCase(),
    target: fromPixels(rgba, width, height, { ...size, crop: false }, name),
  };
});

const only = values.only?.split(',');
const pictures = [...(values.drawings === undefined ? [] : drawn(values.drawings)), ...starters].filter(
  ({ name }) => only?.includes(name) ?? true,
);
if (pictures.length === 0) throw new RuleError(`no drawing is named ${values.only}`);

const results = [];
for (const { name, target } of pictures) {
  const before = process.cpuUsage();
  const { outcome, missed, iterations, losses, elapsedMs, evaluation } = await learnCreature(target, {
    name,
    start,
    threads,
    randomSeed,
    maxIterations,
  });
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
