/** Measures an adapter's peak rates, and the time of each kernel of a step on it. */
import { USAGE } from '../../server/engines/webgpu/device.ts';
import type { WebGpuEngine } from '../../server/engines/webgpu/engine.ts';

const KERNELS = ['find', 'turn', 'update', 'settle'] as const;

/** Microseconds of each kernel in a step: the best of some steps; null where the adapter has no timestamps. */
export async function measureKernels(
  engine: WebGpuEngine,
  rounds: number,
): Promise<Record<(typeof KERNELS)[number], number> | null> {
  const { device } = engine.opened;
  if (!device.features.has('timestamp-query')) return null;
  const count = KERNELS.length * 2;
  const querySet = device.createQuerySet({ type: 'timestamp', count });
  const resolved = device.createBuffer({ size: count * 8, usage: USAGE.QUERY_RESOLVE | USAGE.COPY_SRC });
  const readable = device.createBuffer({ size: count * 8, usage: USAGE.MAP_READ | USAGE.COPY_DST });
  const best = { find: Infinity, turn: Infinity, update: Infinity, settle: Infinity };
  for (let round = 0; round < rounds; round++) {
    await engine.step(1); // prepares pages and parameters
    const { commands } = engine;
    const encoder = device.createCommandEncoder();
    for (const [i, kernel] of KERNELS.entries()) {
      const timestampWrites = {
        querySet,
        beginningOfPassWriteIndex: 2 * i,
        endOfPassWriteIndex: 2 * i + 1,
      };
      const pass = encoder.beginComputePass({ timestampWrites });
      commands.passes[kernel](pass, engine.existingPages);
      pass.end();
    }
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, readable, 0, count * 8);
    device.queue.submit([encoder.finish()]);
    await readable.mapAsync(1);
    const times = new BigUint64Array(readable.getMappedRange());
    for (const [i, kernel] of KERNELS.entries()) {
      best[kernel] = Math.min(best[kernel], Number(times[2 * i + 1] - times[2 * i]) / 1000);
    }
    readable.unmap();
  }
  querySet.destroy();
  for (const buffer of [resolved, readable]) buffer.destroy();
  return best;
}

/** Eight independent vec4 sums: 64 float operations per round and lane. */
const FMA = /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> out: array<vec4f>;
override rounds = 1u;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(0.999 + f32(id.x) * 1e-9);
  var a = x; var b = x * 2.0; var c = x * 3.0; var d = x * 4.0;
  var e = x * 5.0; var f = x * 6.0; var g = x * 7.0; var h = x * 8.0;
  for (var i = 0u; i < rounds; i++) {
    a = fma(a, x, x); b = fma(b, x, x); c = fma(c, x, x); d = fma(d, x, x);
    e = fma(e, x, x); f = fma(f, x, x); g = fma(g, x, x); h = fma(h, x, x);
  }
  out[id.x] = a + b + c + d + e + f + g + h;
}`;

const COPY = /* wgsl */ `
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> target_: array<vec4f>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  target_[id.x] = source[id.x];
}`;

/** Float operations per second (a fused multiply-add is two), and bytes read plus bytes written per second. */
export async function measureAdapter(
  device: GPUDevice,
  isSoftware: boolean,
): Promise<{ flop: number; copyBytes: number }> {
  const groups = isSoftware ? 64 : 16_384;
  const rounds = isSoftware ? 512 : 4096;
  const bytes = isSoftware ? 8 << 20 : 64 << 20;
  const usage = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;
  const make = (size: number) => device.createBuffer({ size, usage });
  const pipeline = (code: string, constants?: Record<string, number>) =>
    device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code }), entryPoint: 'main', constants },
    });
  const bestSeconds = async (made: GPUComputePipeline, buffers: GPUBuffer[], workgroups: number) => {
    const group = device.createBindGroup({
      layout: made.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    let best = Infinity;
    for (let round = 0; round < 8; round++) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(made);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(workgroups);
      pass.end();
      const start = performance.now();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      if (round > 0) best = Math.min(best, (performance.now() - start) / 1000);
    }
    return best;
  };
  const out = make(groups * 256 * 16);
  const [from, to] = [make(bytes), make(bytes)];
  const fma = await bestSeconds(await pipeline(FMA, { rounds }), [out], groups);
  const copy = await bestSeconds(await pipeline(COPY), [from, to], bytes / 16 / 256);
  for (const buffer of [out, from, to]) buffer.destroy();
  return { flop: (groups * 256 * rounds * 64) / fma, copyBytes: (2 * bytes) / copy };
}
