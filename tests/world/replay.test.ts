import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../server/engines/engine.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { createWebGpuEngine } from '../../server/engines/webgpu/engine.ts';
import { decodeEntry, EntryError } from '../../server/world/acts.ts';
import { HEALTH_MARGIN } from '../../server/world/likeness.ts';
import type { EngineFactory } from '../../server/world/mature.ts';
import type { WorldState } from '../../server/world/oldSave.ts';
import { ReplayError } from '../../server/world/replay.ts';
import type { LoadedRule } from '../../server/world/ruleSlots.ts';
import type { World } from '../../server/world/world.ts';
import type { StrokeMessage } from '../../shared/protocol.ts';
import { seededRandom } from '../engines/fixtures.ts';
import { describeOnSwiftShader } from '../swiftshader.ts';
import { blobRule } from './blob.ts';
import { doer } from './doer.ts';
import { differences, factsOf } from './facts.ts';
import { loadBlob, makeWorld, type SmallWorld } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

const [WIDTH, HEIGHT] = [192, 128];
/** Channel that keeps a blob's cell opaque (`blob.ts`). */
const HEART = 5;
/** Bodies that nobody strikes for 36 s wither; the lives below take some minutes. */
const WORLD = { plantsPerGuest: 100, plantsPerAddress: 10_000, witherHours: 0.01, sleepSeconds: 1 };

let blob: LoadedRule;
beforeAll(async () => {
  blob = await loadBlob();
  rules = [1.3, 1.35, 6].map(variant);
});

/** Another rule for blobs. @param slope - from 1.2 to 1.4, a body; from 3, one that runs away */
const variant = (slope: number): LoadedRule => {
  const rule = blobRule(`blob${slope}`, slope);
  return { ...blob, rule, sha256: rule.name, label: `${rule.name} v2` };
};

let rules: LoadedRule[];
const recall = async (_species: string, sha256: string): Promise<LoadedRule | null> =>
  rules.find((rule) => rule.sha256 === sha256) ?? null;

const stroke = (tool: StrokeMessage['tool'], radius: number, ...points: number[]): StrokeMessage =>
  tool === 'plant' ? { id: 1, tool, radius, points, species: 'blob' } : { id: 1, tool, radius, points };

