import { beforeAll, describe, expect, test } from 'vitest';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { HISTORY_SAMPLES, Organisms } from '../../server/world/organisms.ts';
import { World, WorldMismatchError } from '../../server/world/world.ts';
import type { StrokeMessage } from '../../shared/protocol.ts';
import { loadBlob, makeWorld, type SmallWorld } from './makeWorld.ts';

const plant = (x: number, y: number, species = 'blob'): StrokeMessage => ({
  id: 1,
  tool: 'plant',
  radius: 1,
  points: [x, y],
  species,
});
const brush = (
  tool: 'ablate' | 'noise' | 'truncate',
  radius: number,
  ...points: number[]
): StrokeMessage => ({
  id: 1,
  tool,
  radius,
  points,
});

async function stroke({ world }: SmallWorld, message: StrokeMessage) {
  const outcome = world.queueStroke('Ann', message);
  await world.applyStrokes();
  return outcome;
}

/** Grown blobs at these seeds. */
async function grown(...seeds: [x: number, y: number][]): Promise<SmallWorld> {
  const small = await makeWorld();
  for (const [x, y] of seeds) expect(await stroke(small, plant(x, y))).toEqual({ ok: true, step: 0 });
  await small.engine.step(60);
  await small.world.observe(0.25);
  return small;
}

beforeAll(loadBlob);

describe('planting', () => {
  test('makes an organism that grows into its mature form', async () => {
    const { world } = await grown([30, 30]);
    const [organism] = world.summaries();
    expect(organism).toMatchObject({ id: 1, species: 'blob', x: 30, y: 30, ageSteps: 60, planter: 'Ann' });
    expect(organism.health).toBeGreaterThan(0.9);
    expect(organism.cells).toBeGreaterThan(20);
  });

  test('is refused on a body, beside one, and where the grown bodies would overlap', async () => {
    const small = await grown([30, 30]);
    expect(await stroke(small, plant(30, 30))).toEqual({
      ok: false,
      reason: 'Somebody lives there already.',
    });
    const rim = (await small.world.pixels({ x: 30, y: 30, width: 20, height: 1 })).findIndex(
      (_, i, all) => all[i * 4 + 3] === 0,
    );
    expect(await stroke(small, plant(30 + rim, 30))).toMatchObject({ ok: false });
    const twin = await makeWorld();
    await stroke(twin, plant(30, 30));
    expect(await stroke(twin, plant(34, 34))).toMatchObject({
      ok: false,
      reason: 'No room: it would grow into a Blob.',
    });
    expect(await stroke(twin, plant(40, 30))).toMatchObject({ ok: true });
  });

  test('is refused where the grown body would not lie within the world; the `room` question answers the same', async () => {
    const small = await makeWorld();
    const reason = 'A Blob needs 3 free cells on its left: the world ends here.';
    expect(await stroke(small, plant(1, 30))).toEqual({ ok: false, reason });
    expect(await small.world.roomFault('blob', 1, 30)).toBe(reason);
    expect(await small.world.roomFault('blob', 3, 30)).toBeNull();
    expect(await small.world.roomFault('blob', -7, 30)).toBe('That is outside the world.');
    expect(await small.world.roomFault('gone', 9, 30)).toBe('There is no species "gone".');
    expect(await stroke(small, plant(3, 30))).toMatchObject({ ok: true });
    expect(await small.world.roomFault('blob', 4, 30)).toBe('Somebody lives there already.');
  });
});

