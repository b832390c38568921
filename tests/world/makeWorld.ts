/** A small world of blobs on the reference engine. */
import type { Engine } from '../../server/engines/engine.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import { type EngineFactory, growMature, speciesOf } from '../../server/world/mature.ts';
import type { LoadedRule } from '../../server/world/ruleSlots.ts';
import { World } from '../../server/world/world.ts';
import { blobRule } from './blob.ts';

export interface SmallWorld {
  readonly world: World;
  readonly engine: Engine;
}

let grown: Promise<LoadedRule> | undefined;

/** Named `blob`; grown once per test file. */
export function loadBlob(): Promise<LoadedRule> {
  grown ??= (async () => {
    const rule = blobRule('blob');
    const mature = await growMature(rule, createReferenceEngine);
    return { rule, mature, card: speciesOf(rule, mature), sha256: 'blob', label: 'blob v1' };
  })();
  return grown;
}

export async function makeWorld(
  width = 128,
  height = 64,
  names: string[] = ['blob'],
  createEngine: EngineFactory = createReferenceEngine,
): Promise<SmallWorld> {
  const blob = await loadBlob();
  const engine = await createEngine({ width, height, randomSeed: 5 });
  const species = names.map((name) => ({
    ...blob,
    rule: { ...blob.rule, name },
    card: { ...blob.card, name },
  }));
  return { world: new World(engine, species), engine };
}
