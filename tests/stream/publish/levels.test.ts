import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pageKey } from '../../../server/stream/pageKey.ts';
import { Levels } from '../../../server/stream/publish/levels.ts';
import { PAGE_BYTES, PAGE_CELLS, pagesAcross, type Size, topLevel } from '../../../shared/geometry.ts';

/** The existing pages' pixels, by level-0 index. */
type World = Map<number, Uint8Array>;

/** The definition of a level's page, cell by cell: [64, 64, 4]. */
function average(world: World, { width }: Size, level: number, index: number): Uint8Array {
  const side = 2 ** level;
  const across = pagesAcross(width, level);
  const left = (index % across) * PAGE_CELLS * side;
  const top = Math.floor(index / across) * PAGE_CELLS * side;
  const sums = new Float64Array(PAGE_BYTES);
  for (const [page, pixels] of world) {
    const x0 = (page % pagesAcross(width)) * PAGE_CELLS;
    const y0 = Math.floor(page / pagesAcross(width)) * PAGE_CELLS;
    const far = PAGE_CELLS * side;
    if (x0 < left || y0 < top || x0 >= left + far || y0 >= top + far) continue;
    for (let cell = 0; cell < PAGE_CELLS * PAGE_CELLS; cell++) {
      const x = Math.floor((x0 + (cell % PAGE_CELLS) - left) / side);
      const y = Math.floor((y0 + Math.floor(cell / PAGE_CELLS) - top) / side);
      for (let c = 0; c < 4; c++) sums[(y * PAGE_CELLS + x) * 4 + c] += pixels[cell * 4 + c];
    }
  }
  return Uint8Array.from(sums, (sum) => Math.floor(sum / side ** 2 + 0.5));
}

/** A page with life in a random corner, or without life. */
function paint(seed: number): Uint8Array {
  const pixels = new Uint8Array(PAGE_BYTES);
  if (seed % 5 === 0) return pixels;
  let state = seed;
  const side = 1 + (seed % PAGE_CELLS);
  for (let y = 0; y < side; y++) {
    for (let i = 0; i < side * 4; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      // Low values too: at high levels most averages round to zero.
      pixels[y * PAGE_CELLS * 4 + i] = seed % 3 === 0 ? state >>> 24 : state >>> 30;
    }
  }
  return pixels;
}

/** Does what a frame does with the levels, and keeps the pages that `drain` visits. */
function frame(levels: Levels, world: World, changed: Iterable<number>, held: Map<number, Uint8Array>): void {
  for (const page of changed) levels.change(page, world.get(page) ?? new Uint8Array(PAGE_BYTES));
  if (levels.startFill()) {
    for (const [page, pixels] of world) levels.fill(page, pixels);
    levels.endFill();
  }
  levels.drain((key, pixels) => held.set(key, pixels?.slice() ?? new Uint8Array(PAGE_BYTES)));
}

const action = fc.record({
  kind: fc.constantFrom('change', 'change', 'change', 'die', 'watch', 'unwatch'),
  x: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  y: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  level: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});

describe.each([
  { width: 640, height: 200 },
  { width: 16_384, height: 9_000 },
  { width: 65_536, height: 65_536 },
])('a world of $width x $height', (size) => {
  test('every watched page is the average of the true pixels under it, as pages change, appear and vanish', () => {
    const top = topLevel(size);
    fc.assert(
      fc.property(fc.array(fc.array(action, { maxLength: 6 }), { maxLength: 12 }), (frames) => {
        const levels = new Levels(size);
        const world: World = new Map();
        const held = new Map<number, Uint8Array>();
        const watched = new Map<number, { level: number; index: number }>();
        const indexAt = (x: number, y: number, level: number): number =>
          Math.floor(y * pagesAcross(size.height, level)) * pagesAcross(size.width, level) +
          Math.floor(x * pagesAcross(size.width, level));
        for (const actions of frames) {
          const changed = new Set<number>();
          for (const { kind, x, y, level: of, seed } of actions) {
            // Close together, so that changed pages lie under watched ones.
            const page = indexAt(x ** 3, y ** 3, 0);
            const level = 1 + Math.floor(of * top);
            const index = indexAt(x ** 3, y ** 3, level);
            const key = pageKey(level, index);
            if (kind === 'change' || kind === 'die') changed.add(page);
            if (kind === 'change') world.set(page, paint(seed));
            if (kind === 'die') world.delete(page);
            if (kind === 'watch') {
              levels.watch(level, index);
              watched.set(key, { level, index });
            }
            if (kind === 'unwatch') {
              levels.unwatch(level, index);
              watched.delete(key);
              held.delete(key);
            }
          }
          frame(levels, world, changed, held);
          expect([...held.keys()].sort()).toEqual([...watched.keys()].sort());
          for (const [key, { level, index }] of watched)
            expect(held.get(key)).toEqual(average(world, size, level, index));
        }
      }),
      { numRuns: 30, seed: 6 },
    );
  });
});

describe('a world of 65,536²', () => {
  const size = { width: 65_536, height: 65_536 };

  test('a pixel at the top is full when all 256 pages under it are: no sum overflows', () => {
    const levels = new Levels(size);
    const white = new Uint8Array(PAGE_BYTES).fill(255);
    for (let level = 1; level <= 10; level++) levels.watch(level, 0);
    levels.startFill();
    for (let page = 0; page < 256; page++) levels.fill((page >> 4) * 1_024 + (page & 15), white);
    levels.endFill();
    for (let level = 1; level <= 10; level++)
      expect(levels.pixelsOf(level, 0)!.subarray(0, 4)).toEqual(white.subarray(0, 4));
    expect(
      levels
        .pixelsOf(10, 0)!
        .subarray(4)
        .every((value) => value === 0),
    ).toBe(true);
    levels.change(0, new Uint8Array(PAGE_BYTES));
    expect(levels.pixelsOf(10, 0)![0]).toBe(254);
    expect(levels.pixelsOf(6, 0)![0]).toBe(0);
  });

  test('a changed page that is not under a watched page is not read', () => {
    const levels = new Levels(size);
    levels.watch(3, 0);
    const unread = new Proxy(new Uint8Array(PAGE_BYTES), {
      get: () => {
        throw new Error('it was read');
      },
    });
    // First the watched page is not filled; then the change lies outside the 8 x 8 pages that it shows.
    levels.change(0, unread);
    levels.startFill();
    levels.fill(8, unread);
    levels.endFill();
    levels.change(8, unread);
    levels.change(1_024 * 8, unread);
    expect(() => levels.change(7, unread)).toThrow('it was read');
  });

  test('a page watched while all pages are visited waits for the next visit', () => {
    const levels = new Levels(size);
    levels.watch(1, 0);
    levels.startFill();
    levels.watch(1, 1);
    levels.fill(0, paint(3));
    levels.endFill();
    const handed: number[] = [];
    levels.drain((key) => handed.push(key));
    expect(handed).toEqual([pageKey(1, 0)]);
    expect(levels.pixelsOf(1, 1)).toBeUndefined();
    expect(levels.startFill()).toBe(true);
    levels.endFill();
    levels.drain((key) => handed.push(key));
    expect(handed).toEqual([pageKey(1, 0), pageKey(1, 1)]);
    expect(levels.pixelsOf(1, 1)).toBeNull();
    expect(levels.startFill()).toBe(false);
  });
});