/** One frame of a world in which everything happens that a journal must know. */
async function frame(
  { world }: SmallWorld,
  random: () => number,
  counts: Map<string, number>,
): Promise<void> {
  const whole = (most: number): number => Math.floor(random() * most);
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const at = (): [number, number] => [whole(WIDTH), whole(HEIGHT)];
  const draw = random();
  const act = async (message: StrokeMessage): Promise<void> => {
    const outcome = world.queueStroke(doer('Ann'), message);
    await world.applyStrokes();
    if ((await outcome).ok) count(message.tool);
  };
  if (draw < 0.12) await act(stroke('plant', 1, ...at()));
  else if (draw < 0.2) await act(stroke('ablate', 3 + whole(6), ...at(), ...at()));
  else if (draw < 0.28) await act(stroke('noise', 3 + whole(9), ...at(), ...at()));
  else if (draw < 0.34) {
    const someone = [...world.organisms][whole(world.organisms.size)];
    if (someone !== undefined) await act(stroke('truncate', 1 + whole(3), someone.x, someone.y));
  } else if (draw < 0.36) {
    await world.removals.clear(...at(), 12);
    count('clear');
  } else if (draw < 0.37) {
    await world.plantMore(3, whole(1e6));
    count('garden');
  } else if (draw < 0.378) {
    const next = rules[whole(rules.length)];
    const scope = (['species', 'planted', 'organism'] as const)[whole(3)];
    const organism = [...world.organisms][whole(world.organisms.size)]?.id;
    const order = {
      id: whole(1e9),
      species: 'blob',
      scope,
      who: 'Ann',
      ...(scope === 'organism' && { organism }),
    };
    if ((await world.swap(order, next)).ok) count(`swap ${scope}`);
  } else if (draw < 0.41) {
    world.setSpeed(whole(60));
    count('speed');
  } else if (draw < 0.415) {
    const someone = [...world.organisms][whole(world.organisms.size)];
    if (someone !== undefined && world.removals.remove(someone.id) === 1) count('remove');
  } else if (draw < 0.417) {
    if (world.removals.removeByGuest(doer('Ann').guest) > 0) count('remove by guest');
  } else if (draw < 0.418) world.withering.present([doer('Ann').guest]);
  else if (draw < 0.44) {
    // As a body that has healed beside its place, or grown far beside it.
    const cells = random() < 0.5 ? 1 : 9;
    const someone = [...world.organisms][whole(world.organisms.size)];
    if (someone !== undefined && someone.absence === null && someone.x < WIDTH - cells) {
      someone.x += cells;
      someone.territory = { ...someone.territory!, x: someone.territory!.x + cells };
      world.engine.setTerritory(someone.id, someone.territory);
      count('moved');
    }
  }
  const places = new Map(Array.from(world.organisms, ({ id, x, y }) => [id, [x, y]]));
  const before = new Map(Array.from(world.organisms, ({ id, absence }) => [id, absence]));
  const sleepers = world.organisms.ids().filter((id) => world.engine.isAsleep(id));
  if (random() < 0.95) await world.engine.step(1 + whole(4));
  await world.observe(random() * 1.5);
  for (const { id, x, y } of world.organisms) {
    const [fromX, fromY] = places.get(id) ?? [x, y];
    const cells = Math.max(Math.abs(x - fromX), Math.abs(y - fromY));
    if (cells > 0) count(cells > HEALTH_MARGIN ? 'followed far' : 'followed');
  }
  for (const id of sleepers) if (!world.engine.isAsleep(id)) count('woke');
  for (const { id } of world.organisms)
    if (world.engine.isAsleep(id) && !sleepers.includes(id)) count('fell asleep');
  for (const [id, was] of before) {
    const organism = world.organisms.get(id);
    if (organism === undefined) count(`gone, ${was ?? 'uprooted'}`);
    else if (organism.absence !== was) count(organism.absence ?? `back, ${was}`);
  }
}

/** Gives an organism a cell of little opacity in the first page, where nobody lives. */
async function tear({ engine }: World, organism: number, x: number, y: number): Promise<void> {
  const state = await engine.save();
  const page = state.pages.find((one) => one.page === 0)!;
  const cell = y * 64 + x;
  page.owners[cell] = organism;
  for (const channel of [3, HEART]) page.cells[cell * 16 + channel] = 0.2;
  await engine.restore(state);
}

/** Counts what is cleared cell by cell, which no brush does. */
function countClearings({ engine }: SmallWorld, counts: Map<string, number>): void {
  const perturb = engine.perturb.bind(engine);
  engine.perturb = (act) => {
    if (act.kind === 'ablate' && act.radius === 0) counts.set('cleared', (counts.get('cleared') ?? 0) + 1);
    perturb(act);
  };
}

interface Life {
  readonly small: SmallWorld;
  readonly save: WorldState;
  readonly entries: readonly Uint8Array[];
  readonly counts: Map<string, number>;
}

/** A world that lives for some frames, with a save on the way. */
async function live(create: EngineFactory, seed: number, frames: number): Promise<Life> {
  const random = seededRandom(seed);
  const small = await makeWorld(WIDTH, HEIGHT, ['blob'], create, WORLD);
  const { world } = small;
  const counts = new Map<string, number>();
  world.swaps.onOutcome = ({ verdict }) => counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  countClearings(small, counts);
  world.plantGarden(10, seed);
  world.log.start();
  let save = await copyOf(world);
  let entries: Uint8Array[] = [];
  const record = (isForced: boolean): void => {
    const entry = world.log.take(isForced);
    if (entry !== null) entries.push(entry);
  };
  const savedAt = Math.floor(frames * random());
  for (let n = 0; n < frames; n++) {
    await frame(small, random, counts);
    record(random() < 0.1);
    if (n !== savedAt) continue;
    save = await copyOf(world);
    entries = [];
  }
  record(true);
  return { small, save, entries, counts };
}

