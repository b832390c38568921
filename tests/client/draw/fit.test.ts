import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitted, type Pixels, reduced, withoutBackground } from '../../../client/draw/fit.ts';
import { MIN_LIVING_ALPHA } from '../../../shared/drawing/drawing.ts';
import { coloursOf } from '../../../shared/drawing/packed.ts';
import { anyDrawing } from '../../shared/drawing/drawings.ts';

function picture(width: number, height: number, at: (x: number, y: number) => readonly number[]): Pixels {
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rgba.set(at(x, y), (y * width + x) * 4);
  return { width, height, rgba };
}
const whole = ({ width, height }: Pixels): { x: number; y: number; width: number; height: number } => ({
  x: 0,
  y: 0,
  width,
  height,
});

const WHITE = [255, 255, 255, 255];
const RED = [220, 20, 20, 255];

describe('the background', () => {
  const ring = picture(20, 20, (x, y) => {
    const away = Math.hypot(x - 9.5, y - 9.5);
    return away > 8 || away < 4 ? WHITE : RED;
  });

  test('is what the border’s colour reaches; what the figure encloses stays', () => {
    const { rgba } = withoutBackground(ring, 30);
    expect(rgba[3]).toBe(0);
    expect([...rgba.slice((10 * 20 + 10) * 4, (10 * 20 + 10) * 4 + 4)]).toEqual(WHITE);
    expect([...rgba.slice((10 * 20 + 3) * 4, (10 * 20 + 3) * 4 + 4)]).toEqual(RED);
  });

  test('may differ by the tolerance', () => {
    const shaded = picture(20, 20, (x, y) =>
      Math.hypot(x - 9.5, y - 9.5) < 6 ? RED : [235 + x, 235 + x, 235 + x, 255],
    );
    const left = (tolerance: number): number =>
      withoutBackground(shaded, tolerance).rgba.filter((value, i) => i % 4 === 3 && value > 0).length;
    expect(left(60)).toBe(left(100));
    expect(left(0)).toBeGreaterThan(left(60));
  });

  test('of a picture that is cut out already is left alone', () => {
    const cut = picture(10, 10, (x, y) => (x > 2 && x < 7 && y > 2 ? RED : [0, 0, 0, 0]));
    expect(withoutBackground(cut, 200).rgba).toEqual(cut.rgba);
  });
});

describe('a fitted picture', () => {
  test('is cropped to what is not clear, and keeps its form', () => {
    const shape = picture(100, 60, (x, y) => (x >= 20 && x < 60 && y >= 10 && y < 30 ? RED : [0, 0, 0, 0]));
    const drawing = fitted(shape, whole(shape), 16);
    expect([drawing?.width, drawing?.height]).toEqual([16, 8]);
    expect(coloursOf(drawing!)).toHaveLength(1);
  });

  test('of pixels as large as cells is the same pixels, also when each is blown up', () => {
    const small = picture(8, 8, (x, y) => [x * 30, y * 30, 90, 255]);
    const large = picture(56, 56, (x, y) => [Math.floor(x / 7) * 30, Math.floor(y / 7) * 30, 90, 255]);
    expect(fitted(small, whole(small), 8)?.rgba).toEqual(small.rgba);
    expect(fitted(large, whole(large), 8)?.rgba).toEqual(small.rgba);
  });

  test('mixes colours by their opacity: what is clear gives none', () => {
    const half = picture(2, 1, (x) => (x === 0 ? RED : [0, 255, 0, 0]));
    const joined = picture(4, 2, (x, y) =>
      y === 1 ? RED : [...half.rgba.slice((x % 2) * 4, (x % 2) * 4 + 4)],
    );
    expect([...fitted(joined, whole(joined), 2)!.rgba]).toEqual([220, 20, 20, 191, 220, 20, 20, 191]);
  });

  test('of a part of the picture is that part', () => {
    const two = picture(40, 20, (x) => (x < 20 ? RED : WHITE));
    const drawing = fitted(two, { x: 20, y: 0, width: 20, height: 20 }, 8);
    expect(coloursOf(drawing!)).toEqual([0xffffffff]);
  });

  test('has cells that live or are clear, at most as many a side as were asked for', () => {
    const any = fc
      .record({
        width: fc.integer({ min: 1, max: 40 }),
        height: fc.integer({ min: 1, max: 40 }),
        noise: fc.uint8Array({ minLength: 64, maxLength: 64 }),
        side: fc.integer({ min: 1, max: 64 }),
      })
      .map(({ width, height, noise, side }) => ({
        side,
        pixels: picture(width, height, (x, y) => [0, 1, 2, 3].map((c) => noise[(x * 7 + y * 13 + c) % 64])),
      }));
    fc.assert(
      fc.property(any, ({ pixels, side }) => {
        const drawing = fitted(pixels, whole(pixels), side);
        if (drawing === null) return;
        expect(Math.max(drawing.width, drawing.height)).toBe(side);
        const alphas = drawing.rgba.filter((_, i) => i % 4 === 3);
        expect(alphas.filter((alpha) => alpha > 0 && alpha < MIN_LIVING_ALPHA)).toHaveLength(0);
      }),
      { numRuns: 80, seed: 1 },
    );
  });

  test('is nothing when nothing is left', () => {
    const none = picture(5, 5, () => [9, 9, 9, 3]);
    expect(fitted(none, whole(none), 16)).toBeNull();
  });
});

describe('few colours', () => {
  test('are at most as many as asked for, and clear cells stay clear', () => {
    fc.assert(
      fc.property(anyDrawing, fc.integer({ min: 1, max: 40 }), (drawing, count) => {
        const result = reduced(drawing, count);
        expect(coloursOf(result).length).toBeLessThanOrEqual(count);
        const clear = (one: typeof drawing): string =>
          one.rgba
            .filter((_, i) => i % 4 === 3)
            .map((a) => +(a > 0))
            .join('');
        expect(clear(result)).toBe(clear(drawing));
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  test('are the colours that there are, when these are no more', () => {
    const two = picture(6, 6, (x) => (x < 3 ? RED : WHITE));
    expect(reduced({ ...two, rgba: Uint8Array.from(two.rgba) }, 2).rgba).toEqual(two.rgba);
  });

  test('join what is alike and keep what is not', () => {
    const shades = picture(8, 1, (x) => [x < 4 ? 10 + x : 240 + x, 0, 0, 255]);
    const result = reduced({ ...shades, rgba: Uint8Array.from(shades.rgba) }, 2);
    expect([...new Set(Array.from(result.rgba).filter((_, i) => i % 4 === 0))]).toEqual([12, 246]);
  });
});
