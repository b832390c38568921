import { beforeAll, describe, expect, test } from 'vitest';
import { decodeEntry, encodeEntry } from '../../server/world/acts.ts';
import { doer } from './doer.ts';
import { brush, grown, loadBlob, makeWorld, plant, type SmallWorld, stroke } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

beforeAll(loadBlob);

/** Lets seconds of world time pass, with a few steps in each. */
async function live({ world, engine }: SmallWorld, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await engine.step(4);
    await world.observe(1);
  }
}

/** Erases everything, and lets the world find out. */
async function eraseAll(small: SmallWorld): Promise<void> {
  small.engine.perturb({ kind: 'ablate', x0: 0, y0: 32, x1: 127, y1: 32, radius: 80 });
  await live(small, 1);
  expect(small.world.bodies).toBe(0);
  expect(small.world.livingCells).toBe(0);
}

async function restarted({ world }: SmallWorld): Promise<SmallWorld> {
  const again = await makeWorld();
  await again.world.restore(structuredClone(await stateOf(world)));
  return again;
}

describe('a body that died', () => {
  test('is the same organism, whose seed waits 15 s at its place and grows again', async () => {
    const small = await grown([30, 30]);
    const { world } = small;
    const before = world.organisms.get(1)!;
    await stroke(small, brush('ablate', 15, 30, 30));
    await small.engine.step(1);
    await world.observe(0.25);
    expect(world.overview.inspect(1)).toMatchObject({
      absence: 'died',
      waitSeconds: 15,
      cells: 0,
      health: 0,
    });
    expect(world.overview.summaries()).toMatchObject([{ id: 1, absence: 'died', waitSeconds: 15 }]);
    await live(small, 14);
    expect(world.overview.inspect(1)).toMatchObject({ absence: 'died', waitSeconds: 1 });
    await live(small, 1);
    const { species, x, y, planter, guest, bornSeconds } = before;
    expect(world.organisms.get(1)).toMatchObject({
      species,
      x,
      y,
      planter,
      guest,
      bornSeconds,
      absence: null,
    });
    await live(small, 15);
    const back = world.overview.inspect(1)!;
    expect(back).toMatchObject({ planter: 'Ann', absence: null, waitSeconds: null });
    expect(back.health).toBeGreaterThan(0.9);
    expect(back.ageSeconds).toBeLessThan(back.sinceSeconds - 14);
    expect(back.marks.map(({ label }) => label)).toEqual(['died']);
  });

  test('comes back whoever planted it: a world that is erased completely is whole again', async () => {
    const small = await makeWorld();
    const { world } = small;
    world.plantGarden(3, 1);
    expect(await stroke(small, plant(10, 10))).toMatchObject({ ok: true });
    const before = world.overview
      .summaries()
      .map(({ id, species, x, y, planter }) => ({ id, species, x, y, planter }));
    expect(new Set(before.map(({ planter }) => planter))).toEqual(new Set(['', 'Ann']));
    await live(small, 15);
    await eraseAll(small);
    await live(small, 30);
    expect(world.overview.summaries()).toMatchObject(before);
    for (const { health } of world.overview.summaries()) expect(health).toBeGreaterThan(0.9);
  });

  test('keeps its room while its seed waits', async () => {
    const small = await grown([30, 30]);
    await eraseAll(small);
    const reason = 'No room: it would grow into a Blob.';
    expect(await stroke(small, plant(32, 30))).toEqual({ ok: false, reason });
  });

  test('waits as long as another body covers the cell of its seed', async () => {
    const small = await grown([30, 30]);
    await eraseAll(small);
    small.world.plantAt('blob', 30, 30);
    await live(small, 20);
    expect(small.world.overview.inspect(1)).toMatchObject({ absence: 'died', waitSeconds: 0 });
    await stroke(small, brush('truncate', 0, 30, 30));
    small.engine.perturb({ kind: 'ablate', x0: 30, y0: 30, x1: 30, y1: 30, radius: 12 });
    await live(small, 1);
    expect(small.world.overview.inspect(1)!.absence).toBeNull();
  });

  test('waits only for what is left of its 15 s after a restart', async () => {
    const first = await grown([30, 30]);
    await eraseAll(first);
    await live(first, 9);
    const second = await restarted(first);
    expect(second.world.overview.inspect(1)).toMatchObject({
      absence: 'died',
      waitSeconds: 6,
      planter: 'Ann',
    });
    await live(second, 5);
    expect(second.world.overview.inspect(1)!.absence).toBe('died');
    await live(second, 1);
    expect(second.world.overview.inspect(1)!.absence).toBeNull();
  });

  test('waits for 15 s in which the world runs, and is told of again when it runs on', async () => {
    const small = await grown([30, 30]);
    const { world } = small;
    await eraseAll(small);
    await live(small, 10);
    expect(world.absences.takeSeeds()).toMatchObject([{ id: 1 }]);
    for (let second = 0; second < 40; second++) await world.observe(1);
    expect(world.absences.takeSeeds()).toBeNull();
    // A second of a pause counts.
    await live(small, 3);
    expect(world.overview.inspect(1)!.absence).toBe('died');
    expect(world.absences.takeSeeds()).toMatchObject([{ id: 1, seconds: 1 }]);
    await live(small, 1);
    expect(world.overview.inspect(1)!.absence).toBeNull();
  });

  test('a stroke on the place of a seed that waits hurts nobody', async () => {
    const small = await grown([30, 30]);
    await eraseAll(small);
    expect(await stroke(small, brush('ablate', 5, 30, 30))).toMatchObject({ ok: true });
    expect(await stroke(small, brush('truncate', 5, 30, 30))).toEqual({
      ok: false,
      reason: 'Nobody lives there.',
    });
    await live(small, 16);
    expect(small.world.overview.inspect(1)!.absence).toBeNull();
  });
});

