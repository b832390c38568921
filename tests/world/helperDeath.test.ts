/** A helper thread of the wasm engine dies under a running world: the last whole state must be on disk. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as at from '../../server/engines/wasm/assembly/layout.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import type { EngineMemory } from '../../server/engines/wasm/memory.ts';
import { Publisher } from '../../server/stream/publish/publisher.ts';
import type { FromWorld } from '../../server/world/messages.ts';
import { Simulation } from '../../server/world/simulation.ts';
import { World } from '../../server/world/world.ts';
import { WorldFiles } from '../../server/world/worldFiles.ts';
import { FakeJournal } from './fakeJournal.ts';
import { loadBlob } from './makeWorld.ts';

const SIDE = 256;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const makeWorld = async () => {
  const engine = await createWasmEngine({ width: SIDE, height: SIDE, randomSeed: 3, threads: 3 });
  return { engine, world: new World(engine, [await loadBlob()]) };
};

interface Inside {
  readonly crew: { readonly helpers: readonly Worker[] };
  readonly memory: EngineMemory;
}

test.each<{ how: string; kill: (inside: Inside) => void }>([
  { how: 'is terminated', kill: ({ crew }) => void crew.helpers[1].terminate() },
  {
    how: 'traps within a step',
    kill: ({ memory }) => {
      // Deltas of an open block that go beyond the memory: flushing it traps, in that thread alone.
      const scratch = (at.SCRATCH_AT + 2 * at.SCRATCH_BYTES) >>> 2;
      memory.ints[scratch + (at.BLOCK_TARGETS_AT >>> 2)] = -64;
      memory.ints[scratch + (at.BLOCK_COUNTS_AT >>> 2)] = 1;
    },
  },
])('a helper $how: the server says so, stops, and the saved world is whole', async ({ kill }) => {
  const { engine, world } = await makeWorld();
  expect(world.plantGarden(4, 1)).toBe(4);
  const open = () => WorldFiles.open({ folder, durability: 'os', log: () => {} });
  const files = await open();
  const segment = await files.begin('');
  const posted: FromWorld[] = [];
  const simulation = new Simulation({
    world,
    publisher: new Publisher({ world: engine, epsilon: 0 }),
    clock: { now: () => performance.now(), sleep: (ms) => sleep(ms) },
    stepsPerSecond: 200,
    framesPerSecond: 50,
    saveSeconds: 3_600,
    store: {
      canKeep: () => false,
      write: (save) => files.write({ ...save, moment: () => ({ ...save.moment(), segment }) }),
    },
    journal: new FakeJournal(),
    post: (message) => posted.push(message),
  });
  const ended = simulation.run();
  ended.catch(() => {});
  while (engine.stepNumber < 20) await sleep(5);
  kill(engine.awake as unknown as Inside);
  await expect(ended).rejects.toThrow(/thread 2 ended|a thread failed in phase 0/);
  const notes = posted.filter((message) => message.type === 'log').map(({ line }) => line);
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatch(/the world as it was before is saved$/);
  const stopped = engine.stepNumber;
  await sleep(100);
  expect(engine.stepNumber).toBe(stopped);

  // Nothing is half a step ahead: from the save, the same steps lead to the same world as from the start.
  await files.close();
  const { state } = await open();
  expect(state!.stepNumber).toBe(stopped);
  const [again, reborn] = [await makeWorld(), await makeWorld()];
  again.world.plantGarden(4, 1);
  await again.engine.step(stopped);
  await reborn.world.restore(state!);
  for (const step of [0, 5]) {
    await again.engine.step(step);
    await reborn.engine.step(step);
    const [a, b] = [await again.engine.save(), await reborn.engine.save()];
    const byPage = (x: { page: number }, y: { page: number }) => x.page - y.page;
    expect([...b.pages].sort(byPage)).toEqual([...a.pages].sort(byPage));
  }
  for (const made of [engine, again.engine, reborn.engine]) made.dispose();
});
