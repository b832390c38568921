import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { indexOf, Lane, laneOf, levelOf, pageKey } from '../../../server/stream/pageKey.ts';
import { Levels } from '../../../server/stream/publish/levels.ts';
import { COARSE_EVERY, Publisher } from '../../../server/stream/publish/publisher.ts';
import type { PublishedFrame } from '../../../server/stream/published.ts';
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../../../shared/frame.ts';
import { PAGE_BYTES } from '../../../shared/geometry.ts';
import { pagesEqual } from '../../../shared/pageCodec.ts';
import { seededRandom } from '../../engines/fixtures.ts';
import { FakeWorld } from '../../rooms/fakeWorld.ts';
import { Mirror } from '../mirror.ts';

const WORLD = { width: 256, height: 256 };

const ZEROS = new Uint8Array(PAGE_BYTES);

/** The updates of a frame for a client that watches every page in one lane. */
function wire(frame: PublishedFrame, lane: Lane = Lane.fine): Uint8Array {
  const updates = frame.updates.filter(({ key }) => laneOf(key) === lane);
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  writeFrameHeader(new DataView(header.buffer), 0, frame.frame, frame.step, updates.length);
  return Buffer.concat([
    header,
    ...updates.map(({ offset, length }) => frame.bytes.subarray(offset, offset + length)),
  ]);
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
  test('published pixels are always within epsilon of the truth, and a client holds exactly the published ones', () => {
    fc.assert(
      fc.property(fc.array(fc.array(action, { maxLength: 4 }), { maxLength: 25 }), (frames) => {
        const publisher = new Publisher({ world: WORLD, epsilon });
        const truth = [0, 1, 2, 3].map(() => new Uint8Array(PAGE_BYTES));
        const client = new Mirror(WORLD);
        publisher.watch([0, 1, 2, 3]);
        let nowMs = 0;
        frames.forEach((actions, i) => {
          nowMs += actions.some(({ kind }) => kind === 'rest') ? 750 : 50;
          publisher.begin(nowMs);
          for (const { kind, page, seed, by } of actions) {
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
          for (const page of publisher.due()) publisher.read(page, truth[page]);
          const frame = publisher.collect(i);
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

/** [64, 64, 4] of each key, from all existing pages. */
function averages(world: FakeWorld, keys: readonly number[]): Uint8Array[] {
  const levels = new Levels(world.ready);
  for (const key of keys) levels.watch(levelOf(key), indexOf(key));
  levels.startFill();
  for (const [page, pixels] of world.truth) levels.fill(page, pixels);
  levels.endFill();
  return keys.map((key) => levels.pixelsOf(levelOf(key), indexOf(key)) ?? ZEROS);
}

describe.each([0, 2])('with epsilon %i, a page of averages', (epsilon) => {
  const keys = [pageKey(1, 0), pageKey(1, 1), pageKey(1, 2), pageKey(1, 3), pageKey(2, 0)];

  test.each([
    ['fine', Lane.fine, epsilon, 0],
    ['coarse', Lane.coarse, 4 * epsilon, COARSE_EVERY - 1],
  ])(
    'is published within the error of the %s lane, and exactly after a second of rest',
    (_name, lane, bound, delay) => {
      const world = new FakeWorld(256, 256, epsilon);
      const client = new Mirror(world.ready);
      const draw = seededRandom(11);
      let restedFrames = 0;
      let checked = 0;
      for (let frame = 1; frame <= 240; frame++) {
        if (frame === 3)
          world.watch(
            keys.map((key) => pageKey(levelOf(key), indexOf(key), lane)),
            [],
          );
        if (frame === 30) world.watch(keys, []);
        const rests = frame % 80 >= 40;
        restedFrames = rests ? restedFrames + 1 : 0;
        for (let n = rests ? 0 : 400; n > 0; n--)
          world.paint(Math.floor(draw() * 90), Math.floor(draw() * 200), [
            255 * draw(),
            9 * draw(),
            255,
            frame,
          ]);
        const published = world.tick(frame * 50);
        if (published !== null) client.apply(wire(published, lane));
        if (frame < 3 || restedFrames < delay) continue;
        expect(client.gaps.size).toBe(0);
        checked++;
        averages(world, keys).forEach((truth, i) => {
          expect(worst(client.pages.get(keys[i])!.pixels, truth)).toBeLessThanOrEqual(
            restedFrames > 20 ? 0 : bound,
          );
        });
      }
      expect(checked).toBeGreaterThan(100);
    },
  );
});

describe('a page', () => {
  /** A page that was watched and published in frame 1. */
  const seen = (epsilon: number): { publisher: Publisher; pixels: Uint8Array } => {
    const publisher = new Publisher({ world: WORLD, epsilon, refineMs: 1_000 });
    const pixels = new Uint8Array(PAGE_BYTES).fill(100);
    publisher.watch([5]);
    publisher.begin(0);
    expect([...publisher.due()]).toEqual([5]);
    publisher.read(5, pixels);
    expect(publisher.collect(0)?.updates).toMatchObject([{ key: 5, version: 2, base: 0 }]);
    return { publisher, pixels };
  };

  test('that stands still is refined to exact within two seconds, once', () => {
    const { publisher, pixels } = seen(2);
    pixels.fill(101);
    publisher.begin(50);
    publisher.see(5, pixels);
    expect(publisher.due().size).toBe(0);
    expect(publisher.collect(0)).toBeNull();
    publisher.begin(1_000);
    expect(publisher.due().size).toBe(0);
    publisher.begin(1_100);
    expect([...publisher.due()]).toEqual([5]);
    publisher.read(5, pixels);
    const frame = publisher.collect(0)!;
    expect(frame.updates).toMatchObject([{ key: 5, version: 8, base: 2 }]);
    expect(frame.bytes[13]).toBe(0);
    publisher.begin(9_000);
    expect(publisher.due().size).toBe(0);
  });

  test('is encoded as a keyframe once for all who ask, even if it has not moved', () => {
    const { publisher } = seen(2);
    publisher.requestKeyframes([5, 5]);
    publisher.requestKeyframes([5]);
    publisher.begin(50);
    expect(publisher.collect(0)?.updates).toMatchObject([{ key: 5, version: 2, base: 0 }]);
    publisher.begin(100);
    expect(publisher.collect(0)).toBeNull();
  });

  test('that moved comes as a delta, and as a keyframe of the same version for viewers that asked', () => {
    const { publisher, pixels } = seen(0);
    pixels.fill(3);
    publisher.begin(50);
    publisher.see(5, pixels);
    publisher.requestKeyframes([5]);
    expect(publisher.collect(0)?.updates).toMatchObject([
      { key: 5, version: 4, base: 2 },
      { key: 5, version: 4, base: 0 },
    ]);
  });

  test('of zeros costs a header and no pixels', () => {
    const publisher = new Publisher({ world: WORLD, epsilon: 2 });
    publisher.watch([1]);
    publisher.begin(0);
    publisher.see(1, new Uint8Array(PAGE_BYTES));
    const frame = publisher.collect(0)!;
    expect(frame.bytes.length).toBe(18);
    const client = new Mirror(WORLD);
    client.apply(wire(frame));
    expect(pagesEqual(client.pages.get(1)!.pixels, new Uint8Array(PAGE_BYTES))).toBe(true);
  });

  test('that is not watched any more is not published', () => {
    const { publisher, pixels } = seen(2);
    publisher.unwatch([5]);
    publisher.begin(9_999);
    publisher.see(5, pixels.fill(1));
    expect(publisher.due().size).toBe(0);
    expect(publisher.collect(0)).toBeNull();
    // A viewer that asked waits for a frame, even one without updates.
    publisher.requestKeyframes([5]);
    expect(publisher.collect(0)?.updates).toEqual([]);
    expect(publisher.collect(0)).toBeNull();
  });
});

test('a cell is in view while a page that shows it is watched, in any lane, up to the level that is asked for', () => {
  const publisher = new Publisher({ world: WORLD, epsilon: 2 });
  expect(publisher.isInView(200, 70, 2)).toBe(false);
  // Level 0: pages of 64 cells, four per row.
  publisher.watch([pageKey(0, 7, Lane.coarse)]);
  expect(publisher.isInView(200, 70, 2)).toBe(true);
  expect(publisher.isInView(200, 130, 2)).toBe(false);
  publisher.unwatch([pageKey(0, 7, Lane.coarse)]);
  expect(publisher.isInView(200, 70, 2)).toBe(false);
  // Level 1: pages of 128 cells, two per row.
  publisher.watch([pageKey(1, 3)]);
  expect(publisher.isInView(200, 130, 2)).toBe(true);
  expect(publisher.isInView(200, 130, 0)).toBe(false);
  expect(publisher.isInView(120, 130, 2)).toBe(false);
});
