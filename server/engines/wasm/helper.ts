/** A helper thread, started by `crew.ts`: takes part in phases until the engine is disposed of. */
import { parentPort, workerData } from 'node:worker_threads';
import * as at from './assembly/layout.ts';
import { instantiateKernel } from './kernel.ts';

export interface HelperStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly wideTiles: boolean;
  /** 1..31 */
  readonly thread: number;
}

const { module, memory, wideTiles, thread } = workerData as HelperStart;
const kernel = await instantiateKernel(module, memory, wideTiles);
const control = new Int32Array(memory.buffer, 0, at.ORGANISM_RULES_AT >>> 2);
try {
  // The phase is read before the leader knows that this thread is ready, so that no phase is missed.
  const seen = Atomics.load(control, at.PHASE_AT >>> 2);
  parentPort?.postMessage('ready');
  kernel.work(thread, seen);
} catch (error) {
  Atomics.store(control, at.FAILED_AT >>> 2, 1);
  Atomics.notify(control, at.WORKING_AT >>> 2);
  throw error;
}
