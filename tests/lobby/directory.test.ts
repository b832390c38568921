import { beforeEach, expect, test } from 'vitest';
import { Directory, GONE_MS, type Place } from '../../server/lobby/directory.ts';

interface FakePlace extends Place {
  isUp: boolean;
  isClosed: boolean;
}

let nowMs: number;
let found: string[];
let log: string[];
/** Every place that was opened, in order. */
let opened: { name: string; place: FakePlace }[];
beforeEach(() => {
  nowMs = 0;
  found = [];
  log = [];
  opened = [];
});

const make = (named: readonly string[], maxPlaces = 64): Directory<FakePlace> =>
  new Directory<FakePlace>({
    named,
    maxPlaces,
    found: () => found,
    open(name) {
      const place: FakePlace = {
        isUp: false,
        isClosed: false,
        async close() {
          place.isClosed = true;
        },
      };
      opened.push({ name, place });
      return place;
    },
    now: () => nowMs,
    log: (line) => log.push(line),
  });

const names = (directory: Directory<FakePlace>): string[] => directory.all.map(([name]) => name);
const placeOf = (name: string): FakePlace => opened.findLast((one) => one.name === name)!.place;
function pass(directory: Directory<FakePlace>, ms: number): void {
  nowMs += ms;
  directory.sweep();
}

test('a world that the operator has named is there before it answers, and after it is gone, for ever', () => {
  const directory = make(['reef', 'meadow']);
  expect(names(directory)).toEqual(['meadow', 'reef']);
  placeOf('reef').isUp = true;
  pass(directory, 1_000);
  placeOf('reef').isUp = false;
  pass(directory, 100 * GONE_MS);
  expect(names(directory)).toEqual(['meadow', 'reef']);
  expect(placeOf('reef').isClosed).toBe(false);
});

test('a world that is found is there from when it first answers', () => {
  const directory = make([]);
  found = ['reef'];
  pass(directory, 1_000);
  expect(names(directory)).toEqual([]);
  expect(directory.get('reef')).toBeUndefined();
  placeOf('reef').isUp = true;
  expect(names(directory)).toEqual(['reef']);
  expect(directory.get('reef')).toBe(placeOf('reef'));
});

test('a world that was found and is gone rests for ten minutes, and is then forgotten', () => {
  const directory = make([]);
  found = ['reef'];
  pass(directory, 0);
  placeOf('reef').isUp = true;
  pass(directory, 1_000);
  placeOf('reef').isUp = false;
  found = [];
  pass(directory, 1_000);
  pass(directory, GONE_MS);
  expect(names(directory)).toEqual(['reef']);
  pass(directory, 1);
  expect(names(directory)).toEqual([]);
  expect(placeOf('reef').isClosed).toBe(true);
});

test('a world that answers again within that time begins to count anew', () => {
  const directory = make([]);
  found = ['reef'];
  pass(directory, 0);
  placeOf('reef').isUp = true;
  pass(directory, 0);
  for (let n = 0; n < 3; n++) {
    placeOf('reef').isUp = false;
    pass(directory, 0);
    pass(directory, GONE_MS - 1);
    placeOf('reef').isUp = true;
    pass(directory, 1);
  }
  expect(names(directory)).toEqual(['reef']);
  expect(opened).toHaveLength(1);
});

test('what a killed world has left in a folder is tried without end, but not shown', () => {
  const directory = make([]);
  found = ['reef'];
  pass(directory, 0);
  placeOf('reef').isUp = true;
  pass(directory, 0);
  placeOf('reef').isUp = false;
  pass(directory, 0);
  pass(directory, 2 * GONE_MS);
  expect(names(directory)).toEqual([]);
  expect(placeOf('reef').isClosed).toBe(false);
  placeOf('reef').isUp = true;
  expect(names(directory)).toEqual(['reef']);
  expect(opened).toHaveLength(1);
});

test('a world that is no longer found and has never answered is forgotten at once', () => {
  const directory = make([]);
  found = ['reef'];
  pass(directory, 0);
  found = [];
  pass(directory, 1);
  expect(placeOf('reef').isClosed).toBe(true);
});

test('of more worlds than a relay may have, the others are not served, and that is said once', () => {
  const directory = make(['meadow'], 3);
  found = ['a', 'b', 'c', 'd'];
  pass(directory, 1_000);
  pass(directory, 1_000);
  expect(opened.map(({ name }) => name)).toEqual(['meadow', 'a', 'b']);
  expect(log).toEqual(['more than 3 worlds are found: the others are not served here']);
  found = ['a', 'c', 'd'];
  pass(directory, 1_000);
  expect(placeOf('b').isClosed).toBe(true);
  expect(opened.map(({ name }) => name)).toEqual(['meadow', 'a', 'b', 'c']);
});

test('when the directory closes, so do all places', async () => {
  const directory = make(['reef', 'meadow']);
  await directory.close();
  expect(opened.map(({ place }) => place.isClosed)).toEqual([true, true]);
  expect(names(directory)).toEqual([]);
});
