/**
 * `npm run bench -- step [--threads n] [--weights folder] [--json]`: the time of a step, compared with the tfjs WASM
 * backend and with the bare kernel, its upper bound. Rivals take turns for several rounds and each keeps its best, so
 * that other work on the machine disturbs all alike.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { readConfig } from '../../server/config.ts';
import type { Engine } from '../../server/engines/engine.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { hasRelaxedSimd, loadModule } from '../../server/engines/wasm/modules.ts';
import { tilesAreWide } from '../../server/engines/wasm/tiles.ts';
import type { KernelStart } from './kernelThread.ts';
import { createPeer } from './peer.ts';
import {
  type Body,
  denseWorld,
  FIRE_RATE,
  gardenWorld,
  grownBodies,
  HIDDEN,
  population,
  steadyRule,
} from './worlds.ts';

const SIDE = 512;
/** Many short rounds: on a shared machine, some of them are undisturbed. */
const ROUNDS = 25;
/** Pairs of turns; more of them, because the two compared worlds cost nearly the same. */
const BOUNDS_ROUNDS = 60;
const ORGANISMS = 400;

/** Explains each figure in the table. */
const MEANING: Readonly<Record<string, string>> = {
  denseCellStepsPerSecond: 'cells a second, 512 x 512, every cell alive, fire rate 0.5',
  peerDenseCellStepsPerSecond: 'the same world, tfjs on its WASM backend',
  denseRatio: 'ours / theirs; at least 12 on two cores',
  denseRatioOneThread: 'the same, ours on one thread as theirs is',
  kernelEfficiency: "the update rule's FLOP/s within that step / the bare kernel's; at least 0.75",
  kernelGflops: 'the bare kernel, all threads',
  threadSpeedup: 'one thread / all threads; at least 1.8 with two',
  sparseStepsPerSecond: `2,048 x 2,048, ${ORGANISMS} grown organisms, as a server steps them; at least 25`,
  sparsePlainStepsPerSecond: 'the same without rest: every living cell computed',
  boundsCostPercent: 'processor time with bounds against without, in turns, one thread; at most 2',
  boundsCostSpread: 'middle half of the rounds, percent',
  areaRatio: 'a step of 65,536² / of 4,096², same organisms; at most 1.1',
  hugePages: 'pages that exist in the 65,536² world',
  emptyStepMicroseconds: 'a step of a 65,536² world whose life was wiped out; under 50',
  peakRssMiB: 'of a process that steps the 65,536² world; at most 1,024',
  peerThreads: 'tfjs has no threads in Node',
};

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    /** Folder of the rules whose grown bodies fill the sparse worlds; default: the shipped rules. */
    weights: { type: 'string' },
    threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    /** Internal: runs only the 65,536² world and prints its peak memory. */
    'memory-only': { type: 'boolean', default: false },
  },
});
const threads = Number(values.threads);

/** Seconds of one step, over `steps`. */
async function secondsOf(engine: Pick<Engine, 'step'>, steps: number): Promise<number> {
  const start = performance.now();
  await engine.step(steps);
  return (performance.now() - start) / 1000 / steps;
}

/** The best of several rounds of each, in turn. @returns seconds, in the given order */
async function bestInTurn(measures: readonly (() => Promise<number>)[], rounds = ROUNDS): Promise<number[]> {
  const best = measures.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [i, measure] of measures.entries()) best[i] = Math.min(best[i], await measure());
  }
  return best;
}

/** Processor seconds of one step, over `steps`; other work on the machine hardly affects it. */
async function processorSecondsOf(engine: Pick<Engine, 'step'>, steps: number): Promise<number> {
  const before = process.cpuUsage();
  await engine.step(steps);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6 / steps;
}

/**
 * How much more the first costs than the second, in percent of the second, by round. Each round measures both one after
 * the other, so that other work on the machine affects both. They take turns to go first.
 */
async function costsInTurn(
  first: () => Promise<number>,
  second: () => Promise<number>,
  rounds: number,
): Promise<number[]> {
  const costs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const seconds = [0, 0];
    for (const turn of [round % 2, 1 - (round % 2)]) seconds[turn] = await (turn === 0 ? first : second)();
    costs.push((seconds[0] / seconds[1] - 1) * 100);
  }
  return costs;
}

/** @param share - 0.5: the median */
const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(share * (sorted.length - 1))];

/** Seconds of one step, each in its own call, as in a server without life. */
async function secondsOfCalls(engine: Pick<Engine, 'step'>, calls: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < calls; i++) await engine.step(1);
  return (performance.now() - start) / 1000 / calls;
}

/** A world whose organisms have all died. */
async function desertedWorld(side: number): Promise<Engine> {
  const engine = await createWasmEngine({ width: side, height: side, randomSeed: 1, threads });
  engine.setRule(0, steadyRule());
  for (let id = 1; id <= 1000; id++) engine.plant(id, 0, (id * 7919) % side, (id * 104_729) % side);
  await engine.step(1);
  engine.perturb({ kind: 'ablate', x0: 0, y0: 0, x1: side, y1: side, radius: 2 * side });
  for (const { organism } of await engine.census()) engine.remove(organism);
  await engine.step(1);
  return engine;
}

