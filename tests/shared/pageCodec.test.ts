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
import { seededRandom } from '../engines/fixtures.ts';

/** Pages of blocks and specks: runs of many lengths, with gaps between them. */
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
  test('moves a reader of the old pixels to exactly the published ones, which are within epsilon of the truth', () => {
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

  test('can be made from a truth that lies at any address', () => {
    const backing = new Uint8Array(PAGE_BYTES + 1);
    const truth = backing.subarray(1).fill(9);
    const published = new Uint8Array(PAGE_BYTES);
    const payload = encodePage(published, truth, 0);
    expect(pagesEqual(published, truth)).toBe(true);
    expect(payload).toEqual(encodeKeyframe(truth));
  });

  test('is never longer than MAX_PAYLOAD_BYTES, and a keyframe of noise is exactly that long', () => {
    const noise = fc.uint8Array({ minLength: PAGE_BYTES, maxLength: PAGE_BYTES });
    fc.assert(
      fc.property(page, fc.oneof(page, noise), epsilons, (old, truth, epsilon) => {
        const payload = encodePage(old.slice(), truth, epsilon);
        expect(payload?.length ?? 0).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES);
      }),
      { numRuns: 50, seed: 5 },
    );
    const random = seededRandom(1);
    const truth = Uint8Array.from({ length: PAGE_BYTES }, () => random() * 256);
    const keyframe = encodeKeyframe(truth);
    expect(keyframe.length).toBe(MAX_PAYLOAD_BYTES);
    const reader = new Uint8Array(PAGE_BYTES);
    decodePage(keyframe, reader);
    expect(pagesEqual(reader, truth)).toBe(true);
  });

  test('does not change a cell that is within epsilon', () => {
    fc.assert(
      fc.property(page, page, epsilons, (old, truth, epsilon) => {
        const published = old.slice();
        const payload = encodePage(published, truth, epsilon);
        // A page that coding would not make shorter is sent uncoded, and exactly.
        if (payload?.length === MAX_PAYLOAD_BYTES) {
          expect(pagesEqual(published, truth)).toBe(true);
          return;
        }
        for (let cell = 0; cell < PAGE_BYTES; cell += 4) {
          const [before, goal] = [old.subarray(cell, cell + 4), truth.subarray(cell, cell + 4)];
          if (worst(before, goal) <= epsilon && worst(before, published.subarray(cell, cell + 4)) > 0)
            throw new Error(`cell ${cell / 4} moved without need`);
        }
      }),
      { numRuns: 30, seed: 6 },
    );
  });
});

