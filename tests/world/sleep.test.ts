import { beforeEach, describe, expect, test } from 'vitest';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { growMature, speciesOf } from '../../server/world/mature.ts';
import { World } from '../../server/world/world.ts';
import { decodeCensus, isAsleep } from '../../shared/census.ts';
import { blobRule } from './blob.ts';
import { brush, makeWorld, plant, type SmallWorld, stroke } from './makeWorld.ts';

const limits = (sleepSeconds: number) => ({
  plantsPerGuest: 99,
  plantsPerAddress: 99,
  witherHours: 0,
  sleepSeconds,
});

let small: SmallWorld;

/** Frames of a quarter of a second at 30 steps per second. */
async function live(seconds: number, stepsPerSecond = 30): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 0.25) {
    await small.engine.step(Math.round(stepsPerSecond / 4));
    await small.world.observe(0.25);
  }
}

const asleep = (): number[] => small.world.organisms.ids().filter((id) => small.engine.isAsleep(id));

beforeEach(async () => {
  small = await makeWorld(192, 128, ['blob'], createWasmEngine, limits(5));
});

describe('a body that does not become whole', () => {
  /** A world whose mature form is that of another rule: no body becomes like it. */
  async function plantUnlike(slope: number): Promise<void> {
    const rule = blobRule('blob');
    const mature = await growMature(blobRule('blob', slope), createWasmEngine);
    const card = speciesOf(rule, mature);
    const engine = await createWasmEngine({ width: 160, height: 128, randomSeed: 5 });
    const loaded = { rule, mature, card, sha256: 'blob', label: 'blob v1' };
    small = { engine, world: new World(engine, [loaded], limits(5)) };
    expect(await stroke(small, plant(80, 64))).toMatchObject({ ok: true });
    await live(15);
  }

  test('sleeps when it has been steady for 20 s', async () => {
    await plantUnlike(1.8);
    const { health } = small.world.organisms.get(1)!;
    expect(health).toBeGreaterThan(0.6);
    expect(health).toBeLessThan(0.94);
    await live(10);
    expect(asleep()).toEqual([]);
    await live(15);
    expect(asleep()).toEqual([1]);
  });

  test('does not sleep when it is out of shape: it wilts', async () => {
    await plantUnlike(2);
    expect(small.world.organisms.get(1)!.health).toBeLessThan(0.6);
    for (let seconds = 0; small.world.organisms.get(1)!.absence === null; seconds++) {
      expect(asleep()).toEqual([]);
      expect(seconds).toBeLessThan(60);
      await live(1);
    }
    expect(small.world.organisms.get(1)!.absence).toBe('wilting');
  });
});

