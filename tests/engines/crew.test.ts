import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { EngineError } from '../../server/engines/engine.ts';
import * as at from '../../server/engines/wasm/assembly/layout.ts';
import { Crew } from '../../server/engines/wasm/crew.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { EngineMemory } from '../../server/engines/wasm/memory.ts';
import { hasRelaxedSimd } from '../../server/engines/wasm/modules.ts';
import { atOnce } from '../../server/engines/wasm/waves.ts';
import { expectSameState, setRules } from './fixtures.ts';

const WORLD = { width: 200, height: 200 };

test('after a thread died between steps no step begins, and the world can be saved', async () => {
  const engine = await createWasmEngine({ ...WORLD, randomSeed: 1, threads: 3 });
  setRules(engine);
  engine.plant(1, 0, 64, 64);
  await engine.step(10);
  const before = await engine.save();
  const { helpers } = (engine.awake as unknown as { crew: { helpers: Worker[] } }).crew;
  const ended = once(helpers[1], 'exit');
  await helpers[1].terminate();
  await ended;
  await expect(engine.step(1)).rejects.toThrow(/thread 2 ended/);
  await expect(engine.step(1)).rejects.toThrow(EngineError);
  expectSameState(await engine.save(), before, WORLD, 0);
  engine.dispose();
});

/** Gives a helper an open block whose deltas go beyond the memory: flushing it traps, only in that thread. */
function trap(memory: EngineMemory, thread: number): void {
  const scratch = at.SCRATCH_AT + thread * at.SCRATCH_BYTES;
  memory.ints[(scratch + at.BLOCK_TARGETS_AT) >>> 2] = -64;
  memory.ints[(scratch + at.BLOCK_COUNTS_AT) >>> 2] = 1;
}

test('when a helper traps while the step only reads, the step fails and the world can be saved unchanged', async () => {
  const engine = await createWasmEngine({ ...WORLD, randomSeed: 1, threads: 2 });
  setRules(engine);
  engine.plant(1, 0, 64, 64);
  await engine.step(10);
  const before = await engine.save();
  const { crew, memory } = engine.awake as unknown as { crew: { helpers: Worker[] }; memory: EngineMemory };
  const died = once(crew.helpers[0], 'error');
  trap(memory, 1);
  await expect(engine.step(1)).rejects.toThrow(/failed in phase 0 of a step/);
  expect(String((await died)[0])).toMatch(/RuntimeError: memory access out of bounds/);
  await expect(engine.step(1)).rejects.toThrow(EngineError);
  expectSameState(await engine.save(), before, WORLD, 0);
  engine.dispose();
});

test('after a trap while the step writes, the torn world is neither stepped nor saved', async () => {
  for (const threads of [1, 2]) {
    const engine = await createWasmEngine({ ...WORLD, randomSeed: 1, threads });
    setRules(engine);
    engine.plant(1, 0, 64, 64);
    await engine.step(10);
    const { crew, memory } = engine.awake as unknown as { crew: Crew; memory: EngineMemory };
    memory.ints[at.AWAKE_AT >>> 2] = -4096;
    expect(() => crew.step([{ kind: at.PHASE_APPLY, first: 0, end: 1 }])).toThrow(
      /failed in phase 1 of a step/,
    );
    expect(crew.isTorn).toBe(true);
    await expect(engine.step(1)).rejects.toThrow(/not whole/);
    await expect(engine.save()).rejects.toThrow(/not whole/);
    engine.dispose();
  }
});

test('a failure before anything is written leaves the world whole', async () => {
  const { memory } = new EngineMemory(4, 2);
  const crew = await Crew.assemble(memory, 2, hasRelaxedSimd());
  const phases = atOnce(0);
  crew.step(phases);
  const control = new Int32Array(memory.buffer);
  Atomics.store(control, at.FAILED_AT >>> 2, 1);
  expect(() => crew.step(phases)).toThrow(/failed in phase 0/);
  expect(crew.isTorn).toBe(false);
  Atomics.store(control, at.FAILED_AT >>> 2, 0);
  expect(() => crew.step(phases)).toThrow(EngineError);
  expect(() => crew.muster(0, 1)).toThrow(EngineError);
  crew.dispose();
});

test('threads end when the engine is disposed of', async () => {
  const { memory } = new EngineMemory(4, 2);
  const crew = await Crew.assemble(memory, 2, hasRelaxedSimd());
  const { helpers } = crew as unknown as { helpers: Worker[] };
  helpers[0].ref();
  const ended = once(helpers[0], 'exit');
  crew.dispose();
  crew.dispose();
  expect(await ended).toEqual([0]);
});
