import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cover } from '../../../client/stream/cover.ts';
import { type Entry, PageCache } from '../../../client/stream/pageCache.ts';
import { Pyramid } from '../../../client/stream/pyramid.ts';

fc.configureGlobal({ seed: 1 });

const pyramid = new Pyramid({ width: 1_024, height: 1_024 });
const rect = { left: 0, top: 0, right: 1, bottom: 1 };

interface Square {
  readonly level: number;
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly u: number;
  readonly v: number;
  readonly span: number;
}

/** @param places - [level, px, py, and 'blank' when nothing lives there] */
function hold(places: readonly (readonly [number, number, number, 'blank'?])[]): PageCache<Entry> {
  const cache = new PageCache<Entry>(pyramid, { bytes: 1e9, entries: 1e9 });
  for (const [level, px, py, blank] of places)
    cache.set({ key: pyramid.key(level, px, py), usedAt: 0 }, blank !== 'blank');
  return cache;
}

function squares(held: PageCache<Entry>, wanted: number, of = rect): Square[] {
  const found: Square[] = [];
  cover(held, wanted, of, (_entry, level, x, y, size, u, v, span) => {
    found.push({ level, x, y, size, u, v, span });
  });
  return found;
}

describe('a page that has not come is drawn from', () => {
  test('finer pages, where there are any', () => {
    const held = hold([
      [0, 0, 0],
      [0, 1, 1],
    ]);
    expect(squares(held, 1)).toEqual([
      { level: 0, x: 0, y: 0, size: 0.5, u: 0, v: 0, span: 64 },
      { level: 0, x: 0.5, y: 0.5, size: 0.5, u: 0, v: 0, span: 64 },
    ]);
  });

  test('a part of the finest coarser page, where there are no finer ones', () => {
    const held = hold([
      [2, 0, 0],
      [3, 0, 0],
    ]);
    expect(squares(held, 1, { left: 1, top: 0, right: 1, bottom: 0 })).toEqual([
      { level: 2, x: 0, y: 0, size: 1, u: 32, v: 0, span: 32 },
    ]);
  });

  test('finer pages and a part of a coarser one, where only some finer ones are held', () => {
    const held = hold([
      [0, 0, 0],
      [2, 0, 0],
    ]);
    const found = squares(held, 1, { left: 0, top: 0, right: 0, bottom: 0 });
    expect(found).toHaveLength(4);
    expect(found[0]).toEqual({ level: 0, x: 0, y: 0, size: 0.5, u: 0, v: 0, span: 64 });
    expect(found[3]).toEqual({ level: 2, x: 0.5, y: 0.5, size: 0.5, u: 16, v: 16, span: 16 });
  });

  test('nothing, where no page is held', () => {
    expect(squares(hold([]), 2)).toEqual([]);
  });
});

test('where the page of the wanted level is blank, pages of other levels are not drawn', () => {
  const held = hold([
    [1, 0, 0, 'blank'],
    [0, 0, 0],
    [2, 0, 0],
  ]);
  expect(squares(held, 1, { left: 0, top: 0, right: 0, bottom: 0 })).toEqual([]);
});

test('every place that some page shows is drawn exactly once', () => {
  const places = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.nat({ max: 3 }), fc.nat({ max: 3 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(places, fc.integer({ min: 0, max: 4 }), (list, wanted) => {
      const real = list.filter(([level, px, py]) => pyramid.has(level, px, py));
      const held = hold(real);
      const right = Math.min(1, pyramid.across(wanted) - 1);
      const view = { left: 0, top: 0, right, bottom: right };
      // In cells of level 0, sampled at the middle of each finest page.
      const side = (right + 1) * 2 ** wanted;
      const drawn = new Uint8Array(side * side);
      for (const { x, y, size } of squares(held, wanted, view)) {
        const scale = 2 ** wanted;
        for (let j = 0; j < size * scale; j++)
          for (let i = 0; i < size * scale; i++) drawn[(y * scale + j) * side + x * scale + i]++;
      }
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const isHeld = real.some(([level, px, py]) => x >> level === px && y >> level === py);
          expect(drawn[y * side + x]).toBe(isHeld ? 1 : 0);
        }
      }
    }),
  );
});
