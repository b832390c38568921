/**
 * What the engine itself allocates by submission: JSON of bytes on V8's heap, with 1 step and with 16 steps each.
 * The device is made of objects that are there already, so that only ours count. To be run with a young
 * generation that is never collected meanwhile (`webgpuAllocations.test.ts`).
 */
import type { OpenDevice } from '../../server/engines/webgpu/device.ts';
import { WebGpuEngine } from '../../server/engines/webgpu/engine.ts';
import * as at from '../../server/engines/webgpu/layout.ts';
import { stillRule } from './fixtures.ts';

/** Steps in one submission, as in the engine. */
const MAX_STEPS = 16;
const SUBMISSIONS = 10_000;

const nothing = (): void => {};
const done = Promise.resolve(undefined);
/** Every report: an organism lives in the page, far from its border. */
const report = new ArrayBuffer(1 << 16);
new Uint32Array(report).fill(at.STATUS_BUSY | at.STATUS_OPAQUE | (1 << 8), 0, 1);
new Uint32Array(report).set([30 | (30 << 8) | (31 << 16) | (31 << 24), 1 | (1 << 16)], 1);

const layout = {};
const pipeline = { getBindGroupLayout: () => layout };
const pass = {
  setPipeline: nothing,
  setBindGroup: nothing,
  dispatchWorkgroups: nothing,
  dispatchWorkgroupsIndirect: nothing,
  end: nothing,
};
const commandBuffer = {};
const encoder = {
  beginComputePass: () => pass,
  copyBufferToBuffer: nothing,
  clearBuffer: nothing,
  finish: () => commandBuffer,
};
const device = {
  limits: { maxStorageBufferBindingSize: 2 ** 27, maxBufferSize: 2 ** 28 },
  features: new Set(),
  lost: new Promise(nothing),
  queue: { submit: nothing, writeBuffer: nothing },
  addEventListener: nothing,
  removeEventListener: nothing,
  createBuffer: ({ size }: { size: number }) => ({
    size,
    destroy: nothing,
    mapAsync: () => done,
    getMappedRange: () => report,
    unmap: nothing,
  }),
  createBindGroup: () => ({}),
  createCommandEncoder: () => encoder,
};
const kernels = ['find', 'turn', 'update', 'settle', 'status', 'edit', 'extract'];
const opened = {
  device,
  adapter: 'nothing',
  isSoftware: true,
  pipelines: Object.fromEntries(kernels.map((kernel) => [kernel, pipeline])),
  form: { subgroups: false, halfWeights: false },
} as unknown as OpenDevice;

const engine = new WebGpuEngine({ width: 256, height: 256, randomSeed: 1 }, opened);
engine.setRule(0, stillRule());
engine.plant(1, 0, 30, 30);

/** Bytes per submission. */
async function measure(steps: number): Promise<number> {
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < SUBMISSIONS; i++) await engine.step(steps);
  return (process.memoryUsage().heapUsed - before) / SUBMISSIONS;
}

// V8's compiler allocates too, so it must be finished before the measurement.
for (const steps of [1, MAX_STEPS, 1, MAX_STEPS]) await measure(steps);
globalThis.gc?.();
const one = await measure(1);
const sixteen = await measure(MAX_STEPS);
console.log(JSON.stringify({ one, sixteen }));
