/** One thread that computes only the update rule's two layers, repeatedly: the upper bound for a step. */
import { parentPort, workerData } from 'node:worker_threads';
import { instantiateKernel } from '../../server/engines/wasm/kernel.ts';
import { HIDDEN } from './worlds.ts';

/** The module that the engine uses. */
export interface KernelStart {
  readonly module: WebAssembly.Module;
  readonly wideTiles: boolean;
}

const memory = new WebAssembly.Memory({ initial: 8, maximum: 65_536, shared: true });
const { module, wideTiles } = workerData as KernelStart;
const kernel = await instantiateKernel(module, memory, wideTiles);
const [input, hidden, output, bias, w1, w2] = [65_536, 69_632, 81_920, 90_112, 98_304, 131_072];

/** Takes how many milliseconds to run; answers floating point operations per second. */
parentPort!.on('message', (milliseconds: number) => {
  const start = performance.now();
  let blocks = 0;
  while (performance.now() - start < milliseconds) {
    for (let i = 0; i < 64; i++) {
      kernel.denseBlock(input, hidden, w1, bias, 48, HIDDEN, 1);
      kernel.denseBlock(hidden, output, w2, bias, HIDDEN, 16, 0);
    }
    blocks += 64;
  }
  const seconds = (performance.now() - start) / 1000;
  parentPort!.postMessage((blocks * 16 * 2 * HIDDEN * 64) / seconds);
});
