import { beforeAll, describe, expect, test } from 'vitest';
import { grown, loadBlob, makeWorld, plant, type SmallWorld, stroke } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

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
    await second.world.restore(structuredClone(await stateOf(first.world)));
    for (let i = 0; i < 17; i++) await second.world.observe(1);
    expect(second.world.summaries()).toMatchObject([{ planter: 'Ann' }]);
    await killAll(second);
    for (let i = 0; i < 16; i++) await second.world.observe(1);
    expect(second.world.summaries()).toMatchObject([{ x, y, planter: '' }]);
  });
});