async function measureDense() {
  const engine = await denseWorld(SIDE, threads);
  const alone = threads > 1 ? await denseWorld(SIDE, 1) : engine;
  const peer = await createPeer(SIDE);
  const module = loadModule('engine');
  const workerData: KernelStart = { module, wideTiles: tilesAreWide(module) };
  const kernels = Array.from(
    { length: threads },
    () => new Worker(new URL('./kernelThread.ts', import.meta.url), { workerData }),
  );
  const kernelSeconds = async () => {
    const rates = await Promise.all(
      kernels.map((kernel) => {
        kernel.postMessage(50);
        return once(kernel, 'message') as Promise<[number]>;
      }),
    );
    return 1 / rates.reduce((sum, [rate]) => sum + rate, 0); // per operation
  };
  await engine.step(3);
  await alone.step(3);
  await peer.step();
  const [own, single, kernel, rival] = await bestInTurn([
    () => secondsOf(engine, 3),
    () => secondsOf(alone, 2),
    kernelSeconds,
    () => secondsOf(peer, 1),
  ]);
  for (const thread of kernels) await thread.terminate();
  for (const made of [engine, alone]) made.dispose();
  peer.dispose();
  const cells = SIDE * SIDE;
  const flops = (cells * FIRE_RATE * 2 * HIDDEN * 64) / own;
  return {
    denseCellStepsPerSecond: cells / own,
    peerDenseCellStepsPerSecond: cells / rival,
    denseRatio: rival / own,
    denseRatioOneThread: rival / single,
    kernelEfficiency: flops * kernel,
    kernelGflops: 1e-9 / kernel,
    threadSpeedup: single / own,
  };
}

async function measureSparse() {
  const { source, bodies } = await grownBodies(values.weights);
  const { rest } = readConfig([], {}); // as in a server; the `plain` worlds have no rest
  const garden = await gardenWorld(2048, ORGANISMS, bodies, threads, rest);
  const plain = await gardenWorld(2048, ORGANISMS, bodies, threads);
  const small = await gardenWorld(4096, ORGANISMS, bodies, threads);
  const huge = await gardenWorld(65_536, ORGANISMS, bodies, threads);
  const empty = await desertedWorld(65_536);
  for (const engine of [garden, plain, small, huge]) await engine.step(20);
  const cells = await population(garden);
  const [sparse, every, near, far, nothing] = await bestInTurn([
    () => secondsOf(garden, 5),
    () => secondsOf(plain, 3),
    () => secondsOf(small, 5),
    () => secondsOf(huge, 5),
    () => secondsOfCalls(empty, 200),
  ]);
  const pages = huge.pageCount;
  for (const engine of [garden, plain, small, huge, empty]) engine.dispose();
  const bounds = await measureBounds(bodies, rest);
  return {
    sparseStepsPerSecond: 1 / sparse,
    sparsePlainStepsPerSecond: 1 / every,
    sparseRest: rest,
    sparseLivingCells: cells,
    sparseCellsPerOrganism: cells / ORGANISMS,
    boundsCostPercent: quantile(bounds, 0.5),
    boundsCostSpread: [0.25, 0.75].map((share) => quantile(bounds, share).toFixed(1)).join(' to '),
    areaRatio: far / near,
    hugePages: pages,
    emptyStepMicroseconds: nothing * 1e6,
    organisms: source,
  };
}

/**
 * Percent of processor time that bounds add to the sparse world on one thread: sorted, one value per round. Measured
 * twice, with the worlds made in either order, because the place of a world's memory matters by some percent.
 */
async function measureBounds(bodies: Body[], rest: number): Promise<number[]> {
  const costs: number[] = [];
  for (const boundFirst of [true, false]) {
    const worlds = new Map<boolean, Engine>();
    for (const bounds of [boundFirst, !boundFirst])
      worlds.set(bounds, await gardenWorld(2048, ORGANISMS, bodies, 1, rest, bounds));
    for (const engine of worlds.values()) await engine.step(20);
    const seconds = (bounds: boolean) => processorSecondsOf(worlds.get(bounds)!, 5);
    costs.push(
      ...(await costsInTurn(
        () => seconds(true),
        () => seconds(false),
        BOUNDS_ROUNDS / 2,
      )),
    );
    for (const engine of worlds.values()) engine.dispose();
  }
  return costs.sort((x, y) => x - y);
}

/** The peak memory of a process that only runs the 65,536² world. */
function measureMemory(): number {
  const args = [import.meta.filename, 'step', '--memory-only', '--threads', String(threads)];
  if (values.weights !== undefined) args.push('--weights', values.weights);
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

if (values['memory-only']) {
  const { bodies } = await grownBodies(values.weights);
  const huge = await gardenWorld(65_536, ORGANISMS, bodies, threads);
  await huge.step(20);
  console.log(process.resourceUsage().maxRSS / 1024);
  huge.dispose();
} else {
  const figures = {
    ...(await measureDense()),
    ...(await measureSparse()),
    peakRssMiB: measureMemory(),
    threads,
    peerThreads: 1, // its WASM backend turns them off in Node (flags_wasm: IS_NODE)
    simd: `${hasRelaxedSimd() ? 'FMA' : 'no FMA'}, ${tilesAreWide(loadModule('engine')) ? 'wide' : 'narrow'} tiles`,
  };
  if (values.json) {
    console.log(JSON.stringify(figures, undefined, 2));
  } else {
    const shown = (value: number | string) =>
      typeof value === 'string' ? value : value.toLocaleString('en', { maximumSignificantDigits: 4 });
    for (const [name, value] of Object.entries(figures))
      console.log(`${name.padEnd(28)} ${shown(value).padEnd(14)} ${MEANING[name] ?? ''}`.trimEnd());
  }
}
