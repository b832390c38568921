/** A small world of blobs on the reference engine. */
import type { Engine } from '../../server/engines/engine.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import type { StrokeRecord } from '../../server/storage/strokeLog.ts';
import { growMature, speciesOf } from '../../server/world/mature.ts';
import { type LoadedSpecies, World } from '../../server/world/world.ts';
import { blobRule } from './blob.ts';

export interface SmallWorld {
  readonly world: World;
  readonly engine: Engine;
  readonly log: StrokeRecord[];
}

let grown: Promise<LoadedSpecies> | undefined;

/** Named `blob`; grown once a test file. */
export function loadBlob(): Promise<LoadedSpecies> {
  grown ??= (async () => {
    const rule = blobRule('blob');
    const mature = await growMature(rule, createReferenceEngine);
    return { rule, mature, card: speciesOf(rule, mature) };
  })();
  return grown;
}

export async function makeWorld(width = 128, height = 64, names: string[] = ['blob']): Promise<SmallWorld> {
  const blob = await loadBlob();
  const engine = await createReferenceEngine({ width, height, randomSeed: 5 });
  const log: StrokeRecord[] = [];
  const species = names.map((name) => ({
    ...blob,
    rule: { ...blob.rule, name },
    card: { ...blob.card, name },
  }));
  return { world: new World(engine, species, (record) => log.push(record)), engine, log };
}
