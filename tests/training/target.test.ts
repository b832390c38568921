import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cellIndex } from '../../server/training/kernel.ts';
import { clearOfThreshold, readTarget } from '../../server/training/target.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-target-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function png(name: string, width: number, height: number, channels: number, data: number[]): string {
  const file = join(folder, name);
  writeFileSync(file, encode({ width, height, channels: channels as 3 | 4, data: Uint8Array.from(data) }));
  return file;
}

const rounded = (values: Iterable<number>): number[] =>
  [...values].map((value) => Math.round(value * 100) / 100);

test('alphas near the alive threshold are taught clear of it, on their side, and their colours with them', () => {
  const row = [0, 10, 18, 25, 26, 40, 46, 255].flatMap((alpha) => [255, 0, 0, alpha]);
  const target = readTarget({ image: png('rim.png', 8, 1, 4, row), scale: 1, padding: 4, crop: false });
  const taught = clearOfThreshold(target);
  const first = cellIndex(target.shape, 4, 4) * 4;
  const seen = ({ rgba }: typeof target): number[][] =>
    Array.from({ length: 8 }, (_, x) => rounded(rgba.subarray(first + x * 4, first + x * 4 + 4)));
  expect(seen(taught)).toEqual(
    [0, 0.04, 0.04, 0.04, 0.18, 0.18, 0.18, 1].map((alpha) => [alpha, 0, 0, alpha]),
  );
  expect(seen(target).map(([, , , alpha]) => alpha)).toEqual([0, 0.04, 0.07, 0.1, 0.1, 0.16, 0.18, 1]);
});

test('a picture is cropped to its content, scaled, padded and premultiplied', () => {
  const pixels = Array(5 * 4 * 4).fill(0);
  pixels.splice((1 * 5 + 2) * 4, 8, 255, 0, 51, 255, 255, 255, 255, 51); // two pixels at (2, 1) and (3, 1)
  const image = png('two.png', 5, 4, 4, pixels);
  const target = readTarget({ image, scale: 3, padding: 4 });
  expect([target.width, target.height]).toEqual([6, 3]);
  expect([target.shape.width, target.shape.height]).toEqual([14, 11]);
  const at = (x: number, y: number): number[] => {
    const cell = cellIndex(target.shape, x, y) * 4;
    return rounded(target.rgba.subarray(cell, cell + 4));
  };
  expect(at(4, 4)).toEqual([1, 0, 0.2, 1]);
  expect(at(6, 6)).toEqual([1, 0, 0.2, 1]);
  expect(at(7, 4)).toEqual([0.2, 0.2, 0.2, 0.2]);
  expect(at(3, 4)).toEqual([0, 0, 0, 0]);
  expect(at(10, 6)).toEqual([0, 0, 0, 0]);
});

test('at a scale that is not whole, a cell is the mean of the pixels it covers, weighted by alpha', () => {
  const image = png('row.png', 2, 1, 4, [255, 0, 0, 255, 255, 255, 255, 51]);
  const target = readTarget({ image, scale: 1.5, padding: 4 });
  expect([target.width, target.height]).toEqual([3, 2]);
  for (const y of [4, 5]) {
    const row = [4, 5, 6].map((x) => cellIndex(target.shape, x, y) * 4);
    const cells = row.map((at) => [...target.rgba.subarray(at, at + 4)]);
    expect(cells[0]).toEqual([1, 0, 0, 1]);
    expect(rounded(cells[1])).toEqual([0.6, 0.1, 0.1, 0.6]);
    expect(rounded(cells[2])).toEqual([0.2, 0.2, 0.2, 0.2]);
  }
});

test('a sprite of the development dependency is found by name', () => {
  const target = readTarget({ sprite: 'pikachu', scale: 2, padding: 12 });
  expect([target.width, target.height]).toEqual([42, 40]);
});

test('a picture that cannot be grown is refused by name', () => {
  const read =
    (image: string, scale = 1) =>
    () =>
      readTarget({ image, scale, padding: 4 });
  const text = join(folder, 'text.png');
  writeFileSync(text, 'not a picture');
  expect(read(join(folder, 'none.png'))).toThrow('none.png: no such file');
  expect(read(text)).toThrow('text.png is not a PNG that can be read');
  expect(read(png('empty.png', 3, 3, 4, Array(36).fill(0)))).toThrow('empty.png is transparent everywhere');
  expect(read(png('rgb.png', 2, 2, 3, Array(12).fill(9)))).toThrow('rgb.png has no alpha channel');
  expect(read(png('big.png', 50, 1, 4, Array(200).fill(255)), 3)).toThrow(
    'is 150x3 cells at scale 3; at most 128 fit',
  );
  expect(() => readTarget({ sprite: 'missingno', scale: 2, padding: 4 })).toThrow(
    'no sprite named missingno',
  );
  expect(() => readTarget({ sprite: '../x', scale: 2, padding: 4 })).toThrow('not the name of a sprite');
});
