/** Entry of the simulation thread: loads rules, wakes the world or plants it, and runs it. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { pagesAcross } from '../../shared/geometry.ts';
import type { Config } from '../config.ts';
import { createEngine } from '../engines/create.ts';
import { loadRules } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';
import { matureFiles } from '../storage/matureFiles.ts';
import { Saves } from '../storage/saves.ts';
import { StrokeLog } from '../storage/strokeLog.ts';
import { readPageCodec } from '../stream/codec.ts';
import { Publisher } from '../stream/publisher.ts';
import { growMature, type MatureCache, MatureError, speciesOf } from './mature.ts';
import type { FromWorld, ToWorld } from './messages.ts';
import { Simulation } from './simulation.ts';
import { type LoadedSpecies, World } from './world.ts';

const port = parentPort!;
const config = workerData as Config;
const { width, height, randomSeed, threads, maxPages, rest } = config;
const post = (message: FromWorld, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);
const notes: string[] = [];

await readPageCodec();
const species = await loadSpecies(loadRules(config.weightsDir), matureFiles(join(config.dataDir, 'mature')));
const { engine, reason } = await createEngine(config.engine, {
  width,
  height,
  randomSeed,
  threads,
  maxPages,
  rest,
});
const strokeLog = new StrokeLog(config.dataDir, (message) => post({ type: 'note', message }));
const world = new World(engine, species, (record) => strokeLog.write(record));
const saves = new Saves(config.dataDir);
await wake();

const simulation = new Simulation({
  ...config,
  world,
  publisher: new Publisher({ across: pagesAcross(width), epsilon: config.epsilon }),
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
  species: species.map(({ card }) => card),
  start: world.start,
  notes,
});
await simulation.run();
await strokeLog.flush();
engine.dispose();
port.close();

/** Rules that grow nothing are refused, with a note; the others come with their mature forms. */
async function loadSpecies(rules: readonly Rule[], cache: MatureCache): Promise<LoadedSpecies[]> {
  const loaded: LoadedSpecies[] = [];
  for (const rule of rules) {
    try {
      let mature = await cache.read(rule);
      if (mature === null) {
        mature = await growMature(
          rule,
          async (options) => (await createEngine(config.engine, options)).engine,
        );
        await cache.write(rule, mature);
      }
      loaded.push({ rule, mature, card: speciesOf(rule, mature) });
    } catch (error) {
      if (!(error instanceof MatureError)) throw error;
      notes.push(`rule refused: ${error.message}`);
    }
  }
  if (loaded.length === 0) {
    const why = rules.length === 0 ? 'there is none' : notes.join('; ');
    throw new Error(`no rule in ${config.weightsDir} can live: ${why}`);
  }
  return loaded;
}

async function wake(): Promise<void> {
  const restored = await saves.read();
  notes.push(...restored.notes);
  if (restored.state !== null) {
    notes.push(...(await world.restore(restored.state)));
    notes.push(`world restored at step ${engine.stepNumber} with ${world.organisms.size} organisms`);
    return;
  }
  const planted = world.plantGarden(config.garden, randomSeed);
  const missing = config.garden - planted;
  notes.push(`garden of ${planted} organisms planted${missing > 0 ? `; ${missing} found no room` : ''}`);
}
