import { beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../server/config.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { HISTORY_SAMPLES } from '../../server/world/organism.ts';
import { World } from '../../server/world/world.ts';
import { grown, loadBlob, makeWorld } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

beforeAll(loadBlob);

test('a world takes its options from a whole configuration, and nothing else of it', async () => {
  const { world } = await makeWorld(128, 64, ['blob'], undefined, readConfig([], {}));
  expect(world.plantGarden(2, 1)).toBe(2);
});

describe('records', () => {
  test('health is measured of bodies that moved, at most 128 per frame, the longest waiting first', async () => {
    const engine = await createWasmEngine({ width: 1024, height: 1024, randomSeed: 5 });
    const world = new World(engine, [await loadBlob()]);
    world.plantGarden(300, 1);
    const all = world.overview.summaries().map(({ id }) => id);
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
    const { world, engine } = await grown([30, 30]);
    const live = async (frames: number, seconds: number): Promise<void> => {
      for (let frame = 0; frame < frames; frame++) {
        await engine.step(1);
        await world.observe(seconds);
      }
    };
    await live(20, 0.05);
    expect(world.overview.inspect(1)!.history).toHaveLength(5);
    await live(70, 1);
    const { history, historySeconds, ageSeconds } = world.overview.inspect(1)!;
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
      await small.engine.step(8);
      await small.world.observe(0.2);
      await small.world.observe(0.05);
    }
    await small.engine.step(1);
    await small.world.observe(0.05);
    expect([body.x, body.y]).toEqual([30, 30]);
    expect(body.health).toBeGreaterThan(0.95);
  });

  test('a torn body keeps its place, however long it stays torn', async () => {
    const small = await grown([30, 30]);
    for (let frame = 0; frame < 40; frame++) {
      // What grows back is torn off again.
      small.engine.perturb({ kind: 'ablate', x0: 26, y0: 24, x1: 26, y1: 36, radius: 3 });
      await small.world.observe(0.25);
      await small.engine.step(2);
    }
    const { x, y, health } = small.world.organisms.get(1)!;
    expect([x, y]).toEqual([30, 30]);
    expect(health).toBeLessThan(0.8);
  });

  test('an organism within two cells of a point is found', async () => {
    const { world } = await grown([30, 30]);
    expect((await world.overview.inspectAt(30, 30))?.id).toBe(1);
    const row = await world.overview.pixels({ x: 30, y: 30, width: 20, height: 1 });
    let rim = 0;
    while (row[(rim + 1) * 4 + 3] > 25) rim++;
    expect((await world.overview.inspectAt(30 + rim + 1, 30))?.id).toBe(1);
    expect(await world.overview.inspectAt(30 + rim + 5, 30)).toBeNull();
    for (const x of [Number.NaN, -50, 1e9]) expect(await world.overview.inspectAt(x, 30)).toBeNull();
  });

  test('pixels are true, and zeros outside the world', async () => {
    const { world, engine } = await grown([62, 30]);
    const pixels = await world.overview.pixels({ x: 50, y: 20, width: 30, height: 20 });
    const page = new Uint8Array(64 * 64 * 4);
    await engine.readPage(0, page);
    const at = (x: number, y: number) => [...pixels.subarray(((y - 20) * 30 + x - 50) * 4).subarray(0, 4)];
    expect(at(62, 30)).toEqual([...page.subarray((30 * 64 + 62) * 4).subarray(0, 4)]);
    await engine.readPage(1, page);
    expect(at(64, 30)).toEqual([...page.subarray(30 * 64 * 4).subarray(0, 4)]);
    expect(at(64, 30)[3]).toBeGreaterThan(0);
    const around = await world.overview.pixels({ x: -10, y: -10, width: 200, height: 100 });
    expect(around.subarray((40 * 200 + 72) * 4).subarray(0, 4)).toEqual(
      pixels.subarray((10 * 30 + 12) * 4).subarray(0, 4),
    );
    expect(
      (await world.overview.pixels({ x: 500, y: -90, width: 5, height: 5 })).every((byte) => byte === 0),
    ).toBe(true);
    for (const width of [0, 2_049, 1.5, Number.NaN])
      await expect(world.overview.pixels({ x: 0, y: 0, width, height: 1 })).rejects.toThrow(RangeError);
  });

  test('a new client looks at the organism nearest the middle, a pikachu if there is one', async () => {
    const { world } = await makeWorld(256, 128, ['blob', 'pikachu']);
    expect(world.overview.start).toEqual({ x: 128, y: 64 });
    expect(world.plantGarden(12, 4)).toBe(12);
    const { start } = world.overview;
    expect(world.overview.summaries().find(({ x, y }) => x === start.x && y === start.y)?.species).toBe(
      'pikachu',
    );
  });
});

describe('a restored world', () => {
  test('goes on bit for bit as if it had never stopped', async () => {
    const first = await grown([30, 30], [60, 30]);
    const state = await stateOf(first.world);
    const second = await makeWorld();
    expect((await second.world.restore(structuredClone(state))).notes).toEqual([]);
    expect(second.world.overview.summaries()).toEqual(first.world.overview.summaries());
    expect(second.world.overview.inspect(2)).toEqual(first.world.overview.inspect(2));
    for (const { world, engine } of [first, second]) {
      engine.perturb({ kind: 'ablate', x0: 45, y0: 30, x1: 58, y1: 30, radius: 9 });
      await world.observe(0.25);
      await engine.step(10);
    }
    expect((await stateOf(second.world)).pages).toEqual((await stateOf(first.world)).pages);
  });
});
