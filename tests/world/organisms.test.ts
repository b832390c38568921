import { describe, expect, test } from 'vitest';
import { found } from '../../server/world/inspect.ts';
import type { OrganismsQuery } from '../../server/world/messages.ts';
import { HISTORY_SAMPLES, toHundredths } from '../../server/world/organism.ts';
import { Organisms } from '../../server/world/organisms.ts';
import { seededRandom } from '../engines/fixtures.ts';

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

/** @param ids - of organisms at (10 id, 0) */
function some(...ids: number[]): Organisms {
  const organisms = new Organisms();
  for (const id of ids) {
    const facts = { species: 'a', slot: 0, planter: '', plantedStep: 0, plantedSeconds: 0, health: 1 };
    organisms.add({ id, x: 10 * id, y: 0, ...facts });
  }
  organisms.takeTouched();
  organisms.takeStirred();
  return organisms;
}

describe('who has changed', () => {
  test('is told once: those whose records changed, who came and who went, and nobody else', () => {
    const organisms = some(1, 2, 3, 4);
    const [one, two, three] = organisms;
    one.x++;
    two.health = 0.5;
    three.marks = [...three.marks, { atSeconds: 1, label: 'died' }];
    organisms.remove(4, 0);
    organisms.add({ ...organisms.recordOf(two, String), id: 9, slot: 3, health: 0 });
    expect([...organisms.takeTouched()].toSorted()).toEqual([1, 3, 4, 9]);
    expect([...organisms.takeTouched()]).toEqual([]);
    expect(Array.from(organisms.takeStirred(), ({ id }) => id)).toEqual([2, 9]);
    expect([...organisms.takeStirred()]).toEqual([]);
  });

  test('is nobody who is gone or was replaced', () => {
    const organisms = some(1, 2);
    const [one, two] = organisms;
    organisms.remove(1, 0);
    organisms.put(organisms.recordOf(two, String), 0);
    organisms.takeTouched();
    organisms.takeStirred();
    one.x = two.x = 77;
    one.cells = two.cells = 50;
    one.health = two.health = 0;
    one.slot = two.slot = 5;
    expect([...organisms.takeTouched(), ...organisms.takeStirred(), ...organisms.unwell]).toEqual([]);
    expect([organisms.cells, [...organisms.in(5)], organisms.near(77, 0, 0)]).toEqual([1, [], []]);
  });

  test('those who are not whole, who live by a rule, who are near and all cells are known without a look at all', () => {
    const organisms = some(1, 2, 3);
    const [one, two, three] = organisms;
    one.health = 0.94;
    two.slot = 7;
    three.x = one.x;
    three.cells = 40;
    const ids = (found: Iterable<{ id: number }>): number[] => Array.from(found, ({ id }) => id);
    expect(ids(organisms.unwell)).toEqual([1]);
    expect([ids(organisms.in(0)), ids(organisms.in(7)), [...organisms.slots]]).toEqual([[1, 3], [2], [0, 7]]);
    expect([ids(organisms.near(10, 0, 0)), ids(organisms.near(20, 5, 5))]).toEqual([[1, 3], [2]]);
    expect(organisms.cells).toBe(42);
    one.health = 0.95;
    organisms.remove(2, 0);
    expect([ids(organisms.unwell), ids(organisms.in(7)), organisms.cells]).toEqual([[], [], 41]);
  });
});

test('a history holds the health at each sample, whenever it is asked for', () => {
  const organisms = some(1);
  const [one] = organisms;
  const random = seededRandom(4);
  const expected: number[] = [];
  for (let sample = 0; sample < 3 * HISTORY_SAMPLES; sample++) {
    // Long stretches without a change, as of a sleeper.
    if (random() < 0.03) one.health = toHundredths(random());
    organisms.sample(sample);
    expected.push(one.health);
    if (random() < 0.05) {
      expect(one.history.list()).toEqual(expected.slice(-HISTORY_SAMPLES));
      const last = expected.slice(-8);
      const isSteady = last.length === 8 && Math.max(...last) - Math.min(...last) <= 0.01;
      expect(one.history.isSteady(8)).toBe(isSteady);
    }
  }
  organisms.put(organisms.recordOf(one, String), 0);
  expect(organisms.get(1)!.history.list()).toEqual(expected.slice(-HISTORY_SAMPLES));
});

