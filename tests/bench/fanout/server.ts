/** The server under load, wired as in `main.ts`, in its own process, with a grown world. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Config, readConfig } from '../../../server/config.ts';
import { createWasmEngine } from '../../../server/engines/wasm/engine.ts';
import { linkWorld, type ThreadPort } from '../../../server/links/threadLink.ts';
import { serveWorld } from '../../../server/serve/serveWorld.ts';
import { growMature } from '../../../server/world/mature.ts';
import { kernelOf } from '../../../server/world/savedFiles.ts';
import { stillWorld } from '../../../server/world/saving.ts';
import { startRules } from '../../../server/world/startRules.ts';
import { World } from '../../../server/world/world.ts';
import { WorldFiles } from '../../../server/world/worldFiles.ts';
import { answer, costs, type ServerCalls } from './messages.ts';
import { tallyFrames } from './tally.ts';

/** Steps until a body is whole and steady. */
const GROWN_STEPS = 900;
/** By frame number. */
const closedMs: number[] = [];
const tally = tallyFrames();

async function grow(config: Config): Promise<number> {
  const engine = await createWasmEngine(config);
  const { rules, close } = await startRules(config, (rule) => growMature(rule, createWasmEngine));
  close();
  const world = new World(engine, rules);
  world.plantGarden(config.garden, config.randomSeed);
  await engine.step(GROWN_STEPS);
  await world.observe(0);
  const files = await WorldFiles.open({ folder: config.dataDir, durability: 'os', log: console.error });
  const segment = await files.begin(kernelOf(engine));
  await files.write(world.save(stillWorld({ segment, isAfterGap: false })), { isLast: true });
  await files.close();
  engine.dispose();
  return world.organisms.size;
}

answer<ServerCalls>({
  async start(settings) {
    const config: Config = {
      ...readConfig(['--energy-per-address', '1000'], {}),
      host: '127.0.0.1',
      port: 0,
      dataDir: mkdtempSync(join(tmpdir(), 'regrow-fanout-')),
      ...settings,
    };
    const organisms = await grow(config);
    const thread = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: { ...config, owner: null },
    });
    const world = await linkWorld(thread as ThreadPort);
    world.onDeath = (error) => {
      throw error;
    };
    const server = await serveWorld(world, config);
    const publish = world.onFrame;
    world.onFrame = (frame) => {
      closedMs[frame.frame] = (frame as typeof frame & { closedMs: number }).closedMs;
      publish(frame);
    };
    const { width, height } = config;
    return { url: server.url, world: { width, height }, organisms };
  },
  costs,
  tally,
  frames: () => Float64Array.from(closedMs, (at) => at ?? Number.NaN),
});