/** As a file would give it back. */
const copyOf = async (world: World): Promise<WorldState> => structuredClone(await stateOf(world));

async function recovered(
  create: EngineFactory,
  { save, entries }: Pick<Life, 'save' | 'entries'>,
): Promise<SmallWorld> {
  const again = await makeWorld(WIDTH, HEIGHT, ['blob'], create, WORLD);
  await again.world.restore(structuredClone(save), recall, entries.map(decodeEntry));
  return again;
}

const ENGINES: readonly [name: string, create: EngineFactory, frames: number][] = [
  // Too slow for a swap to come into force.
  ['reference', createReferenceEngine, 40],
  ['wasm, one thread', createWasmEngine, 700],
  ['wasm, two threads', (options) => createWasmEngine({ ...options, threads: 2 }), 700],
];

/** @returns how often what happened in the lives that were compared */
async function expectRecovery(
  create: EngineFactory,
  seeds: readonly number[],
  frames: number,
): Promise<Map<string, number>> {
  const all = new Map<string, number>();
  for (const seed of seeds) {
    const life = await live(create, seed, frames);
    const again = await recovered(create, life);
    expect(differences(await factsOf(again.world), await factsOf(life.small.world))).toEqual([]);
    for (const [what, n] of life.counts) all.set(what, (all.get(what) ?? 0) + n);
    life.small.engine.dispose();
    again.engine.dispose();
  }
  return all;
}

describeOnSwiftShader('a save and its journal, on webgpu', () => {
  const create: EngineFactory = (options) => createWebGpuEngine({ ...options, adapter: 'swiftshader' });
  // Keeps the device open between the lives, because its kernels take seconds to compile.
  let keeper: Engine;
  beforeAll(async () => {
    keeper = await create({ width: 1, height: 1, randomSeed: 1 });
  });
  afterAll(() => keeper?.dispose());

  test('give back the world that was killed, to the bit', { timeout: 300_000 }, async () => {
    const all = await expectRecovery(create, [1, 2], 60);
    for (const what of ['plant', 'ablate', 'noise', 'died'])
      expect(all.get(what) ?? 0, what).toBeGreaterThan(0);
  });
});

describe.each(ENGINES)('a save and its journal, on %s', (_name, create, frames) => {
  test('give back the world that was killed, to the bit', async () => {
    const all = await expectRecovery(create, [1, 2, 7, 10], frames);
    if (frames < 700) return;
    for (const what of WHAT_HAPPENS) expect(all.get(what) ?? 0, what).toBeGreaterThan(0);
  });
});

const WHAT_HAPPENS = [
  'plant',
  'ablate',
  'noise',
  'truncate',
  'clear',
  'garden',
  'swap species',
  'swap planted',
  'swap organism',
  'in force',
  'rolled back',
  'superseded',
  'speed',
  'moved',
  'followed',
  'followed far',
  'cleared',
  'fell asleep',
  'woke',
  'died',
  'back, died',
  'wilting',
  'back, wilting',
  'gone, uprooted',
  'remove',
  'remove by guest',
  'gone, removed',
  'withering',
  'gone, withering',
];

test('another kernel recovers the same organisms from the same entries, with its own arithmetic', async () => {
  const life = await live(createReferenceEngine, 3, 30);
  const again = await recovered(createWasmEngine, life);
  const [was, is] = [await factsOf(life.small.world), await factsOf(again.world)];
  expect(differences(is.organisms, was.organisms)).toEqual([]);
  expect(differences(is.world, was.world)).toEqual([]);
});