describe('a body that is whole and steady', () => {
  test('sleeps after the time that is set, once it is grown, and says so', async () => {
    await stroke(small, plant(40, 40));
    await live(9);
    expect(asleep()).toEqual([]);
    await live(9);
    expect(asleep()).toEqual([1]);
    expect(small.world.overview.inspect(1)).toMatchObject({ isAsleep: true, absence: null });
    expect(small.world.isIdle()).toBe(true);
  });

  test('ages, has a history and is counted while it sleeps', async () => {
    await stroke(small, plant(40, 40));
    await live(18);
    const { age, cells } = small.world.overview.inspect(1)!;
    await live(10);
    const later = small.world.overview.inspect(1)!;
    expect(later.age - age).toBe(40 * 8);
    expect(later.cells).toBe(cells);
    expect(later.history.at(-1)).toBe(later.health);
    expect(small.world.livingCells).toBe(cells);
  });

  test('is woken by a stroke that hits it, heals, and sleeps again when its wound is closed', async () => {
    await stroke(small, plant(40, 40));
    await live(18);
    expect(asleep()).toEqual([1]);
    expect(await stroke(small, brush('ablate', 2, 43, 40))).toMatchObject({ ok: true });
    expect(asleep()).toEqual([]);
    expect(small.world.isIdle()).toBe(false);
    expect(small.world.wounds.isOpen(1)).toBe(true);
    for (let seconds = 0; small.world.wounds.isOpen(1); seconds++) {
      await live(1);
      expect(asleep()).toEqual([]);
      expect(seconds).toBeLessThan(70);
    }
    await live(12);
    expect(asleep()).toEqual([1]);
  });

  test('is told of in the census, which is sent again only when somebody slept, woke, came, went or moved', async () => {
    await stroke(small, plant(40, 40));
    await stroke(small, plant(120, 40));
    const { world } = small;
    const told = () => {
      const { bytes } = world.overview.census(null)!;
      const census = decodeCensus(bytes);
      return Array.from({ length: census.count }, (_, i) => [
        census.xs[i],
        census.ys[i],
        isAsleep(census, i),
      ]);
    };
    const version = (): number => world.overview.census(null)!.version;
    const first = version();
    await live(3);
    expect(world.overview.census(first)).toBeNull();
    expect(told()).toEqual([
      [40, 40, false],
      [120, 40, false],
    ]);
    await live(17);
    expect(told()).toEqual([
      [40, 40, true],
      [120, 40, true],
    ]);
    const asleepVersion = version();
    expect(asleepVersion).not.toBe(first);
    await live(1);
    expect(world.overview.census(asleepVersion)).toBeNull();
    await stroke(small, brush('ablate', 2, 43, 40));
    await live(0.25);
    expect(version()).not.toBe(asleepVersion);
    expect(told()[0]).toEqual([40, 40, false]);
    expect(world.overview.bodyCounts()).toEqual({ awake: 1, asleep: 1, dissolving: 0, waiting: 0 });
    world.removals.remove(2);
    expect(world.overview.bodyCounts()).toEqual({ awake: 1, asleep: 0, dissolving: 1, waiting: 0 });
    const woken = version();
    world.organisms.get(2)!.x += 1;
    expect(version()).not.toBe(woken);
  });

  test('is not counted, measured or judged again while nothing happens to it', async () => {
    for (const x of [30, 90, 150]) await stroke(small, plant(x, 40));
    await live(20);
    expect(asleep()).toEqual([1, 2, 3]);
    await stroke(small, brush('ablate', 2, 33, 40));
    const asked = new Set<number>();
    const census = small.engine.census.bind(small.engine);
    const read = small.engine.readOrganism.bind(small.engine);
    Object.assign(small.engine, {
      census: (ids?: Iterable<number>) => {
        const list = ids && [...ids];
        for (const id of list ?? [1, 2, 3]) asked.add(id);
        return census(list);
      },
      readOrganism: (id: number, ...rest: [never, never]) => {
        asked.add(id);
        return read(id, ...rest);
      },
    });
    await live(2);
    expect([...asked]).toEqual([1]);
  });

  test('has its seed again when its place was cleared beside its cells, though it sleeps', async () => {
    await stroke(small, plant(40, 40));
    await live(18);
    // No cell of it lies there; its seed's place does, once it has moved.
    small.world.organisms.get(1)!.x = 100;
    await small.world.removals.clear(100, 40, 3);
    expect(small.world.organisms.get(1)!.isUprooted).toBe(true);
    expect(asleep()).toEqual([1]);
    await live(0.5);
    expect(small.world.organisms.get(1)!.isUprooted).toBe(false);
    expect(asleep()).toEqual([1]);
  });

  test('wilts when it is too large, though it sleeps', async () => {
    await stroke(small, plant(40, 40));
    await live(18);
    const one = small.world.organisms.get(1)!;
    one.cells *= 2;
    await live(2);
    expect(small.world.wilting.take()).toBeNull();
    await live(2);
    expect(small.world.wilting.take()).toMatchObject([{ organism: 1, cause: 'too large' }]);
  });

  test('does not wake from a stroke beside it', async () => {
    await stroke(small, plant(40, 40));
    await live(18);
    expect(await stroke(small, brush('ablate', 4, 100, 100))).toMatchObject({ ok: true });
    await live(1);
    expect(asleep()).toEqual([1]);
  });

  test('falls asleep together with the bodies that it touches, whenever each became steady', async () => {
    for (const x of [40, 49, 58, 67]) {
      small.world.plantAt('blob', x, 40);
      await live(1.5);
    }
    await live(18);
    expect(asleep()).toEqual([1, 2, 3, 4]);
  });

  test('does not fall asleep in a paused world', async () => {
    await stroke(small, plant(40, 40));
    await live(10.5);
    for (let frame = 0; frame < 80; frame++) await small.world.observe(0.25);
    await live(0.25);
    expect(asleep()).toEqual([]);
  });

  test('does not fall asleep in a slow world before it has taken as many steps as elsewhere', async () => {
    await stroke(small, plant(40, 40));
    await live(10.5);
    await live(20, 4);
    expect(asleep()).toEqual([]);
    await live(20);
    expect(asleep()).toEqual([1]);
  });

  test('never sleeps where the time is 0', async () => {
    small = await makeWorld(192, 128, ['blob'], createWasmEngine, limits(0));
    await stroke(small, plant(40, 40));
    await live(30);
    expect(asleep()).toEqual([]);
    expect(small.world.isIdle()).toBe(false);
  });
});
