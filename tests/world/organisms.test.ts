import { describe, expect, test } from 'vitest';
import { Organisms } from '../../server/world/organisms.ts';

describe('ids', () => {
  test('wrap, and pass over those that are used or retired', () => {
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

  test('are 65,535, given once each; the next must wait for the end of a retirement', () => {
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