test('organisms that a start finds dead are in the journal, so a second kill does not change the outcome', async () => {
  const small = await makeWorld(WIDTH, HEIGHT, ['blob'], createWasmEngine);
  const { world } = small;
  world.plantGarden(10, 1);
  world.log.start();
  const save = await copyOf(world);
  await world.engine.step(40);
  // Killed before the world has counted.
  const [{ x, y }] = world.organisms;
  world.engine.perturb({ kind: 'ablate', x0: x, y0: y, x1: x, y1: y, radius: 12 });
  await world.engine.step(1);
  const entries = [world.log.take(true)!];

  const second = await recovered(createWasmEngine, { save, entries });
  expect(second.world.bodies).toBe(world.bodies - 1);
  await second.world.engine.step(3);
  await second.world.observe(3);
  entries.push(second.world.log.take(true)!);
  const third = await recovered(createWasmEngine, { save, entries });
  expect(differences(await factsOf(third.world), await factsOf(second.world))).toEqual([]);
  for (const { engine } of [small, second, third]) engine.dispose();
});

test('a body that has shed what was loose is recovered as it was', async () => {
  const small = await makeWorld(WIDTH, HEIGHT, ['blob'], createWasmEngine);
  const { world, engine } = small;
  const { id } = world.plantAt('blob', 30, 30);
  const live = async (samples: number): Promise<void> => {
    for (let sample = 0; sample < samples; sample++) {
      await engine.step(8);
      await world.observe(0.25);
    }
  };
  await live(45);
  world.log.start();
  const save = await copyOf(world);
  await tear(world, id, 39, 30);
  const counts = new Map<string, number>();
  countClearings(small, counts);
  await live(60);
  expect(counts.get('cleared')).toBeGreaterThan(0);
  const again = await recovered(createWasmEngine, { save, entries: [world.log.take(true)!] });
  expect(differences(await factsOf(again.world), await factsOf(world))).toEqual([]);
  for (const { engine } of [small, again]) engine.dispose();
});

describe('a journal that does not fit', () => {
  test('refuses an act that the engine refuses', async () => {
    const life = await live(createReferenceEngine, 5, 3);
    const [entry] = life.entries.map(decodeEntry);
    const wrong = { ...entry.entry, acts: [[entry.entry.step, { act: 'remove', organism: 999 }]] as const };
    const again = await makeWorld(WIDTH, HEIGHT, ['blob']);
    const replayed = again.world.restore(structuredClone(life.save), recall, [{ entry: wrong, pages: [] }]);
    await expect(replayed).rejects.toThrow(ReplayError);
  });

  test('refuses an entry of an earlier step, and a rule that is gone', async () => {
    const life = await live(createReferenceEngine, 6, 3);
    const [{ entry }] = life.entries.map(decodeEntry);
    const replayed = async (wrong: typeof entry) => {
      const again = await makeWorld(WIDTH, HEIGHT, ['blob']);
      return again.world.restore(structuredClone(life.save), recall, [{ entry: wrong, pages: [] }]);
    };
    await expect(replayed({ ...entry, acts: [], step: life.save.stepNumber - 1 })).rejects.toThrow(
      /at step \d+, the entry at step/,
    );
    const gone = { act: 'rule', organism: 1, rule: { species: 'blob', sha256: 'nobody' } } as const;
    await expect(replayed({ ...entry, acts: [[entry.step, gone]] })).rejects.toThrow(/not in the registry/);
  });

  test('an entry that is cut off or is not JSON throws', () => {
    expect(() => decodeEntry(Uint8Array.of(9, 0, 0, 0, 123))).toThrow(EntryError);
    expect(() => decodeEntry(Uint8Array.of(1, 0))).toThrow(EntryError);
    expect(() => decodeEntry(Uint8Array.of(1, 0, 0, 0, 123))).toThrow(EntryError);
  });
});

test('frames without acts make no entry, unless one is asked for to say how far the world has come', async () => {
  const { world, engine } = await makeWorld(WIDTH, HEIGHT, ['blob']);
  world.plantGarden(4, 1);
  world.log.start();
  await (engine as Engine).step(3);
  expect(world.log.take(false)).toBeNull();
  const { entry } = decodeEntry(world.log.take(true)!);
  expect(entry).toEqual({ acts: [], step: 3, runSeconds: 0, nextId: 5 });
});