describe('a keyframe', () => {
  test('gives the whole page to a reader of zeros, and has no bytes for a page of zeros', () => {
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

/** Payloads to damage: updates of a flickering body with small and large changes, and random pages. */
function corpus(): { base: Uint8Array; payload: Uint8Array; result: Uint8Array }[] {
  const random = seededRandom(7);
  const entries = [];
  const body = new Uint8Array(PAGE_BYTES);
  for (let cell = 0; cell < PAGE_CELLS ** 2; cell++) {
    const [x, y] = [cell % PAGE_CELLS, Math.floor(cell / PAGE_CELLS)];
    if (Math.hypot(x - 30, y - 33) < 8) body.set([x * 4, y * 3, (x * y) & 255, 255], cell * 4);
  }
  for (const [share, reach] of [
    [0.002, 1],
    [0.02, 2],
    [0.3, 2],
    [0.1, 40],
  ]) {
    const truth = body.slice();
    for (let i = 0; i < PAGE_BYTES; i++)
      if (truth[i | 3] > 0 && random() < share) truth[i] += Math.round((random() * 2 - 1) * reach);
    for (const epsilon of [0, 1]) {
      const published = body.slice();
      const payload = encodePage(published, truth, epsilon);
      if (payload !== null) entries.push({ base: body, payload, result: published });
    }
  }
  entries.push({ base: new Uint8Array(PAGE_BYTES), payload: encodeKeyframe(body), result: body });
  for (const [old, truth] of fc.sample(fc.tuple(page, page), { numRuns: 3, seed: 8 })) {
    const published = old.slice();
    const payload = encodePage(published, truth, 2);
    if (payload !== null && payload.length < 600) entries.push({ base: old, payload, result: published });
  }
  return entries;
}

/** @returns whether decoding throws a `PageCodecError` and leaves the page alone, or gives exactly `result` */
function isCaught(payload: Uint8Array, base: Uint8Array, result: Uint8Array | null): boolean {
  const held = base.slice();
  try {
    decodePage(payload, held);
  } catch (error) {
    expect(error).toBeInstanceOf(PageCodecError);
    expect(pagesEqual(held, base)).toBe(true);
    return true;
  }
  return result === null || pagesEqual(held, result);
}

describe('a bad payload', () => {
  const damaged = corpus();

  test('is tried on a corpus of at least nine payloads, short and long', () => {
    const lengths = damaged.map(({ payload }) => payload.length);
    expect(lengths.length).toBeGreaterThanOrEqual(9);
    expect(Math.min(...lengths)).toBeLessThan(20);
    expect(Math.max(...lengths)).toBeGreaterThan(400);
  });

  test('of random bytes throws and leaves the page alone', () => {
    let kept = 0;
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 400 }),
        fc.constantFrom(...damaged),
        (payload, { base }) => {
          const held = base.slice();
          try {
            decodePage(payload, held);
            kept++;
          } catch (error) {
            expect(error).toBeInstanceOf(PageCodecError);
            expect(pagesEqual(held, base)).toBe(true);
          }
        },
      ),
      { numRuns: 2_000, seed: 3 },
    );
    // With 16 bits of check, one in 65,536 would slip through.
    expect(kept).toBe(0);
  });

  test('cut short anywhere throws', () => {
    for (const { base, payload, result } of damaged) {
      // A keyframe cut to 0 bytes says "blank page": the codec cannot tell, so the cut starts at 1.
      const least = base.some((value) => value !== 0) ? 0 : 1;
      for (let length = least; length < payload.length; length++)
        expect(isCaught(payload.subarray(0, length), base, result)).toBe(true);
    }
  });

  test('with any bit flipped throws, or still gives the page that was sent', () => {
    for (const { base, payload, result } of damaged) {
      for (let bit = 0; bit < payload.length * 8; bit++) {
        const flipped = payload.slice();
        flipped[bit >> 3] ^= 1 << (bit & 7);
        expect(isCaught(flipped, base, result)).toBe(true);
      }
    }
  });

  test('with bytes added, swapped or overwritten throws', () => {
    const tamper = fc.record({
      entry: fc.constantFrom(...damaged),
      at: fc.nat(),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
      insert: fc.boolean(),
    });
    fc.assert(
      fc.property(tamper, ({ entry: { base, payload, result }, at, bytes, insert }) => {
        const from = at % (payload.length + 1);
        const tail = payload.subarray(insert ? from : Math.min(payload.length, from + bytes.length));
        const tampered = Uint8Array.from([...payload.subarray(0, from), ...bytes, ...tail]);
        expect(isCaught(tampered, base, result)).toBe(true);
      }),
      { numRuns: 2_000, seed: 9 },
    );
  });

  test('for another base throws, or still gives the page that was sent', () => {
    for (const { base, payload, result } of damaged) {
      for (let i = 1; i < PAGE_BYTES; i += 1_021) {
        const other = base.slice();
        other[i] ^= 1;
        expect(isCaught(payload, other, result)).toBe(true);
      }
    }
  });

  test.each([
    ['nothing, for a page that is not blank', [], /is not blank/],
    ['one byte', [5], /inside its check/],
    ['bytes behind the last decision', [0, 0, ...new Array(3_000).fill(0xff)], /no encoder|check/],
    ['one byte more than the largest payload', new Array(MAX_PAYLOAD_BYTES + 1).fill(0), /at most/],
    ['a page with another check', [1, 2, ...new Array(PAGE_BYTES).fill(9)], /check/],
  ])('%s is refused', (_name, bytes, message) => {
    const held = new Uint8Array(PAGE_BYTES).fill(7);
    expect(() => decodePage(Uint8Array.from(bytes), held)).toThrow(PageCodecError);
    expect(() => decodePage(Uint8Array.from(bytes), held)).toThrow(message);
    expect(held.every((value) => value === 7)).toBe(true);
  });

  test('a page of another size is refused', () => {
    const small = new Uint8Array(3);
    const whole = new Uint8Array(PAGE_BYTES);
    for (const attempt of [
      () => decodePage(new Uint8Array(0), small),
      () => encodePage(small, whole, 0),
      () => encodePage(whole, small, 0),
      () => encodeKeyframe(small),
    ])
      expect(attempt).toThrow(/page of 3 bytes/);
  });
});

describe('the check', () => {
  test('depends on every byte of the page that is tried', () => {
    // A check that ignored some bytes would let wrong pages pass.
    const seen = new Map<number, number>();
    const body = new Uint8Array(PAGE_BYTES).fill(128);
    for (let i = 0; i < PAGE_BYTES; i += 7) {
      const changed = body.slice();
      changed[i] = 129;
      const payload = encodePage(body.slice(), changed, 0)!;
      const check = payload[0] | (payload[1] << 8);
      seen.set(check, (seen.get(check) ?? 0) + 1);
    }
    // 2,341 draws of 65,536 values: about 42 pairs meet by chance.
    expect(seen.size).toBeGreaterThan(2_200);
  });
});
