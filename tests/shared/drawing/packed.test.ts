import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  blankDrawing,
  DrawingError,
  MAX_COLOURS,
  MAX_DRAWING_SIDE,
} from '../../../shared/drawing/drawing.ts';
import {
  coloursOf,
  MAX_PACKED_CHARACTERS,
  packDrawing,
  unpackDrawing,
} from '../../../shared/drawing/packed.ts';
import { MAX_CLIENT_MESSAGE_BYTES } from '../../../shared/limits.ts';
import { seededRandom } from '../../engines/fixtures.ts';
import { anyDrawing, block, drawn } from './drawings.ts';

/** @returns the reason, or 'a drawing'; anything but a DrawingError is thrown on */
function outcome(text: string): string {
  try {
    const { width, height, rgba } = unpackDrawing(text);
    expect(rgba.length).toBe(width * height * 4);
    return 'a drawing';
  } catch (error) {
    if (error instanceof DrawingError) return error.message;
    throw error;
  }
}

describe('a packed drawing', () => {
  test('is read back as it was', () => {
    fc.assert(
      fc.property(anyDrawing, (drawing) => {
        expect(unpackDrawing(packDrawing(drawing))).toEqual(drawing);
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  test('is the text that it has always been, so that links stay good', () => {
    const drawing = drawn(['.ab.', 'aabb', 'aabb'], { a: [255, 0, 0, 255], b: [0, 0, 255, 255] });
    // 1, 4 x 3, two opaque colours; eight indexes (0x87: .ab.aabb), then four cells like those above (0x43).
    expect(packDrawing(drawing)).toBe('AQQDAgD_AAAAAP-HASARIkM');
    expect(unpackDrawing(packDrawing(drawing))).toEqual(drawing);
  });

  test('of flat colours is short, and takes no more for being larger', () => {
    expect(packDrawing(block(20, 20)).length).toBeLessThan(60);
    expect(packDrawing(block(50, 50)).length).toBeLessThan(120);
  });

  test('of the worst picture still fits a message with its name', () => {
    const random = seededRandom(1);
    const drawing = blankDrawing(MAX_DRAWING_SIDE);
    const palette = Array.from({ length: MAX_COLOURS }, () =>
      [0, 1, 2].map(() => Math.floor(random() * 256)),
    );
    for (let cell = 0; cell < MAX_DRAWING_SIDE ** 2; cell++) {
      const i = cell < MAX_COLOURS ? cell : Math.floor(random() * MAX_COLOURS);
      drawing.rgba.set([...palette[i], 1 + (i % 255)], cell * 4);
    }
    const text = packDrawing(drawing);
    expect(text.length).toBe(MAX_PACKED_CHARACTERS);
    expect(text.length).toBeLessThan(MAX_CLIENT_MESSAGE_BYTES - 512);
    expect(unpackDrawing(text)).toEqual(drawing);
  });

  test('has at most 255 colours and 64 cells a side', () => {
    const drawing = blankDrawing(16);
    for (let cell = 0; cell < 256; cell++) drawing.rgba.set([cell, 0, 0, 255], cell * 4);
    expect(coloursOf(drawing)).toHaveLength(256);
    expect(() => packDrawing(drawing)).toThrow('256 colours has too many; at most 255 fit');
    expect(() => packDrawing(blankDrawing(65, 3))).toThrow('65 x 3 cells is too large');
  });
});

describe('a text that is not a drawing', () => {
  const good = packDrawing(
    drawn(['abcd', 'dcba', 'abcd'], {
      a: [1, 2, 3, 255],
      b: [4, 5, 6, 128],
      c: [7, 8, 9, 255],
      d: [9, 9, 9, 200],
    }),
  );

  test.each([
    ['nothing', ''],
    ['words', 'not a drawing!'],
    ['another version', `B${good.slice(1)}`],
    ['half of one', good.slice(0, Math.floor(good.length / 2))],
    ['one with more behind it', `${good}AAAA`],
    ['one of no width', good.replace(/^AQQ/, 'AQA')],
    ['one that is too long', 'A'.repeat(MAX_PACKED_CHARACTERS + 1)],
  ])('is refused: %s', (_what, text) => {
    expect(() => unpackDrawing(text)).toThrow(DrawingError);
  });

  test('is refused or read as a drawing of its bounds, whatever its letters are', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const letters = fc
      .uint8Array({ max: 63, maxLength: 200 })
      .map((digits) => Array.from(digits, (digit) => alphabet[digit]).join(''));
    let read = 0;
    const check = (text: string): void => {
      if (outcome(text) === 'a drawing') read++;
    };
    fc.assert(fc.property(letters, check), { numRuns: 500, seed: 2 });
    fc.assert(
      fc.property(letters, (text) => check(`AQQDAgA${text}`)),
      { numRuns: 500, seed: 3 },
    );
    fc.assert(fc.property(fc.string({ maxLength: 60 }), check), { numRuns: 200, seed: 4 });
    const changed = fc.tuple(fc.nat(good.length - 1), fc.constantFrom(...'AZaz09-_'));
    fc.assert(
      fc.property(changed, ([at, letter]) => check(good.slice(0, at) + letter + good.slice(at + 1))),
      { numRuns: 300, seed: 5 },
    );
    expect(read).toBeGreaterThan(20);
  });
});