describe('a body is settled when its health has been steady', () => {
  /** One whose health is 0.5 from now on; it was sampled once per so many steps. */
  const settledAfter = (stepsPerSample: number, firstStep = 0): number => {
    const organisms = some(1);
    const [one] = organisms;
    for (let sample = 0; sample < 20; sample++) organisms.sample(firstStep - 20 + sample);
    one.health = 0.5;
    for (let sample = 1; sample <= HISTORY_SAMPLES; sample++) {
      organisms.sample((firstStep + sample * stepsPerSample) >>> 0);
      if (organisms.isSettled(one, 0.01)) return sample;
    }
    return Number.POSITIVE_INFINITY;
  };

  test('for two seconds in a world as fast as by default, or faster', () => {
    expect(settledAfter(7.5)).toBe(8);
    expect(settledAfter(250)).toBe(8);
    expect(settledAfter(8, 2 ** 32 - 30)).toBe(8);
  });

  test('for 45 steps in a slow one, and never in one that takes fewer within a minute', () => {
    expect(settledAfter(3)).toBe(16);
    expect(settledAfter(0.25)).toBe(180);
    expect(settledAfter(0.1)).toBe(Number.POSITIVE_INFINITY);
    expect(settledAfter(0)).toBe(Number.POSITIVE_INFINITY);
  });

  test('since the world was opened: what a save tells of it may be of another pace', () => {
    const organisms = some(1);
    for (let sample = 0; sample < 20; sample++) organisms.sample(sample * 8);
    const again = new Organisms();
    again.restore(organisms.records(String), 2, () => 0);
    for (let sample = 20; sample < 28; sample++) {
      expect(again.isSettled(again.get(1)!, 0.01)).toBe(false);
      again.sample(sample * 8);
    }
    expect(again.isSettled(again.get(1)!, 0.01)).toBe(true);
  });
});

test('a history that stands still is saved as one sample, and is restored in full', () => {
  const organisms = some(1, 2);
  const [still, moving] = organisms;
  for (let sample = 0; sample < 300; sample++) {
    if (sample === 290) moving.health = 0.5;
    organisms.sample(sample);
  }
  const records = organisms.records(String);
  expect(records[0]).toMatchObject({ history: [1], historyRepeats: HISTORY_SAMPLES });
  expect(records[1].history).toHaveLength(HISTORY_SAMPLES);
  expect(records[1]).not.toHaveProperty('historyRepeats');
  const lists = [still, moving].map(({ history }) => history.list());
  const again = new Organisms();
  again.restore(records, 3, () => 0);
  expect(Array.from(again, ({ history }) => history.list())).toEqual(lists);
  // Short of full, and none at all.
  for (const samples of [0, 1, 7]) {
    const young = some(1);
    for (let sample = 0; sample < samples; sample++) young.sample(sample);
    again.restore(young.records(String), 2, () => 0);
    expect(again.get(1)!.history.list()).toEqual(Array(samples).fill(1));
  }
});

test('organisms are found by id from page to page, by species, and by distance', () => {
  const organisms = new Organisms();
  for (const [id, x, species] of [
    [9, 50, 'b'],
    [3, 10, 'a'],
    [7, 30, 'a'],
    [1, 90, 'b'],
  ] as const)
    organisms.add({
      id,
      species,
      x,
      y: 0,
      slot: 0,
      planter: '',
      plantedStep: 0,
      plantedSeconds: 0,
      health: 1,
    });
  const ids = (query: OrganismsQuery): number[] => found(organisms, query).map(({ id }) => id);
  expect(ids({})).toEqual([9, 3, 7, 1]);
  expect(ids({ limit: 2 })).toEqual([1, 3]);
  expect(ids({ limit: 2, after: 3 })).toEqual([7, 9]);
  expect(ids({ limit: 2, after: 9 })).toEqual([]);
  expect(ids({ limit: 5, after: 0, species: 'a' })).toEqual([3, 7]);
  expect(ids({ limit: 3, near: { x: 48, y: 9 } })).toEqual([9, 7, 3]);
});