describe('an admin who clears a place', () => {
  test('ends what dies of it and the seeds that wait there; their ids are retired', async () => {
    const small = await grown([30, 30], [90, 30]);
    await stroke(small, brush('ablate', 15, 90, 30));
    await live(small, 1);
    await small.world.removals.clear(60, 30, 64);
    await live(small, 20);
    expect(small.world.overview.summaries()).toEqual([]);
    expect(await small.engine.census()).toEqual([]);
    await stroke(small, plant(30, 30));
    expect(small.world.overview.summaries()[0].id).toBe(3);
  });

  test('leaves a body that survives, and its seed, once it is whole again', async () => {
    const small = await grown([30, 30]);
    small.world.absences.uproot(small.world.organisms.get(1)!);
    await stroke(small, brush('ablate', 4, 25, 30));
    expect(small.world.organisms.get(1)!.health).toBeLessThan(0.95);
    const again = await restarted(small);
    expect(again.world.organisms.get(1)!.isUprooted).toBe(true);
    await eraseAll(again);
    expect(again.world.organisms.size).toBe(0);
    await live(small, 10);
    expect(small.world.organisms.get(1)).toMatchObject({ isUprooted: false });
    await eraseAll(small);
    expect(small.world.overview.inspect(1)!.absence).toBe('died');
  });
});

test('a body that was whole in the save and cleared afterwards is still uprooted after a recovery', async () => {
  const small = await grown([30, 30]);
  const { world } = small;
  await world.observe(1);
  const one = world.organisms.get(1)!;
  expect(one.health).toBeGreaterThan(0.95);
  const saved = structuredClone(await stateOf(world));
  world.log.start();
  world.absences.uproot(one);
  await stroke(small, brush('ablate', 4, 25, 30));
  const entry = decodeEntry(world.log.take(true)!);
  const again = await makeWorld();
  await again.world.restore(saved, async () => null, [entry]);
  const { isUprooted, health } = again.world.organisms.get(1)!;
  expect([isUprooted, health]).toEqual([true, one.health]);
  expect(health).toBeLessThan(0.95);
});

describe('a save of an earlier version', () => {
  const beds = [
    { species: 'blob', x: 80, y: 30, dueSeconds: 3 },
    // A body has grown into it.
    { species: 'blob', x: 31, y: 30, dueSeconds: 4 },
    { species: 'gone', x: 100, y: 30, dueSeconds: 5 },
  ];

  test('its beds are sown when it is opened, once', async () => {
    const first = await grown([30, 30]);
    const state = { ...structuredClone(await stateOf(first.world)), fallow: beds };
    const second = await makeWorld();
    await second.world.restore(structuredClone(state));
    expect(second.world.overview.summaries()).toMatchObject([{ id: 1 }, { x: 80, y: 30, planter: '' }]);
    const third = await makeWorld();
    const entry = second.world.log.take(true)!;
    await third.world.restore(structuredClone(state), undefined, [decodeEntry(entry)]);
    expect(third.world.overview.summaries()).toEqual(second.world.overview.summaries());
    expect((await stateOf(third.world)).fallow).toBeUndefined();
  });

  test('a bed that its journal has sown is not sown again', async () => {
    const first = await grown([30, 30]);
    const state = { ...structuredClone(await stateOf(first.world)), fallow: beds };
    const { stepNumber, runSeconds, nextId } = state;
    const acts = [[stepNumber, { act: 'fallow', beds: [] }]] as const;
    const entry = decodeEntry(encodeEntry({ acts, step: stepNumber, runSeconds, nextId }));
    const second = await makeWorld();
    await second.world.restore(state, undefined, [entry]);
    expect(second.world.overview.summaries()).toMatchObject([{ id: 1 }]);
    expect(second.world.organisms.size).toBe(1);
  });

  test('a body that wilted goes on', async () => {
    const first = await grown([30, 30]);
    const state = structuredClone(await stateOf(first.world));
    const second = await makeWorld();
    const organisms = state.organisms.map((one) => ({ ...one, isWilting: true }));
    await second.world.restore({ ...state, organisms });
    expect(second.world.overview.inspect(1)!.absence).toBe('wilting');
    await live(second, 20);
    expect(second.world.overview.inspect(1)!.health).toBeGreaterThan(0.9);
  });
});

test('a stroke of a guest is remembered by the guest when their body comes back', async () => {
  const small = await grown([30, 30]);
  await eraseAll(small);
  await live(small, 20);
  expect((await stateOf(small.world)).organisms).toMatchObject([
    { guest: doer('Ann').guest, planter: 'Ann' },
  ]);
});