describe('damage', () => {
  test('an ablated half shows in the health, and grows again', async () => {
    const small = await grown([30, 30]);
    const outcome = await stroke(small, brush('ablate', 3, 26, 24, 26, 36));
    expect(outcome).toEqual({ ok: true, step: 60 });
    await small.world.observe(0.25);
    const hurt = small.world.inspect(1)!.health;
    expect(hurt).toBeLessThan(0.9);
    await small.engine.step(60);
    await small.world.observe(0.25);
    expect(small.world.inspect(1)!.health).toBeGreaterThan(0.9);
    expect(small.world.inspect(1)!.history).toHaveLength(3);
  });

  test('noise changes living cells and leaves the empty ones empty', async () => {
    const small = await grown([30, 30]);
    const rect = { x: 20, y: 20, width: 20, height: 20 };
    const before = await small.world.pixels(rect);
    expect(await stroke(small, brush('noise', 12, 30, 30))).toMatchObject({ ok: true });
    const after = await small.world.pixels(rect);
    expect(after).not.toEqual(before);
    expect([...after.subarray(0, 16)]).toEqual(Array(16).fill(0));
  });

  test('truncation keeps a circle around the seed of the organism near the point', async () => {
    const small = await grown([30, 30], [60, 30]);
    expect(await stroke(small, brush('truncate', 1, 32, 30))).toMatchObject({ ok: true });
    await small.world.observe(0.25);
    const [cut, whole] = small.world.summaries();
    expect(cut.cells).toBe(5);
    expect(whole.cells).toBeGreaterThan(20);
    expect(await stroke(small, brush('truncate', 1, 100, 10))).toEqual({
      ok: false,
      reason: 'Nobody lives there.',
    });
  });

  test('strokes are applied in order of arrival, and each is a blow to the bodies it touched', async () => {
    const small = await grown([30, 30], [60, 30]);
    const outcomes = [
      small.world.queueStroke('Ann', brush('ablate', 2, 20, 30, 70, 30)),
      small.world.queueStroke('Bob', brush('ablate', 2, 60, 30)),
      small.world.queueStroke('Bob', brush('ablate', 2, 100, 60)),
      small.world.queueStroke('Bob', brush('ablate', -2, 100, 60)),
    ];
    await small.world.applyStrokes();
    expect(await Promise.all(outcomes)).toMatchObject([
      { ok: true },
      { ok: true },
      { ok: true },
      { ok: false },
    ]);
    const blow = { tool: 'ablate', radius: 2 };
    const events = small.world.wounds.take()!;
    expect(events.filter(({ type }) => type === 'open')).toMatchObject([
      { wound: 1, organism: 1, species: 'blob', rule: 'blob@1' },
      { wound: 2, organism: 2 },
    ]);
    // Relative to each body's seed. The second stroke fell where the first had cut.
    expect(events.filter(({ type }) => type === 'blow')).toEqual([
      { type: 'blow', wound: 1, blow: { afterSteps: 0, ...blow, points: [-10, 0, 40, 0] } },
      { type: 'blow', wound: 2, blow: { afterSteps: 0, ...blow, points: [-40, 0, 10, 0] } },
    ]);
  });

  test('a stroke beyond the 512 that wait is refused with the reason', async () => {
    const { world } = await makeWorld();
    const outcomes = Array.from({ length: 513 }, () => world.queueStroke('', brush('ablate', 1, 5, 5)));
    expect(await outcomes[512]).toMatchObject({ ok: false, reason: expect.stringContaining('busy') });
    for (let frame = 0; frame < 8; frame++) await world.applyStrokes();
    expect((await Promise.all(outcomes)).filter(({ ok }) => ok)).toHaveLength(512);
  });
});

describe('death', () => {
  test('an organism without cells is removed, and its id rests', async () => {
    const small = await grown([30, 30]);
    await stroke(small, brush('ablate', 15, 30, 30));
    await small.world.observe(0.25);
    expect(small.world.inspect(1)).toBeNull();
    expect(small.world.summaries()).toEqual([]);
    expect(await small.engine.census()).toEqual([]);
    await stroke(small, plant(30, 30));
    expect(small.world.summaries()[0].id).toBe(2);
  });

  test('ids wrap, and pass over those that live or rest', () => {
    const organisms = new Organisms();
    const add = (id: number) =>
      organisms.add({
        id,
        species: 'a',
        slot: 0,
        x: 0,
        y: 0,
        planter: '',
        plantedStep: 0,
        plantedSeconds: 0,
        health: 0,
      });
    const wakeUp = (nextId: number) => organisms.restore(organisms.records(String), nextId, () => 0);
    add(65_534);
    add(1);
    add(65_535);
    add(2);
    organisms.remove(2, 100);
    wakeUp(65_534);
    organisms.remove(65_535, 100);
    expect(organisms.freeId(100)).toBe(2);
    add(2);
    wakeUp(65_534);
    organisms.remove(1, 100);
    expect(organisms.freeId(100)).toBe(65_535);
    add(65_535);
    expect(organisms.freeId(159)).toBe(3);
    add(3);
    wakeUp(65_535);
    organisms.remove(65_535, 200);
    expect(organisms.freeId(200)).toBe(1);
    add(1);
    organisms.remove(1, 200);
    expect(organisms.nextId).toBe(2);
    expect(organisms.freeId(200)).toBe(4);
  });

  test('65,535 ids are given once each; the next must wait until the id of a dead organism has rested for 60 s', () => {
    const organisms = new Organisms();
    const facts = {
      species: 'a',
      x: 0,
      y: 0,
      planter: '',
      plantedStep: 0,
      plantedSeconds: 0,
      health: 0,
      slot: 0,
    };
    const given = new Set<number>();
    for (let id = organisms.freeId(0); id !== null; id = organisms.freeId(0)) {
      given.add(id);
      organisms.add({ id, ...facts });
    }
    expect(given.size).toBe(65_535);
    expect(organisms.size).toBe(65_535);
    organisms.remove(40_000, 10);
    organisms.remove(70, 20);
    expect(organisms.freeId(69)).toBeNull();
    expect(organisms.freeId(70)).toBe(40_000);
    expect(organisms.freeId(80)).toBe(70);
  });
});

