import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Publisher } from '../../server/stream/publisher.ts';
import type { PublishedFrame } from '../../server/world/messages.ts';
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../../shared/frame.ts';
import { PAGE_BYTES } from '../../shared/geometry.ts';
import { pagesEqual } from '../../shared/pageCodec.ts';
import { Mirror } from './mirror.ts';

const ACROSS = 4;

/** All updates of a frame, as one client that watches everything would get them. */
function wire(frame: PublishedFrame): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + frame.bytes.length);
  writeFrameHeader(new DataView(bytes.buffer), 0, frame.frame, frame.step, frame.updates.length);
  bytes.set(frame.bytes, FRAME_HEADER_BYTES);
  return bytes;
}

const worst = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

function noise(pixels: Uint8Array, seed: number, by: number): void {
  for (let i = 0; i < 64; i++) {
    const at = Math.imul(seed + i, 2654435761) >>> 18;
    pixels[at] = Math.max(0, Math.min(255, pixels[at] + ((seed + i * 7) % (2 * by + 1)) - by));
  }
}

type Action = {
  kind: 'move' | 'keyframe' | 'unwatch' | 'twice' | 'rest';
  page: number;
  seed: number;
  by: number;
};
const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.constantFrom('move', 'move', 'move', 'keyframe', 'unwatch', 'twice', 'rest'),
  page: fc.integer({ min: 0, max: 3 }),
  seed: fc.integer({ min: 0, max: 1_000 }),
  by: fc.constantFrom(1, 2, 3, 90),
});

describe.each([0, 2, 20])('with epsilon %i', (epsilon) => {
  test('published is always within epsilon of the truth, and a client that follows holds exactly it', () => {
    fc.assert(
      fc.property(fc.array(fc.array(action, { maxLength: 4 }), { maxLength: 25 }), (frames) => {
        const publisher = new Publisher({ across: ACROSS, epsilon });
        const truth = [0, 1, 2, 3].map(() => new Uint8Array(PAGE_BYTES));
        const client = new Mirror(ACROSS);
        publisher.watch([0, 1, 2, 3]);
        let nowMs = 0;
        frames.forEach((actions, i) => {
          nowMs += 50;
          for (const page of publisher.due(nowMs)) publisher.see(page, truth[page]);
          for (const { kind, page, seed, by } of actions) {
            if (kind === 'rest') nowMs += 700;
            if (kind === 'keyframe') publisher.requestKeyframes([page]);
            if (kind === 'unwatch') {
              publisher.unwatch([page]);
              publisher.watch([page]);
              client.pages.delete(page);
            }
            for (let n = kind === 'twice' ? 2 : kind === 'move' ? 1 : 0; n > 0; n--) {
              noise(truth[page], seed + n, by);
              publisher.see(page, truth[page]);
            }
          }
          // A page watched anew is seen before the frame closes, as the world does.
          for (const page of publisher.due(nowMs)) publisher.see(page, truth[page]);
          const frame = publisher.collect(i + 1, i * 3, nowMs);
          if (frame !== null) client.apply(wire(frame));
          expect(client.gaps.size).toBe(0);
          truth.forEach((pixels, page) => {
            const held = client.pages.get(page);
            expect(held).toBeDefined();
            expect(worst(held!.pixels, pixels)).toBeLessThanOrEqual(epsilon);
          });
        });
      }),
      { numRuns: 40, seed: 4 },
    );
  });
});

describe('a page', () => {
  const seen = (epsilon: number): { publisher: Publisher; pixels: Uint8Array } => {
    const publisher = new Publisher({ across: ACROSS, epsilon, refineMs: 1_000 });
    const pixels = new Uint8Array(PAGE_BYTES).fill(100);
    publisher.watch([5]);
    expect(publisher.due(0)).toEqual([5]);
    publisher.see(5, pixels);
    expect(publisher.collect(1, 0, 0)?.updates).toMatchObject([{ page: 5, version: 1, base: 0 }]);
    return { publisher, pixels };
  };

  test('that stands still is refined to exact within two seconds, once', () => {
    const { publisher, pixels } = seen(2);
    pixels.fill(101);
    publisher.due(50);
    publisher.see(5, pixels);
    expect(publisher.collect(2, 0, 50)).toBeNull();
    expect(publisher.due(1_000)).toEqual([]);
    expect(publisher.due(1_100)).toEqual([5]);
    publisher.see(5, pixels);
    const frame = publisher.collect(3, 0, 1_100)!;
    expect(frame.updates).toMatchObject([{ page: 5, version: 3, base: 1 }]);
    expect(frame.bytes[13]).toBe(0);
    expect(publisher.due(9_000)).toEqual([]);
  });

  test('is encoded as a keyframe once for all who ask, also when it has not moved', () => {
    const { publisher } = seen(2);
    publisher.requestKeyframes([5, 5]);
    publisher.requestKeyframes([5]);
    expect(publisher.collect(2, 0, 50)?.updates).toMatchObject([{ page: 5, version: 1, base: 0 }]);
    expect(publisher.collect(3, 0, 100)).toBeNull();
  });

  test('that moved comes as a delta and, for who asked, as a keyframe of the same version', () => {
    const { publisher, pixels } = seen(0);
    pixels.fill(3);
    publisher.see(5, pixels);
    publisher.requestKeyframes([5]);
    expect(publisher.collect(2, 0, 50)?.updates).toMatchObject([
      { page: 5, version: 2, base: 1 },
      { page: 5, version: 2, base: 0 },
    ]);
  });

  test('of zeros costs a header and no pixels', () => {
    const publisher = new Publisher({ across: ACROSS, epsilon: 2 });
    publisher.watch([1]);
    publisher.see(1, new Uint8Array(PAGE_BYTES));
    const frame = publisher.collect(1, 0, 0)!;
    expect(frame.bytes.length).toBe(18);
    const client = new Mirror(ACROSS);
    client.apply(wire(frame));
    expect(pagesEqual(client.pages.get(1)!.pixels, new Uint8Array(PAGE_BYTES))).toBe(true);
  });

  test('that nobody watches is forgotten', () => {
    const { publisher, pixels } = seen(2);
    publisher.unwatch([5]);
    publisher.see(5, pixels.fill(1));
    publisher.requestKeyframes([5]);
    expect(publisher.watches(5)).toBe(false);
    expect(publisher.due(9_999)).toEqual([]);
    expect(publisher.collect(2, 0, 9_999)).toBeNull();
  });
});
