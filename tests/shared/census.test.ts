import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CensusError, decodeCensus, encodeCensus, isAsleep } from '../../shared/census.ts';

const organism = fc.record({
  x: fc.integer({ min: 0, max: 65_535 }),
  y: fc.integer({ min: 0, max: 65_535 }),
  isAsleep: fc.boolean(),
});

describe('a census', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(organism, { maxLength: 40 }), (organisms) => {
        const census = decodeCensus(encodeCensus(organisms));
        const read = Array.from({ length: census.count }, (_, i) => ({
          x: census.xs[i],
          y: census.ys[i],
          isAsleep: isAsleep(census, i),
        }));
        expect(read).toEqual(organisms);
      }),
      { seed: 1 },
    );
  });

  test('of 20,000 organisms has 82,504 bytes', () => {
    const all = Array.from({ length: 20_000 }, () => ({ x: 1, y: 2, isAsleep: true }));
    expect(encodeCensus(all)).toHaveLength(82_504);
  });

  test('has who stands outside the world at its edge', () => {
    const bytes = encodeCensus([{ x: -3, y: 70_000, isAsleep: false }]);
    const { xs, ys } = decodeCensus(bytes);
    expect([...xs, ...ys]).toEqual([0, 65_535]);
  });

  test('that is cut off, too long or too many is refused, and any other bytes are too or can be read', () => {
    const bytes = encodeCensus([
      { x: 1, y: 2, isAsleep: true },
      { x: 3, y: 4, isAsleep: false },
    ]);
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeCensus(bytes.subarray(0, length))).toThrow(CensusError);
    expect(() => decodeCensus(Uint8Array.of(...bytes, 0))).toThrow(CensusError);
    expect(() => decodeCensus(Uint8Array.of(0, 0, 1, 0))).toThrow('65536 organisms');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
        try {
          expect(decodeCensus(any).xs).toHaveLength(any[0] + 256 * any[1]);
        } catch (error) {
          expect(error).toBeInstanceOf(CensusError);
        }
      }),
      { seed: 2 },
    );
  });
});