describe('records', () => {
  test('health is measured of bodies that moved, at most 128 per frame, the longest waiting first', async () => {
    const engine = await createWasmEngine({ width: 1024, height: 1024, randomSeed: 5 });
    const world = new World(engine, [await loadBlob()]);
    world.plantGarden(300, 1);
    const all = world.summaries().map(({ id }) => id);
    expect(all).toHaveLength(300);
    const measured: number[] = [];
    const read = engine.readOrganism.bind(engine);
    engine.readOrganism = (id, ...rest) => {
      measured.push(id);
      return read(id, ...rest);
    };
    const moved = [all, [5]];
    engine.takeMoved = async () => moved.shift() ?? [];
    await world.observe(0.25);
    expect(measured).toEqual(all.slice(0, 128));
    for (let frame = 0; frame < 20; frame++) await world.observe(0.05);
    expect(measured).toEqual([...all, 5]);
    engine.dispose();
  });

  test('health is sampled at 4 Hz of world time, and a minute is kept', async () => {
    const { world } = await grown([30, 30]);
    for (let frame = 0; frame < 20; frame++) await world.observe(0.05);
    expect(world.inspect(1)!.history).toHaveLength(5);
    for (let second = 0; second < 70; second++) await world.observe(1);
    const { history, historySeconds, ageSeconds } = world.inspect(1)!;
    expect(history).toHaveLength(HISTORY_SAMPLES);
    expect(historySeconds).toBe(0.25);
    expect(ageSeconds).toBeCloseTo(71.25, 5);
  });

  test('a body that settles whole beside its place takes the new place, and is whole', async () => {
    const small = await grown([30, 30]);
    const body = small.world.organisms.get(1)!;
    body.x = 32;
    body.y = 29;
    await small.engine.step(1);
    await small.world.observe(0.25);
    expect(body.health).toBeLessThan(0.8);
    for (let sample = 0; sample < 8; sample++) {
      expect([body.x, body.y]).toEqual([32, 29]);
      await small.world.observe(0.2);
      await small.world.observe(0.05);
    }
    await small.world.observe(0.05);
    expect([body.x, body.y]).toEqual([30, 30]);
    expect(body.health).toBeGreaterThan(0.95);
  });

  test('a torn body keeps its place, however long it stays torn', async () => {
    const small = await grown([30, 30]);
    await stroke(small, brush('ablate', 3, 26, 24, 26, 36));
    for (let frame = 0; frame < 100; frame++) await small.world.observe(0.05);
    const { x, y, health } = small.world.organisms.get(1)!;
    expect([x, y]).toEqual([30, 30]);
    expect(health).toBeLessThan(0.8);
  });

  test('an organism within two cells of a point is found', async () => {
    const { world } = await grown([30, 30]);
    expect((await world.inspectAt(30, 30))?.id).toBe(1);
    const row = await world.pixels({ x: 30, y: 30, width: 20, height: 1 });
    let rim = 0;
    while (row[(rim + 1) * 4 + 3] > 25) rim++;
    expect((await world.inspectAt(30 + rim + 1, 30))?.id).toBe(1);
    expect(await world.inspectAt(30 + rim + 5, 30)).toBeNull();
    for (const x of [Number.NaN, -50, 1e9]) expect(await world.inspectAt(x, 30)).toBeNull();
  });

  test('pixels are true, and zeros outside the world', async () => {
    const { world, engine } = await grown([62, 30]);
    const pixels = await world.pixels({ x: 50, y: 20, width: 30, height: 20 });
    const page = new Uint8Array(64 * 64 * 4);
    await engine.readPage(0, page);
    const at = (x: number, y: number) => [...pixels.subarray(((y - 20) * 30 + x - 50) * 4).subarray(0, 4)];
    expect(at(62, 30)).toEqual([...page.subarray((30 * 64 + 62) * 4).subarray(0, 4)]);
    await engine.readPage(1, page);
    expect(at(64, 30)).toEqual([...page.subarray(30 * 64 * 4).subarray(0, 4)]);
    expect(at(64, 30)[3]).toBeGreaterThan(0);
    const around = await world.pixels({ x: -10, y: -10, width: 200, height: 100 });
    expect(around.subarray((40 * 200 + 72) * 4).subarray(0, 4)).toEqual(
      pixels.subarray((10 * 30 + 12) * 4).subarray(0, 4),
    );
    expect((await world.pixels({ x: 500, y: -90, width: 5, height: 5 })).every((byte) => byte === 0)).toBe(
      true,
    );
    for (const width of [0, 2_049, 1.5, Number.NaN])
      await expect(world.pixels({ x: 0, y: 0, width, height: 1 })).rejects.toThrow(RangeError);
  });

  test('a new client looks at the organism nearest the middle, a pikachu if there is one', async () => {
    const { world } = await makeWorld(256, 128, ['blob', 'pikachu']);
    expect(world.start).toEqual({ x: 128, y: 64 });
    expect(world.plantGarden(12, 4)).toBe(12);
    const { start } = world;
    expect(world.summaries().find(({ x, y }) => x === start.x && y === start.y)?.species).toBe('pikachu');
  });
});

