import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Entry, PageCache } from '../../../client/stream/pageCache.ts';
import { Pyramid } from '../../../client/stream/pyramid.ts';
import { PAGE_BYTES } from '../../../shared/geometry.ts';

fc.configureGlobal({ seed: 1 });

const world = { width: 1_000, height: 700 };
const pyramid = new Pyramid(world);
const never = (): boolean => false;

describe('forgetting', () => {
  test('begins with the least recently used, at any level, and goes on until the bytes fit', () => {
    const cache = new PageCache<Entry>(pyramid, { bytes: 3 * PAGE_BYTES, entries: 100 });
    const keys = [pyramid.key(0, 0, 0), pyramid.key(1, 0, 0), pyramid.key(0, 5, 5), pyramid.key(2, 0, 0)];
    keys.forEach((key, i) => {
      cache.set({ key, usedAt: [4, 1, 3, 2][i] }, true);
    });
    expect(cache.trim(never).map(({ key }) => key)).toEqual([keys[1], keys[3]]);
    expect(cache.bytes).toBe(2 * PAGE_BYTES);
    expect(cache.trim(never)).toEqual([]);
  });

  test('spares pages that must be kept, even beyond the bound', () => {
    const cache = new PageCache<Entry>(pyramid, { bytes: PAGE_BYTES, entries: 100 });
    for (let px = 0; px < 4; px++) cache.set({ key: pyramid.key(0, px, 0), usedAt: px }, true);
    expect(cache.trim(() => true)).toEqual([]);
    expect(cache.size).toBe(4);
  });

  test('bounds the number of pages without pixels, which cost no bytes', () => {
    const cache = new PageCache<Entry>(pyramid, { bytes: PAGE_BYTES, entries: 8 });
    for (let px = 0; px < 8; px++) cache.set({ key: pyramid.key(0, px, 0), usedAt: px }, false);
    expect(cache.trim(never)).toEqual([]);
    cache.set({ key: pyramid.key(0, 9, 0), usedAt: 9 }, false);
    expect(cache.trim(never).map(({ usedAt }) => usedAt)).toEqual([0, 1]);
  });

  test('spares pages without pixels when only the bytes are over their bound', () => {
    const cache = new PageCache<Entry>(pyramid, { bytes: PAGE_BYTES, entries: 8 });
    cache.set({ key: pyramid.key(0, 0, 0), usedAt: 0 }, false);
    cache.set({ key: pyramid.key(0, 1, 0), usedAt: 1 }, true);
    cache.set({ key: pyramid.key(0, 2, 0), usedAt: 2 }, true);
    expect(cache.trim(never).map(({ usedAt }) => usedAt)).toEqual([1, 2]);
  });
});

test('hasBelow is true exactly for the pages that have a page with pixels below them', () => {
  const places = fc.record({
    level: fc.integer({ min: 0, max: pyramid.top }),
    px: fc.nat({ max: 15 }),
    py: fc.nat({ max: 10 }),
    kind: fc.constantFrom('solid', 'blank', 'gone'),
  });
  fc.assert(
    fc.property(fc.array(places, { maxLength: 60 }), (actions) => {
      const cache = new PageCache<Entry>(pyramid, { bytes: 1e9, entries: 1e9 });
      const solid = new Set<number>();
      for (const { level, px, py, kind } of actions) {
        if (!pyramid.has(level, px, py)) continue;
        const key = pyramid.key(level, px, py);
        if (kind === 'gone') cache.delete(key);
        else cache.set({ key, usedAt: 0 }, kind === 'solid');
        if (kind === 'solid') solid.add(key);
        else solid.delete(key);
      }
      const above = new Set<number>();
      for (const key of solid)
        for (let at = pyramid.parent(key); at >= 0; at = pyramid.parent(at)) above.add(at);
      for (let level = 0; level <= pyramid.top; level++)
        for (let px = 0; pyramid.has(level, px, 0); px++)
          for (let py = 0; pyramid.has(level, px, py); py++) {
            const key = pyramid.key(level, px, py);
            expect(cache.hasBelow(key)).toBe(above.has(key));
            expect(cache.isSolid(key)).toBe(solid.has(key));
          }
    }),
  );
});

describe('keys', () => {
  test('give back the level and place of their page, and lead to the page above', () => {
    const huge = new Pyramid({ width: 65_536, height: 65_536 });
    for (const [level, px, py] of [
      [0, 1_023, 1_023],
      [0, 0, 1],
      [3, 127, 4],
      [10, 0, 0],
    ]) {
      const key = huge.key(level, px, py);
      expect([huge.levelOf(key), huge.px(key), huge.py(key)]).toEqual([level, px, py]);
    }
    expect(huge.parent(huge.key(0, 1_023, 5))).toBe(huge.key(1, 511, 2));
    expect(huge.parent(huge.key(10, 0, 0))).toBe(-1);
  });

  test('of a rectangle of cells are those of the pages that show it, and of a margin if wanted', () => {
    const cells = { x: 130, y: 0, width: 60, height: 64 };
    expect(pyramid.pagesOf(cells, 0, 0)).toEqual({ left: 2, top: 0, right: 2, bottom: 0 });
    expect(pyramid.pagesOf(cells, 0, 0.5)).toEqual({ left: 1, top: 0, right: 3, bottom: 1 });
    expect(pyramid.pagesOf(cells, pyramid.top, 0.5)).toEqual({ left: 0, top: 0, right: 0, bottom: 0 });
  });
});
