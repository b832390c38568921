import { describe, expect, test } from 'vitest';
import { glow, soften, WorldMap } from '../../../client/stream/overview.ts';
import { PageStore } from '../../../client/stream/pageStore.ts';
import { Pyramid } from '../../../client/stream/pyramid.ts';
import { PAGE_BYTES } from '../../../shared/geometry.ts';
import { key } from './pages.ts';

const full = (value: number): Uint8Array => new Uint8Array(PAGE_BYTES).fill(value);

describe('the map of the world', () => {
  test('shows a page as the averages of its blocks', () => {
    const map = new WorldMap({ width: 128, height: 128 });
    expect([map.width, map.height, map.block]).toEqual([32, 32, 4]);
    const page = full(0);
    page.fill(200, 0, 2 * 64 * 4); // the first two rows: half of the first blocks
    map.draw(page, 0, 1, 0);
    expect(map.pixels[16 * 4]).toBe(100);
    expect(map.pixels[0]).toBe(0);
    map.draw(full(0), 0, 1, 0);
    expect(map.pixels.every((value) => value === 0)).toBe(true);
  });

  test('is filled by coarse pages too, and not by pages smaller than a texel', () => {
    const map = new WorldMap({ width: 65_536, height: 65_536 });
    expect([map.width, map.block]).toEqual([256, 256]);
    map.draw(full(9), 1, 0, 0);
    expect(map.pixels.every((value) => value === 0)).toBe(true);
    map.draw(full(9), 2, 255, 255);
    expect(map.pixels.at(-1)).toBe(9);
    map.draw(full(7), 10, 0, 0);
    expect(map.pixels.every((value) => value === 7)).toBe(true);
  });
});

test('the light of each place comes from the wanted level, else from a finer one, at the place of those pages', () => {
  const pyramid = new Pyramid({ width: 1_024, height: 1_024 });
  const store = new PageStore(pyramid);
  store.apply([key({ level: 1, px: 1, py: 1 }, 1, full(200)), key({ px: 4, py: 2 }, 1, full(100))]);
  const { cells, image } = glow(store, 1, { left: 1, top: 1, right: 2, bottom: 1 });
  expect(cells).toEqual({ x: 128, y: 128, width: 256, height: 128 });
  expect([image.width, image.height]).toEqual([16, 8]);
  const alpha = (x: number, y: number): number => image.pixels[(y * 16 + x) * 4 + 3];
  expect(alpha(2, 4)).toBe(200);
  expect(alpha(9, 0)).toBeGreaterThan(80);
  expect(alpha(15, 7)).toBe(0);
});

test('softening spreads light, and the sum does not grow', () => {
  const pixels = new Uint8Array(16 * 16 * 4);
  pixels.fill(255, (8 * 16 + 8) * 4, (8 * 16 + 8) * 4 + 4);
  soften(pixels, 16, 16);
  expect(pixels[(8 * 16 + 8) * 4]).toBeGreaterThan(pixels[(8 * 16 + 7) * 4]);
  expect(pixels[(8 * 16 + 7) * 4]).toBeGreaterThan(0);
  expect(pixels.reduce((total, value) => total + value, 0)).toBeLessThanOrEqual(4 * 255);
});
