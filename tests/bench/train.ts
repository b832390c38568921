/**
 * `npm run bench -- train [--threads n] [--json]`: the time of a training iteration, compared with the same iteration
 * in tfjs with its autodiff. An iteration rolls out a batch of grown bodies and one seed, differentiates, and takes a
 * step of Adam. Rivals take turns, and each keeps its best.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { targetOf } from '../../server/evaluation/evaluate.ts';
import { RULE_SUFFIX, readRule } from '../../server/rules/load.ts';
import { CHANNELS } from '../../server/rules/rule.ts';
import { firstState, meanDirection, update } from '../../server/training/optimizer.ts';
import { Rollouts } from '../../server/training/rollouts.ts';
import { forEachCell, livingCells, plantSeed } from '../../server/training/states.ts';
import { createTrainPeer } from './trainPeer.ts';

const BATCH = 4;
const STEPS = 80;
const ROUNDS = 3;
const OWN_A_ROUND = 8;
const RATE = 1e-5;
const NORMALISATION = 0;
const GROWN_STEPS = 200;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    rule: { type: 'string' },
    /** Internal: runs only the trainer and prints its peak memory. */
    'memory-only': { type: 'boolean', default: false },
  },
});
const threads = Number(values.threads);

const weightsFolder = join(import.meta.dirname, '../../weights');
const shipped = existsSync(weightsFolder)
  ? readdirSync(weightsFolder).filter((name) => name.endsWith(RULE_SUFFIX))
  : [];
const rule = readRule(
  values.rule ?? join(weightsFolder, shipped.find((name) => name.startsWith('pikachu')) ?? shipped[0]),
);
const aim = targetOf(rule);
if (!aim) throw new Error(`the picture of ${rule.name} is missing: install the development dependencies`);
const { shape, rgba } = aim.target;

const rollouts = new Rollouts({
  shape,
  hidden: rule.hidden,
  fireRate: rule.fireRate,
  overflowWeight: 0,
  slots: BATCH,
  threads,
  maxSteps: STEPS,
});
rollouts.target.set(rgba);
rollouts.setWeights(rule);
const seeds = Array.from({ length: BATCH }, (_, slot) => slot + 1);
for (const slot of seeds.keys()) plantSeed(rollouts.state(slot), shape);
await rollouts.run(seeds.map((randomSeed) => ({ steps: GROWN_STEPS, randomSeed })));
plantSeed(rollouts.state(0), shape);
const starts = seeds.map((_, slot) => rollouts.state(slot).slice());

let optimizer = firstState(rule);
async function iterate(): Promise<void> {
  for (const slot of seeds.keys()) rollouts.state(slot).set(starts[slot]);
  rollouts.setWeights(optimizer.weights);
  await rollouts.differentiate(seeds.map((randomSeed) => ({ steps: STEPS, randomSeed })));
  optimizer = update(
    optimizer,
    meanDirection(
      seeds.map((_, slot) => rollouts.gradient(slot)),
      NORMALISATION,
    ),
    RATE,
  );
}

/** The best of several rounds, in milliseconds. */
async function bestOf(times: number, work: () => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    await work();
    best = Math.min(best, performance.now() - started);
  }
  return best;
}

/** Cells that fire and live in an iteration: those that are computed forward and backward. */
async function firingCells(): Promise<number> {
  for (const slot of seeds.keys()) rollouts.state(slot).set(starts[slot]);
  let living = 0;
  for (let step = 0; step < STEPS; step++) {
    for (const slot of seeds.keys()) living += besideLife(rollouts.state(slot));
    await rollouts.run(seeds.map((randomSeed) => ({ steps: 1, randomSeed, firstStep: step })));
  }
  return living * rule.fireRate;
}

/** Cells that may fire: those whose 3x3 holds life. */
function besideLife(state: Float32Array): number {
  let count = 0;
  forEachCell(shape, (_x, _y, cell) => {
    for (const row of [-shape.stride, 0, shape.stride]) {
      for (const at of [cell + row - 1, cell + row, cell + row + 1]) {
        if (state[at * CHANNELS + 3] > 0.1) {
          count++;
          return;
        }
      }
    }
  });
  return count;
}

/** [cellCount, n] → [height, width, n] */
function withoutBorder(values: Float32Array, channels: number): Float32Array {
  const inner = new Float32Array(shape.width * shape.height * channels);
  let at = 0;
  forEachCell(shape, (_x, _y, cell) => {
    inner.set(values.subarray(cell * channels, (cell + 1) * channels), at);
    at += channels;
  });
  return inner;
}

async function main(): Promise<void> {
  for (let i = 0; i < 3; i++) await iterate();
  if (values['memory-only']) {
    console.log(process.resourceUsage().maxRSS / 1024);
    return;
  }
  // Each multiplication and addition of a dense layer, forward, and twice that backward: whether it was skipped
  // because a unit was silent or not.
  const operations = (await firingCells()) * 3 * 2 * rule.hidden * (48 + 16);
  const task = {
    rule,
    width: shape.width,
    height: shape.height,
    starts: starts.map((start) => withoutBorder(start, CHANNELS)),
    target: withoutBorder(rgba, 4),
  };
  const peer = await createTrainPeer(task, RATE);
  peer.iterate(2, 1);
  let [own, rival] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    own = Math.min(own, await bestOf(OWN_A_ROUND, iterate));
    // The peer computes every cell of every sample, one sample after the other, so each costs the same.
    rival = Math.min(rival, BATCH * (await bestOf(1, () => peer.iterate(STEPS, 1))));
  }
  own = Math.min(own, await bestOf(OWN_A_ROUND, iterate));
  peer.dispose();
  const args = [import.meta.filename, 'train', '--memory-only', '--threads', String(threads)];
  if (values.rule !== undefined) args.push('--rule', values.rule);
  const figures = {
    iterationMs: own,
    peerIterationMs: rival,
    ratio: rival / own,
    gflops: operations / own / 1e6,
    peakRssMiB: Number(execFileSync(process.execPath, args, { encoding: 'utf8' })),
    threads,
    peerBackend: 'wasm',
    peerThreads: 1, // its Node build has no threads
    batch: BATCH,
    steps: STEPS,
    grid: `${shape.width}x${shape.height}`,
    livingCells: livingCells(starts[1], shape),
    hidden: rule.hidden,
    rule: rule.name,
    wideTiles: rollouts.layout.wideTiles,
  };
  if (values.json) {
    console.log(JSON.stringify(figures, undefined, 2));
    return;
  }
  for (const [name, value] of Object.entries(figures)) {
    const shown =
      typeof value === 'number' ? value.toLocaleString('en', { maximumSignificantDigits: 4 }) : value;
    console.log(`${name.padEnd(20)} ${shown}`);
  }
}

try {
  await main();
} finally {
  await rollouts.dispose();
}
