import fc from 'fast-check';
import { expect, test } from 'vitest';
import { straightRgba8, straightRow } from '../../shared/straight.ts';

const byte = fc.integer({ min: 0, max: 255 });

test('pixels and the floats that they stand for become the same straight bytes, bright colours clamped', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(byte, byte, byte, byte), { minLength: 1, maxLength: 8 }), (pixels) => {
      const bytes = Uint8Array.from([0, 0, ...pixels.flat()]);
      const ofPixels = new Uint8Array(3 + pixels.length * 4);
      straightRow(bytes, 2, ofPixels, 3, pixels.length);
      const ofFloats = new Uint8Array(pixels.length * 4);
      const floats = Float32Array.from(pixels.flat(), (value) => value / 255);
      for (let i = 0; i < pixels.length; i++) straightRgba8(floats, i * 4, ofFloats, i * 4);
      for (const [i, value] of ofFloats.entries()) {
        const alpha = pixels[i >> 2][3];
        // Half-way between two bytes, floats may round either way.
        const isHalf = (510 * pixels[i >> 2][i & 3]) % (2 * alpha) === alpha;
        expect(Math.abs(ofPixels[3 + i] - value)).toBeLessThanOrEqual(isHalf ? 1 : 0);
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});

test('alpha stays, a colour is divided by it, and what has no alpha is blank', () => {
  const row = new Uint8Array(12);
  straightRow(Uint8Array.from([64, 32, 0, 128, 9, 9, 9, 0, 200, 10, 0, 100]), 0, row, 0, 3);
  expect([...row]).toEqual([128, 64, 0, 128, 0, 0, 0, 0, 255, 26, 0, 100]);
  const cell = new Uint8Array(4).fill(7);
  straightRgba8(Float32Array.from([0.5, 0.25, 0, 0.001]), 0, cell, 0);
  expect([...cell]).toEqual([0, 0, 0, 0]);
});
