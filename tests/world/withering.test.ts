import { beforeAll, describe, expect, test } from 'vitest';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { doer } from './doer.ts';
import { brush, loadBlob, makeWorld, plant, type SmallWorld, stroke } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

beforeAll(loadBlob);

const makeWithering = (witherHours = 72): Promise<SmallWorld> =>
  makeWorld(128, 64, ['blob'], createWasmEngine, { plantsPerGuest: 9, plantsPerAddress: 99, witherHours });

/** Ann's blob and one of the garden, grown. */
async function grown(witherHours?: number): Promise<SmallWorld> {
  const small = await makeWithering(witherHours);
  expect(await stroke(small, plant(30, 30))).toMatchObject({ ok: true });
  small.world.plantAt('blob', 90, 30);
  await small.engine.step(60);
  await small.world.observe(1);
  return small;
}

/** Lets hours of world time pass, three minutes at a time. */
async function pass({ world, engine }: SmallWorld, hours: number): Promise<void> {
  for (let time = 0; time < Math.round(hours * 20); time++) {
    await engine.step(1);
    await world.observe(180);
  }
}

/** Seconds in which a body dissolves. */
async function dissolve({ world, engine }: SmallWorld): Promise<void> {
  for (let second = 0; second < 4; second++) {
    await engine.step(1);
    await world.observe(1);
  }
}

describe('a body that a player planted', () => {
  test('withers when nobody has visited it for so many hours: it dissolves and is gone, and its place is free', async () => {
    const small = await grown();
    const { world } = small;
    await pass(small, 71.8);
    expect(world.overview.inspect(1)!.absence).toBeNull();
    await pass(small, 0.3);
    expect(world.organisms.get(1)?.absence ?? 'gone').toMatch(/withering|gone/);
    await dissolve(small);
    expect(world.overview.summaries()).toMatchObject([{ id: 2, planter: '' }]);
    expect(await stroke(small, plant(30, 30))).toMatchObject({ ok: true });
  });

  test('goes on living for as long again after a view of its page, a stroke on it, or a visit of its planter', async () => {
    const visits: ((small: SmallWorld) => unknown)[] = [
      ({ world }) => {
        world.withering.isInView = (x, y) => x === 30 && y === 30;
      },
      (small) => stroke(small, brush('noise', 3, 30, 30)),
      ({ world }) => world.withering.present([doer('Bob').guest, doer('Ann').guest]),
    ];
    for (const visit of visits) {
      const small = await grown(1);
      await pass(small, 0.9);
      await visit(small);
      await pass(small, 0.2);
      small.world.withering.isInView = () => false;
      await pass(small, 0.5);
      expect(small.world.overview.inspect(1)!.absence).toBeNull();
      await pass(small, 0.6);
      await dissolve(small);
      expect(small.world.organisms.get(1)).toBeUndefined();
    }
  });

  test('does not wither for what others see or who else is here', async () => {
    const small = await grown(1);
    small.world.withering.isInView = (x) => x === 90;
    small.world.withering.present([doer('Bob').guest]);
    await pass(small, 1.1);
    await dissolve(small);
    expect(small.world.organisms.get(1)).toBeUndefined();
  });

  test('never withers at 0 hours', async () => {
    const small = await grown(0);
    await pass(small, 100);
    expect(small.world.overview.inspect(1)).toMatchObject({ absence: null, lonely: null });
  });

  test('withers at once while its seed waits', async () => {
    const small = await grown(1);
    await pass(small, 0.95);
    small.engine.perturb({ kind: 'ablate', x0: 30, y0: 30, x1: 30, y1: 30, radius: 12 });
    await small.engine.step(1);
    await small.world.observe(1);
    expect(small.world.overview.inspect(1)!.absence).toBe('died');
    // A neighbour on its cell, so that the seed goes on waiting.
    small.world.organisms.get(2)!.x = 30;
    small.engine.plant(3, 0, 30, 30);
    await pass(small, 0.1);
    expect(small.world.overview.inspect(1)).toBeNull();
  });
});

describe('hours', () => {
  test('are those of the world: what a restart has kept counts, and the time in between does not', async () => {
    const first = await grown(2);
    await pass(first, 1.5);
    const second = await makeWithering(2);
    await second.world.restore(structuredClone(await stateOf(first.world)));
    await pass(second, 0.4);
    expect(second.world.overview.inspect(1)!.absence).toBeNull();
    await pass(second, 0.2);
    await dissolve(second);
    expect(second.world.organisms.get(1)).toBeUndefined();
  });

  test('of a body of an earlier version begin when it is first looked at', async () => {
    const first = await grown(0);
    await pass(first, 10);
    const state = structuredClone(await stateOf(first.world));
    const organisms = state.organisms.map(({ visitedSeconds: _, ...rest }) => rest);
    const second = await makeWithering(2);
    await second.world.restore({ ...state, organisms });
    await pass(second, 1.9);
    expect(second.world.overview.inspect(1)!.absence).toBeNull();
    await pass(second, 0.3);
    await dissolve(second);
    expect(second.world.organisms.get(1)).toBeUndefined();
  });

  test('a visit is noted once in ten minutes, so that bodies in view cost few records', async () => {
    const small = await grown();
    const { world } = small;
    world.withering.isInView = () => true;
    world.log.start();
    const noted = new Set<number | null>();
    for (let minute = 0; minute < 60; minute++) {
      await small.engine.step(1);
      await world.observe(60);
      noted.add(world.organisms.get(1)!.visitedSeconds);
    }
    expect(noted.size).toBeGreaterThanOrEqual(5);
    expect(noted.size).toBeLessThanOrEqual(7);
  });
});

describe('the last day', () => {
  test('tells how long nobody had come, before a visit and for ten minutes after it', async () => {
    const small = await grown();
    const { world } = small;
    await pass(small, 47);
    expect(world.overview.inspect(1)!.lonely).toBeNull();
    await pass(small, 2);
    const { lonely } = world.overview.inspect(1)!;
    expect(lonely!.ofSeconds).toBe(72 * 3_600);
    expect(lonely!.seconds / 3_600).toBeCloseTo(49, 0);
    world.withering.present([doer('Ann').guest]);
    await pass(small, 0.1);
    expect(world.overview.inspect(1)!.lonely!.seconds / 3_600).toBeCloseTo(49, 0);
    await pass(small, 0.2);
    expect(world.overview.inspect(1)!.lonely).toBeNull();
    expect(world.overview.inspect(2)!.lonely).toBeNull();
  });
});
