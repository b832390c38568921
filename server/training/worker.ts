/** One thread of `Rollouts`: takes slots until none is left, reports, sleeps. */
import { workerData } from 'node:worker_threads';
import { Control, Kernel, type WorkerSetup } from './kernel.ts';

const { module, memory, layout, thread } = workerData as WorkerSetup;
const control = new Int32Array(
  memory.buffer as unknown as SharedArrayBuffer,
  layout.control,
  Control.order + layout.slots,
);
const kernel = new Kernel(module, memory, layout, thread);

let seen = 0;
while (Atomics.load(control, Control.stop) === 0) {
  Atomics.wait(control, Control.generation, seen);
  const generation = Atomics.load(control, Control.generation);
  if (generation === seen) continue;
  seen = generation;
  if (Atomics.load(control, Control.stop) !== 0) break;
  for (;;) {
    const next = Atomics.add(control, Control.next, 1);
    if (next >= Atomics.load(control, Control.slotCount)) break;
    kernel.work(control[Control.order + next]);
  }
  Atomics.add(control, Control.idle, 1);
  Atomics.notify(control, Control.idle);
}
