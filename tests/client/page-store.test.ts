import { describe, expect, test } from 'vitest';
import { BLANK, PageStore } from '../../client/page-store.ts';
import { KEYFRAME, type PageUpdate } from '../../shared/frame.ts';
import { PAGE_BYTES } from '../../shared/geometry.ts';
import { encodePage } from '../../shared/pageCodec.ts';

const world = { width: 1_024, height: 1_024 };

/** A page in which one cell has one colour. */
function picture(cell: number, value: number): Uint8Array {
  const pixels = new Uint8Array(PAGE_BYTES);
  pixels.fill(value, cell * 4, cell * 4 + 4);
  return pixels;
}

function update(
  px: number,
  version: number,
  base: number,
  from: Uint8Array,
  to: Uint8Array,
  py = 0,
): PageUpdate {
  const payload = encodePage(from.slice(), to, 0) ?? new Uint8Array(0);
  return { level: 0, px, py, version, base, epsilon: 0, payload };
}

const empty = new Uint8Array(PAGE_BYTES);
const key = (px: number, version: number, to: Uint8Array, py = 0): PageUpdate =>
  update(px, version, KEYFRAME, empty, to, py);

describe('applying updates', () => {
  test('a keyframe is held at its version', () => {
    const store = new PageStore(world);
    expect(store.apply([key(1, 5, picture(0, 200))])).toEqual({ changed: [1], gaps: [] });
    expect(store.get(1)?.version).toBe(5);
    expect(store.cellAt(64, 0)).toEqual([200, 200, 200, 200]);
  });

  test('a delta on the held version moves it on', () => {
    const store = new PageStore(world);
    store.apply([key(0, 1, picture(3, 90))]);
    store.apply([update(0, 2, 1, picture(3, 90), picture(3, 91))]);
    expect(store.get(0)?.version).toBe(2);
    expect(store.cellAt(3, 0)[0]).toBe(91);
  });

  test('a delta on any other version is a gap and changes nothing', () => {
    const store = new PageStore(world);
    store.apply([key(0, 4, picture(3, 90))]);
    const result = store.apply([
      update(0, 7, 6, picture(3, 90), picture(3, 12)),
      update(2, 7, 6, picture(3, 90), picture(3, 12)),
    ]);
    expect(result).toEqual({ changed: [], gaps: [0, 2] });
    expect(store.cellAt(3, 0)[0]).toBe(90);
    expect(store.get(2)).toBeUndefined();
  });

  test('a keyframe wipes what it does not mention', () => {
    const store = new PageStore(world);
    store.apply([key(0, 1, picture(3, 90))]);
    store.apply([key(0, 2, picture(8, 10))]);
    expect(store.cellAt(3, 0)).toEqual([0, 0, 0, 0]);
    expect(store.cellAt(8, 0)[0]).toBe(10);
  });

  test('a payload that does not decode is a gap, and the picture stays', () => {
    const store = new PageStore(world);
    store.apply([key(0, 1, picture(3, 90))]);
    for (const base of [KEYFRAME, 1]) {
      const broken = { ...key(0, 2, picture(8, 10)), base, payload: new Uint8Array([0, 200]) };
      expect(store.apply([broken])).toEqual({ changed: [], gaps: [0] });
      expect(store.cellAt(3, 0)[0]).toBe(90);
      expect(store.get(0)?.version).toBe(1);
    }
  });

  test('pages outside the world and other levels are ignored', () => {
    const store = new PageStore(world);
    const outside = key(16, 1, picture(0, 9));
    const coarse = { ...key(0, 1, picture(0, 9)), level: 1 };
    expect(store.apply([outside, coarse])).toEqual({ changed: [], gaps: [] });
    expect(store.size).toBe(0);
  });
});

test('pages without life share their pixels until something grows there', () => {
  const store = new PageStore(world);
  store.apply([key(0, 1, empty), key(1, 1, empty)]);
  expect(store.get(0)?.pixels).toBe(BLANK);
  store.apply([update(0, 2, 1, empty, picture(5, 80))]);
  expect(store.cellAt(5, 0)[0]).toBe(80);
  expect(store.cellAt(69, 0)[0]).toBe(0);
  expect(BLANK.every((value) => value === 0)).toBe(true);
  store.apply([key(0, 3, empty)]);
  expect(store.get(0)?.pixels).toBe(BLANK);
});

test('cells outside the world, and not numbers, are clear', () => {
  const store = new PageStore(world);
  store.apply([key(0, 1, picture(0, 9))]);
  for (const [x, y] of [
    [-1, 0],
    [1_024, 0],
    [Number.NaN, 0],
    [0, Number.POSITIVE_INFINITY],
  ])
    expect(store.cellAt(x, y)).toEqual([0, 0, 0, 0]);
});

describe('a new connection', () => {
  test('keeps the old picture, takes no delta on it, and drops what no keyframe replaced', () => {
    const store = new PageStore(world);
    store.apply([key(0, 3, picture(0, 50)), key(1, 3, picture(0, 60))]);
    store.expire();
    expect(store.cellAt(0, 0)[0]).toBe(50);
    expect(store.apply([update(0, 4, 3, picture(0, 50), picture(0, 51))]).gaps).toEqual([0]);
    store.apply([key(0, 9, picture(0, 55))]);
    expect(store.dropStale()).toEqual([1]);
    expect(store.cellAt(0, 0)[0]).toBe(55);
    expect(store.get(1)).toBeUndefined();
  });
});

test('beyond its bound it forgets the pages updated longest ago, but none that is kept', () => {
  const store = new PageStore(world, 2);
  store.apply([key(0, 1, picture(0, 1)), key(1, 1, picture(0, 1)), key(2, 1, picture(0, 1))]);
  store.apply([update(0, 2, 1, picture(0, 1), picture(0, 2))]);
  expect(store.evict((page) => page.index === 1)).toEqual([2]);
  expect([...store.pages()].map((page) => page.index)).toEqual([1, 0]);
  expect(store.evict(() => true)).toEqual([]);
});
