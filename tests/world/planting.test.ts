import { beforeAll, describe, expect, test } from 'vitest';
import { grown, loadBlob, makeWorld, plant, stroke } from './makeWorld.ts';

beforeAll(loadBlob);

describe('planting', () => {
  test('makes an organism that grows into its mature form', async () => {
    const { world } = await grown([30, 30]);
    const [organism] = world.overview.summaries();
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
    const rim = (await small.world.overview.pixels({ x: 30, y: 30, width: 20, height: 1 })).findIndex(
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
