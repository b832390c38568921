/**
 * `npm run bench -- gpu [--adapter name] [--kernels auto|plain|f16] [--json]`: the time of a step on a GPU, in total
 * and by kernel, and the share of the adapter's own speed, which the same run measures. Without a GPU it runs smaller
 * worlds on SwiftShader and says so first. Cases take turns, and each keeps its best round.
 */
import { parseArgs } from 'node:util';
import type { Engine } from '../../server/engines/engine.ts';
import type { SleepingEngine } from '../../server/engines/sleepingEngine.ts';
import { AdapterError, KERNEL_CHOICES } from '../../server/engines/webgpu/device.ts';
import { createWebGpuEngine, type WebGpuEngine } from '../../server/engines/webgpu/engine.ts';
import { measureAdapter, measureKernels } from './gpuRates.ts';
import { FIRE_RATE, fillDense, fillGarden, grownBodies, HIDDEN, population } from './worlds.ts';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    adapter: { type: 'string', default: 'auto' },
    kernels: { type: 'string', default: 'auto' },
  },
});

/** Float operations of one firing cell's update: 48 inputs and 16 outputs per hidden unit. */
const UPDATE_FLOP = 2 * HIDDEN * 64;
/**
 * Bytes that one cell of a dense world moves in a step (`server/engines/README.md`): with the ring, 256 cells need 324
 * reads; a firing cell is written to `next`, read from it and written to `cells`.
 */
const RING = 324 / 256;
const CELL_STEP_BYTES = RING * (64 + 4 + 4) + 4 + 8 + FIRE_RATE * (3 * 64 + 4 + 4);

let adapter = values.adapter;
const kernels = KERNEL_CHOICES.find((choice) => choice === values.kernels);
if (kernels === undefined) throw new Error(`--kernels: one of ${KERNEL_CHOICES.join(', ')} expected`);
async function make(side: number): Promise<SleepingEngine<WebGpuEngine>> {
  const options = { width: side, height: side, randomSeed: 1, maxPages: 8192, kernels };
  try {
    return await createWebGpuEngine({ ...options, adapter });
  } catch (error) {
    if (!(error instanceof AdapterError) || adapter !== 'auto') throw error;
    adapter = 'swiftshader';
    return make(side);
  }
}

async function secondsOf(engine: Engine, steps: number): Promise<number> {
  const start = performance.now();
  await engine.step(steps);
  return (performance.now() - start) / 1000 / steps;
}

async function bestInTurn(measures: readonly (() => Promise<number>)[], rounds: number): Promise<number[]> {
  const best = measures.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [i, measure] of measures.entries()) best[i] = Math.min(best[i], await measure());
  }
  return best;
}

const first = await make(64);
const { isSoftware } = first.awake.opened;
if (isSoftware) {
  const warning = `SOFTWARE ADAPTER (${first.awake.opened.adapter}): these figures say nothing about a GPU.`;
  // On standard error with --json, so that standard output is JSON only.
  if (values.json) console.error(warning);
  else console.log(warning);
}
const side = isSoftware ? 128 : 2048;
const organisms = isSoftware ? 9 : 400;
const rounds = isSoftware ? 6 : 25;
const batch = isSoftware ? 2 : 16;

const dense = await fillDense(await make(side));
const { source, bodies } = await grownBodies();
const near = await fillGarden(await make(4096), organisms, bodies);
const far = await fillGarden(await make(65_536), organisms, bodies);
for (const engine of [dense, near, far]) await engine.step(2);
const living = await population(near);
const [denseSeconds, nearSeconds, farSeconds] = await bestInTurn(
  [dense, near, far].map((engine) => () => secondsOf(engine, batch)),
  rounds,
);

// Frames as in a server: two steps, then the pages whose pixels changed.
await near.visitChanged(() => {});
const before = near.awake.commands.reader.bytesRead;
let changed = 0;
const FRAMES = 10;
for (let frame = 0; frame < FRAMES; frame++) {
  await near.step(2);
  await near.visitChanged(() => changed++);
}
const readBack = (near.awake.commands.reader.bytesRead - before) / FRAMES;

const denseKernels = await measureKernels(dense.awake, rounds);
const sparseKernels = await measureKernels(near.awake, rounds);
const rates = await measureAdapter(first.awake.opened.device, isSoftware);
const cells = side * side;
const updateSeconds = (denseKernels?.update ?? Number.NaN) * 1e-6;
const figures = {
  adapter: first.awake.opened.adapter,
  software: isSoftware,
  kernels: first.awake.opened.form,
  denseSide: side,
  cellStepsPerSecond: { dense: cells / denseSeconds, sparse: living / nearSeconds },
  stepMicroseconds: { dense: denseSeconds * 1e6, sparse: nearSeconds * 1e6, huge: farSeconds * 1e6 },
  areaRatio: farSeconds / nearSeconds,
  kernelMicroseconds: { dense: denseKernels, sparse: sparseKernels },
  bytesReadBackPerFrame: readBack,
  changedPagesPerFrame: changed / FRAMES,
  adapterFlopPerSecond: rates.flop,
  adapterCopyBytesPerSecond: rates.copyBytes,
  flopShare: {
    update: (cells * FIRE_RATE * UPDATE_FLOP) / updateSeconds / rates.flop,
    step: (cells * FIRE_RATE * UPDATE_FLOP) / denseSeconds / rates.flop,
  },
  copyShare: { step: (cells * CELL_STEP_BYTES) / denseSeconds / rates.copyBytes },
  bytesPerCellStep: CELL_STEP_BYTES,
  flopPerCellStep: FIRE_RATE * UPDATE_FLOP,
  sparse: { organisms, livingCells: living, pages: near.pageCount, rules: source },
};
for (const engine of [first, dense, near, far]) engine.dispose();

if (values.json) console.log(JSON.stringify(figures, undefined, 2));
else {
  const show = (value: unknown): string =>
    typeof value === 'number'
      ? value.toLocaleString('en', { maximumSignificantDigits: 4 })
      : value !== null && typeof value === 'object'
        ? Object.entries(value)
            .map(([name, part]) => `${name} ${show(part)}`)
            .join(', ')
        : String(value);
  for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(28)} ${show(value)}`);
}
