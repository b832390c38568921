import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { EngineError } from '../../server/engines/engine.ts';
import * as at from '../../server/engines/wasm/assembly/layout.ts';
import { Crew } from '../../server/engines/wasm/crew.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { EngineMemory } from '../../server/engines/wasm/memory.ts';
import { hasRelaxedSimd } from '../../server/engines/wasm/modules.ts';
import { expectSameState, setRules } from './fixtures.ts';

const WORLD = { width: 200, height: 200 };

test('a thread that died between steps: no step is begun, and the world can be saved', async () => {
  const engine = await createWasmEngine({ ...WORLD, randomSeed: 1, threads: 3 });
  setRules(engine);
  engine.plant(1, 0, 64, 64);
  await engine.step(10);
  const before = await engine.save();
  const { helpers } = (engine as unknown as { crew: { helpers: Worker[] } }).crew;
  const ended = once(helpers[1], 'exit');
  await helpers[1].terminate();
  await ended;
  await expect(engine.step(1)).rejects.toThrow(/thread 2 ended/);
  await expect(engine.step(1)).rejects.toThrow(EngineError);
  expectSameState(await engine.save(), before, WORLD, 0);
  engine.dispose();
});

test('a thread that fails within a step stops the crew for good', async () => {
  const { memory } = new EngineMemory(4);
  const crew = await Crew.assemble(memory, 2, hasRelaxedSimd());
  crew.step();
  const control = new Int32Array(memory.buffer);
  Atomics.store(control, at.FAILED_AT >>> 2, 1);
  expect(() => crew.step()).toThrow(/failed in phase 0/);
  // The first phase only reads: the world is whole.
  expect(crew.isTorn).toBe(false);
  Atomics.store(control, at.FAILED_AT >>> 2, 0);
  expect(() => crew.step()).toThrow(EngineError);
  crew.dispose();
});

test('threads end when the engine is disposed of', async () => {
  const { memory } = new EngineMemory(4);
  const crew = await Crew.assemble(memory, 2, hasRelaxedSimd());
  const { helpers } = crew as unknown as { helpers: Worker[] };
  helpers[0].ref();
  const ended = once(helpers[0], 'exit');
  crew.dispose();
  crew.dispose();
  expect(await ended).toEqual([0]);
});