describe('the garden', () => {
  const killAll = async ({ world, engine }: SmallWorld): Promise<void> => {
    engine.perturb({ kind: 'ablate', x0: 0, y0: 32, x1: 127, y1: 32, radius: 80 });
    await engine.step(1);
    await world.observe(0.25);
    expect(world.summaries()).toEqual([]);
  };

  test('is sown again where an organism of it died, after 15 s; what players planted is not', async () => {
    const small = await makeWorld();
    const { world } = small;
    world.plantGarden(1, 1);
    const [{ x, y }] = world.summaries();
    await stroke(small, plant(x < 64 ? 110 : 18, 32));
    expect(world.summaries()).toHaveLength(2);
    await killAll(small);
    for (let second = 0; second < 13; second++) await world.observe(1);
    expect(world.summaries()).toEqual([]);
    for (let second = 0; second < 4; second++) await world.observe(1);
    expect(world.summaries()).toMatchObject([{ x, y, planter: '' }]);
  });

  test('keeps its room until it is sown again', async () => {
    const small = await makeWorld();
    small.world.plantGarden(1, 1);
    const [{ x, y }] = small.world.summaries();
    await killAll(small);
    expect(await stroke(small, plant(x + 2, y))).toEqual({
      ok: false,
      reason: 'No room: it would grow into a Blob.',
    });
  });

  test('waits while a body has grown into the bed, also across a restart', async () => {
    const first = await makeWorld();
    first.world.plantGarden(1, 1);
    const [{ x, y }] = first.world.summaries();
    await killAll(first);
    expect(await stroke(first, plant(x + 8, y))).toMatchObject({ ok: true });
    // A body that has healed beside its place has moved.
    const [moved] = first.world.organisms;
    moved.x = x + 3;
    const second = await makeWorld();
    await second.world.restore(structuredClone(await first.world.save()));
    for (let i = 0; i < 17; i++) await second.world.observe(1);
    expect(second.world.summaries()).toMatchObject([{ planter: 'Ann' }]);
    await killAll(second);
    for (let i = 0; i < 16; i++) await second.world.observe(1);
    expect(second.world.summaries()).toMatchObject([{ x, y, planter: '' }]);
  });
});

describe('a restored world', () => {
  test('goes on bit for bit as if it had never stopped', async () => {
    const first = await grown([30, 30], [60, 30]);
    const state = await first.world.save();
    const second = await makeWorld();
    expect(await second.world.restore(structuredClone(state))).toEqual([]);
    expect(second.world.summaries()).toEqual(first.world.summaries());
    expect(second.world.inspect(2)).toEqual(first.world.inspect(2));
    for (const { world, engine } of [first, second]) {
      engine.perturb({ kind: 'ablate', x0: 45, y0: 30, x1: 58, y1: 30, radius: 9 });
      await world.observe(0.25);
      await engine.step(10);
    }
    expect((await second.world.save()).pages).toEqual((await first.world.save()).pages);
  });

  test('leaves out organisms whose rule is gone, with their cells, and says so', async () => {
    const first = await makeWorld(128, 64, ['old', 'blob']);
    await stroke(first, plant(30, 30, 'old'));
    await stroke(first, plant(60, 30, 'blob'));
    await first.engine.step(20);
    const second = await makeWorld();
    const notes = await second.world.restore(await first.world.save());
    expect(notes).toEqual(['1 old left out: its rule is not there any more']);
    expect(second.world.summaries()).toMatchObject([{ id: 2, species: 'blob' }]);
    const gone = await second.world.pixels({ x: 20, y: 20, width: 20, height: 20 });
    expect(gone.every((byte) => byte === 0)).toBe(true);
    await second.engine.step(20);
    await stroke(second, plant(30, 30));
    expect(second.world.summaries().map(({ id }) => id)).toEqual([2, 3]);
  });

  test('must be of the same size', async () => {
    const first = await grown([30, 30]);
    const state = await first.world.save();
    const second = await makeWorld(128, 128);
    await expect(second.world.restore(state)).rejects.toThrow(WorldMismatchError);
    await expect(second.world.restore(state)).rejects.toThrow('--size 128x64');
  });
});
