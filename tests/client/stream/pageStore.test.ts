import { describe, expect, test } from 'vitest';
import { BLANK, PageStore } from '../../../client/stream/pageStore.ts';
import { Pyramid } from '../../../client/stream/pyramid.ts';
import { KEYFRAME } from '../../../shared/frame.ts';
import { PAGE_BYTES } from '../../../shared/geometry.ts';
import { delta, empty, key, picture } from './pages.ts';

const pyramid = new Pyramid({ width: 1_024, height: 1_024 });
const makeStore = (): PageStore => new PageStore(pyramid);
const at = (px: number, py = 0, level = 0): number => pyramid.key(level, px, py);
const cell = (store: PageStore, page: number, index: number): number | undefined =>
  store.get(page)?.pixels[index * 4];

describe('applying updates', () => {
  test('a keyframe sets the page’s pixels and version', () => {
    const store = makeStore();
    expect(store.apply([key({ px: 1 }, 5, picture(0, 200))])).toEqual({ changed: [at(1)], gaps: [] });
    expect(store.get(at(1))?.version).toBe(5);
    expect(cell(store, at(1), 0)).toBe(200);
  });

  test('a delta on the held version brings the page to its own version', () => {
    const store = makeStore();
    store.apply([key({}, 1, picture(3, 90))]);
    store.apply([delta({}, 2, 1, picture(3, 90), picture(3, 91))]);
    expect(store.get(at(0))?.version).toBe(2);
    expect(cell(store, at(0), 3)).toBe(91);
  });

  test('the same place at two levels is two pages', () => {
    const store = makeStore();
    store.apply([key({}, 4, picture(3, 90)), key({ level: 2 }, 5, picture(3, 20))]);
    expect(cell(store, at(0), 3)).toBe(90);
    expect(cell(store, at(0, 0, 2), 3)).toBe(20);
  });

  test('a delta on any other version is a gap, and changes no pixel', () => {
    const store = makeStore();
    store.apply([key({}, 4, picture(3, 90))]);
    const result = store.apply([
      delta({}, 7, 6, picture(3, 90), picture(3, 12)),
      delta({ px: 2 }, 7, 6, picture(3, 90), picture(3, 12)),
    ]);
    expect(result).toEqual({ changed: [], gaps: [at(0), at(2)] });
    expect(cell(store, at(0), 3)).toBe(90);
    expect(store.get(at(2))).toBeUndefined();
  });

  test('an update that comes twice is not a gap', () => {
    const store = makeStore();
    const second = delta({}, 2, 1, picture(3, 90), picture(3, 91));
    store.apply([key({}, 1, picture(3, 90)), second]);
    expect(store.apply([second])).toEqual({ changed: [], gaps: [] });
    expect(cell(store, at(0), 3)).toBe(91);
  });

  test('a keyframe is taken whatever its version, since versions do not say which state is newer', () => {
    const store = makeStore();
    store.apply([key({}, 9, picture(3, 90)), key({}, 8, picture(3, 50))]);
    expect(cell(store, at(0), 3)).toBe(50);
    expect(store.apply([delta({}, 12, 9, picture(3, 90), picture(3, 91))]).gaps).toEqual([at(0)]);
  });

  test('a keyframe replaces all pixels of the page', () => {
    const store = makeStore();
    store.apply([key({}, 1, picture(3, 90))]);
    store.apply([key({}, 2, picture(8, 10))]);
    expect(cell(store, at(0), 3)).toBe(0);
    expect(cell(store, at(0), 8)).toBe(10);
  });

  test('a payload that cannot be decoded is a gap, and the pixels stay', () => {
    for (const base of [KEYFRAME, 1]) {
      const store = makeStore();
      store.apply([key({}, 1, picture(3, 90))]);
      const broken = { ...key({}, 2, picture(8, 10)), base, payload: new Uint8Array([0, 200]) };
      expect(store.apply([broken])).toEqual({ changed: [], gaps: [at(0)] });
      expect(cell(store, at(0), 3)).toBe(90);
      expect(cell(store, at(0), 8)).toBe(0);
    }
  });

  test('pages and levels outside the world are ignored', () => {
    const store = makeStore();
    const outside = [
      key({ px: 16 }, 1, picture(0, 9)),
      key({ level: 1, px: 8 }, 1, picture(0, 9)),
      key({ level: 5 }, 1, picture(0, 9)),
      key({ level: 255 }, 1, picture(0, 9)),
    ];
    expect(store.apply(outside)).toEqual({ changed: [], gaps: [] });
    expect(store.size).toBe(0);
  });
});

test('pages without life share their pixels until something grows there', () => {
  const store = makeStore();
  store.apply([key({}, 1, empty), key({ px: 1 }, 1, empty)]);
  expect(store.get(at(0))?.pixels).toBe(BLANK);
  expect(store.bytes).toBe(0);
  store.apply([delta({}, 2, 1, empty, picture(5, 80))]);
  expect(store.bytes).toBe(PAGE_BYTES);
  expect(cell(store, at(0), 5)).toBe(80);
  expect(cell(store, at(1), 5)).toBe(0);
  expect(BLANK.every((value) => value === 0)).toBe(true);
  store.apply([key({}, 3, empty)]);
  expect(store.get(at(0))?.pixels).toBe(BLANK);
  expect(store.bytes).toBe(0);
});

test('after a new connection the old pixels stay, a delta on them is a gap, and any keyframe is taken', () => {
  const store = makeStore();
  store.apply([key({}, 300, picture(0, 50))]);
  store.expire();
  expect(cell(store, at(0), 0)).toBe(50);
  expect(store.apply([delta({}, 4, 300, picture(0, 50), picture(0, 51))]).gaps).toEqual([at(0)]);
  // A restarted server counts its versions from the beginning.
  store.apply([key({}, 9, picture(0, 55))]);
  expect(cell(store, at(0), 0)).toBe(55);
});
