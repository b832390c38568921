/**
 * `npm run bench -- step [--threads n] [--json]`: what a step costs, against the tfjs WASM backend and
 * against the bare kernel as its own ceiling. Rivals take turns, several rounds, and each keeps its best:
 * whatever else the machine does then disturbs all alike.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { readConfig } from '../../server/config.ts';
import type { Engine } from '../../server/engines/engine.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { hasRelaxedSimd } from '../../server/engines/wasm/modules.ts';
import { createPeer } from './peer.ts';
import { denseWorld, FIRE_RATE, gardenWorld, grownBodies, HIDDEN, population } from './worlds.ts';

const SIDE = 512;
/** Many short rounds: on a shared machine, some of them are undisturbed. */
const ROUNDS = 25;
const ORGANISMS = 400;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    /** For itself: the 65,536² run alone, printing its peak memory. */
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

/** The best of several rounds of each, taken in turn. Seconds, in the order given. */
async function bestInTurn(measures: readonly (() => Promise<number>)[], rounds = ROUNDS): Promise<number[]> {
  const best = measures.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [i, measure] of measures.entries()) best[i] = Math.min(best[i], await measure());
  }
  return best;
}

async function measureDense() {
  const engine = await denseWorld(SIDE, threads);
  const alone = threads > 1 ? await denseWorld(SIDE, 1) : engine;
  const peer = await createPeer(SIDE);
  const kernels = Array.from(
    { length: threads },
    () => new Worker(new URL('./kernelThread.ts', import.meta.url)),
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
    kernelEfficiency: flops * kernel,
    kernelGflops: 1e-9 / kernel,
    threadSpeedup: single / own,
  };
}

async function measureSparse() {
  const { source, bodies } = await grownBodies();
  const { rest } = readConfig([], {}); // as a server steps it; `plain` does without
  const garden = await gardenWorld(2048, ORGANISMS, bodies, threads, rest);
  const plain = await gardenWorld(2048, ORGANISMS, bodies, threads);
  const small = await gardenWorld(4096, ORGANISMS, bodies, threads);
  const huge = await gardenWorld(65_536, ORGANISMS, bodies, threads);
  const empty = await createWasmEngine({ width: 65_536, height: 65_536, randomSeed: 1, threads });
  for (const engine of [garden, plain, small, huge]) await engine.step(20);
  const cells = await population(garden);
  const [sparse, every, near, far, nothing] = await bestInTurn([
    () => secondsOf(garden, 5),
    () => secondsOf(plain, 3),
    () => secondsOf(small, 5),
    () => secondsOf(huge, 5),
    () => secondsOf(empty, 1000),
  ]);
  const pages = huge.pageCount;
  for (const engine of [garden, plain, small, huge, empty]) engine.dispose();
  return {
    sparseStepsPerSecond: 1 / sparse,
    sparsePlainStepsPerSecond: 1 / every,
    sparseRest: rest,
    sparseLivingCells: cells,
    areaRatio: far / near,
    hugePages: pages,
    emptyStepMicroseconds: nothing * 1e6,
    organisms: source,
  };
}

/** Of a process that does the 65,536² run and nothing else. */
function measureMemory(): number {
  const args = [import.meta.filename, 'step', '--memory-only', '--threads', String(threads)];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

if (values['memory-only']) {
  const { bodies } = await grownBodies();
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
    peerThreads: 1, // its Node build has no threads
    simd: hasRelaxedSimd() ? '128-bit, relaxed (FMA)' : '128-bit',
  };
  if (values.json) {
    console.log(JSON.stringify(figures, undefined, 2));
  } else {
    const shown = (value: number | string) =>
      typeof value === 'string' ? value : value.toLocaleString('en', { maximumSignificantDigits: 4 });
    for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(28)} ${shown(value)}`);
  }
}
