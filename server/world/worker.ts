/** Entry of the simulation thread: loads rules, wakes the world or plants it, and runs it. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { createEngine } from '../engines/create.ts';
import type { Owner } from '../store/ownership.ts';
import { readPageCodec } from '../stream/codec.ts';
import { Publisher } from '../stream/publish/publisher.ts';
import { cachedGrower } from './mature.ts';
import { matureFiles } from './matureFiles.ts';
import type { FromWorld, ToWorld } from './messages.ts';
import { kernelOf } from './savedFiles.ts';
import { stillWorld } from './saving.ts';
import { Simulation } from './simulation.ts';
import { startRules } from './startRules.ts';
import { World } from './world.ts';
import { WorldFiles, withAdvice } from './worldFiles.ts';

const port = parentPort!;
const { owner, ...config } = workerData as Config & { readonly owner: Owner | null };
const { width, height, randomSeed, threads, maxPages, rest, adapter, gpuKernels } = config;
const post = (message: FromWorld, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);
const notes: string[] = [];
/** While the world stops, its save is reported this often. */
const PROGRESS_MS = 250;

await readPageCodec();
const grow = cachedGrower(
  matureFiles(join(config.dataDir, 'mature')),
  // A mature form belongs to the rule, whichever engine steps the world.
  async (options) => (await createEngine('wasm', options)).engine,
);
const store = owner && (await openStore(owner));
let isStopping = false;
let toldMs = Number.NEGATIVE_INFINITY;
const place = { folder: store?.folder ?? config.dataDir, isStored: store !== null };
const files = await WorldFiles.open({
  ...place,
  disk: store?.disk,
  durability: config.durability,
  log: (line) => post({ type: 'log', line }),
  progress(pages, of) {
    const now = performance.now();
    if (!isStopping || now - toldMs < PROGRESS_MS) return;
    toldMs = now;
    post({ type: 'saving', pages, of });
  },
});
const start = await startRules(config, grow, await files.swaps());
let awake: World | undefined;
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
    // The bodies are from the last save: what becomes of them is not healing, and the journal does not lead to them.
    awake?.wounds.endAll();
    awake?.log.lose();
    post({ type: 'log', line: message });
  },
});
const world = new World(engine, start.rules, config);
awake = world;
world.onSpecies = (species) => post({ type: 'species', species });
world.swaps.onOutcome = (outcome) => post({ type: 'swap', outcome });
const isSaveDue = await wake();
start.close();

const simulation = new Simulation({
  ...config,
  world,
  publisher: new Publisher({ world: config, epsilon: config.epsilon, firstFrame: owner?.firstFrame }),
  clock: {
    now: () => performance.now(),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
  },
  store: files,
  journal: files,
  diskFigures: () => files.figures,
  isSaveDue,
  isAfterGap: files.isAfterGap,
  post,
});
port.on('message', (message: ToWorld) => {
  isStopping ||= message.type === 'stop';
  simulation.receive(message);
});
post({
  type: 'ready',
  engine: engine.description,
  reason,
  width,
  height,
  species: world.rules.cards,
  start: world.overview.start,
  stepsPerSecond: world.stepsPerSecond ?? config.stepsPerSecond,
  watchedSwaps: world.swaps.ids,
  notes: [...start.notes, ...notes],
});
try {
  await simulation.run();
} finally {
  // The last save holds all of it; without one, what was done since the save before is here.
  await files.close().catch((error: Error) => post({ type: 'log', line: error.message }));
}
store?.close();
engine.dispose();
port.close();

/** The world's files where they outlive this machine; nothing of it is loaded otherwise. */
async function openStore(owner: Owner) {
  const { WORLD_FOLDER, worldDisk } = await import('../store/ownership.ts');
  return {
    folder: WORLD_FOLDER,
    ...(await worldDisk(config, owner, () => {
      // The main thread ends the process at once: nothing of this world may be seen any more.
      setImmediate(() => {
        throw new Error(`another process has taken the world ${config.world} over`);
      });
    })),
  };
}

/** @returns whether a save is due soon: else the next start must do all again */
async function wake(): Promise<boolean> {
  if (files.state === null) return plant();
  const kernels = new Set<string>();
  const entries = (async function* () {
    for await (const entry of files.entries()) {
      kernels.add(entry.kernel);
      yield entry;
    }
  })();
  const restored = await world.restore(files.state, start.recall, entries).catch((error: Error) => {
    throw withAdvice(error, place);
  });
  notes.push(...restored.notes);
  notes.push(`world restored at step ${engine.stepNumber} with ${world.organisms.size} organisms`);
  if (restored.steps > 0)
    notes.push(`${restored.steps} steps since the last save taken again, with ${restored.entries} entries`);
  kernels.delete(kernelOf(engine));
  if (kernels.size > 0)
    notes.push(
      `they were first taken by another kernel (${[...kernels].join('; ')}): cells may differ slightly from then`,
    );
  await files.begin(kernelOf(engine));
  if (files.diedWith(restored.entries)) world.swaps.countDeath();
  notes.push(...files.notes);
  return restored.entries > 0;
}

/** A new world is saved before anybody acts in it: a journal needs a save to begin with. */
async function plant(): Promise<false> {
  const planted = world.plantGarden(config.garden, randomSeed);
  const missing = config.garden - planted;
  notes.push(`garden of ${planted} organisms planted${missing > 0 ? `; ${missing} found no room` : ''}`);
  const segment = await files.begin(kernelOf(engine));
  world.log.start();
  const save = world.save(stillWorld({ segment, isAfterGap: false }));
  await files.write(save);
  save.written();
  notes.push(...files.notes);
  return false;
}
