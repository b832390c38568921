import { describe, expect, test } from 'vitest';
import { type GardenSpecies, layOutGarden } from '../../server/world/garden.ts';
import type { MatureForm } from '../../server/world/mature.ts';
import { type GrownBody, overlapShare } from '../../server/world/room.ts';

/** A box of opaque cells. */
const box = (x: number, y: number, width: number, height: number): MatureForm => {
  return { x, y, width, height, rgba: new Float32Array(width * height * 4).fill(1) };
};
const SPECIES: GardenSpecies[] = ['a', 'b', 'c', 'd'].map((name, i) => ({
  name,
  form: box(-20 - i, -18, 40 + i, 36),
}));
const WORLD = { width: 1024, height: 1024 };

describe('the garden', () => {
  test('is the same for the same random seed and another for another', () => {
    const garden = layOutGarden(WORLD, SPECIES, 48, 1);
    expect(garden).toHaveLength(48);
    expect(layOutGarden(WORLD, SPECIES, 48, 1)).toEqual(garden);
    expect(layOutGarden(WORLD, SPECIES, 48, 2)).not.toEqual(garden);
  });

  test('has equally many of each species, to within one', () => {
    const counts = new Map<string, number>();
    for (const { species } of layOutGarden(WORLD, SPECIES, 46, 3))
      counts.set(species, (counts.get(species) ?? 0) + 1);
    expect([...counts.values()].sort()).toEqual([11, 11, 12, 12]);
  });

  test.each([1, 2, 3])('seeds stand 1.5 bodies apart and not in rows, random seed %i', (randomSeed) => {
    const garden = layOutGarden(WORLD, SPECIES, 48, randomSeed);
    for (const [i, a] of garden.entries())
      for (const b of garden.slice(0, i)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThanOrEqual(60);
    expect(new Set(garden.map(({ x }) => x)).size).toBeGreaterThan(36);
    expect(new Set(garden.map(({ y }) => y)).size).toBeGreaterThan(36);
  });

  test('lies about the middle, the first one in it', () => {
    const garden = layOutGarden(WORLD, SPECIES, 48, 1);
    expect(Math.hypot(garden[0].x - 512, garden[0].y - 512)).toBeLessThan(5);
    expect(Math.max(...garden.map(({ x, y }) => Math.hypot(x - 512, y - 512)))).toBeLessThan(460);
  });

  test.each([
    [{ width: 64, height: 64 }, 1, 1],
    [{ width: 256, height: 128 }, 3, 10],
    [{ width: 512, height: 512 }, 24, 60],
  ])('in %o only as many as fit are planted, and all stay inside', (world, least, most) => {
    const garden = layOutGarden(world, SPECIES, 1_000, 1);
    expect(garden.length).toBeGreaterThanOrEqual(least);
    expect(garden.length).toBeLessThanOrEqual(most);
    for (const { x, y, species } of garden) {
      const { form } = SPECIES.find(({ name }) => name === species)!;
      expect(Math.min(x + form.x, y + form.y)).toBeGreaterThanOrEqual(0);
      expect(x + form.x + form.width).toBeLessThanOrEqual(world.width);
      expect(y + form.y + form.height).toBeLessThanOrEqual(world.height);
    }
  });

  test('keeps six free cells between a body and the edge of the world', () => {
    const beds = [{ name: 'a', form: box(-20, -18, 40, 36) }];
    const planted = (width: number, height: number): number =>
      layOutGarden({ width, height }, beds, 1, 1).length;
    expect(planted(40 + 12, 36 + 12)).toBe(1);
    expect(planted(40 + 11, 36 + 12)).toBe(0);
    expect(planted(40 + 12, 36 + 11)).toBe(0);
  });

  test('leaves room for organisms that live there already, and finds a place for all beside them', () => {
    const bodyOf = ({ species, x, y }: (typeof first)[number]): GrownBody => {
      return { species, x, y, form: SPECIES.find(({ name }) => name === species)!.form };
    };
    const first = layOutGarden(WORLD, SPECIES, 24, 1);
    const others = first.map(bodyOf);
    const more = layOutGarden(WORLD, SPECIES, 48, 2, others);
    expect(more).toHaveLength(48);
    for (const [i, a] of more.entries())
      for (const b of [...others, ...more.slice(0, i)])
        expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThanOrEqual(60);
  });

  test('bodies whose seed lies at one end of a long form have room, too', () => {
    const long: GardenSpecies[] = [
      { name: 'left', form: box(-59, -5, 60, 10) },
      { name: 'right', form: box(0, -5, 60, 10) },
    ];
    const garden = layOutGarden(WORLD, long, 24, 1);
    expect(garden).toHaveLength(24);
    const bodies = garden.map((one) => ({
      ...one,
      form: long.find(({ name }) => name === one.species)!.form,
    }));
    for (const [i, a] of bodies.entries())
      for (const b of bodies.slice(0, i)) expect(overlapShare(a, b)).toBeLessThanOrEqual(0.05);
  });

  test('finds room for all of a small species, and for ten thousand in a large world', () => {
    const tiny: GardenSpecies[] = [{ name: 'a', form: box(-3, -3, 7, 7) }];
    for (let randomSeed = 1; randomSeed <= 20; randomSeed++)
      expect(layOutGarden(WORLD, tiny, 48, randomSeed)).toHaveLength(48);
    expect(layOutGarden({ width: 16_384, height: 16_384 }, SPECIES, 10_000, 1)).toHaveLength(10_000);
  });

  test('without species plants nothing', () => {
    expect(layOutGarden(WORLD, SPECIES, 0, 1)).toEqual([]);
    expect(layOutGarden(WORLD, [], 10, 1)).toEqual([]);
  });
});
