import { expect, test } from 'vitest';
import { Overview } from '../../client/overview.ts';
import type { Page } from '../../client/page-store.ts';
import { PAGE_BYTES } from '../../shared/geometry.ts';

const page = (px: number, py: number, value: number): Page => ({
  index: 0,
  px,
  py,
  pixels: new Uint8Array(PAGE_BYTES).fill(value),
  version: 1,
});

test('a page becomes the averages of its blocks, and goes again', () => {
  const overview = new Overview({ width: 128, height: 128 });
  expect([overview.width, overview.height, overview.block]).toEqual([16, 16, 8]);
  const half = page(1, 0, 0);
  half.pixels.fill(200, 0, (4 * 64 + 64) * 4 - 64 * 4); // the first four rows
  overview.draw(half);
  expect(overview.pixels[8 * 4]).toBe(100);
  expect(overview.pixels[0]).toBe(0);
  overview.clear(1, 0);
  expect(overview.pixels.every((value) => value === 0)).toBe(true);
});

test('the largest world still fits a small picture', () => {
  const overview = new Overview({ width: 65_536, height: 65_536 });
  expect(overview.block).toBe(64);
  expect(overview.width).toBe(1_024);
  overview.draw(page(1_023, 1_023, 7));
  expect(overview.pixels[overview.pixels.length - 1]).toBe(7);
});

test('softening spreads light and invents none', () => {
  const overview = new Overview({ width: 128, height: 128 });
  overview.pixels.fill(255, (8 * 16 + 8) * 4, (8 * 16 + 8) * 4 + 4);
  const out = new Uint8Array(overview.pixels.length);
  overview.soften(out, new Uint8Array(out.length));
  expect(out[(8 * 16 + 8) * 4]).toBeGreaterThan(out[(8 * 16 + 7) * 4]);
  expect(out[(8 * 16 + 7) * 4]).toBeGreaterThan(0);
  const sum = out.reduce((total, value) => total + value, 0);
  expect(sum).toBeLessThanOrEqual(4 * 255);
});
