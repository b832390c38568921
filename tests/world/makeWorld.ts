/** A small world of blobs on the reference engine, and a player's strokes in it. */
import { expect } from 'vitest';
import type { Engine } from '../../server/engines/engine.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import { type EngineFactory, growMature, speciesOf } from '../../server/world/mature.ts';
import type { LoadedRule } from '../../server/world/ruleSlots.ts';
import { World, type WorldOptions } from '../../server/world/world.ts';
import type { StrokeMessage } from '../../shared/protocol.ts';
import { blobRule } from './blob.ts';
import { doer } from './doer.ts';

export interface SmallWorld {
  readonly world: World;
  readonly engine: Engine;
}

let blob: Promise<LoadedRule> | undefined;

/** Named `blob`; grown once per test file. */
export function loadBlob(): Promise<LoadedRule> {
  blob ??= (async () => {
    const rule = blobRule('blob');
    const mature = await growMature(rule, createReferenceEngine);
    return { rule, mature, card: speciesOf(rule, mature), sha256: 'blob', label: 'blob v1' };
  })();
  return blob;
}

export async function makeWorld(
  width = 128,
  height = 64,
  names: string[] = ['blob'],
  createEngine: EngineFactory = createReferenceEngine,
  options?: WorldOptions,
): Promise<SmallWorld> {
  const loaded = await loadBlob();
  const engine = await createEngine({ width, height, randomSeed: 5 });
  const species = names.map((name) => ({
    ...loaded,
    rule: { ...loaded.rule, name },
    card: { ...loaded.card, name },
  }));
  return { world: new World(engine, species, options), engine };
}

/** Plants a seed. */
export const plant = (x: number, y: number, species = 'blob'): StrokeMessage => ({
  id: 1,
  tool: 'plant',
  radius: 1,
  points: [x, y],
  species,
});
export const brush = (
  tool: 'ablate' | 'noise' | 'truncate',
  radius: number,
  ...points: number[]
): StrokeMessage => ({
  id: 1,
  tool,
  radius,
  points,
});

/** Ann's stroke, applied at once. */
export async function stroke({ world }: SmallWorld, message: StrokeMessage) {
  const outcome = world.queueStroke(doer('Ann'), message);
  await world.applyStrokes();
  return outcome;
}

/** Grown blobs at these seeds. */
export async function grown(...seeds: [x: number, y: number][]): Promise<SmallWorld> {
  const small = await makeWorld();
  for (const [x, y] of seeds) expect(await stroke(small, plant(x, y))).toMatchObject({ ok: true, step: 0 });
  await small.engine.step(60);
  await small.world.observe(0.25);
  return small;
}
