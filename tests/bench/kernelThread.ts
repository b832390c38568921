/** The update rule's two layers and nothing else, over and over: the ceiling of a step. One thread of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { instantiateKernel } from '../../server/engines/wasm/kernel.ts';
import { HIDDEN } from './worlds.ts';

/** What the engine computes with, too. */
export interface KernelStart {
  readonly module: WebAssembly.Module;
  readonly wideTiles: boolean;
}

const memory = new WebAssembly.Memory({ initial: 8, maximum: 65_536, shared: true });
const { module, wideTiles } = workerData as KernelStart;
const kernel = await instantiateKernel(module, memory, wideTiles);
const [input, hidden, output, bias, w1, w2] = [65_536, 69_632, 81_920, 90_112, 98_304, 131_072];

/** Asked for milliseconds, answers floating point operations a second. */
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
