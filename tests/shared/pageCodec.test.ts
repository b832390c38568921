import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PAGE_BYTES, PAGE_CELLS } from '../../shared/geometry.ts';
import {
  decodePage,
  encodeKeyframe,
  encodePage,
  MAX_PAYLOAD_BYTES,
  PageCodecError,
  pagesEqual,
} from '../../shared/pageCodec.ts';

/** A page of blocks and specks: runs of many lengths, and gaps between them. */
const page = fc
  .array(
    fc.record({
      from: fc.integer({ min: 0, max: PAGE_CELLS ** 2 - 1 }),
      cells: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: PAGE_CELLS ** 2 })),
      rgba: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      /** Added to each next cell, so that neighbours differ by little. */
      drift: fc.integer({ min: 0, max: 3 }),
    }),
    { maxLength: 12 },
  )
  .map((blocks) => {
    const pixels = new Uint8Array(PAGE_BYTES);
    for (const { from, cells, rgba, drift } of blocks)
      for (let cell = from; cell < Math.min(from + cells, PAGE_CELLS ** 2); cell++)
        for (let c = 0; c < 4; c++) pixels[cell * 4 + c] = rgba[c] + drift * (cell - from);
    return pixels;
  });
const epsilons = fc.constantFrom(0, 1, 2, 7, 255);

const worst = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

describe('a delta', () => {
  test('brings a reader of the old pixels exactly to what is published, within epsilon of the truth', () => {
    fc.assert(
      fc.property(page, page, epsilons, (old, truth, epsilon) => {
        const published = old.slice();
        const payload = encodePage(published, truth, epsilon);
        expect(worst(published, truth)).toBeLessThanOrEqual(epsilon);
        const reader = old.slice();
        if (payload !== null) decodePage(payload, reader);
        expect(pagesEqual(reader, published)).toBe(true);
        expect(payload === null).toBe(pagesEqual(old, published));
        if (epsilon === 0) expect(pagesEqual(published, truth)).toBe(true);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  test('reads its truth at any address', () => {
    const backing = new Uint8Array(PAGE_BYTES + 1);
    const truth = backing.subarray(1).fill(9);
    const published = new Uint8Array(PAGE_BYTES);
    const payload = encodePage(published, truth, 0);
    expect(pagesEqual(published, truth)).toBe(true);
    expect(payload).toEqual(encodeKeyframe(truth));
  });

  test('is never longer than the stated bound, which is reached', () => {
    const truth = new Uint8Array(PAGE_BYTES);
    for (let cell = 1; cell < PAGE_CELLS ** 2; cell += 2) truth[cell * 4] = 200;
    expect(encodeKeyframe(truth).length).toBe((PAGE_CELLS ** 2 / 2) * 6);
    expect(encodeKeyframe(new Uint8Array(PAGE_BYTES).fill(1)).length).toBeLessThan(MAX_PAYLOAD_BYTES);
  });
});

describe('a keyframe', () => {
  test('holds the whole page, and nothing at all for a page of zeros', () => {
    fc.assert(
      fc.property(page, (pixels) => {
        const reader = new Uint8Array(PAGE_BYTES);
        decodePage(encodeKeyframe(pixels), reader);
        expect(pagesEqual(reader, pixels)).toBe(true);
      }),
      { numRuns: 50, seed: 2 },
    );
    expect(encodeKeyframe(new Uint8Array(PAGE_BYTES)).length).toBe(0);
  });
});

/** It decodes, or throws the codec's own error and leaves the page as it was. */
function survives(payload: Uint8Array): void {
  const before = new Uint8Array(PAGE_BYTES).fill(7);
  const held = before.slice();
  try {
    decodePage(payload, held);
  } catch (error) {
    expect(error).toBeInstanceOf(PageCodecError);
    expect(pagesEqual(held, before)).toBe(true);
  }
}

describe('a bad payload', () => {
  test('of random bytes decodes or throws, and a throw leaves the page alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (payload) => survives(payload)),
      { numRuns: 2_000, seed: 3 },
    );
  });

  test('cut short anywhere, or with any bit flipped, decodes or throws', () => {
    const truth = new Uint8Array(PAGE_BYTES);
    for (const cell of [0, 1, 2, 200, 300, 301, 4_095]) truth.set([cell, 1, 2, 255], cell * 4);
    const payload = encodeKeyframe(truth);
    for (let length = 0; length < payload.length; length++) survives(payload.subarray(0, length));
    for (let bit = 0; bit < payload.length * 8; bit++) {
      const flipped = payload.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      survives(flipped);
    }
  });

  test.each([
    ['a run of no cells', [0, 0]],
    ['a run past the last cell', [0xff, 0x1f, 2, 1, 1, 1, 1, 1, 1, 1, 1]],
    ['a length over 14 bits', [0x80, 0x80, 0x01, 1, 1, 1, 1]],
    ['a run longer than the payload', [0, 2, 1, 1, 1, 1]],
    ['a skip with no run', [5]],
  ])('%s is refused', (_name, bytes) => {
    const held = new Uint8Array(PAGE_BYTES);
    expect(() => decodePage(Uint8Array.from(bytes), held)).toThrow(PageCodecError);
    expect(held.every((value) => value === 0)).toBe(true);
  });

  test('a page of another size is refused', () => {
    expect(() => decodePage(new Uint8Array(0), new Uint8Array(3))).toThrow(PageCodecError);
  });
});
