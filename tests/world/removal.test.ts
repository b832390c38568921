import { beforeAll, describe, expect, test } from 'vitest';
import { doer } from './doer.ts';
import { brush, grown, loadBlob, makeWorld, type SmallWorld, stroke } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

beforeAll(loadBlob);

async function live({ world, engine }: SmallWorld, seconds: number): Promise<void> {
  for (let tenth = 0; tenth < seconds * 10; tenth++) {
    await engine.step(1);
    await world.observe(0.1);
  }
}

const ANN = doer('Ann').guest;

describe('who planted a body removes it', () => {
  test('it dissolves within 2 s, is gone for good, and its place is free', async () => {
    const small = await grown([30, 30], [90, 30]);
    const { world } = small;
    expect(world.removals.removeOwn(ANN, 1)).toBeNull();
    expect(world.overview.inspect(1)).toMatchObject({ absence: 'removed', waitSeconds: null });
    expect(world.overview.inspect(1)!.cells).toBeGreaterThan(0);
    await live(small, 1);
    expect(world.overview.inspect(1)!.cells).toBeGreaterThan(0);
    await live(small, 2);
    expect(world.overview.inspect(1)).toBeNull();
    await live(small, 20);
    expect(world.overview.summaries()).toMatchObject([{ id: 2 }]);
    expect((await small.engine.census()).map(({ organism }) => organism)).toEqual([2]);
    expect(await world.roomFault('blob', 30, 30)).toBeNull();
  });

  test('nobody else can, and the garden is nobody’s', async () => {
    const small = await grown([30, 30]);
    const { id } = small.world.plantAt('blob', 90, 30);
    const reason = 'Only who planted it can remove it.';
    expect(small.world.removals.removeOwn(doer('Bob').guest, 1)).toBe(reason);
    expect(small.world.removals.removeOwn(ANN, id)).toBe(reason);
    expect(small.world.removals.removeOwn('', id)).toBe(reason);
    expect(small.world.removals.removeOwn(ANN, 77)).toBe('It is gone already.');
    await live(small, 3);
    expect(small.world.bodies).toBe(2);
  });

  test('one whose seed waits is gone at once', async () => {
    const small = await grown([30, 30]);
    await stroke(small, brush('ablate', 15, 30, 30));
    await live(small, 1);
    expect(small.world.overview.inspect(1)!.absence).toBe('died');
    expect(small.world.removals.removeOwn(ANN, 1)).toBeNull();
    expect(small.world.overview.inspect(1)).toBeNull();
    expect(await small.world.roomFault('blob', 30, 30)).toBeNull();
  });

  test('twice is once', async () => {
    const small = await grown([30, 30]);
    expect(small.world.removals.remove(1)).toBe(1);
    await live(small, 1.5);
    expect(small.world.removals.remove(1)).toBe(0);
    expect(small.world.removals.removeOwn(ANN, 1)).toBeNull();
    await live(small, 1);
    expect(small.world.overview.inspect(1)).toBeNull();
  });

  test('an open wound ends, and is not counted as healed', async () => {
    const small = await grown([30, 30]);
    await stroke(small, brush('ablate', 2, 33, 30));
    expect(small.world.wounds.isOpen(1)).toBe(true);
    small.world.removals.remove(1);
    expect(small.world.wounds.isOpen(1)).toBe(false);
    const closed = small.world.wounds.take()!.find(({ type }) => type === 'closed');
    expect(closed).toMatchObject({ healedInSteps: null });
  });

  test('a restart meanwhile does not save it', async () => {
    const first = await grown([30, 30]);
    first.world.removals.remove(1);
    await live(first, 0.5);
    const second = await makeWorld();
    await second.world.restore(structuredClone(await stateOf(first.world)));
    expect(second.world.overview.inspect(1)!.absence).toBe('removed');
    await live(second, 3);
    expect(second.world.overview.summaries()).toEqual([]);
  });
});

test('an admin removes any body, or all that a guest has planted', async () => {
  const small = await grown([20, 20], [60, 40], [100, 20]);
  const { world } = small;
  const garden = world.plantAt('blob', 20, 50).id;
  await live(small, 1);
  expect(world.removals.remove(garden)).toBe(1);
  expect(world.removals.removeByGuest(doer('Bob').guest)).toBe(0);
  expect(world.removals.removeByGuest('')).toBe(0);
  await live(small, 3);
  expect(world.overview.summaries()).toHaveLength(3);
  expect(world.removals.removeByGuest(ANN)).toBe(3);
  await live(small, 3);
  expect(world.overview.summaries()).toEqual([]);
});

test('the seed of a body that died is found under the pointer, within 4 cells', async () => {
  const small = await grown([30, 30]);
  await stroke(small, brush('ablate', 15, 30, 30));
  await live(small, 1);
  expect((await small.world.overview.inspectAt(30.5, 33.2))?.id).toBe(1);
  expect(await small.world.overview.inspectAt(30, 36)).toBeNull();
});
