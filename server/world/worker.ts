/** Entry of the simulation thread: loads rules, wakes the world or plants it, and runs it. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { createEngine } from '../engines/create.ts';
import { Saves } from '../storage/saves.ts';
import { readPageCodec } from '../stream/codec.ts';
import { Publisher } from '../stream/publish/publisher.ts';
import { cachedGrower } from './mature.ts';
import { matureFiles } from './matureFiles.ts';
import type { FromWorld, ToWorld } from './messages.ts';
import { Simulation } from './simulation.ts';
import { SNAPSHOTS } from './snapshot.ts';
import { startRules } from './startRules.ts';
import { World } from './world.ts';

const port = parentPort!;
const config = workerData as Config;
const { width, height, randomSeed, threads, maxPages, rest, adapter, gpuKernels } = config;
const post = (message: FromWorld, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);
const notes: string[] = [];

await readPageCodec();
const grow = cachedGrower(
  matureFiles(join(config.dataDir, 'mature')),
  // A mature form belongs to the rule, whichever engine steps the world.
  async (options) => (await createEngine('wasm', options)).engine,
);
let wounds: World['wounds'] | undefined;
const start = await startRules(config, grow);
const { engine, reason } = await createEngine(config.engine, {
  width,
  height,
  randomSeed,
  threads,
  maxPages,
  rest,
  adapter,
  kernels: gpuKernels,
  log(message) {
    // The bodies are from the last save: what becomes of them is not healing.
    wounds?.endAll();
    post({ type: 'log', line: message });
  },
});
const world = new World(engine, start.rules);
wounds = world.wounds;
world.onSpecies = (species) => post({ type: 'species', species });
world.swaps.onOutcome = (outcome) => post({ type: 'swap', outcome });
const saves = new Saves(config.dataDir, SNAPSHOTS);
await wake();
start.close();

const simulation = new Simulation({
  ...config,
  world,
  publisher: new Publisher({ world: config, epsilon: config.epsilon }),
  clock: { now: () => performance.now(), sleep },
  write: (state) => saves.write(state),
  post,
});
port.on('message', (message: ToWorld) => simulation.receive(message));
post({
  type: 'ready',
  engine: engine.description,
  reason,
  width,
  height,
  species: world.rules.cards,
  start: world.start,
  notes: [...start.notes, ...notes],
});
await simulation.run();
engine.dispose();
port.close();

async function wake(): Promise<void> {
  const restored = await saves.read();
  notes.push(...restored.notes);
  if (restored.state !== null) {
    notes.push(...(await world.restore(restored.state, start.recall)));
    notes.push(`world restored at step ${engine.stepNumber} with ${world.organisms.size} organisms`);
    return;
  }
  const planted = world.plantGarden(config.garden, randomSeed);
  const missing = config.garden - planted;
  notes.push(`garden of ${planted} organisms planted${missing > 0 ? `; ${missing} found no room` : ''}`);
}
